import { action } from "./action.js";
import { element } from "./dom.js";
import { interval, money } from "./format.js";

/** @typedef {import("./config.js").Plan} Plan */

/**
 * The plans on offer, each with its button.
 * @param {Plan[]} plans
 * @param {{ subscribe: (plan: Plan) => Promise<unknown>, trial?: boolean }} options `trial`: whether a trial may be offered
 */
export function planList(plans, { subscribe, trial = true }) {
  return element("ul", { class: "plans", role: "list" }, ...plans.map((plan, index) => {
    const heading = `plan-${index}`;
    return element("li", { class: "card plan", "data-plan": plan.key ?? "" },
      element("div", { class: "plan-head" },
        element("h2", { id: heading }, plan.name),
        trial && !!plan.trial_days && element("span", { class: "badge" }, `${plan.trial_days} days free`)),
      element("p", { class: "muted" }, plan.description),
      price(plan),
      action({ label: "Subscribe", progress: "Opening checkout…", describedBy: heading, run: () => subscribe(plan) }));
  }));
}

/** @param {Plan} plan */
export function price({ amount, currency, interval: unit, interval_count }, quantity = 1) {
  return element("p", { class: "price" },
    element("strong", {}, amount ? money(amount * quantity, currency) : "Free"), " ",
    element("span", {}, amount ? interval(unit, interval_count) : ""));
}
