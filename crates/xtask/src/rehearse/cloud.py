"""The local cloud of `cargo xtask rehearse`: ministack, and what AWS does and it does not.

ministack (https://github.com/ministackorg/ministack) takes a real `sam deploy` without Docker. Everything in which it is known
to differ from AWS, and on which our stack or a test of it rests, is corrected here, one correction after another, each with its
reason. None of them is about our template: what ministack has no notion of at all is left out there, by the condition `Cloud`.

Beside ministack's own port ($GATEWAY_PORT) this listens on $EDGE_PORT, as CloudFront: see `Edge`.
"""

import base64
import http.client
import http.cookies
import http.server
import json
import os
import posixpath
import random
import re
import signal
import string
import sys
import threading
import time
import urllib.parse

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from ministack import app
from ministack.core import iam_actions, iam_evaluator, lambda_runtime
from ministack.core.responses import get_region
from ministack.services import cloudformation, cloudfront, cognito, lambda_svc, s3, secretsmanager
from ministack.services.cloudformation import custom_resource, handlers, helpers, provisioners, stacks

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


# Cognito: who has confirmed an address with the code that was mailed there has a verified address.
def and_verifies(confirm):
    def confirmed(data):
        answer = confirm(data)
        if answer[0] == 200:
            pool = next(pool for pool in cognito._user_pools.values() if data["ClientId"] in pool["_clients"])
            user, _ = cognito._resolve_user(pool, data["Username"])
            verified = [{"Name": "email_verified", "Value": "true"}]
            user["Attributes"] = cognito._merge_attributes(user["Attributes"], verified)
        return answer

    return confirmed


cognito._confirm_sign_up = and_verifies(cognito._confirm_sign_up)


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


# DynamoDB: the condition keys `dynamodb:LeadingKeys` and `dynamodb:Attributes` are the partition keys and the attributes that a
# request touches. Without them `ForAllValues` allows everything.
def touched(request):
    """The partition keys that a request names, and the attributes that it reads or writes."""
    keys, attributes = set(), set()
    values = request.get("ExpressionAttributeValues", {})
    for name, part in request.items():
        if name in ("Key", "Item"):
            keys |= {part["pk"]["S"]}
            attributes |= set(part)
        elif name == "Keys":
            keys |= {key["pk"]["S"] for key in part}
        elif name == "KeyConditionExpression":
            # Of the table, or of its index, whose keys count where it is asked.
            found = re.search(r"\b(?:pk|listed)\s*=\s*(:\w+)", part)
            keys |= {values[found[1]]["S"]} if found else set()
        elif name in ("UpdateExpression", "ConditionExpression", "ProjectionExpression", "FilterExpression"):
            names = re.findall(r"(?<![.:\w#])[#A-Za-z_][\w]*", part)
            attributes |= {request.get("ExpressionAttributeNames", {}).get(name, name) for name in names}
        elif name == "RequestItems":
            for of_table in part.values():
                # To be read: keys. To be written: a list of puts and deletes.
                writes = [write for one in of_table for write in one.values()] if isinstance(of_table, list) else [of_table]
                for more_keys, more_attributes in map(touched, writes):
                    keys, attributes = keys | more_keys, attributes | more_attributes
    return keys, attributes


def as_context(keys, attributes):
    context = {"dynamodb:LeadingKeys": sorted(keys), "dynamodb:Attributes": sorted(attributes)}
    return {name: values for name, values in context.items() if values}


def with_condition_keys(context):
    def with_them(body):
        try:
            return context(body) | as_context(*touched(json.loads(body)))
        except (AttributeError, KeyError, TypeError, ValueError):
            return context(body)

    return with_them


class PartOfTransaction(str):
    """A table's ARN, with the condition keys of what one part of a transaction does there, and of all of it."""


def part_by_part(checks):
    def with_their_own(action, body, region, account):
        found = checks(action, body, region, account)
        if not found:
            return found
        parts = [part for item in json.loads(body)["TransactItems"] for part in item.values()]
        keys, attributes = zip(*map(touched, parts))
        whole = as_context(set().union(*keys), set().union(*attributes))
        resources = []
        for (operation, table), part in zip(found, parts, strict=True):
            resource = PartOfTransaction(table)
            resource.contexts = [as_context(*touched(part)), whole]
            resources.append((operation, resource))
        return resources

    return with_their_own


