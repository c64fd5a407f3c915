import { action } from "../js/action.js";
import { loadConfig } from "../js/config.js";
import { watchConnection } from "../js/connection.js";
import { byId, element } from "../js/dom.js";
import { showHeader } from "../js/header.js";
import { explain, Problem } from "../js/problem.js";
import { SignIn } from "../js/sign-in.js";
import { notice, show, showProblem } from "../js/view.js";
import { addressOf, HOME } from "./address.js";
import { AdminApi } from "./api.js";
import { customerPage, nameOf } from "./customer.js";
import { people } from "./people.js";
import { searchForm } from "./search.js";

const SIGNED_OUT = { title: "For administrators", text: "Sign in to see your customers, and why each of them has access or has not." };
const CUSTOMERS = { title: "Customers", text: "Who came last comes first. Emails stand in the sign-in alone: search for one." };
const NO_CUSTOMERS = { title: "No customers yet", text: "Here they stand from their first purchase on. Who has only signed up can be searched for." };
const FOUND = { title: "Found", text: "These are all that there are." };
const NOBODY = { title: "Nobody found", text: "Search finds whole emails and ids only. Is it of this mode, and of this application?" };

watchConnection();
start();

/** Finds out who is here, and shows what the address says. */
async function start() {
  try {
    const config = await loadConfig();
    const page = new Admin(config);
    addEventListener("popstate", () => page.open());
    await page.open();
  } catch (error) {
    showProblem(Problem.from(error), start);
  }
}

/** The pages of administrators: the list, what a search finds, and one customer. */
class Admin {
  #config;
  #signIn;
  #api;
  /** Counts what was opened: what comes late is not shown over what came after it. */
  #turn = 0;

  /** @param {import("../js/config.js").Config} config */
  constructor(config) {
    this.#config = config;
    this.#signIn = new SignIn(config.sign_in);
    this.#api = new AdminApi(this.#signIn);
  }

  /** Shows what the address says. An email that was searched for is not in it, but in the browser's memory of this tab. */
  async open() {
    const user = new URLSearchParams(location.search).get("user");
    const query = history.state?.query;
    if (user) return this.#attempt(() => this.#showCustomer(user));
    if (query) return this.#attempt(() => this.#showFound(query));
    return this.#attempt(() => this.#showCustomers());
  }

