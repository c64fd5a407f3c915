import { Problem } from "./problem.js";
import { requestJson } from "./request.js";

/**
 * @typedef {object} Subscription
 * @property {string} status Stripe's
 * @property {import("./config.js").Plan | null} plan `null` where it is none of ours
 * @property {number} quantity
 * @property {number | null} current_period_end Unix seconds, as all times here
 * @property {number | null} cancel_at
 * @property {number | null} trial_end
 * @property {string | null} [payment_url] Stripe's page of an invoice that is open
 */

/**
 * @typedef {object} Account
 * @property {{ granted: boolean, until: number | null, reason: string }} access
 * @property {Subscription | null} subscription
 * @property {boolean} trial_used
 * @property {number | null} [synced_at] `null` until they first go to checkout
 */

/**
 * What a switch costs.
 * @typedef {object} Preview
 * @property {string} id pins the price
 * @property {import("./config.js").Plan} plan
 * @property {{ amount_due: number, credit: number, currency: string, lines: { description: string, amount: number }[] }} now
 * @property {{ amount: number, at: number } | null} later
 * @property {number} expires_at
 */

/**
 * @typedef {object} Invoice
 * @property {string} id
 * @property {string | null} number
 * @property {number} created
 * @property {string} status Stripe's
 * @property {number} total
 * @property {number} amount_due
 * @property {string} currency
 * @property {string | null} url Stripe's page of it
 * @property {string | null} pdf
 */

/** The API of a person who is signed in. */
export class Api {
  #signIn;

  /** @param {import("./sign-in.js").SignIn} signIn */
  constructor(signIn) {
    this.#signIn = signIn;
  }

  /** @returns {Promise<Account>} as stored */
  account() {
    return this.call("GET", "/api/subscription");
  }

  /**
   * @param {string | null} [sessionId] the checkout session that was just paid
   * @returns {Promise<Account>} as Stripe has it now
   */
  sync(sessionId) {
    return this.call("POST", "/api/subscription/sync", sessionId ? { session_id: sessionId } : {});
  }

  /**
   * @param {string} plan a plan's key
   * @param {string} [currency] another one than the plan's own
   * @returns {Promise<{ url: string }>} where to pay
   */
  createCheckoutSession(plan, currency) {
    return this.call("POST", "/api/create-checkout-session", { plan, ...(currency && { currency }) });
  }

  /** @param {string} plan a plan's key @returns {Promise<Preview>} */
  preview(plan) {
    return this.call("GET", `/api/subscription/preview?${new URLSearchParams({ plan })}`);
  }

  /** @param {Preview} preview @returns {Promise<Account>} */
  switchPlan(preview) {
    return this.call("POST", "/api/subscription/switch", { plan: preview.plan.key, preview: preview.id });
  }

  /** @returns {Promise<Account>} */
  cancel() {
    return this.call("POST", "/api/subscription/cancel", {});
  }

  /** @returns {Promise<Account>} */
  resume() {
    return this.call("POST", "/api/subscription/resume", {});
  }

  /** Tries to collect what is open. @returns {Promise<Account>} */
  pay() {
    return this.call("POST", "/api/subscription/pay", {});
  }

  /**
   * @param {"payment_method"} [flow] one page of the portal; its first page if nothing is said
   * @returns {Promise<{ url: string }>}
   */
  portal(flow) {
    return this.call("POST", "/api/create-portal-session", flow ? { flow } : {});
  }

  /** @param {string} [after] the last invoice that is known @returns {Promise<{ invoices: Invoice[], more: boolean }>} */
  invoices(after) {
    return this.call("GET", `/api/invoices${after ? `?${new URLSearchParams({ after })}` : ""}`);
  }

  /**
   * Has the browser take the cookies for the members' pages.
   * @param {AbortSignal} signal
   * @returns {Promise<{ expires_at: number, expires_in: number }>} when they are over, and in how many seconds
   */
  membersCookies(signal) {
    return this.call("POST", "/api/members/cookies", {}, { signal });
  }

  /** Lets Stripe know the email of a sign-in. */
  followEmail() {
    return this.call("POST", "/api/account/email", {}, { keepalive: true });
  }

  /** Cancels the plan and deletes the account. The session is over then. */
  async deleteAccount() {
    await this.call("DELETE", "/api/account");
    await this.#signIn.end();
  }

  /**
   * Any other route of it.
   * @param {string} method
   * @param {string} path
   * @param {object} [body]
   * @param {RequestInit} [further]
   * @returns {Promise<any>}
   */
  async call(method, path, body, further) {
    const send = async (renew = false) =>
      requestJson(path, {
        method,
        headers: {
          Authorization: `Bearer ${await this.#signIn.accessToken({ renew })}`,
          ...(body && { "Content-Type": "application/json" }),
        },
        body: body && JSON.stringify(body),
        ...further,
      });
    try {
      return await send();
    } catch (error) {
      if (!isRefused(error)) throw this.#noticed(error);
    }
    try {
      return await send(true);
    } catch (error) {
      if (!isRefused(error)) throw this.#noticed(error);
      this.#signIn.forget();
      throw new Problem("signed_out", { cause: error });
    }
  }

  /** An account that is deleted has no session, here or elsewhere. @param {unknown} error */
  #noticed(error) {
    if (error instanceof Problem && error.code === "account_deleted") void this.#signIn.end();
    return error;
  }
}

/** Whether the token was refused. @param {unknown} error */
function isRefused(error) {
  return error instanceof Problem && error.status === 401;
}