def of_each_part(enforce):
    def enforced(access_key, action, service, region, resource_arn="*", service_context=None):
        # AWS does not say by which of the two it judges: a policy must hold by both.
        for context in getattr(resource_arn, "contexts", [{}]):
            denied = enforce(access_key, action, service, region, resource_arn, (service_context or {}) | context)
            if denied:
                return denied
        return None

    return enforced


iam_actions.dynamodb_service_context = with_condition_keys(iam_actions.dynamodb_service_context)
iam_actions.dynamodb_transaction_checks = part_by_part(iam_actions.dynamodb_transaction_checks)
iam_evaluator.enforce = of_each_part(iam_evaluator.enforce)


# CloudWatch: an alarm may rest on a sum of metrics. ministack refuses that; here it is kept under the first of them, and never
# goes off: nothing is measured in a rehearsal.
def under_the_first(handle):
    def kept(*arguments, **named):
        return handle(*[first_metric(it) if isinstance(it, dict) else it for it in arguments], **named)

    return kept


def first_metric(props):
    metrics = [metric["MetricStat"] for metric in props.get("Metrics", []) if "MetricStat" in metric]
    if not metrics:
        return props
    first = {**metrics[0]["Metric"], "Period": metrics[0]["Period"], "Statistic": metrics[0]["Stat"]}
    return {name: value for name, value in props.items() if name != "Metrics"} | first


alarm = HANDLERS["AWS::CloudWatch::Alarm"]
alarm.update(create=under_the_first(alarm["create"]), update=under_the_first(alarm["update"]))


# API Gateway: the endpoint of an HTTP API is where it answers. ministack gives a name that no resolver knows.
def with_its_endpoint(handle):
    def where_it_answers(*arguments, **named):
        api, attributes = handle(*arguments, **named)
        return api, attributes | {"ApiEndpoint": "http://localhost:{}/_aws/execute-api/{}/$default".format(GATEWAY[1], api)}

    return where_it_answers


api = HANDLERS["AWS::ApiGatewayV2::Api"]
api.update(create=with_its_endpoint(api["create"]), update=with_its_endpoint(api["update"]))


# CloudFormation: a stack that is at work, or that a failure has left halfway, takes no change set.
def when_at_rest(create):
    def created(params):
        stack = handlers._resolve_stack(helpers._p(params, "StackName")) or {}
        status = stack.get("StackStatus", "DELETE_COMPLETE")
        if status in ("DELETE_COMPLETE", "REVIEW_IN_PROGRESS") or status.endswith(AT_REST):
            return create(params)
        return helpers._error("ValidationError", f"Stack:{stack['StackId']} is in {status} state and can not be updated.")

    return created


AT_REST = ("CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE")
handlers._ACTION_HANDLERS["CreateChangeSet"] = when_at_rest(handlers._ACTION_HANDLERS["CreateChangeSet"])


# CloudFormation: when something cannot be deleted, what it needs stays, too; a bucket with files in it is such a thing.
def sparing_what_is_needed(delete):
    def deleted(kind, physical_id, props, stack_name=None, logical_id=None):
        stack = cloudformation._stacks.get(stack_name) or {}
        at_the_end = stack.get("StackStatus") == "DELETE_IN_PROGRESS"
        if at_the_end and logical_id in needed:
            raise ValueError("Something that needs it could not be deleted.")
        try:
            delete(kind, physical_id, props, stack_name, logical_id)
        except Exception:
            if at_the_end:
                needed.update(stacks._with_dependencies([logical_id], stack["_template"]["Resources"], set(stack["_resources"])))
            raise

    return deleted


def anew(delete_stack):
    def deleted(params):
        needed.clear()
        return delete_stack(params)

    return deleted


def unless_it_holds_something(delete):
    def deleted(bucket, props):
        if (s3._buckets.get(bucket) or {}).get("objects"):
            raise ValueError("The bucket you tried to delete is not empty. You must delete all versions in the bucket.")
        delete(bucket, props)

    return deleted


needed = set()
stacks._delete_resource = sparing_what_is_needed(stacks._delete_resource)
handlers._ACTION_HANDLERS["DeleteStack"] = anew(handlers._ACTION_HANDLERS["DeleteStack"])
bucket = HANDLERS["AWS::S3::Bucket"]
bucket.update(delete=unless_it_holds_something(bucket["delete"]))


# For the rehearsal: while this is cleared, CloudFormation does not hear from custom resources, and so is busy with the stack.
answers_arrive = threading.Event()
answers_arrive.set()


