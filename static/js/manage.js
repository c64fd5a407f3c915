import { keptUntil, mayStart } from "./account.js";
import { askToCancel } from "./cancel-plan.js";
import { askToDelete } from "./delete-account.js";
import { element } from "./dom.js";
import { day } from "./format.js";
import { invoiceList } from "./invoices.js";
import { changePlan, otherPlans } from "./switch-plan.js";

/** @typedef {import("./desk.js").Desk} Desk */

/**
 * What can be done about a plan and an account: quiet rows, each with its button.
 * @param {Desk} desk
 * @param {{ fixing?: boolean }} [options] `fixing`: the banner above has the button for the card already
 */
export function manage(desk, { fixing = false } = {}) {
  const { account } = desk;
  const goesOn = !mayStart(account);
  const known = !!account.subscription || !!account.synced_at;
  return element("section", { class: "manage", "aria-labelledby": "manage-title" },
    element("h2", { id: "manage-title" }, goesOn ? "Manage" : "Your account"),
    element("div", { class: "rows" },
      maySwitch(desk) && row("Plan", "Another plan, or another way to pay for it.", opener("Change plan", () => changePlan(desk))),
      goesOn && renewal(desk),
      goesOn && !fixing && row("Card", "Kept at Stripe, where you can change it.", desk.portal("Update card", { flow: "payment_method", kind: "quiet" })),
      known && row("Billing details", "Your name, address and cards, at Stripe.", desk.portal("Open Stripe", { kind: "quiet" })),
      known && invoiceList(desk),
      row("Account", desk.email || "Your sign-in and everything about you.", opener("Delete account", () => askToDelete(desk)))));
}

/** Whether another plan can be had now: all is well, nothing is open, and it is not about to end. @param {Desk} desk */
function maySwitch(desk) {
  const { access, subscription } = desk.account;
  return access.granted && !!subscription && ["active", "trialing"].includes(subscription.status) && !subscription.cancel_at && !subscription.payment_url && otherPlans(desk).length > 0;
}

/** Cancel, or take that back. @param {Desk} desk */
function renewal(desk) {
  const { access, subscription } = desk.account;
  if (subscription?.status === "incomplete") return false;
  if (subscription?.cancel_at) {
    const keep = async () => desk.changed(await desk.api.resume(), { title: "Good to have you.", text: "Your plan goes on as before." });
    return row("Renewal", `Your plan ends on ${day(subscription.cancel_at)}.`, desk.action({ label: "Keep my plan", progress: "Resuming…", kind: "quiet", run: keep }));
  }
  const text = ["active", "trialing"].includes(access.reason) ? `If you cancel now, you keep your plan ${keptUntil(desk.account)}.` : "Cancel, and it does not renew.";
  return row("Renewal", text, opener("Cancel plan", () => askToCancel(desk)));
}

/**
 * @param {string} title
 * @param {string} text
 * @param {Node} control
 */
function row(title, text, control) {
  return element("div", { class: "row" }, element("div", {}, element("h3", {}, title), element("p", { class: "muted" }, text)), control);
}

/**
 * A button that opens a dialog.
 * @param {string} label
 * @param {() => void} open
 */
function opener(label, open) {
  return element("div", { class: "action" }, element("button", { type: "button", class: "button quiet", "aria-haspopup": "dialog", onclick: open }, label));
}
