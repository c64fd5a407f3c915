//! What template.yaml must keep that cfn-guard cannot say; its rules are in tests/template/rules.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use local_stack::template::Template;
use serde_json::Value;

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn read(path: impl AsRef<Path>) -> String {
    std::fs::read_to_string(repository().join(path)).unwrap()
}

fn ours() -> Template {
    Template::read(&repository().join("template.yaml")).unwrap()
}

/// The logical ids of the resources of a type.
fn of_type<'a>(template: &'a Template, kind: &str) -> Vec<&'a str> {
    let resources = template.resources().into_iter();
    resources
        .filter(|(_, found)| *found == kind)
        .map(|(id, _)| id)
        .collect()
}

fn property<'a>(template: &'a Template, id: &str, path: &[&str]) -> &'a Value {
    let path = [&["Resources", id, "Properties"], path].concat();
    template
        .at(&path)
        .unwrap_or_else(|| panic!("there is no {}", path.join(".")))
}

/// The one resource that a `Ref` or `Fn::GetAtt` names.
fn named(value: &Value) -> String {
    let name = value
        .get("Ref")
        .or_else(|| value.get("Fn::GetAtt")?.get(0))
        .and_then(Value::as_str);
    name.unwrap_or_else(|| panic!("{value} names no resource"))
        .to_owned()
}

#[test]
fn no_two_functions_share_a_role_or_a_log_group() {
    let template = ours();
    let (mut roles, mut groups) = (BTreeSet::new(), BTreeSet::new());
    for function in of_type(&template, "AWS::Serverless::Function") {
        let role = named(property(&template, function, &["Role"]));
        let group = named(property(
            &template,
            function,
            &["LoggingConfig", "LogGroup"],
        ));
        let policies = property(&template, &role, &["Policies"])
            .as_array()
            .unwrap();
        let logs: Vec<&Value> = policies
            .iter()
            .filter(|policy| policy["PolicyName"] == "logs")
            .flat_map(|policy| policy["PolicyDocument"]["Statement"].as_array().unwrap())
            .collect();
        let [statement] = logs.as_slice() else {
            panic!("{role} has {} statements about logs", logs.len())
        };
        assert_eq!(named(&statement["Resource"]), group, "{role}");
        let binary = [
            "Resources",
            function,
            "Metadata",
            "BuildProperties",
            "Binary",
        ];
        let name = property(&template, &group, &["LogGroupName", "Fn::Sub"]);
        let binary = template.at(&binary).and_then(Value::as_str).unwrap();
        assert!(
            name.as_str().unwrap().ends_with(&format!("/{binary}")),
            "{name}"
        );
        assert!(roles.insert(role), "{function} shares its role");
        assert!(groups.insert(group), "{function} shares its log group");
    }
    let groups_of_functions = groups.len() + 1;
    let all = of_type(&template, "AWS::Logs::LogGroup").len();
    assert_eq!(all, groups_of_functions, "one each, and the API's");
}

#[test]
fn every_route_has_a_permission_of_its_own() {
    let template = ours();
    let permissions = of_type(&template, "AWS::Lambda::Permission").into_iter();
    let permissions: BTreeSet<&str> = permissions
        .filter_map(|id| property(&template, id, &["SourceArn", "Fn::Sub"]).as_str())
        .filter_map(|arn| arn.split_once("${Api}/*/"))
        .map(|(_, route)| route)
        .collect();
    let routes = of_type(&template, "AWS::ApiGatewayV2::Route").into_iter();
    let routes: Vec<String> = routes
        .filter_map(|id| property(&template, id, &["RouteKey"]).as_str())
        .map(|key| key.replacen(' ', "", 1))
        .collect();
    assert_eq!(permissions, routes.iter().map(String::as_str).collect());
}

