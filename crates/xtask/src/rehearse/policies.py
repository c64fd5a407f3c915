"""What each function of a deployed stack may do: everything below is tried with the credentials that the function itself runs with.

    policies.py STACK CREDENTIALS-URL STRIPE-SECRET-ARN

For each function the table `MAY` names what must be allowed. All the rest, which is what the functions around it may do and a few
things that none may, must be denied. The last line is `{"passed": …, "failed": …}`."""

import json
import sys
import urllib.request

import boto3
from botocore.exceptions import ClientError

stack, credentials_url, stripe_secret = sys.argv[1:]
resources = {
    resource["LogicalResourceId"]: resource["PhysicalResourceId"]
    for resource in boto3.client("cloudformation").describe_stack_resources(StackName=stack)["StackResources"]
}
credentials = json.load(urllib.request.urlopen(credentials_url))
TABLE, BUCKET, SIGNING_SECRET = resources["Table"], resources["SiteBucket"], resources["WebhookSecret"]
MEMBERS_BUCKET, MEMBERS_KEYS = resources["MembersBucket"], resources["MembersKeysSecret"]
# What a probe writes there is what is there already.
signing_secret = boto3.client("secretsmanager").get_secret_value(SecretId=SIGNING_SECRET)["SecretString"]
members_keys = boto3.client("secretsmanager").get_secret_value(SecretId=MEMBERS_KEYS)["SecretString"]

USER, CUSTOMER, EVENTS, PLANS, RECONCILE = "test#user#probe", "test#customer#cus_probe", "test#events", "test#catalogue", "test#job#drift"
OTHER, PROVISION, DELETIONS, LISTED = "something#else", "test#job#provision", "test#deletions", "test#customers"


def key(pk):
    return {"pk": {"S": pk}, "sk": {"S": "probe"}}


def read(pk):
    return "dynamodb", lambda it: it.get_item(TableName=TABLE, Key=key(pk))


def update(pk, attribute="probed"):
    return "dynamodb", lambda it: it.update_item(
        TableName=TABLE, Key=key(pk), UpdateExpression="SET #name = :one", ConditionExpression="attribute_exists(nothing)",
        ExpressionAttributeNames={"#name": attribute}, ExpressionAttributeValues={":one": {"N": "1"}},
    )


def put(pk):
    return "dynamodb", lambda it: it.put_item(TableName=TABLE, Item=key(pk), ConditionExpression="attribute_exists(nothing)")


def delete(pk):
    return "dynamodb", lambda it: it.delete_item(TableName=TABLE, Key=key(pk))


def read_several(*pks):
    return "dynamodb", lambda it: it.batch_get_item(RequestItems={TABLE: {"Keys": [key(pk) for pk in pks]}})


def list_items(pk):
    return "dynamodb", lambda it: it.query(
        TableName=TABLE, KeyConditionExpression="pk = :pk", ExpressionAttributeValues={":pk": {"S": pk}})


def list_customers(partition):
    return "dynamodb", lambda it: it.query(
        TableName=TABLE, IndexName="customers", KeyConditionExpression="listed = :listed",
        ExpressionAttributeValues={":listed": {"S": partition}})


def write_several(pk):
    return "dynamodb", lambda it: it.batch_write_item(RequestItems={TABLE: [{"DeleteRequest": {"Key": key(pk)}}]})


def together(user, other, attribute="customer"):
    """A transaction that changes a user and does something else; its condition never holds."""
    return "dynamodb", lambda it: it.transact_write_items(TransactItems=[
        {"Update": {"TableName": TABLE, "Key": key(user), "UpdateExpression": "SET #name = :c",
                    "ConditionExpression": "attribute_exists(nothing)", "ExpressionAttributeNames": {"#name": attribute},
                    "ExpressionAttributeValues": {":c": {"S": "cus_probe"}}}},
        other,
    ])


def putting(pk):
    return {"Put": {"TableName": TABLE, "Item": key(pk)}}


def deleting(pk):
    return {"Delete": {"TableName": TABLE, "Key": key(pk)}}


def log_of(logs):
    return "logs", lambda it: it.create_log_stream(logGroupName=resources[logs], logStreamName="probe-" + logs)


def invoke(function):
    return "lambda", lambda it: it.invoke(FunctionName=resources[function], Payload=b"{}")


