"""All that there is in the local cloud, one thing a line: what a stack leaves behind is the difference of two of these."""

import boto3


def names(service, operation, list_name, name, **arguments):
    client = boto3.client(service)
    if client.can_paginate(operation):
        pages = client.get_paginator(operation).paginate(**arguments)
    else:
        pages = [getattr(client, operation)(**arguments)]
    for page in pages:
        found = page
        for part in list_name.split("."):
            found = found.get(part, [])
        for thing in found:
            yield thing[name] if name else thing


def everything():
    stacks = boto3.client("cloudformation").list_stacks()["StackSummaries"]
    yield "stack", [stack["StackName"] for stack in stacks if stack["StackStatus"] != "DELETE_COMPLETE"]
    yield "table", names("dynamodb", "list_tables", "TableNames", None)
    yield "user pool", names("cognito-idp", "list_user_pools", "UserPools", "Name", MaxResults=60)
    yield "secret", names("secretsmanager", "list_secrets", "SecretList", "Name")
    yield "bucket", names("s3", "list_buckets", "Buckets", "Name")
    yield "function", names("lambda", "list_functions", "Functions", "FunctionName")
    for layer in names("lambda", "list_layers", "Layers", "LayerName"):
        versions = names("lambda", "list_layer_versions", "LayerVersions", "Version", LayerName=layer)
        yield "layer", [f"{layer}:{version}" for version in versions]
    yield "role", names("iam", "list_roles", "Roles", "RoleName")
    yield "log", names("logs", "describe_log_groups", "logGroups", "logGroupName")
    yield "API", names("apigatewayv2", "get_apis", "Items", "Name")
    yield "distribution", names("cloudfront", "list_distributions", "DistributionList.Items", "Comment")
    yield "public key", names("cloudfront", "list_public_keys", "PublicKeyList.Items", "Name")
    groups = names("cloudfront", "list_key_groups", "KeyGroupList.Items", "KeyGroup")
    yield "key group", [group["KeyGroupConfig"]["Name"] for group in groups]
    yield "origin access", names("cloudfront", "list_origin_access_controls", "OriginAccessControlList.Items", "Name")
    for policies in ("cache", "response_headers", "origin_request"):
        kind = "".join(word.capitalize() for word in policies.split("_"))
        operation = f"list_{policies}_policies"
        listed = getattr(boto3.client("cloudfront"), operation)(Type="custom")[f"{kind}PolicyList"].get("Items", [])
        yield f"{policies} policy", [policy[f"{kind}Policy"]["Id"] for policy in listed]
    yield "schedule", names("scheduler", "list_schedules", "Schedules", "Name")
    yield "alarm", names("cloudwatch", "describe_alarms", "MetricAlarms", "AlarmName")
    yield "dashboard", names("cloudwatch", "list_dashboards", "DashboardEntries", "DashboardName")
    yield "topic", names("sns", "list_topics", "Topics", "TopicArn")


for kind, found in everything():
    for name in sorted(found):
        print(f"{kind} {name}")
