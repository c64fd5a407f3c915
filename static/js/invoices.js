import { awayLink } from "./away.js";
import { announce, element } from "./dom.js";
import { money, shortDay } from "./format.js";

/** @typedef {import("./api.js").Invoice} Invoice */

const STATUS = {
  paid: { label: "Paid", tone: "good" },
  open: { label: "Open", tone: "warning" },
  uncollectible: { label: "Not collected", tone: "off" },
  void: { label: "Void", tone: "off" },
};

/** The row of the invoices: they are fetched when they are asked for. @param {import("./desk.js").Desk} desk */
export function invoiceList(desk) {
  const list = element("ul", { class: "invoices", role: "list" });
  const control = element("div", {});
  let last = "";

  async function load() {
    const first = last === "";
    const { invoices, more } = await desk.api.invoices(last || undefined);
    const items = invoices.map(item);
    list.append(...items);
    last = invoices.at(-1)?.id ?? last;
    announce(list.childElementCount ? `${list.childElementCount} invoices are shown.` : "There are no invoices yet.");
    control.replaceChildren(...(more ? [button("Show more")] : list.childElementCount ? [] : [element("p", { class: "muted" }, "None yet.")]));
    // The button that had the focus is gone.
    if (first || !more) items[0]?.querySelector("a")?.focus();
    else control.querySelector("button")?.focus();
  }

  /** @param {string} label */
  function button(label) {
    return desk.action({ label, progress: "Loading…", kind: "quiet", run: load });
  }

  control.append(button("Show invoices"));
  return element("div", { class: "row", id: "invoices" },
    element("div", {}, element("h3", {}, "Invoices"), element("p", { class: "muted" }, "What you paid, and what is open.")), control, list);
}

/** @param {Invoice} invoice */
function item({ number, created, status, total, currency, url }) {
  const { label, tone } = STATUS[status] ?? { label: status, tone: "off" };
  const name = number ?? "Invoice";
  return element("li", {},
    element("time", { datetime: new Date(created * 1000).toISOString() }, shortDay(created)),
    url ? awayLink(name, url, { kind: "link" }) : element("span", {}, name),
    element("span", { class: "amount" }, money(total, currency)),
    element("span", { class: `chip ${tone}` }, label));
}
