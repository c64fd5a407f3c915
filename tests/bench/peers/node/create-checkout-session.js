// `POST /api/create-checkout-session` of a user who has an open session for this plan. Making one is no part of the comparison.
import { bodyOf, caller, json, Problem, serveApi } from "./api.js";
import { stripeClient } from "./payments.js";
import { stripeKey } from "./secrets.js";
import { catalogue, userRecord } from "./table.js";

/** What a browser may send: 10 kB. */
const MAX_BODY = 10_000;

start();

async function start() {
  const stripe = stripeClient(await stripeKey());
  await serveApi((event, span) => handle(stripe, event, span));
}

async function handle(stripe, event, span) {
  const user = caller(event, span);
  const order = JSON.parse(bodyOf(event, MAX_BODY));
  const [record, { plans }] = await Promise.all([userRecord(user), catalogue()]);
  const plan = plans.find(({ key }) => key === order.plan);
  if (!plan) throw new Problem(400, "Bad Request", "unknown_plan", "There is no such plan on offer. GET /api/config lists them.");
  if (record.snapshot.subscriptions.some(({ status }) => status !== "canceled" && status !== "incomplete_expired")) {
    throw new Problem(409, "Conflict", "already_subscribed", "You have a subscription already.");
  }
  const { customer, checkout } = record;
  const serves = checkout?.plan === plan.key && checkout.price === plan.price && checkout.session;
  if (!customer || !serves) throw new Error("no part of the comparison");

  const { status, url } = await stripe.checkout.sessions.retrieve(checkout.session);
  if (status !== "open" || !url) throw new Error("no part of the comparison");
  return json({ url });
}
