/** The cookies that open the members' pages: no script sees them. They are asked for, renewed while a page is open, and taken away. */

import { whenOnline } from "./connection.js";
import { Problem } from "./problem.js";

/** Where the members' pages begin. */
export const MEMBERS = "/members/index.html";

/** Seconds until a renewal that failed is tried again, if nobody says otherwise. */
const AGAIN = 15;

/** What is being asked for. @type {Set<AbortController>} */
const asking = new Set();

/**
 * Has the browser take the cookies.
 * @param {import("./api.js").Api} api
 * @returns {Promise<number>} for how many seconds they are good; fails with `not_subscribed` where there is no access
 */
export async function openMembership(api) {
  const stop = new AbortController();
  asking.add(stop);
  try {
    return (await api.membersCookies(stop.signal)).expires_in;
  } finally {
    asking.delete(stop);
  }
}

/**
 * Takes the cookies away. What is being asked for meanwhile is broken off first, or it would bring them back.
 */
export async function endMembership() {
  for (const stop of asking) stop.abort();
  // Best effort, as they end by themselves. It goes on after this page has been left.
  await fetch("/api/members/cookies", { method: "DELETE", signal: AbortSignal.timeout(5000), keepalive: true }).catch(() => {});
}

/**
 * Renews the cookies, now and for as long as the page is open, each time when a third of their time is left.
 * @param {import("./api.js").Api} api
 * @param {{ renewed: () => void, ended: (problem: Problem) => void }} told `renewed` each time; `ended` once, when there is no access any more
 */
export function keepMembership(api, { renewed, ended }) {
  let due = 0;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  let busy = false;
  const gone = new AbortController();

  const after = (/** @type {number} */ seconds) => {
    due = Date.now() + seconds * 1000;
    clearTimeout(timer);
    timer = setTimeout(renew, seconds * 1000);
  };

  async function renew() {
    if (busy || gone.signal.aborted) return;
    busy = true;
    try {
      after(((await openMembership(api)) * 2) / 3);
      renewed();
    } catch (error) {
      const problem = Problem.from(error);
      if (isFinal(problem)) {
        gone.abort();
        clearTimeout(timer);
        ended(problem);
      } else if (problem.code === "offline") whenOnline(renew);
      else after(Math.max(problem.retryAfter, AGAIN));
    } finally {
      busy = false;
    }
  }

  // A computer that slept kept no time.
  const look = () => document.visibilityState === "visible" && Date.now() >= due && renew();
  document.addEventListener("visibilitychange", look, { signal: gone.signal });
  renew();
}

/** Whether trying again cannot help. @param {Problem} problem */
function isFinal({ code }) {
  return ["signed_out", "account_deleted", "not_subscribed"].includes(code);
}
