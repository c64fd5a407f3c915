/** Money and dates, in the reader's locale. */

/** Where Stripe's minor unit is not Intl's. https://docs.stripe.com/currencies#special-cases */
const STRIPE_DIGITS = { ISK: 2, MGA: 0, UGX: 2 };

/**
 * @param {number} amount in the currency's minor unit
 * @param {string} currency ISO 4217
 */
export function money(amount, currency) {
  const code = currency.toUpperCase();
  const format = new Intl.NumberFormat(undefined, { style: "currency", currency: code, trailingZeroDisplay: "stripIfInteger" });
  const digits = STRIPE_DIGITS[code] ?? format.resolvedOptions().maximumFractionDigits ?? 2;
  return format.format(amount / 10 ** digits);
}

/**
 * “per month”, “every 3 months”.
 * @param {string} interval
 * @param {number} count
 */
export function interval(interval, count) {
  return count === 1 ? `per ${interval}` : `every ${count} ${interval}s`;
}

/**
 * “Monthly”, “Every 3 months”.
 * @param {string} interval
 * @param {number} count
 */
export function paceName(interval, count) {
  const names = { day: "Daily", week: "Weekly", month: "Monthly", year: "Yearly" };
  return count === 1 ? (names[interval] ?? interval) : `Every ${count} ${interval}s`;
}

/** @param {number} seconds since 1970 */
export function day(seconds) {
  return new Intl.DateTimeFormat(undefined, { dateStyle: "long" }).format(seconds * 1000);
}

/** A day and a time, for who has to know exactly. @param {number} seconds since 1970 */
export function moment(seconds) {
  return new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" }).format(seconds * 1000);
}

/** @param {number} seconds since 1970 */
export function shortDay(seconds) {
  return new Intl.DateTimeFormat(undefined, { dateStyle: "medium" }).format(seconds * 1000);
}
