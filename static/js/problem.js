/** What can go wrong, and what to tell the person about it. Put your own words here. */

/** Everything the page can fail with, as one type. `code` is the API's, or one of ours for what never reached the API. */
export class Problem extends Error {
  /**
   * @param {string} code
   * @param {{ status?: number, retryAfter?: number, requestId?: string, cause?: unknown }} [details] `retryAfter` in seconds
   */
  constructor(code, { status = 0, retryAfter = 0, requestId = "", cause } = {}) {
    super(code, { cause });
    this.name = "Problem";
    this.code = code;
    this.status = status;
    this.retryAfter = retryAfter;
    this.requestId = requestId;
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
const NO_STRIPE = ["Stripe is not answering.", "Nothing is lost. Please try again in a moment."];

/** @type {Record<string, string[]>} */
const SENTENCES = {
  unknown_plan: ["That plan is no longer on offer.", "Please reload the page to see today’s plans."],
  already_subscribed: ["You already have a plan.", "You have not been charged again."],
  checkout_superseded: ["You chose another plan a moment ago.", "Finish in the other tab, or choose again here."],
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
  store_unavailable: BUSY,
  timeout: BUSY,
  unavailable: BUSY,
  too_many_requests: ["That was a bit fast.", "Please try again in a moment."],
  offline: ["You are offline.", "We will go on as soon as you are connected."],
  unreachable: ["We cannot be reached.", "Check your connection, then try again."],
  timed_out: ["This takes too long.", "Check your connection, then try again."],
  sign_in_canceled: ["You are not signed in.", "Signing in was canceled. Nothing has changed."],
  sign_in_stale: ["Please sign in once more.", "That sign-in was started elsewhere, or too long ago."],
  sign_in_failed: ["Signing in did not work.", "Please try again."],
  unexpected: ["Something went wrong.", "It is our fault, not yours. Please try again."],
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
