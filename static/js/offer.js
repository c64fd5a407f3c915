/**
 * What is on offer, as a person chooses from it: plans of one name are one thing, paid for at one pace or another, and in one currency or
 * another.
 */

/** @typedef {import("./config.js").Plan} Plan */
/** @typedef {{ pace: string, currency: string }} Choice */

const A_YEAR = { day: 365, week: 52, month: 12, year: 1 };

/** How often a plan is paid: `1 month`. @param {Plan} plan */
export function paceOf({ interval, interval_count }) {
  return `${interval_count} ${interval}`;
}

/**
 * The paces to choose from, the most frequent first; none where nothing is sold at more than one.
 * @param {Plan[]} plans
 * @returns {{ pace: string, plan: Plan }[]} each with a plan of it
 */
export function paces(plans) {
  const found = new Map(plans.filter((plan) => alike(plan, plans).some((other) => paceOf(other) !== paceOf(plan))).map((plan) => [paceOf(plan), plan]));
  return [...found].map(([pace, plan]) => ({ pace, plan })).sort((one, other) => perYear(other.plan) - perYear(one.plan));
}

/** The currencies to choose from, those of plans that are sold in several; what the plans begin with comes first. @param {Plan[]} plans */
export function currencies(plans) {
  const several = plans.filter(({ other_amounts = {} }) => Object.keys(other_amounts).length > 0);
  return [...new Set([...several.map(({ currency }) => currency), ...several.flatMap(({ other_amounts }) => Object.keys(other_amounts ?? {}))])];
}

/** A plan as it is sold in a currency; as it is, where it is not. @param {Plan} plan @param {string} currency */
export function inCurrency(plan, currency) {
  const amount = plan.other_amounts?.[currency];
  return amount === undefined ? plan : { ...plan, amount, currency, other_amounts: { ...plan.other_amounts, [plan.currency]: plan.amount } };
}

/**
 * The plans to show: what is not sold at the pace that was chosen is shown at its own.
 * @param {Plan[]} plans
 * @param {Choice} choice
 */
export function chosen(plans, { pace, currency }) {
  const names = [...new Set(plans.map(({ name }) => name))];
  return names.flatMap((name) => {
    const ofName = plans.filter((plan) => plan.name === name);
    const atPace = ofName.filter((plan) => paceOf(plan) === pace);
    return (atPace.length ? atPace : ofName.filter((plan) => paceOf(plan) === paceOf(ofName[0]))).map((plan) => inCurrency(plan, currency));
  });
}

/**
 * What paying seldom saves.
 * @param {Plan} plan
 * @param {Plan[]} plans
 * @returns {{ text: string, share: number } | null} `share` of what the same costs when paid most often
 */
export function saving(plan, plans) {
  const [often, ...further] = alike(plan, plans).map((other) => inCurrency(other, plan.currency))
    .filter((other) => other.currency === plan.currency && perYear(other) > perYear(plan))
    .sort((one, other) => perYear(other) - perYear(one));
  if (!often?.amount || further.some((other) => paceOf(other) === paceOf(often))) return null;
  const share = 1 - (plan.amount * perYear(plan)) / (often.amount * perYear(often));
  const months = 12 - plan.amount / often.amount;
  if (paceOf(plan) === "1 year" && paceOf(often) === "1 month" && Number.isInteger(months) && months > 0) {
    return { text: months === 1 ? "1 month free" : `${months} months free`, share };
  }
  return share >= 0.01 ? { text: `Save ${Math.floor(share * 100)}%`, share } : null;
}

/**
 * What paying at a pace saves, over all that is sold at it.
 * @param {string} pace
 * @param {Plan[]} plans
 * @param {string} currency
 */
export function savingAt(pace, plans, currency) {
  const savings = plans.filter((plan) => paceOf(plan) === pace && plan.amount).map((plan) => saving(inCurrency(plan, currency), plans));
  const best = Math.max(0, ...savings.map((it) => it?.share ?? 0));
  if (best === 0) return "";
  const [first] = savings;
  return savings.every((it) => it?.text === first?.text) ? (first?.text ?? "") : `Save up to ${Math.floor(best * 100)}%`;
}

/** @param {Plan} plan @param {Plan[]} plans */
function alike(plan, plans) {
  return plans.filter(({ name }) => name === plan.name);
}

/** @param {Plan} plan */
function perYear({ interval, interval_count }) {
  return A_YEAR[interval] / interval_count;
}
