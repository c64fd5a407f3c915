import { action } from "./action.js";
import { awayLink } from "./away.js";
import { element } from "./dom.js";
import { leaveFor } from "./leave.js";

/** @typedef {import("./api.js").Account} Account */
/** @typedef {import("./problem.js").Problem} Problem */

/** Where everything about one account is dealt with: what the parts of its page share. */
export class Desk {
  #guard;

  /**
   * @param {object} of
   * @param {import("./api.js").Api} of.api
   * @param {import("./config.js").Config} of.config
   * @param {Account} of.account
   * @param {string} of.email
   * @param {(account: Account, news?: { title: string, text: string }) => void} of.changed shows the account anew, with what is new about it
   * @param {() => void} of.deleted says goodbye
   * @param {(task: () => Promise<unknown>) => Promise<unknown>} of.guard shows that the session has ended, where a task finds that
   */
  constructor({ api, config, account, email, changed, deleted, guard }) {
    this.api = api;
    this.config = config;
    this.account = account;
    this.email = email;
    this.changed = changed;
    this.deleted = deleted;
    this.#guard = guard;
  }

  /** @param {Parameters<typeof action>[0]} options */
  action(options) {
    return action({ remedy: (problem) => this.remedy(problem), ...options, run: () => this.#guard(options.run) });
  }

  /**
   * A button to one page of Stripe's portal, which leads back here.
   * @param {string} label
   * @param {{ flow?: "payment_method", kind?: "primary" | "quiet", describedBy?: string }} [options]
   */
  portal(label, { flow, ...options } = {}) {
    return this.action({ label, progress: "Opening Stripe…", ...options, run: async () => leaveFor((await this.api.portal(flow)).url) });
  }

  /** A link to where something can be paid. @param {string} label @param {string} url @param {"primary" | "quiet"} [kind] */
  payment(label, url, kind = "primary") {
    return awayLink(label, url, { kind: `button ${kind}`, back: () => this.#look() });
  }

  /** What came of it meanwhile. */
  async #look() {
    if (document.querySelector("dialog[open] [data-busy]")) return;
    await this.#guard(async () => this.changed(await this.api.sync())).catch(() => {
      // They did not ask; “Check again” is still there.
    });
  }

  /** What helps against a problem with a payment. @param {Problem} problem @returns {Node | false} */
  remedy({ code, url }) {
    switch (code) {
      case "payment_declined":
        return element("div", { class: "buttons" }, this.portal("Update card", { flow: "payment_method" }), url && this.payment("Pay at Stripe", url, "quiet"));
      case "payment_action_required":
        return url ? this.payment("Confirm payment", url) : this.portal("Confirm at Stripe");
      case "payment_method_needed":
        return this.portal("Add a card", { flow: "payment_method" });
      default:
        return false;
    }
  }
}
