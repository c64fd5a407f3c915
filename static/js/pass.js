import { element } from "./dom.js";
import { day } from "./format.js";
import { price } from "./price.js";

/**
 * The card of the plan a person has, in the shape of a toll pass.
 * @param {import("./api.js").Subscription} subscription
 * @param {import("./account.js").Summary} summary
 */
export function pass({ plan, quantity }, { label, tone, date }) {
  return element("section", { class: `pass ${tone}`, "aria-labelledby": "pass-name" },
    element("div", { class: "pass-head" },
      element("div", { class: "plan-head" },
        element("p", { class: "kicker" }, "Your plan"),
        element("p", { class: "status" }, label)),
      element("h2", { id: "pass-name" }, plan?.name ?? "Another plan"),
      element("p", {}, plan?.description ?? "")),
    element("dl", {},
      !!plan && plan.amount !== null && element("div", {}, element("dt", {}, "Price"), element("dd", {}, price(plan, quantity))),
      !!date?.at && element("div", {}, element("dt", {}, date.label), element("dd", {}, time(date.at)))));
}

/** @param {number} seconds since 1970 */
function time(seconds) {
  return element("time", { datetime: new Date(seconds * 1000).toISOString() }, day(seconds));
}
