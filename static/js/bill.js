import { element } from "./dom.js";
import { day, money } from "./format.js";

/** How long a price holds. The server counts for itself; a clock here that is wrong must not promise more. */
const HOLDS_MINUTES = 10;

/**
 * What a switch costs: now, line by line, and later.
 * @param {import("./api.js").Preview} preview
 */
export function bill({ now, later, expires_at }) {
  const { lines, amount_due, credit, currency } = now;
  const rest = amount_due - credit - lines.reduce((sum, line) => sum + line.amount, 0);
  return element("div", { class: "bill" },
    element("table", {},
      element("caption", { class: "unseen" }, "What is due now"),
      element("tbody", {},
        ...lines.map((line) => entry(line.description, money(line.amount, currency))),
        rest !== 0 && entry("Tax, discounts and credit", money(rest, currency))),
      element("tfoot", {},
        entry("Due now", money(amount_due, currency)),
        credit > 0 && entry("Kept for your next invoices", money(credit, currency)))),
    later && element("p", {}, "Then ", element("strong", {}, money(later.amount, currency)), ` on ${day(later.at)}.`),
    element("p", { class: "muted" }, validity(expires_at)));
}

/**
 * @param {string} label
 * @param {string} amount
 */
function entry(label, amount) {
  return element("tr", {}, element("th", { scope: "row" }, label), element("td", {}, amount));
}

/** How much longer the price holds; it keeps itself up to date, without a word to those who listen. @param {number} expiresAt */
function validity(expiresAt) {
  const expires = Math.min(expiresAt * 1000, Date.now() + HOLDS_MINUTES * 60_000);
  const node = element("span", {});
  const update = () => {
    const minutes = Math.ceil((expires - Date.now()) / 60_000);
    node.textContent = minutes > 0
      ? `This price is valid for ${minutes} ${minutes === 1 ? "minute" : "minutes"}.`
      : "This price has expired. You will see the new one before you pay.";
    if (minutes > 0) setTimeout(() => node.isConnected && update(), expires - (minutes - 1) * 60_000 - Date.now());
  };
  update();
  return node;
}
