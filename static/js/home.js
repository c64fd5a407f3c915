import { mayStart, summary, withTax } from "./account.js";
import { action } from "./action.js";
import { Api } from "./api.js";
import { loadConfig } from "./config.js";
import { watchConnection } from "./connection.js";
import { Desk } from "./desk.js";
import { byId, element } from "./dom.js";
import { showHeader } from "./header.js";
import { leaveFor } from "./leave.js";
import { manage } from "./manage.js";
import { MEMBERS, openMembership } from "./membership.js";
import { pass } from "./pass.js";
import { planList } from "./plans.js";
import { explain, Problem } from "./problem.js";
import { SignIn } from "./sign-in.js";
import { trouble } from "./trouble.js";
import { notice, show, showProblem } from "./view.js";

/** @typedef {import("./api.js").Account} Account */
/** @typedef {import("./config.js").Plan} Plan */

const NEW_HERE = { title: "Pick a plan. Start today.", text: "Sign up, pay securely with Stripe, and you are in. It takes a minute." };
const NO_PLAN = { title: "Pick your plan.", text: "Pay securely with Stripe, and you are in." };
const NO_OFFER = { title: "No plans yet.", text: "There is nothing to buy here for the moment. Please come back soon." };
const PAYING = { title: "Trying your card…", text: "This usually takes a few seconds." };
const SIGN_IN_TO_PAY = { title: "Almost there.", text: "You were signed out on the way. Sign in, and your card will be tried." };
const PAID = { title: "Thank you.", text: "Your card works, and your plan goes on." };
const NOTHING_DUE = { title: "Your card is up to date.", text: "There was nothing to pay." };
const GOODBYE = { title: "Goodbye.", text: "Your account is being deleted, and nothing will be charged any more." };

