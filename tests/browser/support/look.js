import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { AxeBuilder } from "@axe-core/playwright";
import { expect } from "@playwright/test";

const DIRECTORY = new URL("../test-results/pictures/", import.meta.url).pathname;
const DOCS = new URL("../../../docs/images/states/", import.meta.url).pathname;

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
    const excess = await page.evaluate(() => Math.max(...[document.documentElement, ...document.querySelectorAll("dialog")].map((it) => it.scrollWidth - it.clientWidth)));
    expect(excess, `horizontal scroll, ${variant}`).toBe(0);
    await page.screenshot({ path: `${DIRECTORY}${name}-${variant}.png`, fullPage: true });
  }
  await page.setViewportSize(wide);
}

/**
 * Looks at a state that docs/STATES.md shows. Its pictures there are taken on purpose only: PICTURES=1
 * @param {import("@playwright/test").Page} page
 * @param {string} name
 */
export async function show(page, name) {
  await look(page, name);
  if (!process.env.PICTURES) return;
  const wide = page.viewportSize() ?? { width: 1280, height: 860 };
  // What a dialog is over says nothing.
  const fullPage = (await page.getByRole("dialog").count()) === 0;
  for (const [variant, colorScheme, size] of /** @type {const} */ ([
    ["light", "light", { width: 1000, height: 680 }], ["dark", "dark", { width: 1000, height: 680 }], ["320", "light", { width: 320, height: 680 }],
  ])) {
    await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
    await page.setViewportSize(size);
    await picture(page, `${DOCS}${name}-${variant}.png`, { fullPage });
  }
  await page.emulateMedia({ colorScheme: "light" });
  await page.setViewportSize(wide);
}

/**
 * Takes a picture for the documents. 256 colors are enough, and a third of the size: Debian's pngquant sees to that.
 * @param {import("@playwright/test").Page} page
 * @param {string} path
 * @param {import("@playwright/test").PageScreenshotOptions} [options]
 */
export async function picture(page, path, options) {
  await page.screenshot({ path, ...options });
  await promisify(execFile)("pngquant", ["--force", "--ext", ".png", "--speed", "1", "--strip", path]);
}

/** @param {import("@playwright/test").Page} page */
export async function accessible(page) {
  const { violations } = await new AxeBuilder({ page }).analyze();
  expect(violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html).join(" ")}`)).toEqual([]);
}
