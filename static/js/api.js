import { Problem } from "./problem.js";
import { requestJson } from "./request.js";

/**
 * @typedef {object} Subscription
 * @property {string} status Stripe's
 * @property {import("./config.js").Plan} plan
 * @property {number} quantity
 * @property {number | null} current_period_end Unix seconds, as all times here
 * @property {number | null} cancel_at
 * @property {number | null} trial_end
 */

/**
 * @typedef {object} Account
 * @property {{ granted: boolean, until: number | null, reason: string }} access
 * @property {Subscription | null} subscription
 * @property {boolean} trial_used
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
    return this.#call("GET", "/api/subscription");
  }

  /**
   * @param {string | null} [sessionId] the checkout session that was just paid
   * @returns {Promise<Account>} as Stripe has it now
   */
  sync(sessionId) {
    return this.#call("POST", "/api/subscription/sync", sessionId ? { session_id: sessionId } : {});
  }

  /**
   * @param {string} plan a plan's key
   * @returns {Promise<{ url: string }>} where to pay
   */
  createCheckoutSession(plan) {
    return this.#call("POST", "/api/create-checkout-session", { plan });
  }

  /**
   * @param {string} method
   * @param {string} path
   * @param {object} [body]
   */
  async #call(method, path, body) {
    const send = async (renew = false) =>
      requestJson(path, {
        method,
        headers: {
          Authorization: `Bearer ${await this.#signIn.accessToken({ renew })}`,
          ...(body && { "Content-Type": "application/json" }),
        },
        body: body && JSON.stringify(body),
      });
    try {
      return await send();
    } catch (error) {
      if (!(error instanceof Problem) || error.status !== 401) throw error;
    }
    try {
      return await send(true);
    } catch (error) {
      if (!(error instanceof Problem) || error.status !== 401) throw error;
      this.#signIn.forget();
      throw new Problem("signed_out", { cause: error });
    }
  }
}