PROBES = {
    "read a user": read(USER),
    "read a customer": read(CUSTOMER),
    "read the plans": read(PLANS),
    "read where reconcile is": read(RECONCILE),
    "read another item": read(OTHER),
    "change a user": update(USER),
    "change a customer": update(CUSTOMER),
    "change the plans": update(PLANS),
    "change where reconcile is": update(RECONCILE),
    "read provision's lease": read(PROVISION),
    "take provision's lease": update(PROVISION),
    "change another item": update(OTHER),
    "let a user expire": update(USER, "purge_at"),
    "let the plans expire": update(PLANS, "purge_at"),
    "put a user": put(USER),
    "put an item of a customer": put(CUSTOMER),
    "put an event about nobody": put(EVENTS),
    "put the plans": put(PLANS),
    "delete a user": delete(USER),
    "delete an item of a customer": delete(CUSTOMER),
    "delete an event about nobody": delete(EVENTS),
    "delete the plans": delete(PLANS),
    "map a user to a customer": together(USER, putting(CUSTOMER)),
    "map the plans to a customer": together(PLANS, putting(CUSTOMER)),
    "map a user to something else": together(USER, putting(OTHER)),
    "forget a user's customer": together(USER, deleting(CUSTOMER)),
    "forget the plans with a user": together(USER, deleting(PLANS)),
    "let a user expire while forgetting their customer": together(USER, deleting(CUSTOMER), "purge_at"),
    "note a user's deletion": together(USER, putting(DELETIONS)),
    "note the plans' deletion": together(PLANS, putting(DELETIONS)),
    "put a deletion": put(DELETIONS),
    "delete a deletion": delete(DELETIONS),
    "read a deletion": read(DELETIONS),
    "read several users": read_several(USER),
    "read several users and customers": read_several(USER, CUSTOMER),
    "read a user and the plans": read_several(USER, PLANS),
    "write several items": write_several(CUSTOMER),
    "list all items": ("dynamodb", lambda it: it.scan(TableName=TABLE)),
    "list a user's items": list_items(USER),
    "list a customer's events": list_items(CUSTOMER),
    "list the deletions": list_items(DELETIONS),
    "list the customers": list_customers(LISTED),
    "list something else by the index": list_customers(OTHER),
    "go through the index": ("dynamodb", lambda it: it.scan(TableName=TABLE, IndexName="customers")),
    "delete the table": ("dynamodb", lambda it: it.delete_table(TableName=TABLE)),
    "read the key of Stripe": ("secretsmanager", lambda it: it.get_secret_value(SecretId=stripe_secret)),
    "change the key of Stripe": ("secretsmanager", lambda it: it.put_secret_value(SecretId=stripe_secret, SecretString="stolen")),
    "read the signing secrets": ("secretsmanager", lambda it: it.get_secret_value(SecretId=SIGNING_SECRET)),
    "change the signing secrets": ("secretsmanager", lambda it: it.put_secret_value(
        SecretId=SIGNING_SECRET, SecretString=signing_secret)),
    "read the keys of members' cookies": ("secretsmanager", lambda it: it.get_secret_value(SecretId=MEMBERS_KEYS)),
    "change the keys of members' cookies": ("secretsmanager", lambda it: it.put_secret_value(
        SecretId=MEMBERS_KEYS, SecretString=members_keys)),
    "list secrets": ("secretsmanager", lambda it: it.list_secrets()),
    "list the page's files": ("s3", lambda it: it.list_objects_v2(Bucket=BUCKET)),
    "read a file of the page": ("s3", lambda it: it.get_object(Bucket=BUCKET, Key="index.html")),
    "put a file of the page": ("s3", lambda it: it.put_object(Bucket=BUCKET, Key="probe", Body=b"")),
    "delete a file of the page": ("s3", lambda it: it.delete_object(Bucket=BUCKET, Key="probe")),
    "list the members' files": ("s3", lambda it: it.list_objects_v2(Bucket=MEMBERS_BUCKET)),
    "read a members' file": ("s3", lambda it: it.get_object(Bucket=MEMBERS_BUCKET, Key="members/index.html")),
    "put a members' file": ("s3", lambda it: it.put_object(Bucket=MEMBERS_BUCKET, Key="probe", Body=b"")),
    "delete a members' file": ("s3", lambda it: it.delete_object(Bucket=MEMBERS_BUCKET, Key="probe")),
    "open the members' bucket to all": ("s3", lambda it: it.delete_bucket_policy(Bucket=MEMBERS_BUCKET)),
    "open the bucket to all": ("s3", lambda it: it.delete_bucket_policy(Bucket=BUCKET)),
    "list buckets": ("s3", lambda it: it.list_buckets()),
    "invalidate the distribution": ("cloudfront", lambda it: it.create_invalidation(
        DistributionId=resources["Distribution"],
        InvalidationBatch={"Paths": {"Quantity": 1, "Items": ["/probe"]}, "CallerReference": "probe"})),
    "read the distribution": ("cloudfront", lambda it: it.get_distribution(Id=resources["Distribution"])),
    "write to config's log": log_of("ConfigLogs"),
    "write to create-checkout-session's log": log_of("CreateCheckoutSessionLogs"),
    "write to subscription-status's log": log_of("SubscriptionStatusLogs"),
    "write to change-subscription's log": log_of("ChangeSubscriptionLogs"),
    "write to create-portal-session's log": log_of("CreatePortalSessionLogs"),
    "write to invoices' log": log_of("InvoicesLogs"),
    "write to account's log": log_of("AccountLogs"),
    "write to subscriber-authorizer's log": log_of("SubscriberAuthorizerLogs"),
    "write to members' log": log_of("MembersLogs"),
    "write to admin's log": log_of("AdminLogs"),
    "write to members-cookies' log": log_of("MembersCookiesLogs"),
    "write to signing-key's log": log_of("SigningKeyLogs"),
    "write to webhook's log": log_of("WebhookLogs"),
    "write to reconcile's log": log_of("ReconcileLogs"),
    "write to provision's log": log_of("ProvisionLogs"),
    "make a log": ("logs", lambda it: it.create_log_group(logGroupName="/probe")),
    "run provision": invoke("ProvisionFunction"),
    "run signing-key": invoke("SigningKeyFunction"),
    "run reconcile": invoke("ReconcileFunction"),
    "change a function": ("lambda", lambda it: it.update_function_configuration(FunctionName=resources["ConfigFunction"], Timeout=1)),
    "list who has signed up": ("cognito-idp", lambda it: it.list_users(UserPoolId=resources["UserPool"])),
    "delete somebody's sign-in": ("cognito-idp", lambda it: it.admin_delete_user(UserPoolId=resources["UserPool"], Username="probe")),
    "make somebody an administrator": ("cognito-idp", lambda it: it.admin_add_user_to_group(
        UserPoolId=resources["UserPool"], Username="probe", GroupName="admins")),
    "look somebody up": ("cognito-idp", lambda it: it.admin_get_user(UserPoolId=resources["UserPool"], Username="probe")),
    "read a role": ("iam", lambda it: it.get_role(RoleName=resources["ProvisionRole"])),
    "take another role": ("sts", lambda it: it.assume_role(
        RoleArn="arn:aws:iam::000000000000:role/" + resources["ProvisionRole"], RoleSessionName="probe")),
}

