import { action } from "../js/action.js";
import { awayLink } from "../js/away.js";
import { element } from "../js/dom.js";
import { interval, money, moment } from "../js/format.js";
import { lineAddress } from "./address.js";
import { timeline } from "./timeline.js";
import { toneOf } from "./words.js";

/** @typedef {import("./api.js").Customer} Customer */
/** @typedef {import("./api.js").Decision} Decision */

/** What to call somebody: their email, if it is known. @param {Customer} customer */
export function nameOf({ sign_in, user }) {
  return sign_in.email ?? user;
}

/**
 * Everything about one customer.
 * @param {Customer} customer
 * @param {{ events: import("./api.js").Event[], next: string | null }} events
 * @param {object} can
 * @param {() => Promise<unknown>} can.reread
 * @param {(after: string) => Promise<{ events: import("./api.js").Event[], next: string | null }>} can.more earlier events
 */
export function customerPage(customer, events, { reread, more }) {
  const { decision, subscriptions, charges } = customer;
  return [
    state(customer),
    element("div", { class: "verdict" },
      element("section", { class: `decision ${toneOf(decision)}`, "aria-labelledby": "decision" },
        element("p", { class: "status" }, decision.granted ? "Access" : "No access"),
        element("h2", { id: "decision" }, verdict(decision)),
        element("p", {}, decision.sentence),
        lineOf(decision),
        rests(decision),
        customer.customer && element("div", { class: "buttons" },
          action({ label: "Re-read from Stripe", progress: "Reading Stripe…", run: reread }),
          awayLink("Open in Stripe", customer.customer.url, { kind: "button quiet" }))),
      element("section", { class: "facts", "aria-labelledby": "facts" },
        element("h2", { id: "facts", class: "unseen" }, "Who it is"),
        facts(customer))),
    section("Subscriptions",
      subscriptions.length === 0
        ? element("p", { class: "muted" }, customer.customer ? "None, not even one that has ended." : "They have never bought anything.")
        : element("ul", { class: "subscriptions", role: "list" }, ...subscriptions.map((it) => subscription(it, decision)))),
    charges.length > 0 && section("Money that went back", element("ul", { class: "charges", role: "list" }, ...charges.map(charge))),
    section("What Stripe told, and what that did", timeline(events, more)),
  ];
}

/** @param {string} title @param {Node} content */
function section(title, content) {
  return element("section", { class: "part" }, element("h2", {}, title), content);
}

/** What is to be known before anything else. @param {Customer} customer */
function state({ deleting, deleted_at, sign_in }) {
  const say = (/** @type {string} */ title, /** @type {string} */ text) => element("p", { class: "notice" }, element("strong", {}, title), " ", text);
  if (deleted_at) return say("This account is deleted.", `All of it was gone on ${moment(deleted_at)}.`);
  if (deleting) return say("This account is being deleted.", `They asked for it on ${moment(deleting)}. It goes on by itself until all is gone.`);
  if (sign_in.state === "silent") return say("The sign-in does not answer.", "So their email is not shown. What was decided does not rest on it.");
  if (sign_in.state === "unknown") return say("They cannot sign in.", "The user pool has nobody of this id.");
  return false;
}

/** @param {Decision} decision */
function verdict({ granted, until }) {
  if (granted) return until ? `Until ${moment(until)}` : "They have access";
  return until ? `Ended ${moment(until)}` : "They have no access";
}

/** @param {Decision} decision */
function lineOf({ line, reason }) {
  return element("p", { class: "line" }, "By the line ", element("a", { href: lineAddress(line) }, element("code", {}, line)), " of the policy. They read: ", element("code", {}, reason), ".");
}

/** @param {Decision} decision */
function rests({ subscription, features }) {
  if (!subscription) return false;
  const opens = features.length > 0 && ` It opens ${features.join(", ")}.`;
  return element("p", { class: "line" }, "It rests on ", element("code", {}, subscription), ".", opens || "");
}

