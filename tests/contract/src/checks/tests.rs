use super::*;

fn spec() -> Spec {
    let thing = json!({ "$ref": "#/components/schemas/thing" });
    let answers = json!({ "200": { "content": { "application/json": { "schema": thing } } } });
    let form = |properties: Value| {
        json!({ "content": { "application/x-www-form-urlencoded": { "schema": {
        "type": "object", "properties": properties, "additionalProperties": false
    } } } })
    };
    let types = json!({ "type": "array", "items": { "type": "string", "enum": ["*", "thing.created", "invoice.upcoming"] } });
    let spec = json!({
        "paths": {
            "/v1/things": { "post": {
                "requestBody": form(json!({ "size": { "type": "integer" }, "metadata": {
                    "type": "object", "additionalProperties": { "type": "string" }
                } })),
                "responses": answers,
            } },
            "/v1/things/{thing}": { "get": {
                "parameters": [
                    { "in": "path", "name": "thing", "required": true, "schema": { "type": "string" } },
                    { "in": "query", "name": "limit", "schema": { "type": "integer" } },
                ],
                "requestBody": form(json!({})),
                "responses": answers,
            } },
            "/v1/things/all": { "delete": { "requestBody": form(json!({ "size": { "type": "integer" } })), "responses": answers } },
            "/v1/things/largest": { "get": { "requestBody": form(json!({})), "responses": answers } },
            "/v1/webhook_endpoints": { "post": { "requestBody": form(json!({ "enabled_events": types })), "responses": answers } },
        },
        "components": { "schemas": {
            "thing": { "type": "object", "required": ["id", "object"], "properties": {
                "id": { "type": "string" },
                "object": { "type": "string", "enum": ["thing"] },
                "size": { "type": "integer", "nullable": true },
                "owner": { "anyOf": [{ "type": "string" }, { "$ref": "#/components/schemas/thing" }] },
            } },
            "deleted_thing": { "type": "object", "required": ["deleted"], "properties": {
                "deleted": { "type": "boolean" },
                "object": { "type": "string", "enum": ["thing"] },
            } },
            "event": { "type": "object", "properties": {
                "type": { "type": "string" },
                "data": { "type": "object", "properties": {
                    "object": { "type": "object", "additionalProperties": true },
                    "previous_attributes": { "type": "object", "additionalProperties": true },
                } },
            } },
            "error": { "type": "object", "required": ["error"], "properties": { "error": { "type": "object" } } },
        } },
    });
    Spec::new(&spec).unwrap()
}

fn exchange(request: &str, form: &str, status: u16, body: Value) -> Entry {
    from(None, request, form, status, body)
}

fn from(agent: Option<&str>, request: &str, form: &str, status: u16, body: Value) -> Entry {
    let (method, url) = request.split_once(' ').unwrap();
    let (path, query) = url.split_once('?').unwrap_or((url, ""));
    let exchange = json!({
        "request": { "method": method, "path": path, "query": query, "body": form, "user_agent": agent },
        "response": { "status": status, "body": body },
    });
    serde_json::from_value(json!({ "exchange": exchange })).unwrap()
}

fn event(kind: &str, object: Value) -> Entry {
    Entry::Event(json!({ "type": kind, "data": { "object": object } }))
}

#[track_caller]
fn check(entry: Entry, expected: &[&str]) {
    let spec = spec();
    let mut checks = Checks::new(&spec);
    let place = Place {
        file: "f".to_owned(),
        line: 1,
    };
    checks.add(Recorded {
        entry,
        place,
        times: 1,
    });
    let (_, violations) = checks.run().unwrap();
    let violations: Vec<String> = violations
        .iter()
        .map(|it| {
            format!(
                "{} @{} {}",
                it.subject, it.mistake.location, it.mistake.message
            )
        })
        .collect();
    assert_eq!(violations, expected);
}

fn thing() -> Value {
    json!({ "id": "t1", "object": "thing", "size": null, "owner": "t0" })
}