#[test]
fn provision_comes_after_every_route() {
    let template = ours();
    let after = template
        .at(&["Resources", "Provision", "DependsOn"])
        .unwrap();
    let after: BTreeSet<&str> = after
        .as_array()
        .unwrap()
        .iter()
        .filter_map(Value::as_str)
        .collect();
    for kind in ["AWS::ApiGatewayV2::Route", "AWS::Lambda::Permission"] {
        for id in of_type(&template, kind) {
            assert!(after.contains(id), "{id}");
        }
    }
}

/// A metric as it is asked for: namespace, name, dimensions.
type Metric = (String, String, BTreeMap<String, String>);

/// What the alarms rest on, by alarm.
fn watched(template: &Template) -> BTreeMap<&str, Vec<Metric>> {
    let metric = |it: &Value| -> Metric {
        let text = |name: &str| it[name].as_str().unwrap().to_owned();
        let dimensions = it["Dimensions"].as_array().unwrap().iter();
        let dimensions = dimensions.map(|dimension| {
            let value = match &dimension["Value"] {
                Value::String(text) => text.clone(),
                value => named(value),
            };
            (dimension["Name"].as_str().unwrap().to_owned(), value)
        });
        (text("Namespace"), text("MetricName"), dimensions.collect())
    };
    let alarms = of_type(template, "AWS::CloudWatch::Alarm").into_iter();
    alarms
        .map(|id| {
            let alarm = property(template, id, &[]);
            let metrics = match alarm.get("Metrics") {
                Some(several) => {
                    let several = several.as_array().unwrap().iter();
                    let several = several.filter_map(|it| it.get("MetricStat"));
                    several.map(|it| metric(&it["Metric"])).collect()
                }
                None => vec![metric(alarm)],
            };
            (id, metrics)
        })
        .collect()
}

/// The dashboard with the names of resources in the places of their values.
fn dashboard(template: &Template) -> Value {
    let body = property(template, "Dashboard", &["DashboardBody", "Fn::Sub"]);
    let mut parts = body.as_str().unwrap().split("${");
    let mut body = parts.next().unwrap().to_owned();
    for part in parts {
        let (name, rest) = part.split_once('}').unwrap();
        body.push_str(name);
        body.push_str(rest);
    }
    serde_json::from_str(&body).unwrap_or_else(|error| panic!("{error}: {body}"))
}

/// What is published and with which dimensions: ours as docs/WEBHOOKS.md says, and what we use of AWS's.
fn published() -> BTreeMap<(String, String), Vec<String>> {
    let mut published = BTreeMap::new();
    for (namespace, dimension, names) in [
        (
            "AWS/ApiGateway",
            "ApiId",
            &["4xx", "5xx", "Count", "Latency"][..],
        ),
        (
            "AWS/DynamoDB",
            "TableName",
            &[
                "ConsumedReadCapacityUnits",
                "ConsumedWriteCapacityUnits",
                "ReadThrottleEvents",
                "WriteThrottleEvents",
            ],
        ),
        (
            "AWS/Lambda",
            "FunctionName",
            &["Duration", "Errors", "Throttles"],
        ),
    ] {
        for name in names {
            let key = (namespace.to_owned(), (*name).to_owned());
            published.insert(key, vec![dimension.to_owned()]);
        }
    }
    // The functions behind the API count their requests in one place.
    let source =
        source("webhook") + &source("reconcile") + &read("crates/http-api/src/function.rs");
    for row in table("docs/WEBHOOKS.md", "| Metric | Other dimension |") {
        let mut dimensions = vec!["FunctionName".to_owned()];
        dimensions.extend(quoted(&row[1]).into_iter().take(1));
        for name in quoted(&row[0]) {
            assert!(
                source.contains(&format!("\"{name}\"")),
                "nobody counts {name}"
            );
            published.insert(("Tollgate".to_owned(), name), dimensions.clone());
        }
    }
    published
}

/// The values that a dimension of ours may have.
fn values(dimension: &str) -> BTreeSet<String> {
    let first = |path, header| -> BTreeSet<String> {
        let rows = table(path, header).into_iter();
        rows.flat_map(|row| quoted(&row[0])).collect()
    };
    match dimension {
        "Kind" => first("docs/WEBHOOKS.md", "| Drift | What it means |"),
        "Job" => first("docs/WEBHOOKS.md", "| Job | When |"),
        "Outcome" => {
            let mut codes: BTreeSet<String> = failures();
            codes.insert("invalid_signature".to_owned());
            codes
        }
        _ => panic!("{dimension} is not known here"),
    }
}