/** They come back from Stripe with a new card to `/?pay`. */
const PAY = "pay";

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
      // Should it fail, the next sign-in does it.
      if (intent) void this.#api.followEmail().catch(() => {});
      if (intent?.path) return location.replace(intent.path);
      if (new URLSearchParams(location.search).has(PAY)) return await this.#pay();
      if (!SignIn.hasSession) return this.#showSignedOut();
      this.#showAccount(await this.#api.account(), { wanted: intent?.subscribe });
    } catch (error) {
      if (SignIn.hasSession) {
        this.#showHeader(true);
        throw error;
      }
      this.#showEnded(Problem.from(error));
    }
  }

  /** Collects what is open with the card they come back with. */
  async #pay() {
    if (!SignIn.hasSession) return this.#askToSignIn();
    show("waiting", PAYING, element("div", { class: "progress" }));
    const before = await this.#api.account();
    this.#showHeader(true);
    try {
      const paused = before.subscription?.status === "paused";
      this.#showAccount(await (paused ? this.#api.resume() : this.#api.pay()), { news: PAID });
    } catch (error) {
      const problem = Problem.from(error);
      // Trouble on our side: the address stays, so that trying again pays.
      if (!SignIn.hasSession || problem.status < 400 || problem.status >= 500) throw problem;
      const now = await this.#api.sync();
      const nothing = ["nothing_to_pay", "no_subscription", "not_ending"].includes(problem.code);
      this.#showAccount(now, nothing ? { news: NOTHING_DUE } : { problem });
    }
    history.replaceState(null, "", location.pathname);
  }

  #askToSignIn() {
    this.#showHeader(false);
    show("plain", SIGN_IN_TO_PAY, action({ label: "Sign in", progress: "Opening sign-in…", run: () => this.#signIn.signIn({ path: `/?${PAY}` }) }));
  }

  /** @param {Problem} problem why there is no session any more */
  #showEnded(problem) {
    if (problem.code === "account_deleted") return this.#showGoodbye();
    this.#showSignedOut(problem);
  }

  #showGoodbye() {
    this.#showHeader(false);
    show("plain", GOODBYE, element("a", { class: "button quiet", href: "/" }, "Back to the start"));
    byId("title").focus();
  }

  /** @param {Problem} [problem] why, when the person did not ask for it */
  #showSignedOut(problem) {
    this.#showHeader(false);
    const subscribe = (/** @type {Plan} */ plan) => this.#signIn.signIn({ subscribe: plan.key ?? "" });
    this.#showPlans(NEW_HERE, subscribe, { trial: true, notice: problem && explain(problem) });
  }

  /**
   * @param {Account} account
   * @param {object} [options]
   * @param {string} [options.wanted] key of the plan that was asked for
   * @param {boolean} [options.unchanged] it was looked up again, to no avail
   * @param {{ title: string, text: string }} [options.news] what has come of what they did
   * @param {Problem} [options.problem] why it came to nothing
   */
  #showAccount(account, options = {}) {
    this.#showHeader(true);
    const desk = this.#desk(withTax(account, this.#config.plans));
    if (!mayStart(account)) return this.#showPass(desk, options);
    const { wanted, news, problem } = options;
    const words = account.subscription ? summary(account) : NO_PLAN;
    const subscribe = (/** @type {Plan} */ plan) => this.#orEnded(() => this.#checkOut(plan));
    this.#showPlans(words, subscribe, {
      trial: !account.trial_used, notice: news ?? (problem && explain(problem)), wanted, currency: account.subscription?.plan?.currency, below: manage(desk),
    });
    if (wanted) this.#buttonOf(wanted)?.click();
  }

  /** @param {Account} account */
  #desk(account) {
    return new Desk({
      api: this.#api,
      config: this.#config,
      account,
      email: this.#signIn.email,
      changed: (now, news) => this.#showAccount(now, { news }),
      deleted: () => this.#showGoodbye(),
      guard: (task) => this.#orEnded(task),
    });
  }

  /**
   * @param {{ title: string, text: string }} words
   * @param {(plan: Plan) => Promise<unknown>} subscribe
   * @param {{ trial: boolean, notice?: { title: string, text: string }, wanted?: string, currency?: string, below?: Node }} options
   */
  #showPlans(words, subscribe, { notice: told, below, ...options }) {
    const { plans, mode } = this.#config;
    if (plans.length === 0) return show("plain", NO_OFFER, told && notice(told), below);
    const hint = mode === "test" && element("p", { class: "hint" }, "Test mode: pay with card ", element("code", {}, "4242 4242 4242 4242"), ", any future date and any CVC.");
    show("plans", words, told && notice(told), ...planList(plans, { subscribe, ...options }), hint, below);
  }

  /**
   * @param {Desk} desk
   * @param {{ wanted?: string, unchanged?: boolean, news?: { title: string, text: string }, problem?: Problem }} options as for `#showAccount`
   */
  #showPass(desk, { wanted, unchanged, news, problem }) {
    const { account } = desk;
    const words = summary(account);
    const look = async () => {
      const now = await this.#api.sync();
      this.#showAccount(now, { unchanged: now.access.reason === account.access.reason });
    };
    const check = words.check && desk.action({ label: "Check again", progress: "Checking…", kind: "quiet", run: look });
    const enter = async () => {
      await openMembership(this.#api);
      return leaveFor(MEMBERS);
    };
    const members = account.access.granted && desk.action({ label: "Members’ area", progress: "Opening…", run: enter });
    const banner = trouble(desk, { problem, check });
    const had = wanted !== undefined && explain(new Problem("already_subscribed"));
    show("account", words,
      (had || news) && notice(had || news),
      banner,
      element("div", { class: "hero" },
        account.subscription && pass(account.subscription, words),
        members,
        !banner && check,
        unchanged && element("p", { class: "hint" }, "Checked just now. Nothing has changed yet.")),
      manage(desk, { fixing: !!banner }));
  }

  /** @param {Plan} plan */
  async #checkOut(plan) {
    try {
      const own = this.#config.plans.find(({ key }) => key === plan.key)?.currency;
      const { url } = await this.#api.createCheckoutSession(plan.key ?? "", plan.currency === own ? undefined : plan.currency);
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

  /** A session may end at any call; the page then shows that. @param {() => Promise<unknown>} task */
  async #orEnded(task) {
    try {
      return await task();
    } catch (error) {
      if (SignIn.hasSession) throw error;
      this.#showEnded(Problem.from(error));
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
