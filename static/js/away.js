import { element } from "./dom.js";

/**
 * A link to a page of Stripe's, in a tab of its own, since nothing there leads back.
 * @param {string} label
 * @param {string} href
 * @param {{ kind?: string, back?: () => unknown }} [options] `back` runs once they look at our page again
 */
export function awayLink(label, href, { kind = "button primary", back } = {}) {
  const watch = () => back && whenBack(back);
  return element("a", { class: kind, href, target: "_blank", rel: "noopener", onclick: watch }, label,
    element("span", { class: "away", "aria-hidden": "true" }, "↗"), element("span", { class: "unseen" }, " (opens in a new tab)"));
}

/** Runs a task once, when this tab is looked at again. @param {() => unknown} task */
function whenBack(task) {
  const ended = new AbortController();
  const look = () => {
    if (document.visibilityState !== "visible") return;
    ended.abort();
    task();
  };
  document.addEventListener("visibilitychange", look, { signal: ended.signal });
  addEventListener("focus", look, { signal: ended.signal });
}