/// The codes of all answers of 500 and more.
fn failures() -> BTreeSet<String> {
    let rows = table("docs/API.md", "## Errors\n").into_iter();
    rows.filter(|row| row[0].starts_with('5'))
        .flat_map(|row| quoted(&row[1]))
        .collect()
}

/// The cells of the first Markdown table after these words.
fn table(path: &str, after: &str) -> Vec<Vec<String>> {
    let text = read(path);
    let (_, rest) = text
        .split_once(after)
        .unwrap_or_else(|| panic!("{path} has no {after}"));
    let rest = rest.lines().skip_while(|line| !line.starts_with("|---"));
    let rows = rest.skip(1).take_while(|line| line.starts_with('|'));
    rows.map(|row| {
        row.trim_matches('|')
            .split('|')
            .map(|cell| cell.trim().to_owned())
            .collect()
    })
    .collect()
}

/// The words in backticks.
fn quoted(cell: &str) -> Vec<String> {
    cell.split('`')
        .skip(1)
        .step_by(2)
        .map(str::to_owned)
        .collect()
}

fn source(function: &str) -> String {
    let folder = repository().join("functions").join(function).join("src");
    let files = folder
        .read_dir()
        .unwrap()
        .map(|entry| entry.unwrap().path());
    files
        .filter(|path| path.is_file())
        .map(|path| std::fs::read_to_string(path).unwrap())
        .collect()
}

/// That somebody publishes this metric, with these dimensions and no others.
fn check(at: &str, (namespace, name, dimensions): &Metric) {
    let published = published();
    let key = (namespace.clone(), name.clone());
    let expected = published
        .get(&key)
        .unwrap_or_else(|| panic!("{at}: nobody publishes {key:?}"));
    let names: BTreeSet<&String> = dimensions.keys().collect();
    assert_eq!(names, expected.iter().collect(), "{at}: {name}");
    for (dimension, value) in dimensions {
        match dimension.as_str() {
            "ApiId" => assert_eq!(value, "Api", "{at}"),
            "TableName" => assert_eq!(value, "Table", "{at}"),
            "FunctionName" if namespace == "Tollgate" => {
                let webhooks = ["WebhookEvents", "EventAge"].contains(&name.as_str());
                let function = if webhooks {
                    "WebhookFunction"
                } else {
                    "ReconcileFunction"
                };
                assert_eq!(value, function, "{at}: {name}");
            }
            "FunctionName" => assert!(value.ends_with("Function"), "{at}: {value}"),
            _ => assert!(
                values(dimension).contains(value),
                "{at}: {dimension} {value}"
            ),
        }
    }
}

#[test]
fn every_alarm_rests_on_a_metric_that_is_published() {
    let template = ours();
    for (alarm, metrics) in watched(&template) {
        assert!(!metrics.is_empty(), "{alarm}");
        for metric in metrics {
            check(alarm, &metric);
        }
    }
}

#[test]
fn every_failure_of_the_webhook_and_every_function_is_watched() {
    let template = ours();
    let watched = watched(&template);
    let values = |alarm: &str, dimension: &str| -> BTreeSet<String> {
        let metrics = watched[alarm].iter();
        metrics
            .map(|(.., dimensions)| dimensions[dimension].clone())
            .collect()
    };
    assert_eq!(values("WebhookFailuresAlarm", "Outcome"), failures());
    let functions = of_type(&template, "AWS::Serverless::Function").into_iter();
    let functions: BTreeSet<String> = functions.map(str::to_owned).collect();
    // An alarm takes ten metrics.
    let either = |alarms: [&str; 2]| -> BTreeSet<String> {
        let each = alarms.map(|alarm| values(alarm, "FunctionName"));
        assert!(each[0].is_disjoint(&each[1]), "{alarms:?}");
        each.into_iter().flatten().collect()
    };
    assert_eq!(
        either(["FunctionErrorsAlarm", "GateErrorsAlarm"]),
        functions
    );
    assert_eq!(either(["ThrottlesAlarm", "GateThrottlesAlarm"]), functions);
}

