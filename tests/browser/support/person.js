/** What a person does on the way to a plan, on the pages of the whole stack. */
import { randomUUID } from "node:crypto";
import { expect } from "@playwright/test";

export const PASSWORD = "Correct-Horse-Battery-9";

export const newEmail = () => `ada-${randomUUID().slice(0, 8)}@example.com`;

/** @param {import("@playwright/test").Page} page @param {string} email */
export async function signUp(page, email) {
  await page.goto("/");
  await page.getByRole("button", { name: "Sign up" }).click();
  await page.getByLabel("Email").fill(email);
  await page.getByLabel("Password").fill(PASSWORD);
  await page.getByRole("button", { name: "Sign up" }).click();
  await expect(page.getByRole("button", { name: "Sign out" })).toBeVisible();
}

/** @param {import("@playwright/test").Page} page @param {string} email */
export async function signIn(page, email) {
  await page.getByLabel("Email").fill(email);
  await page.getByLabel("Password").fill(PASSWORD);
  await page.getByRole("button", { name: "Sign in" }).click();
}

/** @param {import("@playwright/test").Page} page @param {{ name: string }} plan */
export async function openCheckout(page, plan) {
  await page.getByRole("listitem").filter({ has: page.getByRole("heading", { name: plan.name, exact: true }) }).getByRole("button", { name: "Subscribe" }).click();
  await expect(page.getByLabel("Card number")).toBeVisible();
}

/** @param {import("@playwright/test").Page} page */
export async function fillCard(page, number = "4242 4242 4242 4242") {
  await page.getByLabel("Card number").fill(number);
  await page.getByLabel("Expiration").fill("12 / 40");
  await page.getByLabel("CVC").fill("123");
  await page.getByLabel("Cardholder name").fill("Ada Lovelace");
}
