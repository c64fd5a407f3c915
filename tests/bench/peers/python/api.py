"""What the functions behind the HTTP API share: who is calling, answers, and one log line for each request."""

import base64
import json
import sys
import time
import traceback
from datetime import datetime, timezone

from metrics import put_metrics
from runtime import serve


class Problem(Exception):
    """A failure that the caller can do something about."""

    def __init__(self, status, title, code, detail):
        super().__init__(detail)
        self.status, self.title, self.code, self.detail = status, title, code, detail


def serve_api(handle, metric="Requests"):
    """Serves a function of the API: `handle(event, span)` gives an answer, and may note in the span what the log line is to say, such as
    the `outcome`. The metric counts requests by outcome."""

    def answer_one(event, request_id):
        started = time.perf_counter()
        span = {"request_id": request_id, "route": event["requestContext"]["routeKey"], "name": "request"}
        level, failure = "INFO", {}
        try:
            answer = handle(event, span)
        except Problem as problem:
            answer = refusal(problem, request_id)
            failure = {"code": problem.code}
        except Exception:
            problem = Problem(500, "Internal Server Error", "internal_error", "Something went wrong on our side.")
            answer = refusal(problem, request_id)
            level, failure = "ERROR", {"code": problem.code, "error": traceback.format_exc()}
        duration_ms = int((time.perf_counter() - started) * 1000)
        put_metrics({"Outcome": span.get("outcome") or failure.get("code", "ok")}, metric, "Count", 1)
        line = {
            "timestamp": datetime.now(timezone.utc).isoformat().replace("+00:00", "Z"),
            "level": level,
            "message": "request",
            "status": answer["statusCode"],
            "duration_ms": duration_ms,
            **failure,
            "span": span,
        }
        sys.stdout.write(json.dumps(line) + "\n")
        sys.stdout.flush()
        return answer

    serve(answer_one)


def json_answer(value, cache="no-store"):
    headers = {"content-type": "application/json", "cache-control": cache}
    return {"statusCode": 200, "headers": headers, "body": json.dumps(value)}


def caller(event, span):
    """The `sub` of the access token that API Gateway has verified."""
    claims = event["requestContext"].get("authorizer", {}).get("jwt", {}).get("claims", {})
    if claims.get("token_use") != "access" or not claims.get("sub"):
        raise Problem(401, "Unauthorized", "invalid_token", "Send an access token of a signed-in user.")
    span["user.id"] = claims["sub"]
    return claims["sub"]


def body_of(event, most):
    """The body's bytes as the sender sent them, so many at most."""
    text = event.get("body") or ""
    body = base64.b64decode(text) if event.get("isBase64Encoded") else text.encode()
    if len(body) > most:
        raise Problem(413, "Payload Too Large", "body_too_large", f"The body has more than {most} bytes.")
    return body


def now():
    """The time, in Unix seconds."""
    return int(time.time())


def refusal(problem, request_id):
    body = {
        "type": "about:blank",
        "title": problem.title,
        "status": problem.status,
        "code": problem.code,
        "detail": problem.detail,
        "request_id": request_id,
    }
    headers = {"content-type": "application/problem+json", "cache-control": "no-store"}
    return {"statusCode": problem.status, "headers": headers, "body": json.dumps(body)}