/// Which routes name this authorizer.
fn routes_behind(template: &Template, authorizer: &str) -> BTreeSet<String> {
    let routes = of_type(template, "AWS::ApiGatewayV2::Route").into_iter();
    let routes = routes.map(|id| property(template, id, &[]));
    let names_it = |route: &&Value| route["AuthorizerId"]["Ref"] == authorizer;
    routes
        .filter(names_it)
        .map(|route| route["RouteKey"].as_str().unwrap().to_owned())
        .collect()
}

/// A route that is misspelt there would be open to any plan.
#[test]
fn whatever_a_route_requires_is_required_of_a_route_behind_the_gate() {
    let template = ours();
    let variables = ["Environment", "Variables", "REQUIREMENTS"];
    let requirements = property(&template, "SubscriberAuthorizerFunction", &variables);
    let requirements: BTreeMap<String, String> =
        serde_json::from_str(requirements.as_str().unwrap()).unwrap();
    let behind = routes_behind(&template, "SubscriberAuthorizer");
    assert!(!behind.is_empty());
    for route in requirements.keys() {
        assert!(behind.contains(route), "{route:?} is not behind the gate");
    }
}

#[test]
fn the_dashboard_shows_metrics_that_are_published_and_every_alarm() {
    let template = ours();
    let dashboard = dashboard(&template);
    let mut alarms = BTreeSet::new();
    for widget in dashboard["widgets"].as_array().unwrap() {
        let properties = &widget["properties"];
        let title = properties["title"].as_str().unwrap();
        let shown = properties["alarms"].as_array().into_iter().flatten();
        alarms
            .extend(shown.map(|alarm| alarm.as_str().unwrap().trim_end_matches(".Arn").to_owned()));
        for metric in properties["metrics"].as_array().into_iter().flatten() {
            let words: Vec<&str> = metric
                .as_array()
                .unwrap()
                .iter()
                .filter_map(Value::as_str)
                .collect();
            match words.as_slice() {
                // The one before, with another statistic.
                ["..."] => {}
                [] => check_search(title, metric[0]["expression"].as_str().unwrap()),
                [namespace, name, dimensions @ ..] => {
                    let dimensions = dimensions.chunks(2);
                    let dimensions = dimensions.map(|it| (it[0].to_owned(), it[1].to_owned()));
                    let metric = (
                        (*namespace).to_owned(),
                        (*name).to_owned(),
                        dimensions.collect(),
                    );
                    check(title, &metric);
                }
                [_] => panic!("{title}: {metric}"),
            }
        }
    }
    let all = of_type(&template, "AWS::CloudWatch::Alarm").into_iter();
    assert_eq!(alarms, all.map(str::to_owned).collect());
}

/// `SEARCH('{Namespace,Dimension,…} FunctionName="…" MetricName="…"', …)`
fn check_search(at: &str, expression: &str) {
    let (_, schema) = expression.split_once("SEARCH('{").unwrap();
    let (schema, terms) = schema.split_once('}').unwrap();
    let term = |name: &str| {
        let (_, value) = terms.split_once(&format!("{name}=\"")).unwrap();
        value.split_once('"').unwrap().0.to_owned()
    };
    let mut schema = schema.split(',').map(str::to_owned);
    let namespace = schema.next().unwrap();
    let key = (namespace, term("MetricName"));
    let expected = published().remove(&key);
    assert_eq!(Some(schema.collect()), expected, "{at}: {key:?}");
    let function = term("FunctionName");
    let webhooks = key.1 == "WebhookEvents";
    assert_eq!(
        function,
        if webhooks {
            "WebhookFunction"
        } else {
            "ReconcileFunction"
        },
        "{at}"
    );
}
