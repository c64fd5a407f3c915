import { action } from "../js/action.js";
import { announce, element } from "../js/dom.js";
import { moment } from "../js/format.js";
import { didOf } from "./words.js";

/** @typedef {import("./api.js").Event} Event */
/** @typedef {{ events: Event[], next: string | null }} Page */

/**
 * What Stripe told, the newest first.
 * @param {Page} first
 * @param {(after: string) => Promise<Page>} more
 */
export function timeline(first, more) {
  if (first.events.length === 0) return element("p", { class: "muted" }, "Nothing in the last 30 days.");
  const list = element("ol", { class: "timeline", role: "list" });
  const control = element("div", { class: "more" });

  /** @param {Page} page */
  function add({ events, next }) {
    const items = events.map(item);
    list.append(...items);
    control.replaceChildren(...(next ? [button(next)] : []));
    return items;
  }

  /** @param {string} after */
  function button(after) {
    return action({
      label: "Show earlier", progress: "Loading…", kind: "quiet",
      run: async () => {
        const items = add(await more(after));
        announce(`${list.childElementCount} events are shown.`);
        // The button that had the focus is gone.
        items[0]?.querySelector("a")?.focus();
      },
    });
  }

  add(first);
  return element("div", {}, list, control);
}

/** @param {Event} event */
function item({ id, type, outcome, created, received_at, url }) {
  const { label, text, tone } = didOf(outcome);
  const late = received_at - created;
  return element("li", {},
    element("time", { datetime: new Date(created * 1000).toISOString() }, moment(created)),
    element("span", { class: "told" },
      element("a", { href: url, target: "_blank", rel: "noopener", title: id }, element("code", {}, type), element("span", { class: "unseen" }, ` ${id} (opens in a new tab)`)),
      element("small", {}, text, late > 60 ? ` It came ${late} s after Stripe made it.` : "")),
    element("span", { class: `chip ${tone}` }, label));
}
