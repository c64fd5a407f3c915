import { spawn } from "node:child_process";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { test as base } from "@playwright/test";
import { BINARY } from "./stack.js";

const KEY = "sk_test_local";

/** Starts the Stripe stand-in alone, on a free port and with nothing in it but two plans. */
async function startStripe() {
  const { PATH, HOME, STRIPE_RECORD } = process.env;
  const env = Object.fromEntries(Object.entries({ PATH, HOME, STRIPE_RECORD }).filter(([, value]) => value));
  const child = spawn(join(dirname(BINARY), "local-stripe"), ["--port", "0", "--seed", "tests"], { env, stdio: ["ignore", "pipe", "inherit"] });
  const ended = new Promise((resolve) => child.once("exit", resolve));
  const lines = createInterface({ input: child.stdout });
  const first = await Promise.race([new Promise((resolve) => lines.once("line", resolve)), ended]);
  if (typeof first !== "string") throw new Error("The Stripe stand-in did not start.");
  return { url: first.split(/\s+/).at(-1), stop: async () => { child.kill("SIGTERM"); await ended; } };
}

/** Tests of the stand-in's own pages: `api(path, form)` is Stripe's API. */
export const test = base.extend({
  stripe: [async ({}, use) => {
    const stripe = await startStripe();
    await use(stripe);
    await stripe.stop();
  }, { scope: "worker" }],
  baseURL: async ({ stripe }, use) => use(stripe.url),
  api: async ({ request }, use) => use(async (path, form) => {
    const options = { headers: { authorization: `Bearer ${KEY}` } };
    const response = form ? await request.post(`/v1/${path}`, { ...options, form }) : await request.get(`/v1/${path}`, options);
    const body = await response.json();
    if (!response.ok()) throw new Error(`${path}: ${body.error.message}`);
    return body;
  }),
});

/** A customer who pays 9 dollars a month for Starter. */
export async function subscriber(api, card = "pm_card_visa") {
  const { data: [price] } = await api("prices?lookup_keys[]=starter-monthly");
  const customer = await api("customers", { email: "ada@example.com", name: "Ada Lovelace", payment_method: card, "invoice_settings[default_payment_method]": card });
  const subscription = await api("subscriptions", { customer: customer.id, "items[0][price]": price.id });
  return { customer: customer.id, subscription: subscription.id };
}
