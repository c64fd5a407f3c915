import { action } from "./action.js";
import { chooser } from "./choice.js";
import { element } from "./dom.js";
import { chosen, paceOf, saving } from "./offer.js";
import { price } from "./price.js";

/** @typedef {import("./config.js").Plan} Plan */

/**
 * The plans on offer, each with its button, and what there is to choose about them.
 * @param {Plan[]} plans
 * @param {object} options
 * @param {(plan: Plan) => Promise<unknown>} options.subscribe the plan in the currency that was chosen
 * @param {boolean} [options.trial] whether a trial may be offered
 * @param {string} [options.wanted] key of the plan that was asked for before
 * @param {string} [options.currency] what they paid in before
 * @returns {(HTMLElement | false)[]}
 */
export function planList(plans, { subscribe, trial = true, wanted, currency }) {
  const asked = plans.find(({ key }) => key === wanted);
  const list = element("ul", { class: "plans", role: "list" });
  const fill = (/** @type {import("./offer.js").Choice} */ choice) =>
    list.replaceChildren(...chosen(plans, choice).map((plan, index) => card(plan, index)));
  const { node, choice } = chooser(plans, { changed: fill, pace: asked && paceOf(asked), currency });

  /** @param {Plan} plan @param {number} index */
  function card(plan, index) {
    const heading = `plan-${index}`;
    const saved = saving(plan, plans);
    return element("li", { class: "card plan", "data-plan": plan.key ?? "" },
      element("div", { class: "plan-head" },
        element("h2", { id: heading }, plan.name),
        trial && !!plan.trial_days && element("span", { class: "badge" }, `${plan.trial_days} days free`)),
      element("p", { class: "muted" }, plan.description),
      features(plan),
      element("div", { class: "cost" }, price(plan), saved && element("p", { class: "saving" }, saved.text)),
      action({ label: "Subscribe", progress: "Opening checkout…", describedBy: heading, run: () => subscribe(plan) }));
  }

  fill(choice);
  return [node, list];
}

/** What a plan holds. @param {Plan} plan */
export function features({ marketing_features: texts = [] }) {
  return texts.length > 0 && element("ul", { class: "features", role: "list" }, ...texts.map((text) => element("li", {}, text)));
}
