"""The local cloud of `cargo xtask rehearse`: ministack, and what AWS does and it does not.

ministack (https://github.com/ministackorg/ministack) takes a real `sam deploy` without Docker. Everything in which it is known
to differ from AWS, and on which our stack or a test of it rests, is corrected here, one correction after another, each with its
reason. None of them is about our template: what ministack has no notion of at all is left out there, by the condition `Cloud`.

Beside ministack's own port ($GATEWAY_PORT) this listens on $EDGE_PORT, in CloudFront's and the internet's place: see `Edge`.
"""

import http.client
import http.server
import json
import os
import re
import string
import threading

from ministack import app
from ministack.core import iam_actions, lambda_runtime
from ministack.services import cloudfront, lambda_svc, secretsmanager
from ministack.services.cloudformation import provisioners

GATEWAY = ("127.0.0.1", int(os.environ["GATEWAY_PORT"]))
EXECUTE_API = re.compile(r"^([a-z0-9]+)\.execute-api\.[a-z0-9-]+\.amazonaws\.com$")
HANDLERS = provisioners._RESOURCE_HANDLERS


# A function's reply waits for the acknowledgement of its header otherwise: 40 ms a call.
http.server.BaseHTTPRequestHandler.disable_nagle_algorithm = True


# Cognito: a user pool has the attribute ProviderURL, which is the issuer of its tokens.
def with_provider_url(attributes):
    def with_it(pool):
        known = attributes(pool)
        return known | {"ProviderURL": "https://" + known["ProviderName"]}

    return with_it


provisioners._cognito_user_pool_attributes = with_provider_url(provisioners._cognito_user_pool_attributes)


# Secrets Manager: `!Ref` of a secret is its ARN, not its name; without a value it has no version at all; and what is generated
# keeps to ExcludePunctuation.
def name_of(secret):
    """A secret's name, from its ARN: without the six characters that make the ARN unique."""
    return secret.split(":", 6)[-1][:-7] if secret.startswith("arn:") else secret


def create_secret(create):
    def with_arn(logical_id, props, stack_name):
        name, attributes = create(logical_id, without_punctuation(props), stack_name)
        if "SecretString" not in props and "GenerateSecretString" not in props:
            secretsmanager._secrets[name]["Versions"] = {}
        return attributes["Id"], attributes

    return with_arn


def update_secret(update):
    def by_name(physical_id, old, new, stack_name, logical_id=None):
        _, attributes = update(name_of(physical_id), without_punctuation(old), without_punctuation(new), stack_name, logical_id)
        return attributes["Id"], attributes

    return by_name


def delete_secret(delete):
    return lambda physical_id, props: delete(name_of(physical_id), props)


def without_punctuation(props):
    generate = props.get("GenerateSecretString") or {}
    if str(generate.get("ExcludePunctuation")).lower() != "true":
        return props
    excluded = generate.get("ExcludeCharacters", "") + string.punctuation
    return props | {"GenerateSecretString": generate | {"ExcludeCharacters": excluded}}


secret = HANDLERS["AWS::SecretsManager::Secret"]
secret.update(
    create=create_secret(secret["create"]), update=update_secret(secret["update"]), delete=delete_secret(secret["delete"])
)


# DynamoDB: a request's partition keys are the condition key `dynamodb:LeadingKeys`. Without it `ForAllValues` allows every key.
def partition_keys(request):
    """The values of `pk` that a request names: by its keys, its items, or its key condition."""
    if isinstance(request, list):
        return [key for part in request for key in partition_keys(part)]
    if not isinstance(request, dict):
        return []
    found = []
    for name, part in request.items():
        if name in ("Key", "Item", "Keys") or name == "pk":
            keys = part if isinstance(part, list) else [part]
            keys = [key.get("pk", key) if isinstance(key, dict) else {} for key in keys]
            found += [key["S"] for key in keys if isinstance(key.get("S"), str)]
        elif name == "KeyConditionExpression":
            value = re.search(r"\bpk\s*=\s*(:\w+)", part)
            values = request.get("ExpressionAttributeValues", {})
            found += [values[value[1]]["S"]] if value else []
        else:
            found += partition_keys(part)
    return found


def with_leading_keys(context):
    def with_them(body):
        try:
            keys = partition_keys(json.loads(body or b"{}"))
        except ValueError:
            keys = []
        return context(body) | ({"dynamodb:LeadingKeys": keys} if keys else {})

    return with_them


