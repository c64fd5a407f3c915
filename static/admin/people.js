import { action } from "../js/action.js";
import { announce, element } from "../js/dom.js";
import { interval, money, shortDay } from "../js/format.js";
import { addressOf } from "./address.js";
import { toneOf } from "./words.js";

/** @typedef {import("./api.js").Row} Row */

/**
 * A list of people, each of whom leads to their page.
 * @param {{ users: Row[], next: string | null }} first the first page
 * @param {{ open: (event: Event, href: string) => void, more?: (after: string) => Promise<{ users: Row[], next: string | null }> }} options
 */
export function people(first, { open, more }) {
  const list = element("ul", { class: "people", role: "list" });
  const control = element("div", { class: "more" });

  /** @param {{ users: Row[], next: string | null }} page */
  function add({ users, next }) {
    const rows = users.map((row) => rowOf(row, open));
    list.append(...rows);
    control.replaceChildren(...(next && more ? [button(more, next)] : []));
    return rows;
  }

  /** @param {(after: string) => Promise<{ users: Row[], next: string | null }>} fetch @param {string} after */
  function button(fetch, after) {
    return action({
      label: "Show more", progress: "Loading…", kind: "quiet",
      run: async () => {
        const rows = add(await fetch(after));
        announce(`${list.childElementCount} customers are shown.`);
        // The button that had the focus is gone.
        rows[0]?.querySelector("a")?.focus();
      },
    });
  }

  add(first);
  const head = ["Customer", "Plan", "Decision", "Until"].map((title) => element("span", {}, title));
  return element("div", {}, element("p", { class: "people-head", "aria-hidden": "true" }, ...head), list, control);
}

/** @param {Row} row @param {(event: Event, href: string) => void} open */
function rowOf({ user, customer, access, plan, deleting }, open) {
  const href = addressOf(user);
  return element("li", {},
    element("a", { class: "person", href, onclick: (event) => open(event, href) },
      element("span", { class: "ids" }, element("b", {}, customer ?? "No customer yet"), element("small", {}, user)),
      element("span", { class: "what" }, plan ? plan.name : "—", plan && element("small", {}, priceOf(plan))),
      access
        ? element("span", { class: "why" }, element("span", { class: `chip ${toneOf(access)}` }, access.granted ? "Access" : "No access"), element("code", {}, access.line))
        : element("span", { class: "why" }, element("span", { class: "chip warning" }, "Not understood")),
      element("span", { class: "until" }, deleting ? "Being deleted" : access?.granted && access.until ? shortDay(access.until) : "—")));
}

/** @param {import("../js/config.js").Plan} plan */
function priceOf({ amount, currency, interval: unit, interval_count }) {
  return amount === null ? "" : `${money(amount, currency)} ${interval(unit, interval_count)}`;
}
