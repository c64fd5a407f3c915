import { requestJson } from "./request.js";

/**
 * @typedef {object} Plan
 * @property {string | null} key `null` when it is no longer on offer
 * @property {string} name
 * @property {string} description
 * @property {string[]} [marketing_features]
 * @property {number} amount in the currency's minor unit
 * @property {string} currency ISO 4217, lower case
 * @property {Record<string, number>} [other_amounts] by currency
 * @property {"inclusive" | "exclusive" | "unspecified"} [tax_behavior] whether the amount includes tax
 * @property {"day" | "week" | "month" | "year"} interval
 * @property {number} interval_count
 * @property {number} [trial_days]
 */

/**
 * @typedef {object} Config
 * @property {"test" | "live"} mode
 * @property {{ url: string, client_id: string, scope: string }} sign_in
 * @property {Plan[]} plans in the order to show them
 */

/** @returns {Promise<Config>} */
export function loadConfig() {
  return requestJson("/api/config");
}
