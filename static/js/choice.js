import { currencyFor } from "./currencies.js";
import { announce, element } from "./dom.js";
import { paceName } from "./format.js";
import { currencies, paces, savingAt } from "./offer.js";

/** @typedef {import("./config.js").Plan} Plan */
/** @typedef {import("./offer.js").Choice} Choice */

const REMEMBERED = "tollgate.choice";
let groups = 0;

/**
 * Lets a person choose how often and in which currency to pay, as far as there is a choice, and remembers it.
 * @param {Plan[]} plans
 * @param {{ changed: (choice: Choice) => void, pace?: string, currency?: string, fixed?: boolean }} options `pace` and `currency` to begin
 *   with; `fixed`: they pay in that currency already, and cannot in another
 * @returns {{ node: HTMLElement | false, choice: Choice }}
 */
export function chooser(plans, { changed, pace, currency, fixed = false }) {
  const before = remembered();
  const everyPace = paces(plans);
  const everyCurrency = fixed && currency ? [currency] : currencies(plans);
  const choice = {
    pace: pick(everyPace.map((it) => it.pace), pace, before.pace) ?? everyPace[0]?.pace ?? "",
    currency: pick(everyCurrency, currency, before.currency) ?? currencyFor(everyCurrency) ?? "",
  };
  const choose = (/** @type {Partial<Choice>} */ change) => {
    Object.assign(choice, change);
    localStorage.setItem(REMEMBERED, JSON.stringify({ ...remembered(), ...change }));
    changed(choice);
  };
  const parts = [
    everyPace.length > 1 && paceSwitch(plans, everyPace, choice, choose),
    everyCurrency.length > 1 && currencySelect(everyCurrency, choice, choose),
  ];
  return { node: parts.some(Boolean) && element("div", { class: "choices" }, ...parts), choice };
}

/**
 * @param {Plan[]} plans
 * @param {{ pace: string, plan: Plan }[]} offered
 * @param {Choice} choice
 * @param {(change: Partial<Choice>) => void} choose
 */
function paceSwitch(plans, offered, choice, choose) {
  const name = `pace-${(groups += 1)}`;
  return element("fieldset", { class: "switch" },
    element("legend", { class: "unseen" }, "How often to pay"),
    ...offered.map(({ pace, plan }) => {
      const words = paceName(plan.interval, plan.interval_count);
      const saved = savingAt(pace, plans, choice.currency);
      const pick = () => {
        choose({ pace });
        announce(`${words} prices are shown.`);
      };
      return element("label", {},
        element("input", { type: "radio", name, value: pace, checked: pace === choice.pace, onchange: pick }),
        element("span", {}, words),
        saved && element("small", {}, saved));
    }));
}

/**
 * @param {string[]} offered
 * @param {Choice} choice
 * @param {(change: Partial<Choice>) => void} choose
 */
function currencySelect(offered, choice, choose) {
  const names = new Intl.DisplayNames(undefined, { type: "currency" });
  const options = offered.map((currency) =>
    element("option", { value: currency, selected: currency === choice.currency }, `${currency.toUpperCase()}, ${names.of(currency.toUpperCase())}`));
  const select = element("select", { "aria-label": "Currency", onchange: () => choose({ currency: /** @type {HTMLSelectElement} */ (select).value }) }, ...options);
  return element("span", { class: "select" }, select);
}

/** The first that is offered. @param {string[]} offered @param {...(string | undefined)} wanted */
function pick(offered, ...wanted) {
  return wanted.find((it) => it !== undefined && offered.includes(it));
}

/** @returns {Partial<Choice>} */
function remembered() {
  try {
    return JSON.parse(localStorage.getItem(REMEMBERED) ?? "{}") ?? {};
  } catch {
    return {};
  }
}
