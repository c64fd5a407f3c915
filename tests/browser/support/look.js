import { AxeBuilder } from "@axe-core/playwright";
import { expect } from "@playwright/test";

const DIRECTORY = new URL("../test-results/pictures/", import.meta.url).pathname;

/**
 * Looks at the page in light, in dark and at 320 px: nobody is shut out, nothing sticks out, and a picture is kept.
 * @param {import("@playwright/test").Page} page
 * @param {string} name
 */
export async function look(page, name) {
  const wide = page.viewportSize() ?? { width: 1280, height: 860 };
  for (const [variant, colorScheme, size] of /** @type {const} */ ([
    ["light", "light", wide], ["dark", "dark", wide], ["320", "light", { width: 320, height: 640 }],
  ])) {
    await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
    await page.setViewportSize(size);
    await accessible(page);
    const excess = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
    expect(excess, `horizontal scroll, ${variant}`).toBe(0);
    await page.screenshot({ path: `${DIRECTORY}${name}-${variant}.png`, fullPage: true });
  }
  await page.setViewportSize(wide);
}

/** @param {import("@playwright/test").Page} page */
export async function accessible(page) {
  const { violations } = await new AxeBuilder({ page }).analyze();
  expect(violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html).join(" ")}`)).toEqual([]);
}