def held_up(deliver):
    def delivered(token, answer):
        def wait_and_deliver():
            answers_arrive.wait()
            deliver(token, answer)

        if answers_arrive.is_set():
            return deliver(token, answer)
        threading.Thread(target=wait_and_deliver, daemon=True).start()
        return True

    return delivered


custom_resource.deliver_response = held_up(custom_resource.deliver_response)


# Lambda: a layer's files are at /opt. Here they are in a folder of their own, and a variable tells `provision`, which looks for it.
def with_layers(environment):
    def with_them(config, code_dir, port):
        variables = environment(config, code_dir, port)
        # A function has what the template says and what Lambda adds, and nothing of this machine.
        for name in set(variables) - lambda_names - set(lambda_svc._runtime_env_vars(config)):
            del variables[name]
        for layer in config.get("Layers") or []:
            files = lambda_svc._resolve_layer_zip(layer)
            if files:
                variables["PAGE_FILES"] = lambda_svc._docker_extracted_dir(files, "layer")
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


# IAM: what comes to AWS comes over TLS, which the bucket's policy insists on.
def over_tls(pin):
    return lambda source_ip, secure_transport: pin(source_ip, True)


app.pin_request_origin = over_tls(app.pin_request_origin)


# CloudWatch Logs: to write is to write to a stream of the group, and the stream's ARN is what a policy must allow.
def down_to_the_stream(resource):
    def found(service, method, path, headers, body, *others):
        arn = resource(service, method, path, headers, body, *others)
        stream = json.loads(body or b"{}").get("logStreamName") if service == "logs" else None
        return f"{arn}:log-stream:{stream}" if stream else arn

    return found


iam_actions.extract_resource_arn = down_to_the_stream(iam_actions.extract_resource_arn)


# S3: to whom may list a bucket it says 404 of what is missing there, and 403 to everybody else.
def telling_what_is_missing(fetch):
    def told(bucket, key, method, headers, source_arn="", oai_id=""):
        answer = fetch(bucket, key, method, headers, source_arn, oai_id)
        contents = s3._ensure_bucket(bucket)
        if answer[0] != 403 or contents is None or key in contents["objects"] or not may_list(bucket, source_arn):
            return answer
        return s3._error("NoSuchKey", "The specified key does not exist.", 404, f"/{bucket}/{key}")

    return told


def may_list(bucket, source_arn):
    """Whether the bucket's policy lets CloudFront list it, on behalf of this distribution."""
    owner = s3._bucket_owner_account(bucket)
    request = iam_evaluator.EvalContext(
        principal_arn="*", principal_type="Service", principal_account="", action="s3:ListBucket",
        resource_arn=f"arn:aws:s3:::{bucket}", region="us-east-1", service_context={"aws:sourcearn": source_arn},
    )
    policy = s3._bucket_policies.get_scoped(owner, None, bucket)
    decided = iam_evaluator.evaluate_resource_policy(policy, request, service="cloudfront.amazonaws.com")
    return decided.decision == "Allow"


s3.serve_cloudfront_origin_fetch = telling_what_is_missing(s3.serve_cloudfront_origin_fetch)


# What the functions log is in this process's log, too, where somebody looks for why a rehearsal failed.
def also_here(emit):
    def emitted(function, request_id, log, *others, **more):
        name = (function.get("config") or function)["FunctionName"]
        for line in filter(None, (log or "").splitlines()):
            print(f"{name}: {line}", flush=True)
        return emit(function, request_id, log, *others, **more)

    return emitted


lambda_svc._emit_lambda_logs = also_here(lambda_svc._emit_lambda_logs)


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


# CloudFront: public keys, which nobody can change, and groups of them; and what comes of them, which ministack does not know: who asks for
# a members' page shows cookies that one of them has signed. Which behaviors ask for that, a rule of the template says.
public_keys, key_groups = {}, {}


def make_public_key(logical_id, props, stack_name):
    config = props["PublicKeyConfig"]
    serialization.load_pem_public_key(config["EncodedKey"].encode())
    if any(config["Name"] == known["Name"] for known in public_keys.values()):
        raise ValueError("PublicKeyAlreadyExists")
    key = "K" + "".join(random.choices(string.ascii_uppercase + string.digits, k=13))
    public_keys[key] = config
    return key, {"Id": key}


