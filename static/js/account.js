import { day, money } from "./format.js";

/** What a person's subscription means, in words. Put your own words here. */

/**
 * @typedef {object} Summary
 * @property {string} title
 * @property {string} text
 * @property {string} label the status, short
 * @property {"good" | "warning" | "off"} tone
 * @property {{ label: string, at: number | null }} [date] the date that matters most, in Unix seconds
 * @property {boolean} [check] whether asking Stripe again may help
 */

/** No subscription can follow these: a new one may begin. */
const ENDED = ["canceled", "incomplete_expired"];

/** @param {import("./api.js").Account} account */
export function mayStart({ subscription }) {
  return !subscription || ENDED.includes(subscription.status);
}

/**
 * An account with what only the offer says of its plan: whether tax comes on top.
 * @param {import("./api.js").Account} account
 * @param {import("./config.js").Plan[]} plans
 * @returns {import("./api.js").Account}
 */
export function withTax(account, plans) {
  const { subscription } = account;
  if (!subscription?.plan) return account;
  const tax_behavior = plans.find(({ key }) => key === subscription.plan?.key)?.tax_behavior;
  return { ...account, subscription: { ...subscription, plan: { tax_behavior, ...subscription.plan } } };
}

/**
 * @param {import("./api.js").Account} account with a subscription
 * @returns {Summary}
 */
export function summary({ access, subscription }) {
  const { current_period_end = null, cancel_at = null, trial_end = null, plan, quantity = 1 } = subscription ?? {};
  const until = { label: "Access until", at: access.until };
  const ends = { label: "Ends on", at: cancel_at ?? access.until };
  const name = plan?.name ?? "your plan";
  switch (access.reason) {
    case "active":
      return { title: "You’re all set.", text: `Everything in ${name} is yours.`, label: "Active", tone: "good",
        date: cancel_at ? ends : { label: "Renews on", at: current_period_end } };
    case "trialing":
      return cancel_at
        ? { title: "Enjoy your trial.", text: "It ends by itself. You will not be charged.", label: "Trial", tone: "good", date: ends }
        : { title: "Enjoy your trial.", text: `${firstPayment(plan, quantity)} is due when it ends.`, label: "Trial", tone: "good",
            date: { label: "Trial ends on", at: trial_end } };
    case "ending":
      return { title: "Your plan is ending.", text: "It will not renew. Until then, everything stays as it is.", label: "Ending", tone: "warning", date: ends };
    case "awaiting_payment":
      return { title: "Your payment is on its way.", text: "The renewal is being processed. There is nothing you need to do.",
        label: "Processing", tone: "good", date: until, check: true };
    case "past_due":
      return access.granted
        ? { title: "You still have access.", text: "Pay what is open, and it stays that way.", label: "Payment overdue", tone: "warning", date: until, check: true }
        : { title: "Your access is off.", text: "It comes back at once when your payment goes through.", label: "Payment overdue", tone: "off", check: true };
    case "unpaid":
      return { title: "Your access is off.", text: "It comes back at once when your payment goes through.", label: "Unpaid", tone: "off", check: true };
    case "paused":
      return { title: "Your plan is paused.", text: "Your access is off, and you are not being charged.", label: "Paused", tone: "off", check: true };
    case "incomplete":
      return { title: "One step is missing.", text: "Unpaid, this ends by itself within a day, and you can start again.",
        label: "Payment incomplete", tone: "off", check: true };
    case "refunded":
      return { title: "Your access has ended.", text: "Your money went back to you.", label: "Refunded", tone: "off", check: true };
    case "disputed":
      return { title: "Your access is on hold.", text: "A payment has to be settled first.", label: "Disputed", tone: "off", check: true };
    case "lapsed":
      return { title: "Your access has ended.", text: "We have not seen your latest payment. If you made it, check again.",
        label: "Lapsed", tone: "off", date: { label: "Ended on", at: access.until }, check: true };
    case "canceled":
      return { title: "Welcome back.", text: "Your plan has ended. Pick one to start again.", label: "Ended", tone: "off" };
    case "not_in_catalogue":
      return { title: "Your plan has moved on.", text: "It is no longer on offer and gives no access here. Write to us, and we will sort it out.",
        label: "Not on offer", tone: "off" };
    default:
      return access.granted
        ? { title: "You’re all set.", text: `Everything in ${name} is yours.`, label: "Active", tone: "good", date: until }
        : { title: "Your plan is not active.", text: "If you have just paid, check again.", label: "Not active", tone: "off", check: true };
  }
}

/**
 * @param {import("./config.js").Plan | null | undefined} plan
 * @param {number} quantity
 */
function firstPayment(plan, quantity) {
  if (!plan?.amount) return "Your first payment";
  return `Your first payment, ${money(plan.amount * quantity, plan.currency)}${plan.tax_behavior === "exclusive" ? " plus tax" : ""},`;
}

/**
 * Until when they have what they paid for, when it is canceled now: “until November 23, 2026”.
 * @param {import("./api.js").Account} account
 */
export function keptUntil({ access, subscription }) {
  const at = subscription?.cancel_at ?? (access.reason === "trialing" ? subscription?.trial_end : subscription?.current_period_end);
  return at ? `until ${day(at)}` : "until it ends";
}
