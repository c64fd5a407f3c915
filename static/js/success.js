import { summary, withTax } from "./account.js";
import { action } from "./action.js";
import { Api } from "./api.js";
import { loadConfig } from "./config.js";
import { watchConnection, whenOnline } from "./connection.js";
import { byId, element } from "./dom.js";
import { showHeader } from "./header.js";
import { pass } from "./pass.js";
import { explain, Problem } from "./problem.js";
import { SignIn } from "./sign-in.js";
import { show, showProblem } from "./view.js";

/** Seconds between two looks. The API reads Stripe at most once in three seconds for one user. */
const SOON = [3, 4, 6, 8, 12];
const LATER = [20, 30, 60, 60, 120];

const SIGN_IN = { title: "Almost there.", text: "You were signed out on the way. Sign in, and your plan will be waiting." };
const WAITING = { title: "Confirming your payment…", text: "This usually takes a few seconds." };
const NOTHING = { title: "No payment to confirm.", text: "Nothing was charged here. Your account is as it was." };
const SLOW = {
  title: "This takes longer than usual.",
  text: "Some banks need a while. You can close this page: your plan will appear as soon as the payment is confirmed, and you will not be charged twice.",
};

watchConnection();
start();

async function start() {
  try {
    const config = await loadConfig();
    const signIn = new SignIn(config.sign_in);
    const header = () => showHeader(signIn, { signedIn: SignIn.hasSession, test: config.mode === "test" });
    try {
      if (SignIn.hasSession) await confirm(new Api(signIn), config, header);
    } catch (error) {
      if (SignIn.hasSession || Problem.from(error).code === "account_deleted") throw error;
    } finally {
      header();
    }
    if (!SignIn.hasSession) askToSignIn(signIn);
  } catch (error) {
    const problem = Problem.from(error);
    if (problem.code === "account_deleted") return show("plain", explain(problem), toPlans("Back to the start"));
    if (problem.code === "unknown_session") return show("plain", explain(problem), toPlans("See the plans"));
    showProblem(problem, start);
  }
}

/**
 * Looks until there is access, first often, then seldom.
 * @param {Api} api
 * @param {import("./config.js").Config} config
 * @param {() => void} looked by then, the email is known
 */
async function confirm(api, { plans }, looked) {
  const sessionId = new URLSearchParams(location.search).get("session_id");
  let found = false;
  let reason = "";
  const look = async () => {
    const account = await api.sync(sessionId);
    looked();
    reason = account.access.reason;
    if (account.access.granted && !found) showConfirmed(withTax(account, plans));
    found ||= account.access.granted;
    return found;
  };
  if (!sessionId) {
    if (!(await look())) show("plain", NOTHING, toPlans("See the plans"));
    return;
  }
  show("waiting", WAITING, element("div", { class: "progress" }));
  if (await lookOften([0, ...SOON], look)) return;
  // The link of an old payment: what became of it since is on the home page.
  if (!["no_subscription", "incomplete"].includes(reason)) return location.replace("/");
  const again = action({ label: "Check now", progress: "Checking…", run: look });
  show("slow", SLOW, element("div", { class: "buttons" }, again, toPlans("Back to the plans", "quiet")));
  await lookOften(LATER, look).catch(() => {});
}

/**
 * @param {number[]} delays in seconds
 * @param {() => Promise<boolean>} look
 * @returns {Promise<boolean>} fails with what the last look failed with, and at once when waiting cannot help
 */
async function lookOften(delays, look) {
  /** @type {Problem | null} */
  let problem = null;
  for (const delay of delays) {
    await pause(Math.max(delay, problem?.retryAfter ?? 0));
    try {
      if (await look()) return true;
      problem = null;
    } catch (error) {
      problem = Problem.from(error);
      if (problem.status >= 400 && problem.status < 500 && problem.status !== 429) throw problem;
    }
  }
  if (problem) throw problem;
  return false;
}

/** Waits, and while there is no connection, for that. @param {number} seconds */
async function pause(seconds) {
  await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
  if (!navigator.onLine) await new Promise((resolve) => whenOnline(() => resolve(null)));
}

/** @param {import("./api.js").Account} account */
function showConfirmed(account) {
  const trial = account.access.reason === "trialing";
  const words = trial ? { title: "Your trial has begun.", text: "Have fun." } : { title: "You’re in.", text: "Thank you. Your payment is confirmed." };
  show("account", words, element("div", { class: "hero" }, account.subscription && pass(account.subscription, summary(account)), toPlans("Continue")));
}

/** @param {SignIn} signIn */
function askToSignIn(signIn) {
  const path = location.pathname + location.search;
  show("plain", SIGN_IN, action({ label: "Sign in", progress: "Opening sign-in…", run: () => signIn.signIn({ path }) }));
}

/**
 * @param {string} label
 * @param {"primary" | "quiet"} [kind]
 */
function toPlans(label, kind = "primary") {
  return element("a", { class: `button ${kind}`, href: "/" }, label);
}