  /**
   * Shows something that has to be fetched, or why it cannot be shown.
   * @param {() => Promise<() => void>} fetched gives what shows it
   */
  async #attempt(fetched) {
    if (!SignIn.hasSession) return this.#showSignedOut();
    const turn = ++this.#turn;
    byId("main").setAttribute("aria-busy", "true");
    try {
      const showIt = await fetched();
      if (turn !== this.#turn) return;
      this.#showHeader(true);
      showIt();
    } catch (error) {
      if (turn === this.#turn) this.#showFailed(Problem.from(error));
    }
  }

  /** @param {Problem} problem */
  #showFailed(problem) {
    if (!SignIn.hasSession) return this.#showSignedOut(problem);
    this.#showHeader(true);
    setTitle("Not shown");
    if (problem.code === "not_an_admin") return show("admin-plain", this.#notAnAdmin(), element("a", { class: "button quiet", href: "/" }, "To your own plan"));
    if (problem.code === "unknown_user") return show("admin-plain", explain(problem), this.#back());
    showProblem(problem, () => this.open());
  }

  #notAnAdmin() {
    const { title, text } = explain(new Problem("not_an_admin"));
    return { title, text: `You are signed in${this.#signIn.email && ` as ${this.#signIn.email}`}. ${text}` };
  }

  /** @param {Problem} [problem] why, when the person did not ask for it */
  #showSignedOut(problem) {
    this.#turn += 1;
    this.#showHeader(false);
    setTitle("Sign in");
    show("admin-plain", SIGNED_OUT, problem && notice(explain(problem)),
      action({ label: "Sign in", progress: "Opening sign-in…", run: () => this.#signIn.signIn(here()) }));
  }

  async #showCustomers() {
    const first = await this.#api.users();
    return () => {
      setTitle("Customers");
      const list = first.users.length > 0 && people(first, { more: (after) => this.#guard(() => this.#api.users(after)), open: this.#opener });
      show("admin", list ? CUSTOMERS : NO_CUSTOMERS, this.#search(), list);
    };
  }

  /** @param {string} query */
  async #showFound(query) {
    const found = await this.#api.search(query);
    return () => {
      setTitle("Search");
      const list = found.users.length > 0 && people(found, { open: this.#opener });
      show("admin", list ? FOUND : NOBODY, this.#search(query), list, element("p", { class: "hint" }, this.#link("All customers", HOME)));
    };
  }

  /** @param {string} [query] what was searched for last */
  #search(query = "") {
    return searchForm(query, async (text) => {
      const found = await this.#guard(() => this.#api.search(text));
      // One is what they meant.
      if (found.users.length === 1) return this.#go(addressOf(found.users[0].user));
      this.#go(HOME, { query: text });
    });
  }

  /** @param {string} user */
  async #showCustomer(user) {
    const [customer, events] = await Promise.all([this.#api.user(user), this.#api.events(user)]);
    return () => this.#customerShown(customer, events);
  }

  /**
   * @param {import("./api.js").Customer} customer
   * @param {{ events: import("./api.js").Event[], next: string | null }} events
   * @param {{ title: string, text: string }} [news]
   */
  #customerShown(customer, events, news) {
    const { user } = customer;
    setTitle(nameOf(customer));
    const reread = async () => {
      const turn = this.#turn;
      const now = await this.#guard(() => this.#api.reread(user));
      const then = await this.#guard(() => this.#api.events(user));
      if (turn === this.#turn) this.#customerShown(now, then, whatChanged(customer, now));
    };
    const page = customerPage(customer, events, { reread, more: (after) => this.#guard(() => this.#api.events(user, after)) });
    show("admin", { title: nameOf(customer), text: "" }, this.#back(), news && notice(news), ...page);
  }

  /** A session may end at any call; the page then shows that. @template T @param {() => Promise<T>} task @returns {Promise<T>} */
  async #guard(task) {
    try {
      return await task();
    } catch (error) {
      const problem = Problem.from(error);
      if (!SignIn.hasSession || problem.code === "not_an_admin") this.#showFailed(problem);
      throw problem;
    }
  }

  #back() {
    return element("p", { class: "crumb" }, this.#link("All customers", HOME));
  }

  /** @param {string} label @param {string} href */
  #link(label, href) {
    return element("a", { class: "link", href, onclick: (event) => this.#opener(event, href) }, label);
  }

  /** Opens an address of these pages without leaving them, unless another tab or window is asked for. */
  #opener = (/** @type {Event} */ event, /** @type {string} */ href) => {
    if (!(event instanceof MouseEvent) || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    this.#go(href);
  };

  /** @param {string} href @param {{ query: string }} [state] */
  #go(href, state) {
    history.pushState(state ?? null, "", href);
    scrollTo(0, 0);
    byId("title").focus();
    return this.open();
  }

  /** @param {boolean} signedIn */
  #showHeader(signedIn) {
    showHeader(this.#signIn, { signedIn, test: this.#config.mode === "test", intent: here() });
  }
}

/** Back to here, after signing in. */
function here() {
  return { path: location.pathname + location.search };
}

/** @param {string} title */
function setTitle(title) {
  document.title = `${title} · Tollgate`;
}

/**
 * What reading Stripe has changed of the decision, in words.
 * @param {import("./api.js").Customer} before
 * @param {import("./api.js").Customer} now
 */
function whatChanged(before, now) {
  const same = ["granted", "until", "line"].every((part) => before.decision[part] === now.decision[part]);
  return { title: "Read from Stripe just now.", text: same ? "The decision is the same." : `The decision was by the line ${before.decision.line}, and is by ${now.decision.line} now.` };
}
