import { defineConfig } from "@playwright/test";

const args = ["--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-sandbox"];

export default defineConfig({
  outputDir: "test-results",
  reporter: "list",
  workers: 2,
  retries: 0,
  forbidOnly: !!process.env.CI,
  timeout: 60_000,
  expect: { timeout: 15_000 },
  use: {
    locale: "en-US",
    timezoneId: "UTC",
    viewport: { width: 1280, height: 860 },
    launchOptions: { executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args },
  },
  // The pictures for the documents are taken on purpose only: PICTURES=1 npx playwright test
  testMatch: process.env.PICTURES ? ["pictures.js", "life.spec.js", "states.spec.js"] : "*.spec.js",
});
