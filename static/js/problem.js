/** What can go wrong, and what to tell the person about it. Put your own words here. */

/** Everything the page can fail with, as one type. `code` is the API's, or one of ours for what never reached the API. */
export class Problem extends Error {
  /**
   * @param {string} code
   * @param {{ status?: number, retryAfter?: number, requestId?: string, url?: string, reason?: string, cause?: unknown }} [details]
   *   `retryAfter` in seconds, `url` where a payment can be made good, `reason` why there is no access
   */
  constructor(code, { status = 0, retryAfter = 0, requestId = "", url = "", reason = "", cause } = {}) {
    super(code, { cause });
    this.name = "Problem";
    this.code = code;
    this.status = status;
    this.retryAfter = retryAfter;
    this.requestId = requestId;
    this.url = url;
    this.reason = reason;
  }

  /**
   * Reads our functions' problem+json as well as API Gateway's own `{"message": "…"}`, which has no code.
   * @param {Response} response
   * @param {any} body
   */
  static fromResponse(response, body) {
    return new Problem(body?.code ?? gatewayCode(response.status), {
      status: response.status,
      retryAfter: seconds(response.headers.get("Retry-After")),
      requestId: body?.request_id ?? "",
      url: body?.url ?? "",
      reason: body?.reason ?? "",
    });
  }

  /** @param {unknown} error */
  static from(error) {
    return error instanceof Problem ? error : new Problem("unexpected", { cause: error });
  }
}

/**
 * @param {Problem} problem
 * @returns {{ title: string, text: string }}
 */
export function explain(problem) {
  const [title, text] = SENTENCES[problem.code] ?? SENTENCES.unexpected;
  const reference = problem.status >= 500 && problem.requestId ? ` If it keeps happening, tell us this reference: ${problem.requestId}` : "";
  return { title, text: text + reference };
}

const SIGN_IN_AGAIN = ["Please sign in again.", "You have been signed out, to keep your account safe."];
const OUT_OF_DATE = ["This page is out of date.", "Please reload it and try again."];
const BUSY = ["We are not quite there.", "Nothing is lost. Please try again in a moment."];
const OUR_FAULT = ["Something went wrong.", "It is our fault, not yours. Please try again."];
const NO_STRIPE = ["Stripe is not answering.", "Nothing is lost. Please try again in a moment."];

/** @type {Record<string, string[]>} */
const SENTENCES = {
  unknown_plan: ["That plan is no longer on offer.", "Please reload the page to see today’s plans."],
  access_ended: ["Your access ended a moment ago.", "Your plan’s page says why."],
  already_subscribed: ["You already have a plan.", "You have not been charged again."],
  checkout_superseded: ["You chose another plan a moment ago.", "Finish in the other tab, or choose again here."],
  currency_not_offered: ["That currency is not possible here.", "Choose the one that you have paid in before."],
  same_plan: ["You have this plan already.", "Nothing has changed."],
  not_switchable: ["Your plan cannot be changed just now.", "It is about to end, or a payment is open. See to that first."],
  preview_expired: ["The price is no longer up to date.", "You have not been charged. Please look at it again."],
  payment_declined: ["Your card was declined.", "You have not been charged. Try another card."],
  payment_action_required: ["Your bank wants you to confirm.", "You have not been charged yet. Please approve the payment."],
  payment_method_needed: ["Your plan needs a card first.", "Add one, and it goes on."],
  nothing_to_pay: ["There is nothing to pay.", "All your invoices are settled."],
  no_subscription: ["You have no plan just now.", "Please reload the page to see how things stand."],
  no_customer: ["There is nothing at Stripe yet.", "It begins with your first plan."],
  already_ending: ["Your plan is set to end already.", "Nothing more needs to be done."],
  not_ending: ["Your plan goes on already.", "Nothing needs to be done."],
  not_subscribed: ["Your plan does not include this.", "See the plans for one that does."],
  account_deleted: ["This account is deleted.", "You will not be charged again."],
  not_an_admin: ["You are not an administrator.", "Who was made one a moment ago has to sign out and in once more."],
  unknown_user: ["There is no such user.", "Their account may be deleted, or the address mistyped."],
  not_confirmed: ["Please type DELETE.", "It is how we know that you mean it."],
  unknown_session: ["This payment is not in your account.", "Did you pay while signed in with another email? Sign out, then sign in with that one."],
  invalid_request: OUT_OF_DATE,
  body_too_large: OUT_OF_DATE,
  not_found: OUT_OF_DATE,
  invalid_token: SIGN_IN_AGAIN,
  unauthorized: SIGN_IN_AGAIN,
  forbidden: SIGN_IN_AGAIN,
  signed_out: SIGN_IN_AGAIN,
  stripe_error: NO_STRIPE,
  stripe_unavailable: NO_STRIPE,
  secrets_unavailable: BUSY,
  sign_in_unavailable: BUSY,
  store_unavailable: BUSY,
  timeout: BUSY,
  unavailable: BUSY,
  internal_error: OUR_FAULT,
  too_many_requests: ["That was a bit fast.", "Please try again in a moment."],
  offline: ["You are offline.", "We will go on as soon as you are connected."],
  unreachable: ["We cannot be reached.", "Check your connection, then try again."],
  timed_out: ["This takes too long.", "Check your connection, then try again."],
  sign_in_canceled: ["You are not signed in.", "Signing in was canceled. Nothing has changed."],
  sign_in_stale: ["Please sign in once more.", "That sign-in was started elsewhere, or too long ago."],
  sign_in_failed: ["Signing in did not work.", "Please try again."],
  unexpected: OUR_FAULT,
};

/** @param {number} status */
function gatewayCode(status) {
  const codes = { 401: "unauthorized", 403: "forbidden", 404: "not_found", 413: "body_too_large", 429: "too_many_requests", 503: "unavailable" };
  return codes[status] ?? "unexpected";
}

/** `Retry-After` is a number of seconds or a date. @param {string | null} header */
function seconds(header) {
  if (!header) return 0;
  const value = /^\d+$/.test(header) ? Number(header) : (Date.parse(header) - Date.now()) / 1000;
  return Math.min(Math.max(Math.ceil(value) || 0, 0), 300);
}
