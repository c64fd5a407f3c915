import { Api } from "../js/api.js";
import { Problem } from "../js/problem.js";

/**
 * What was decided, and by which line of the policy.
 * @typedef {object} Decision
 * @property {boolean} granted
 * @property {number | null} until Unix seconds, as all times here
 * @property {string} reason
 * @property {string} line
 * @property {string} sentence what the line is about
 * @property {string | null} subscription which one it rests on
 * @property {string[]} features
 */

/**
 * Somebody in a list.
 * @typedef {object} Row
 * @property {string} user
 * @property {string | null} customer
 * @property {number | null} listed_at
 * @property {{ granted: boolean, until: number | null, reason: string, line: string } | null} access `null` where what is stored is not understood
 * @property {import("../js/config.js").Plan | null} plan
 * @property {boolean} deleting
 */

/**
 * @typedef {object} Item
 * @property {string} price
 * @property {string} product
 * @property {string | null} name `null` where it is not ours
 * @property {string | null} plan
 * @property {number | null} amount
 * @property {string} currency
 * @property {string} interval
 * @property {number} interval_count
 * @property {number} quantity
 * @property {number} period_start
 * @property {number} period_end
 * @property {number | null} grace_days
 */

/**
 * @typedef {object} Subscription
 * @property {string} id
 * @property {string} url in Stripe
 * @property {string} status Stripe's
 * @property {Decision} decision what it would be if this were the only one
 * @property {Item[]} items
 * @property {number | null} cancel_at
 * @property {number | null} trial_end
 * @property {boolean} has_payment_method
 * @property {{ status: string, created: number } | null} latest_invoice
 * @property {number | null} past_due_since
 */

/**
 * A charge of which money went back.
 * @typedef {object} Charge
 * @property {string} id
 * @property {number} amount
 * @property {number} amount_refunded
 * @property {string} currency
 * @property {{ id: string, status: string, amount: number }[]} disputes
 */

/**
 * @typedef {object} Customer
 * @property {string} user
 * @property {{ state: "known" | "unknown" | "silent", email: string | null }} sign_in
 * @property {number | null} deleting since when
 * @property {number | null} deleted_at
 * @property {{ id: string, url: string } | null} customer
 * @property {Decision} decision
 * @property {{ slack_seconds: number, grace_seconds: number }} policy
 * @property {Subscription[]} subscriptions
 * @property {Charge[]} charges
 * @property {boolean} trial_used
 * @property {number | null} synced_at
 * @property {number | null} listed_at
 */

/** @typedef {{ id: string, type: string, outcome: string, created: number, received_at: number, url: string }} Event */

/** The API of an administrator. */
export class AdminApi extends Api {
  /**
   * CloudFront puts the members' error page in the place of a 403's body, and with it the code. Here, a 403 means one thing.
   * @override @param {Parameters<Api["call"]>} args
   */
  async call(...args) {
    try {
      return await super.call(...args);
    } catch (error) {
      if (!(error instanceof Problem) || error.status !== 403) throw error;
      throw new Problem("not_an_admin", { status: 403, cause: error });
    }
  }

  /** @param {string} [after] `next` of the page before @returns {Promise<{ users: Row[], next: string | null }>} */
  users(after) {
    return this.call("GET", `/api/admin/users${after ? `?${new URLSearchParams({ after })}` : ""}`);
  }

  /** @param {string} query an email, or the id of a user, customer or subscription @returns {Promise<{ users: Row[], next: null }>} */
  search(query) {
    return this.call("GET", `/api/admin/users?${new URLSearchParams({ query })}`);
  }

  /** @param {string} user @returns {Promise<Customer>} */
  user(user) {
    return this.call("GET", `/api/admin/users/${encodeURIComponent(user)}`);
  }

  /** @param {string} user @param {string} [after] @returns {Promise<{ events: Event[], next: string | null }>} */
  events(user, after) {
    return this.call("GET", `/api/admin/users/${encodeURIComponent(user)}/events${after ? `?${new URLSearchParams({ after })}` : ""}`);
  }

  /** Has Stripe read. @param {string} user @returns {Promise<Customer>} as it is then */
  reread(user) {
    return this.call("POST", `/api/admin/users/${encodeURIComponent(user)}/sync`, {});
  }
}
