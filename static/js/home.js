import { mayStart, summary } from "./account.js";
import { action } from "./action.js";
import { Api } from "./api.js";
import { loadConfig } from "./config.js";
import { watchConnection } from "./connection.js";
import { element } from "./dom.js";
import { showHeader } from "./header.js";
import { leaveFor } from "./leave.js";
import { pass } from "./pass.js";
import { planList } from "./plans.js";
import { explain, Problem } from "./problem.js";
import { SignIn } from "./sign-in.js";
import { notice, show, showProblem } from "./view.js";

/** @typedef {import("./api.js").Account} Account */
/** @typedef {import("./config.js").Plan} Plan */

const NEW_HERE = { title: "Pick a plan. Start today.", text: "Sign up, pay securely with Stripe, and you are in. It takes a minute." };
const NO_PLAN = { title: "Pick your plan.", text: "Pay securely with Stripe, and you are in." };
const NO_OFFER = { title: "No plans yet.", text: "There is nothing to buy here for the moment. Please come back soon." };

watchConnection();
start();

/** Finds out who is here, and shows what concerns them. */
async function start() {
  try {
    const config = await loadConfig();
    await new Home(config).open();
  } catch (error) {
    showProblem(Problem.from(error), start);
  }
}

/** The page, once its configuration is known. */
class Home {
  #config;
  #signIn;
  #api;

  /** @param {import("./config.js").Config} config */
  constructor(config) {
    this.#config = config;
    this.#signIn = new SignIn(config.sign_in);
    this.#api = new Api(this.#signIn);
  }

  async open() {
    try {
      const intent = await this.#signIn.finish();
      if (intent.path) return location.replace(intent.path);
      if (!SignIn.hasSession) return this.#showSignedOut();
      this.#showAccount(await this.#api.account(), { wanted: intent.subscribe });
    } catch (error) {
      if (SignIn.hasSession) {
        this.#showHeader(true);
        throw error;
      }
      this.#showSignedOut(Problem.from(error));
    }
  }

  /** @param {Problem} [problem] why, when the person did not ask for it */
  #showSignedOut(problem) {
    this.#showHeader(false);
    const subscribe = (/** @type {Plan} */ plan) => this.#signIn.signIn({ subscribe: plan.key ?? "" });
    this.#showPlans(NEW_HERE, subscribe, { trial: true, notice: problem && explain(problem) });
  }

  /**
   * @param {Account} account
   * @param {{ wanted?: string, unchanged?: boolean }} [options] `wanted`: key of the plan that was asked for,
   *   `unchanged`: it was looked up again, to no avail
   */
  #showAccount(account, { wanted, unchanged } = {}) {
    this.#showHeader(true);
    if (!mayStart(account)) return this.#showPass(account, { had: wanted !== undefined, unchanged });
    const words = account.subscription ? summary(account) : NO_PLAN;
    const subscribe = (/** @type {Plan} */ plan) => this.#orSignedOut(() => this.#checkOut(plan));
    this.#showPlans(words, subscribe, { trial: !account.trial_used });
    if (wanted) this.#buttonOf(wanted)?.click();
  }

  /**
   * @param {{ title: string, text: string }} words
   * @param {(plan: Plan) => Promise<unknown>} subscribe
   * @param {{ trial: boolean, notice?: { title: string, text: string } }} options
   */
  #showPlans(words, subscribe, options) {
    const { plans, mode } = this.#config;
    if (plans.length === 0) return show("plain", NO_OFFER, options.notice && notice(options.notice));
    const hint = mode === "test" && element("p", { class: "hint" }, "Test mode: pay with card ", element("code", {}, "4242 4242 4242 4242"), ", any future date and any CVC.");
    show("plans", words, options.notice && notice(options.notice), planList(plans, { subscribe, trial: options.trial }), hint);
  }

  /**
   * @param {Account} account
   * @param {{ had: boolean, unchanged?: boolean }} options `had`: the person asked for a plan, but has one
   */
  #showPass(account, { had, unchanged }) {
    const words = summary(account);
    const check = () => this.#orSignedOut(async () => {
      const now = await this.#api.sync();
      this.#showAccount(now, { unchanged: now.access.reason === account.access.reason });
    });
    show("account", words,
      had && notice(explain(new Problem("already_subscribed"))),
      account.subscription && pass(account.subscription, words),
      words.check && action({ label: "Check again", progress: "Checking…", kind: "quiet", run: check }),
      unchanged && element("p", { class: "hint" }, "Checked just now. Nothing has changed yet."));
  }

  /** @param {Plan} plan */
  async #checkOut(plan) {
    try {
      const { url } = await this.#api.createCheckoutSession(plan.key ?? "");
      return await leaveFor(url);
    } catch (error) {
      const problem = Problem.from(error);
      if (problem.code !== "already_subscribed") throw problem;
      const account = await this.#api.sync();
      // Stripe is read every three seconds at most, so what is stored may still be from before.
      if (mayStart(account)) throw problem;
      this.#showAccount(account, { wanted: plan.key ?? "" });
    }
  }

  /** A session may end at any call; the page then shows itself signed out. @param {() => Promise<unknown>} task */
  async #orSignedOut(task) {
    try {
      return await task();
    } catch (error) {
      if (SignIn.hasSession) throw error;
      this.#showSignedOut(Problem.from(error));
    }
  }

  /** @param {string} plan */
  #buttonOf(plan) {
    const card = document.querySelector(`[data-plan="${CSS.escape(plan)}"] button`);
    return card instanceof HTMLButtonElement ? card : null;
  }

  /** @param {boolean} signedIn */
  #showHeader(signedIn) {
    showHeader(this.#signIn, { signedIn, test: this.#config.mode === "test" });
  }
}
