import { bill } from "./bill.js";
import { chooser } from "./choice.js";
import { openDialog } from "./dialog.js";
import { element } from "./dom.js";
import { money } from "./format.js";
import { chosen, inCurrency, paceOf, saving } from "./offer.js";
import { features } from "./plans.js";
import { price } from "./price.js";
import { explain, Problem } from "./problem.js";
import { notice } from "./view.js";

/** @typedef {import("./config.js").Plan} Plan */
/** @typedef {import("./desk.js").Desk} Desk */

/** What they could switch to: plans that are sold in the currency they pay in. @param {Desk} desk */
export function otherPlans(desk) {
  return inTheirCurrency(desk).filter(({ key }) => key !== desk.account.subscription?.plan?.key);
}

/** @param {Desk} desk */
function inTheirCurrency({ config, account }) {
  const currency = account.subscription?.plan?.currency ?? "";
  return config.plans.map((plan) => inCurrency(plan, currency)).filter((plan) => plan.currency === currency);
}

/** Changes the plan in two steps: which one, and what it costs. @param {Desk} desk */
export function changePlan(desk) {
  const dialog = openDialog();
  const { plan: current, quantity = 1 } = desk.account.subscription ?? {};
  const plans = inTheirCurrency(desk);
  choose();

  /** @param {string} [pace] that was looked at before */
  function choose(pace = current ? paceOf(current) : undefined) {
    const list = element("ul", { class: "options", role: "list" });
    const fill = (/** @type {import("./offer.js").Choice} */ choice) => list.replaceChildren(...chosen(plans, choice).map(option));
    const { node, choice } = chooser(plans, { changed: fill, pace, currency: current?.currency, fixed: true });
    fill(choice);
    dialog.show("Change plan", node || null, list);
  }

  /** @param {Plan} plan @param {number} index */
  function option(plan, index) {
    const name = `option-${index}`;
    const saved = saving(plan, plans);
    const theirs = plan.key === current?.key;
    return element("li", { class: "option" },
      element("div", {},
        element("div", { class: "plan-head" }, element("h3", { id: name }, plan.name), saved && element("p", { class: "saving" }, saved.text)),
        price(plan, quantity),
        features(plan)),
      theirs
        ? element("p", { class: "badge" }, "Your plan")
        : desk.action({ label: "Choose", progress: "Asking…", kind: "quiet", describedBy: name, run: () => look(plan) }));
  }

  /** @param {Plan} plan @param {Problem} [problem] why it is looked at again */
  async function look(plan, problem) {
    confirm(await desk.api.preview(plan.key ?? ""), plan, problem);
  }

  /** @param {import("./api.js").Preview} preview @param {Plan} plan @param {Problem} [problem] */
  function confirm(preview, plan, problem) {
    const { amount_due, currency } = preview.now;
    const label = amount_due > 0 ? `Pay ${money(amount_due, currency)} and switch` : "Switch now";
    dialog.show(`Switch to ${plan.name}`,
      problem && notice(explain(problem)),
      element("div", { class: "from-to" },
        current?.amount !== null && current && price(current, quantity),
        element("span", { "aria-hidden": "true" }, "→"),
        element("span", { class: "unseen" }, "becomes"),
        price(plan, quantity)),
      bill(preview),
      element("div", { class: "buttons" },
        desk.action({ label, progress: "Switching…", retry: label, run: () => switchPlan(preview, plan) }),
        element("button", { type: "button", class: "button quiet", onclick: () => choose(paceOf(plan)) }, "Back")));
  }

  /** @param {import("./api.js").Preview} preview @param {Plan} plan */
  async function switchPlan(preview, plan) {
    try {
      const account = await desk.api.switchPlan(preview);
      desk.changed(account, { title: `Welcome to ${plan.name}.`, text: "Your new plan is yours from now on." });
    } catch (error) {
      const problem = Problem.from(error);
      if (problem.code !== "preview_expired") throw problem;
      await look(plan, problem);
    }
  }
}