def change_public_key(physical_id, old, new, stack_name, logical_id=None):
    if new["PublicKeyConfig"] != public_keys[physical_id]:
        raise ValueError("CannotChangeImmutablePublicKeyFields")
    return physical_id, {"Id": physical_id}


def delete_public_key(physical_id, props):
    if any(physical_id in items for items in key_groups.values()):
        raise ValueError("PublicKeyInUse")
    public_keys.pop(physical_id, None)


def make_key_group(logical_id, props, stack_name):
    group = "group-" + "".join(random.choices(string.ascii_lowercase, k=12))
    return change_key_group(group, None, props, stack_name)


def change_key_group(physical_id, old, new, stack_name, logical_id=None):
    items = new["KeyGroupConfig"]["Items"]
    if not set(items) <= set(public_keys):
        raise ValueError("NoSuchPublicKey")
    key_groups[physical_id] = items
    return physical_id, {"Id": physical_id}


def delete_key_group(physical_id, props):
    key_groups.pop(physical_id, None)


HANDLERS["AWS::CloudFront::PublicKey"] = {
    "create": make_public_key, "update": change_public_key, "delete": delete_public_key,
}
HANDLERS["AWS::CloudFront::KeyGroup"] = {
    "create": make_key_group, "update": change_key_group, "delete": delete_key_group,
}


def may_enter(cookies, address):
    """Whether these cookies open this address: https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/private-content-signed-cookies.html."""
    try:
        shown = {name: cookie.value for name, cookie in http.cookies.SimpleCookie(cookies).items()}
        key = shown["CloudFront-Key-Pair-Id"]
        if shown["CloudFront-Hash-Algorithm"] != "SHA256" or not any(key in items for items in key_groups.values()):
            return False
        policy, signature = (
            base64.b64decode(shown[name].translate(str.maketrans("-_~", "+=/")), validate=True)
            for name in ("CloudFront-Policy", "CloudFront-Signature")
        )
        public = serialization.load_pem_public_key(public_keys[key]["EncodedKey"].encode())
        public.verify(signature, policy, ec.ECDSA(hashes.SHA256()))
        (statement,) = json.loads(policy)["Statement"]
        resource = re.escape(statement["Resource"]).replace(r"\*", ".*").replace(r"\?", ".")
        until = statement["Condition"]["DateLessThan"]["AWS:EpochTime"]
        return bool(re.fullmatch(resource, address)) and time.time() < until
    except (InvalidSignature, KeyError, TypeError, ValueError, http.cookies.CookieError):
        return False


class Edge(http.server.BaseHTTPRequestHandler):
    """What lies between a browser and the one distribution of the account: this port stands for its name, and for TLS."""

    protocol_version = "HTTP/1.1"

    def serve(self):
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        headers = {name: value for name, value in self.headers.items() if name.lower() not in ("host", "connection")}
        if self.path == "/_rehearsal/credentials":
            status, answer, content = 200, [("content-type", "application/json")], json.dumps(credentials).encode()
        elif self.path == "/_rehearsal/answers":
            {"DELETE": answers_arrive.clear, "POST": answers_arrive.set}[self.command]()
            status, answer, content = 204, [], b""
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
        cookies = "; ".join(self.headers.get_all("cookie", []))
        headers |= {"Host": domains[0], "x-forwarded-proto": "https"}
        # ministack decodes a path before it chooses where it leads. CloudFront does not, and finds nothing at such an address.
        plain = posixpath.normpath(urllib.parse.unquote(urllib.parse.urlsplit(self.path).path)).lower()
        is_guarded = self.path.startswith("/members/") or plain.startswith(("/members/", "//members/"))
        if is_guarded and not may_enter(cookies, f"http://{self.headers['host']}{self.path}"):
            _, _, answer, content = exchange(self.command, "/members-only.html", b"", headers)
            return 403, answer, content
        status, _, answer, content = exchange(self.command, self.path, body, headers)
        return status, answer, content

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = serve

    def log_message(self, *_):
        pass


class EdgeServer(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128


def end_with_who_started_it():
    """They hold the other end of our input, for as long as they live."""
    sys.stdin.buffer.read()
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(10)
    # Somebody is waited for who never comes, such as the answer of a custom resource.
    os._exit(1)


if __name__ == "__main__":
    edge = EdgeServer(("127.0.0.1", int(os.environ["EDGE_PORT"])), Edge)
    threading.Thread(target=edge.serve_forever, daemon=True).start()
    threading.Thread(target=end_with_who_started_it, daemon=True).start()
    app.main()