iam_actions.dynamodb_service_context = with_leading_keys(iam_actions.dynamodb_service_context)


# Lambda: a layer's files are at /opt. Here they are in a folder of their own, and a variable tells a function that asks.
def with_layers(environment):
    def with_them(config, code_dir, port):
        variables = environment(config, code_dir, port)
        # A function has what the template says and what Lambda adds, and nothing of this machine.
        for name in set(variables) - lambda_names - set(lambda_svc._runtime_env_vars(config)):
            del variables[name]
        for layer in config.get("Layers") or []:
            files = lambda_svc._resolve_layer_zip(layer)
            if files:
                variables["LAYER_ROOT"] = lambda_svc._docker_extracted_dir(files, "layer")
        keep_credentials(config, variables)
        return variables

    return with_them


lambda_names = lambda_runtime._RESERVED_RUNTIME_ENV_VARS | {
    "AWS_LAMBDA_RUNTIME_API", "AWS_ENDPOINT_URL", "_HANDLER", "PATH", lambda_runtime.HOST_PREFIX_ENV,
}


# The credentials that each function runs with, for the probes of its policy; by its name.
credentials = {}


def keep_credentials(config, variables):
    names = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")
    credentials[config["FunctionName"]] = {name: variables[name] for name in names}


lambda_svc._provided_worker_env = with_layers(lambda_svc._provided_worker_env)


# CloudFront: an origin that is an HTTP API of this cloud is one to go to. ministack refuses every name of AWS.
def by_way_of_the_gateway(forward):
    def to_the_api(origin, method, uri, query, headers, body, viewer_is_https, *others):
        api = EXECUTE_API.match(origin["domain_name"])
        if not api:
            return forward(origin, method, uri, query, headers, body, viewer_is_https, *others)
        sent = cloudfront._origin_request_headers(origin, headers, *(others or ("127.0.0.1", "")))
        sent["Host"] = "{}:{}".format(*GATEWAY)
        target = f"/_aws/execute-api/{api[1]}/$default{uri}" + (f"?{query}" if query else "")
        return exchange(method, target, body, sent)

    return to_the_api


def exchange(method, target, body, headers):
    """One request to ministack, and its answer: status, reason, headers, body."""
    gateway = http.client.HTTPConnection(*GATEWAY, timeout=60)
    try:
        gateway.request(method, target, body=body or None, headers=headers)
        answer = gateway.getresponse()
        return answer.status, answer.reason, answer.getheaders(), answer.read()
    finally:
        gateway.close()


cloudfront._forward_to_origin = by_way_of_the_gateway(cloudfront._forward_to_origin)


class Edge(http.server.BaseHTTPRequestHandler):
    """What lies between a client and the cloud. By its name an HTTP API is reached (the Stripe stand-in keeps the `Host` of its
    webhooks); everything else is a browser at the one distribution of the account, as if it had come by its name and over TLS."""

    protocol_version = "HTTP/1.1"

    def serve(self):
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        headers = {name: value for name, value in self.headers.items() if name.lower() not in ("host", "connection")}
        api = EXECUTE_API.match(self.headers.get("host", ""))
        if self.path == "/_rehearsal/credentials":
            status, answer, content = 200, [("content-type", "application/json")], json.dumps(credentials).encode()
        elif api:
            headers["Host"] = "{}:{}".format(*GATEWAY)
            status, _, answer, content = exchange(self.command, f"/_aws/execute-api/{api[1]}/$default{self.path}", body, headers)
        else:
            status, answer, content = self.distribution(headers, body)
        self.send_response(status)
        for name, value in answer:
            if name.lower() not in ("connection", "content-length", "date", "server", "transfer-encoding"):
                self.send_header(name, value)
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def distribution(self, headers, body):
        domains = [distribution["DomainName"] for distribution in cloudfront._distributions._data.values()]
        if len(domains) != 1:
            return 503, [], f"There are {len(domains)} distributions.\n".encode()
        headers |= {"Host": domains[0], "x-forwarded-proto": "https"}
        status, _, answer, content = exchange(self.command, self.path, body, headers)
        return status, answer, content

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = serve

    def log_message(self, *_):
        pass


class EdgeServer(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128


if __name__ == "__main__":
    edge = EdgeServer(("127.0.0.1", int(os.environ["EDGE_PORT"])), Edge)
    threading.Thread(target=edge.serve_forever, daemon=True).start()
    app.main()
