// What the functions behind the HTTP API share: who is calling, answers, and one log line for each request.
import { writeSync } from "node:fs";
import { putMetrics } from "./metrics.js";
import { serve } from "./runtime.js";

/** A failure that the caller can do something about. */
export class Problem extends Error {
  constructor(status, title, code, detail) {
    super(detail);
    Object.assign(this, { status, title, code });
  }
}

/**
 * Serves a function of the API: `handle(event, span)` gives an answer, and may note in the span what the log line is to say, such as the
 * `outcome`. The metric counts requests by outcome.
 */
export function serveApi(handle, metric = "Requests") {
  return serve(async (event, requestId) => {
    const started = performance.now();
    const span = { request_id: requestId, route: event.requestContext.routeKey, name: "request" };
    let answer;
    let level = "INFO";
    let failure = {};
    try {
      answer = await handle(event, span);
    } catch (error) {
      const known = error instanceof Problem;
      const problem = known ? error : new Problem(500, "Internal Server Error", "internal_error", "Something went wrong on our side.");
      answer = refusal(problem, requestId);
      level = known ? "INFO" : "ERROR";
      failure = { code: problem.code, error: known ? undefined : error.stack };
    }
    const duration_ms = Math.floor(performance.now() - started);
    putMetrics({ Outcome: span.outcome ?? failure.code ?? "ok" }, metric, "Count", 1);
    const timestamp = new Date().toISOString();
    const line = { timestamp, level, message: "request", status: answer.statusCode, duration_ms, ...failure, span };
    writeSync(1, `${JSON.stringify(line)}\n`);
    return answer;
  });
}

/** A JSON answer. */
export function json(value, cache = "no-store") {
  const headers = { "content-type": "application/json", "cache-control": cache };
  return { statusCode: 200, headers, body: JSON.stringify(value) };
}

/** The `sub` of the access token that API Gateway has verified. */
export function caller(event, span) {
  const claims = event.requestContext.authorizer?.jwt?.claims;
  if (claims?.token_use !== "access" || !claims.sub) {
    throw new Problem(401, "Unauthorized", "invalid_token", "Send an access token of a signed-in user.");
  }
  span["user.id"] = claims.sub;
  return claims.sub;
}

/** The body as the sender sent it, of so many bytes at most. */
export function bodyOf(event, max) {
  const body = Buffer.from(event.body ?? "", event.isBase64Encoded ? "base64" : "utf8");
  if (body.length > max) {
    throw new Problem(413, "Payload Too Large", "body_too_large", `The body has more than ${max} bytes.`);
  }
  return body;
}

/** The time, in Unix seconds. */
export function now() {
  return Math.floor(Date.now() / 1000);
}

function refusal({ status, title, code, message }, requestId) {
  return {
    statusCode: status,
    headers: { "content-type": "application/problem+json", "cache-control": "no-store" },
    body: JSON.stringify({ type: "about:blank", title, status, code, detail: message, request_id: requestId }),
  };
}
