/** Takes the pictures for the README: PICTURES=1 npx playwright test */
import { picture } from "./support/look.js";
import { subscriber, test as onStripe } from "./support/stripe.js";
import { AT, account, expect, offer, test } from "./support/mock.js";

const IMAGES = new URL("../../docs/images/", import.meta.url).pathname;

/** What `cargo dev` has on offer. */
const FEATURES = { Starter: ["One project", "10 GB of storage", "Support by email"], Pro: ["As many projects as you like", "1 TB of storage", "An answer within a day"] };
const ON_OFFER = offer.map((plan) => ({ ...plan, marketing_features: FEATURES[plan.name], tax_behavior: "unspecified" }));
const MONTH = 30 * 86_400;

test.use({ viewport: { width: 1200, height: 960 } });

for (const colorScheme of /** @type {const} */ (["light", "dark"])) {
  test(`the plans and a subscription, ${colorScheme}`, async ({ page, mock, signedIn }) => {
    await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
    mock.config.plans = ON_OFFER;
    await page.goto("/");
    await expect(page.getByRole("button", { name: "Subscribe" })).toHaveCount(2);
    await picture(page, `${IMAGES}page-${colorScheme}.png`);

    await signedIn();
    mock.account = account({ plan: ON_OFFER[0], current_period_end: AT + MONTH });
    await page.setViewportSize({ width: 1200, height: 940 });
    await page.goto("/");
    await expect(page.getByText("Renews on")).toBeVisible();
    await picture(page, `${IMAGES}subscribed-${colorScheme}.png`);
  });
}

onStripe("a customer on the Stripe stand-in's dashboard", async ({ page, api }) => {
  await page.emulateMedia({ colorScheme: "light", reducedMotion: "reduce" });
  await page.setViewportSize({ width: 1100, height: 720 });
  const { customer } = await subscriber(api);
  await page.goto(`/customers/${customer}`);
  await page.getByRole("button", { name: "Advance one month" }).click();
  await page.getByRole("button", { name: "Fail the next payment" }).click();
  await page.getByRole("button", { name: "Advance one month" }).click();
  await expect(page.getByText("past_due").first()).toBeVisible();
  await picture(page, `${IMAGES}stripe-dashboard.png`);
});
