import { test as base, expect } from "@playwright/test";
import { SIGN_IN, startSite } from "./site.js";

export { expect };

export const starter = {
  key: "starter-monthly", name: "Starter", description: "For one person getting going.",
  amount: 900, currency: "usd", interval: "month", interval_count: 1, trial_days: 0,
};
export const pro = {
  key: "pro-yearly", name: "Pro", description: "For teams that ship every day.",
  amount: 29000, currency: "usd", interval: "year", interval_count: 1, trial_days: 14,
};

/** Two things to buy, each by the month and by the year, in two currencies. */
const small = { marketing_features: ["One project", "Support by email", "Everything you need to begin"], tax_behavior: "exclusive" };
const big = { name: "Pro", description: "For a team that means business.", marketing_features: ["As many projects as you like", "Support within the hour", "A say in what comes next"], tax_behavior: "exclusive" };
export const offer = [
  { ...starter, ...small, other_amounts: { eur: 800 }, trial_days: 14 },
  { ...pro, ...big, key: "pro-monthly", amount: 2900, interval: "month", trial_days: 0, other_amounts: { eur: 2700 } },
  { ...starter, ...small, key: "starter-yearly", amount: 9000, interval: "year", other_amounts: { eur: 8000 }, trial_days: 14 },
  { ...pro, ...big, other_amounts: { eur: 27000 }, trial_days: 0 },
];

/** What a switch from Starter to Pro for a year costs, on the day it renews. */
export const preview = {
  id: "3f0c", plan: offer[3],
  now: { amount_due: 28130, credit: 0, currency: "usd", lines: [
    { description: "Unused time on Starter after November 24, 2026", amount: -870 },
    { description: "1 × Pro (at $290.00 / year)", amount: 29000 },
  ] },
  later: { amount: 29000, at: 1827014400 },
  expires_at: 1795392600,
};

/** @param {string} status */
export function invoice(status, number = "A1B2C3D4-0003", further = {}) {
  return { id: `in_${number}`, number, created: 1795392000, status, total: 900, amount_due: status === "open" ? 900 : 0, currency: "usd", url: "https://sign-in.example/invoice", pdf: null, ...further };
}

export const nobody = {
  access: { granted: false, until: null, reason: "no_subscription" }, subscription: null, trial_used: false, synced_at: null,
};

const AT = 1795392000; // 23 November 2026, 00:00 UTC

/** An account with a subscription, active if nothing else is said. */
export function account({ granted = true, reason = "active", until = AT + 86_400, trial_used = true, ...subscription } = {}) {
  return {
    access: { granted, until, reason }, trial_used, synced_at: AT,
    subscription: { status: "active", plan: starter, quantity: 1, current_period_end: AT, cancel_at: null, trial_end: null, payment_url: null, ...subscription },
  };
}
export { AT };

/** A JSON Web Token as far as a page looks at it. */
function token(claims) {
  const part = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
  return `${part({ alg: "none" })}.${part(claims)}.signature`;
}

/** Our API and the sign-in service, as plain data that a test may change at any time. */
export class Mock {
  config = {
    publishable_key: "pk_test_mock", mode: "test", plans: [starter, pro],
    sign_in: { url: SIGN_IN, client_id: "client", scope: "openid email tollgate/billing" },
  };
  account = nobody;
  checkout = { url: `${SIGN_IN}/checkout` };
  portal = { url: `${SIGN_IN}/portal` };
  preview = preview;
  membership = { expires_at: AT + 600, expires_in: 600 };
  invoices = [{ invoices: [], more: false }];
  /** The account that a route leaves behind, by path. */
  after = {};
  /** What further routes answer, by path: plain data, or a function of the query. */
  further = {};
  /** What a route answers instead: `{ status, body, headers }`, or `"hang"`. A function sees the request. */
  faults = {};
  /** Every API and token request: `{ method, path, query, body, authorization }`. */
  requests = [];
  nonce = "";
  /** Changes the claims of the next ID tokens. */
  claims = {};
  #issued = 0;

