import { element } from "./dom.js";
import { interval, money } from "./format.js";

/**
 * What a plan costs, and how often.
 * @param {import("./config.js").Plan} plan
 */
export function price({ amount, currency, interval: unit, interval_count, tax_behavior }, quantity = 1) {
  const tax = tax_behavior === "exclusive" ? " plus tax" : "";
  const text = amount ? money(amount * quantity, currency) : "Free";
  return element("p", { class: "price" },
    element("strong", { class: text.length > 8 ? "long" : "" }, text), " ",
    element("span", {}, amount ? interval(unit, interval_count) + tax : ""));
}
