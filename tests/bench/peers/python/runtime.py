"""The Lambda Runtime API's loop: smaller than AWS's own client, so that a peer is not charged for that one.
See https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html."""

import json
import os
from http.client import HTTPConnection

BASE = "/2018-06-01/runtime/invocation"


def serve(handler):
    """Has the handler, `(event, request_id) -> answer`, answer one invocation after the other."""
    connection = HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])
    while True:
        headers, body = call(connection, "GET", f"{BASE}/next")
        request_id = headers["Lambda-Runtime-Aws-Request-Id"]
        try:
            answer = json.dumps(handler(json.loads(body), request_id))
            call(connection, "POST", f"{BASE}/{request_id}/response", answer)
        except Exception as error:
            failure = json.dumps({"errorType": type(error).__name__, "errorMessage": str(error)})
            call(connection, "POST", f"{BASE}/{request_id}/error", failure)


def call(connection, method, path, body=None):
    connection.request(method, path, body)
    response = connection.getresponse()
    return response.headers, response.read()