  /** @param {import("@playwright/test").Page} page */
  async install(page) {
    await page.route(/\/api\//, (route) => this.#answer(route));
    await page.route(`${SIGN_IN}/**`, (route) => this.#signIn(route));
  }

  seen(path) {
    return this.requests.filter((request) => request.path === path);
  }

  async #answer(route) {
    const request = route.request();
    const { pathname: path, searchParams: query } = new URL(request.url());
    this.requests.push({ method: request.method(), path, query, body: request.postData(), authorization: request.headers().authorization });
    if (await this.#fault(route, path)) return;
    const answers = {
      "/api/config": () => this.config,
      "/api/subscription": () => this.account,
      "/api/subscription/sync": () => this.account,
      "/api/create-checkout-session": () => this.checkout,
      "/api/create-portal-session": () => this.portal,
      "/api/subscription/preview": () => this.preview,
      "/api/invoices": () => this.invoices[query.has("after") ? 1 : 0],
      "/api/account/email": () => ({ changed: false }),
      "/api/account": () => ({ state: "deleting" }),
      "/api/members/cookies": () => this.membership,
    };
    const further = this.further[path];
    if (further) return route.fulfill({ json: typeof further === "function" ? further(query) : further });
    this.account = this.after[path] ?? this.account;
    if (request.method() === "DELETE" && path === "/api/members/cookies") return route.fulfill({ status: 204 });
    await route.fulfill({ status: path === "/api/account" ? 202 : 200, json: (answers[path] ?? (() => this.account))() });
  }

  async #signIn(route) {
    const request = route.request();
    const url = new URL(request.url());
    const headers = { "Access-Control-Allow-Origin": "*" };
    this.requests.push({ path: url.pathname, body: request.postData(), query: url.searchParams });
    if (await this.#fault(route, url.pathname, headers)) return;
    if (url.pathname === "/oauth2/token") {
      this.#issued += 1;
      const id_token = token({ email: "ada@example.com", aud: "client", nonce: this.nonce, ...this.claims });
      return route.fulfill({ headers, json: { access_token: `access-${this.#issued}`, refresh_token: `refresh-${this.#issued}`, id_token, expires_in: 3600 } });
    }
    if (url.pathname === "/oauth2/revoke") return route.fulfill({ headers, body: "" });
    if (url.searchParams.has("state")) {
      this.nonce = url.searchParams.get("nonce") ?? "";
      const back = `${url.searchParams.get("redirect_uri")}?code=the-code&state=${url.searchParams.get("state")}`;
      return route.fulfill({ contentType: "text/html", body: `<title>Sign in</title><a href="${back}">Let me in</a>` });
    }
    return route.fulfill({ contentType: "text/html", body: `<title>${url.pathname}</title>` });
  }

  async #fault(route, path, headers = {}) {
    let fault = this.faults[path];
    if (typeof fault === "function") fault = fault(route.request());
    if (!fault) return false;
    if (fault === "abort") await route.abort("failed");
    else if (fault !== "hang") {
      const body = fault.html ? { body: fault.html, contentType: "text/html" } : { json: fault.body };
      await route.fulfill({ status: fault.status, ...body, headers: { ...headers, ...fault.headers } });
    }
    return true;
  }
}

/** A problem as our functions answer it. */
export function problem(status, code, headers = {}, further = {}) {
  return { status, headers, body: { type: "about:blank", title: "-", status, code, detail: "-", request_id: "5f0c-17", ...further } };
}

/** Tests of the page alone: `mock` answers, `signedIn()` begins with a session, as after a reload. */
export const test = base.extend({
  site: [async ({}, use) => {
    const site = await startSite();
    await use(site.url);
    await site.stop();
  }, { scope: "worker" }],
  baseURL: async ({ site }, use) => use(site),
  mock: async ({ page }, use) => {
    const mock = new Mock();
    await mock.install(page);
    await use(mock);
  },
  signedIn: async ({ page, mock }, use) => {
    await use(async () => {
      await page.addInitScript(() => {
        if (!sessionStorage.getItem("begun")) sessionStorage.setItem("tollgate.session", "refresh-0");
        sessionStorage.setItem("begun", "yes");
      });
      return mock;
    });
  },
  /** Nothing may go wrong unseen: uncaught errors and policy violations fail a test. */
  quiet: [async ({ page }, use) => {
    const noise = [];
    page.on("pageerror", (error) => noise.push(error.message));
    page.on("console", (message) => /content security policy/i.test(message.text()) && noise.push(message.text()));
    await use(undefined);
    expect(noise).toEqual([]);
  }, { auto: true }],
});