/** @param {Customer} customer */
function facts({ user, sign_in, customer, listed_at, synced_at, trial_used, policy }) {
  const rows = [
    ["Email", sign_in.email ?? "—"],
    ["User", code(user)],
    ["Customer", customer ? code(customer.id) : "None yet"],
    listed_at && ["Customer since", time(listed_at)],
    customer && ["Stripe was read", synced_at ? time(synced_at) : "Not yet"],
    ["Free trial", trial_used ? "Used" : "Not used"],
    ["Slack, grace", `${duration(policy.slack_seconds)}, ${duration(policy.grace_seconds)}`],
  ].filter((row) => row);
  return definitions(/** @type {[string, Node | string][]} */ (rows));
}

/** @param {[string, Node | string][]} rows */
function definitions(rows) {
  return element("dl", {}, ...rows.map(([title, value]) => element("div", {}, element("dt", {}, title), element("dd", {}, value))));
}

/** @param {import("./api.js").Subscription} subscription @param {Decision} overall */
function subscription({ id, url, status, decision, items, cancel_at, trial_end, has_payment_method, latest_invoice, past_due_since }, overall) {
  const rows = [
    trial_end && ["Trial ends", time(trial_end)],
    cancel_at && ["Ends", time(cancel_at)],
    past_due_since && ["Due since", time(past_due_since)],
    latest_invoice && ["Latest invoice", element("span", {}, latest_invoice.status, ", ", time(latest_invoice.created))],
    ["To pay with", has_payment_method ? "A payment method" : "Nothing"],
  ].filter((row) => row);
  const alone = element("p", { class: "line" }, decision.granted ? "Gives access" : "Gives no access",
    " by ", element("a", { href: lineAddress(decision.line) }, element("code", {}, decision.line)), decision.granted && decision.until ? `, until ${moment(decision.until)}.` : ".");
  return element("li", { class: "card subscription" },
    element("div", { class: "plan-head" },
      element("h3", {}, code(id)),
      element("span", { class: "tags" }, id === overall.subscription && element("span", { class: "badge" }, "Decides"), element("span", { class: `chip ${toneOf(decision)}` }, status))),
    alone,
    element("ul", { class: "items", role: "list" }, ...items.map(item)),
    definitions(/** @type {[string, Node | string][]} */ (rows)),
    awayLink("Open in Stripe", url, { kind: "link" }));
}

/** @param {import("./api.js").Item} item */
function item({ name, product, price, plan, amount, currency, interval: unit, interval_count, quantity, period_start, period_end, grace_days }) {
  const cost = amount === null ? "" : `${money(amount * quantity, currency)} ${interval(unit, interval_count)}`;
  const many = quantity > 1 ? `${quantity} × ` : "";
  const grace = grace_days === null ? "" : ` Grace of ${grace_days} days.`;
  return element("li", {},
    element("span", {}, element("b", {}, `${many}${name ?? "Not ours"}`), " ", cost),
    element("small", {}, code(plan ?? price), name === null && element("span", {}, " ", code(product)), ` ${moment(period_start)} to ${moment(period_end)}.${grace}`));
}

/** @param {import("./api.js").Charge} charge */
function charge({ id, amount, amount_refunded, currency, disputes }) {
  const refunded = amount_refunded > 0 && `${money(amount_refunded, currency)} of ${money(amount, currency)} refunded. `;
  const disputed = disputes.map(({ status, amount: sum }) => `${money(sum, currency)} disputed: ${status}.`).join(" ");
  return element("li", {}, code(id), ` ${refunded || ""}${disputed}`);
}

/** @param {string} text */
function code(text) {
  return element("code", { class: "id" }, text);
}

/** @param {number} seconds since 1970 */
function time(seconds) {
  return element("time", { datetime: new Date(seconds * 1000).toISOString() }, moment(seconds));
}

/** “1 day”, “36 hours”. @param {number} seconds */
function duration(seconds) {
  const hours = seconds / 3600;
  const [count, unit] = hours % 24 === 0 ? [hours / 24, "day"] : [hours, "hour"];
  return new Intl.NumberFormat(undefined, { style: "unit", unit, unitDisplay: "long" }).format(count);
}
