import { whenOnline } from "./connection.js";
import { announce, element } from "./dom.js";
import { explain, Problem } from "./problem.js";

/**
 * A button for something that takes a while. It shows progress, never runs twice at a time, and says beside itself what
 * went wrong. Where the server says when to come back, it counts down to that.
 *
 * It stays focusable throughout, since a disabled button loses the focus.
 * @param {object} options
 * @param {string} options.label
 * @param {string} options.progress the label while it runs
 * @param {() => Promise<unknown>} options.run
 * @param {string} [options.describedBy] id of what the button is about
 * @param {"primary" | "quiet" | "danger"} [options.kind]
 * @param {number} [options.wait] seconds to wait before the first run
 * @param {string} [options.retry] the label after it failed
 * @param {(problem: Problem) => Node | false} [options.remedy] what helps
 */
export function action({ label, progress, run, describedBy, kind = "primary", wait = 0, retry = "Try again", remedy }) {
  const message = element("p", { class: "action-problem", role: "alert" });
  const button = element("button", { type: "button", class: `button ${kind}`, onclick: click }, label);
  if (describedBy) button.setAttribute("aria-describedby", describedBy);
  const help = element("div", { class: "action-help" });
  const node = element("div", { class: "action" }, message, help, button);
  if (wait) countDown(wait);

  async function click() {
    if (button.getAttribute("aria-disabled")) return;
    hold(progress);
    button.dataset.busy = "";
    announce(progress);
    message.replaceChildren();
    help.replaceChildren();
    try {
      await run();
      release(label);
    } catch (error) {
      // What it failed with may have taken the page elsewhere.
      if (!node.isConnected) return;
      const problem = Problem.from(error);
      const { title, text } = explain(problem);
      announce("");
      message.replaceChildren(element("strong", {}, title), " ", text);
      const remedies = remedy?.(problem);
      if (remedies) help.replaceChildren(remedies);
      countDown(problem.retryAfter);
      if (problem.code === "offline") whenOnline(() => node.isConnected && click());
    } finally {
      delete button.dataset.busy;
    }
  }

  /** @param {number} seconds */
  function countDown(seconds) {
    if (seconds <= 0) return release(retry);
    hold(`Try again in ${seconds} s`);
    setTimeout(countDown, 1000, seconds - 1);
  }

  /** @param {string} text */
  function hold(text) {
    button.setAttribute("aria-disabled", "true");
    button.textContent = text;
  }

  /** @param {string} text */
  function release(text) {
    button.removeAttribute("aria-disabled");
    button.textContent = text;
  }

  return node;
}