SYNC = {
    "read a user", "read a customer", "read the plans", "change a user", "change the plans", "forget a user's customer",
    "read the key of Stripe",
}
MAY = {
    "ConfigFunction": {"read the plans", "write to config's log"},
    "CreateCheckoutSessionFunction": SYNC | {"map a user to a customer", "write to create-checkout-session's log"},
    "SubscriptionStatusFunction": SYNC | {"write to subscription-status's log"},
    "ChangeSubscriptionFunction": SYNC | {"write to change-subscription's log"},
    "CreatePortalSessionFunction": SYNC | {"write to create-portal-session's log"},
    "InvoicesFunction": {"read a user", "read the key of Stripe", "write to invoices' log"},
    "AccountFunction": (SYNC - {"read the plans", "change the plans"}) | {
        "note a user's deletion", "delete somebody's sign-in", "write to account's log",
    },
    "SubscriberAuthorizerFunction": {"read a user", "write to subscriber-authorizer's log"},
    "MembersFunction": {"write to members' log"},
    "AdminFunction": SYNC | {
        "read several users", "list a customer's events", "list the customers", "list who has signed up", "write to admin's log",
    },
    "MembersCookiesFunction": {"read a user", "read the keys of members' cookies", "write to members-cookies' log"},
    "SigningKeyFunction": {
        "read the keys of members' cookies", "change the keys of members' cookies", "write to signing-key's log",
    },
    "WebhookFunction": SYNC | {
        "put an item of a customer", "put an event about nobody", "map a user to a customer", "read the signing secrets",
        "write to webhook's log",
    },
    "ReconcileFunction": SYNC | {
        "put an item of a customer", "put an event about nobody", "map a user to a customer", "read where reconcile is",
        "change where reconcile is", "read several users", "read several users and customers", "write to reconcile's log",
        "note a user's deletion", "list the deletions", "delete somebody's sign-in",
    },
    "ProvisionFunction": {
        "read the plans", "change the plans", "take provision's lease", "read the key of Stripe", "read the signing secrets", "change the signing secrets",
        "list the page's files", "read a file of the page", "put a file of the page", "delete a file of the page",
        "list the members' files", "read a members' file", "put a members' file", "delete a members' file",
        "invalidate the distribution", "write to provision's log",
    },
}


def is_allowed(credentials, service, call):
    client = boto3.client(
        service, aws_access_key_id=credentials["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=credentials["AWS_SECRET_ACCESS_KEY"], aws_session_token=credentials["AWS_SESSION_TOKEN"],
    )
    try:
        call(client)
    except ClientError as error:
        code = error.response["Error"]["Code"]
        if code in ("UnrecognizedClientException", "InvalidSignatureException", "SignatureDoesNotMatch", "InvalidToken"):
            raise
        return code not in ("AccessDenied", "AccessDeniedException")
    return True


assert {probe for may in MAY.values() for probe in may} <= set(PROBES)
passed = failed = 0
for function, may in MAY.items():
    wrong = []
    for name, (service, call) in PROBES.items():
        allowed = is_allowed(credentials[resources[function]], service, call)
        if allowed == (name in may):
            passed += 1
        else:
            failed += 1
            wrong.append(f"  {'may' if allowed else 'must be able to'} {name}")
    print(f"{function}: {len(may)} allowed, {len(PROBES) - len(may)} denied" if not wrong else "\n".join([f"{function}: WRONG", *wrong]))
print(json.dumps({"passed": passed, "failed": failed}))