#[test]
fn what_stripe_would_say_is_no_violation() {
    check(
        exchange("POST /v1/things", "size=3&metadata[a]=b", 200, thing()),
        &[],
    );
    check(exchange("GET /v1/things/t1?limit=3", "", 200, thing()), &[]);
    check(
        exchange("POST /v1/things", "size=big", 400, json!({ "error": {} })),
        &[],
    );
    check(
        exchange("DELETE /v1/things/all?size=3", "", 200, thing()),
        &[],
    );
    check(event("thing.created", thing()), &[]);
    check(
        event(
            "thing.created",
            json!({ "object": "thing", "deleted": true }),
        ),
        &[],
    );
    check(event("invoice.upcoming", json!({ "object": "thing" })), &[]);
}

#[test]
fn a_wrong_type_is_a_violation() {
    let mut wrong = thing();
    wrong["size"] = json!("3");
    check(
        exchange("GET /v1/things/t1", "", 200, wrong),
        &["GET /v1/things/{thing}, answer 200 @size it is not of types \"null\", \"integer\""],
    );
}

#[test]
fn an_unknown_property_is_a_violation_however_deep() {
    let mut wrong = thing();
    wrong["colour"] = json!("red");
    check(
        event("thing.created", wrong.clone()),
        &["event thing.created, data.object @ `colour` is unknown to the spec"],
    );
    let mut outer = thing();
    outer["owner"] = wrong;
    check(
        exchange("POST /v1/things", "", 200, outer),
        &["POST /v1/things, answer 200 @owner `colour` is unknown to the spec"],
    );
}

#[test]
fn a_missing_property_is_a_violation() {
    check(
        exchange("POST /v1/things", "", 200, json!({ "object": "thing" })),
        &["POST /v1/things, answer 200 @ \"id\" is a required property"],
    );
    check(
        exchange("POST /v1/things", "", 402, json!({})),
        &["POST /v1/things, answer 402 @ \"error\" is a required property"],
    );
}

#[test]
fn an_unknown_event_type_or_object_is_a_violation() {
    check(
        event("thing.painted", thing()),
        &["event thing.painted @type the spec has no such event"],
    );
    check(
        event("thing.created", json!({ "object": "nothing" })),
        &["event thing.created @data.object.object the spec has no such object"],
    );
    let event = json!({ "type": "thing.created", "data": { "object": thing(), "previous_attributes": { "colour": 1 } } });
    check(
        Entry::Event(event),
        &["event thing.created @data.previous_attributes `colour` is unknown to the spec"],
    );
}

#[test]
fn an_unknown_parameter_is_a_violation_where_it_was_taken() {
    check(
        exchange("GET /v1/things/t1?colour=red", "", 200, thing()),
        &["GET /v1/things/{thing}, query @ `colour` is unknown to the spec"],
    );
    check(
        exchange("POST /v1/things", "metadata[a][b]=c", 200, thing()),
        &["POST /v1/things, body @metadata.a it is not of type \"string\""],
    );
    let refused = json!({ "error": {} });
    check(
        exchange("POST /v1/things", "colour=red", 400, refused.clone()),
        &[],
    );
    // Our functions have no business to send it.
    check(
        from(
            Some("Tollgate/0.1.0"),
            "POST /v1/things",
            "colour=red",
            400,
            refused,
        ),
        &["POST /v1/things, body @ `colour` is unknown to the spec"],
    );
}

#[test]
fn an_unknown_operation_is_a_violation_unless_it_was_not_found() {
    check(
        exchange(
            "GET /v1/nothing/at_ABCDEFGHIJKLMN1/all",
            "",
            200,
            json!({ "error": {} }),
        ),
        &["GET /v1/nothing/*/all @ the spec has no such operation"],
    );
    check(
        exchange("GET /v1/nothing", "", 404, json!({ "error": {} })),
        &[],
    );
    check(
        from(
            Some("Tollgate/0.1.0"),
            "GET /v1/nothing",
            "",
            404,
            json!({ "error": {} }),
        ),
        &["GET /v1/nothing @ the spec has no such operation"],
    );
}

#[test]
fn a_literal_segment_wins_over_a_parameter() {
    let spec = spec();
    let name = |path| spec.operations[spec.operation("GET", path).unwrap()].name();
    assert_eq!(name("/v1/things/largest"), "GET /v1/things/largest");
    assert_eq!(name("/v1/things/t1/"), "GET /v1/things/{thing}");
    assert!(spec.operation("PUT", "/v1/things/t1").is_none());
}
