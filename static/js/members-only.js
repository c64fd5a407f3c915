/** What CloudFront shows in the place of a members' page, at its address, to who has no cookies for it. It gets them, where they are due. */

import { action } from "./action.js";
import { Api } from "./api.js";
import { loadConfig } from "./config.js";
import { watchConnection } from "./connection.js";
import { element } from "./dom.js";
import { showHeader } from "./header.js";
import { MEMBERS, openMembership } from "./membership.js";
import { explain, Problem } from "./problem.js";
import { SignIn } from "./sign-in.js";
import { clearTries, isFirstTry } from "./tries.js";
import { show, showProblem } from "./view.js";

/** The address of this page itself, where nobody is sent. */
const HERE = "/members-only.html";
const SIGN_IN = { title: "Members only.", text: "Sign in, and you are there." };
const NO_PLAN = { title: "Members only.", text: "Pick a plan, and this page opens." };
const OTHER_PLAN = { title: "Not in your plan.", text: "Another plan opens this page." };
const OFF = { title: "Your access is off.", text: "Your plan tells what is missing. Then this page opens again." };
const NO_COOKIES = { title: "This page does not open.", text: "You may see it, but your browser does not keep the cookie that says so. Allow cookies here, then try again." };
const TURNED_AWAY = { title: "You cannot see this page.", text: "The request was turned away." };

watchConnection();
start();

async function start() {
  const isMembers = location.pathname.startsWith("/members/");
  if (!isMembers && location.pathname !== HERE) return show("plain", TURNED_AWAY, toStart("Back to the start"));
  try {
    const config = await loadConfig();
    const signIn = new SignIn(config.sign_in);
    const path = isMembers ? location.pathname + location.search : MEMBERS;
    const header = () => showHeader(signIn, { signedIn: SignIn.hasSession, test: config.mode === "test", intent: { path } });
    try {
      if (SignIn.hasSession) await enter(new Api(signIn), path);
    } catch (error) {
      const problem = Problem.from(error);
      if (problem.code === "account_deleted") return show("plain", explain(problem), toStart("Back to the start"));
      if (problem.code === "not_subscribed") return showNoAccess(problem);
      if (SignIn.hasSession) throw error;
    } finally {
      header();
    }
    if (!SignIn.hasSession) askToSignIn(signIn, path);
  } catch (error) {
    showProblem(Problem.from(error), start);
  }
}

/**
 * @param {Api} api
 * @param {string} path
 */
async function enter(api, path) {
  await openMembership(api);
  if (!isFirstTry()) {
    const again = async () => {
      clearTries();
      await start();
    };
    return show("plain", NO_COOKIES, action({ label: "Try again", progress: "Opening…", run: again }));
  }
  if (location.pathname === HERE) location.replace(path);
  else location.reload();
  await new Promise(() => {});
}

/** @param {Problem} problem */
function showNoAccess({ reason }) {
  if (["active", "trialing", "ending", "awaiting_payment"].includes(reason)) return show("plain", OTHER_PLAN, toStart("See your plan"));
  if (["no_subscription", "canceled", "not_in_catalogue", ""].includes(reason)) return show("plain", NO_PLAN, toStart("See the plans"));
  show("plain", OFF, toStart("See your plan"));
}

/**
 * @param {SignIn} signIn
 * @param {string} path
 */
function askToSignIn(signIn, path) {
  show("plain", SIGN_IN, element("div", { class: "buttons" },
    action({ label: "Sign in", progress: "Opening sign-in…", run: () => signIn.signIn({ path }) }), toStart("See the plans", "quiet")));
}

/**
 * @param {string} label
 * @param {"primary" | "quiet"} [kind]
 */
function toStart(label, kind = "primary") {
  return element("a", { class: `button ${kind}`, href: "/" }, label);
}
