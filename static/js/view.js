import { action } from "./action.js";
import { whenOnline } from "./connection.js";
import { closeDialogs } from "./dialog.js";
import { announce, byId, element } from "./dom.js";
import { explain } from "./problem.js";

/**
 * Shows one state of the page: its heading, a sentence, and what belongs below.
 * @param {string} name for the style sheet
 * @param {{ title: string, text: string }} words
 * @param {...(Node | false | null | undefined)} content
 */
export function show(name, { title, text }, ...content) {
  closeDialogs();
  const main = byId("main");
  const heading = byId("title");
  const lostFocus = byId("content").contains(document.activeElement);
  main.dataset.view = name;
  main.removeAttribute("aria-busy");
  heading.textContent = title;
  byId("lead").textContent = text;
  byId("content").replaceChildren(...content.filter((node) => node instanceof Node));
  announce(`${title} ${text}`);
  if (lostFocus) heading.focus();
}

/**
 * Shows that loading failed, with a way to try again; without a connection it tries by itself when there is one.
 * @param {import("./problem.js").Problem} problem
 * @param {() => Promise<unknown>} retry
 */
export function showProblem(problem, retry) {
  const again = action({ label: "Try again", progress: "Trying again…", run: retry, wait: problem.retryAfter });
  show("problem", explain(problem), again);
  if (problem.code === "offline") whenOnline(() => again.isConnected && again.querySelector("button")?.click());
}

/**
 * Something to know before the rest of the page.
 * @param {{ title: string, text: string }} words
 */
export function notice({ title, text }) {
  return element("p", { class: "notice", role: "alert" }, element("strong", {}, title), " ", text);
}
