import { mayStart } from "./account.js";
import { element } from "./dom.js";
import { day } from "./format.js";
import { leaveFor } from "./leave.js";
import { explain } from "./problem.js";

/** @typedef {import("./api.js").Account} Account */
/** @typedef {import("./desk.js").Desk} Desk */

/**
 * What went wrong with a payment, in words. Put your own words here.
 * @param {Account} account
 * @returns {{ title: string, text: string } | null} `null` when all is well
 */
function words({ access, subscription }) {
  if (access.reason === "refunded") return { title: "Your payment was refunded.", text: `All of what you paid for this period went back to you. ${goesOn(subscription)}` };
  if (access.reason === "disputed") {
    return { title: "A payment is disputed.", text: "Your bank asked for a payment back. That has to be settled first. If it was a mistake, tell your bank, and write to us." };
  }
  switch (subscription?.status) {
    case "past_due":
      return { title: "Your payment failed.", text: "We could not charge your card, and will try again." };
    case "unpaid":
      return { title: "Your payment failed.", text: "We tried your card several times. Pay what is open, and your plan goes on." };
    case "incomplete":
      return { title: "Your first payment is not confirmed.", text: "Your bank may be waiting for you to approve it." };
    case "paused":
      return { title: "Your trial ended without a card.", text: "Add one, and your plan goes on. You will be charged then." };
    default:
      return null;
  }
}

/** @param {import("./api.js").Subscription | null} subscription */
function goesOn(subscription) {
  if (!subscription?.current_period_end || subscription.cancel_at) return "";
  return `Your plan goes on and renews on ${day(subscription.current_period_end)}. If you do not want that, cancel it below.`;
}

/** @param {Account} account */
function kept({ access }) {
  return access.granted && access.until ? ` You keep your access until ${day(access.until)}.` : "";
}

/**
 * The banner for a payment that failed, with the buttons that fix it.
 * @param {Desk} desk
 * @param {{ problem?: import("./problem.js").Problem, check?: Node | false }} options `problem`: they tried to fix it, and this came of it;
 *   `check`: the button that looks again
 */
export function trouble(desk, { problem, check }) {
  const told = mayStart(desk.account) ? null : words(desk.account);
  if (!told && !problem) return false;
  const { title, text } = problem ? explain(problem) : /** @type {{ title: string, text: string }} */ (told);
  return element("section", { class: "trouble", "aria-labelledby": "trouble-title" },
    element("div", { role: problem ? "alert" : "note" },
      element("h2", { id: "trouble-title" }, title),
      element("p", {}, text + kept(desk.account))),
    element("div", { class: "buttons" }, ...fixes(desk, problem), check));
}

/**
 * @param {Desk} desk
 * @param {import("./problem.js").Problem} [problem] it may know better than the account where the payment can be made good
 */
function fixes(desk, problem) {
  const { subscription, access } = desk.account;
  const payment = problem?.url || subscription?.payment_url;
  if (payment && problem?.code === "payment_action_required") return [desk.payment("Confirm payment", payment)];
  if (access.reason === "refunded" || access.reason === "disputed") return [];
  switch (subscription?.status) {
    case "incomplete":
      return [payment ? desk.payment("Confirm payment", payment) : confirmAtCheckout(desk)];
    case "paused":
      return [
        desk.portal("Add a card and go on", { flow: "payment_method" }),
        desk.action({ label: "Resume with my card", progress: "Resuming…", kind: "quiet", run: async () => desk.changed(await desk.api.resume()) }),
      ];
    default:
      return [desk.portal("Update card", { flow: "payment_method" }), payment && desk.payment("Pay now", payment, "quiet")];
  }
}

/** The session of a first payment is still open for a day. @param {Desk} desk */
function confirmAtCheckout(desk) {
  const run = async () => leaveFor((await desk.api.createCheckoutSession(desk.account.subscription?.plan?.key ?? "")).url);
  return desk.action({ label: "Confirm payment", progress: "Opening checkout…", run });
}
