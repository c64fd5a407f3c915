use anyhow::Result;
use reqwest::Method;
use serde_json::{Value, json};
use stack_tests::Stack;

#[tokio::test]
async fn who_is_no_administrator_sees_and_does_nothing_about_anybody() -> Result<()> {
    let stack = Stack::start().await?;
    let ann = stack.sign_up("ann").await?;
    let no_scope = stack.sign_in_for(&ann, "openid email").await?;
    let id_token = ann.with_token(ann.id_token.clone());
    let message = |text: &str| json!({ "message": text });
    for (method, path) in [
        (Method::GET, "/admin/users".to_owned()),
        (Method::GET, format!("/admin/users?query={}", ann.email)),
        (Method::GET, format!("/admin/users/{}", ann.sub)),
        (Method::GET, format!("/admin/users/{}/events", ann.sub)),
        (Method::POST, format!("/admin/users/{}/sync", ann.sub)),
    ] {
        for (user, expected) in [
            (None, (401, message("Unauthorized"))),
            (Some(&no_scope), (403, message("Forbidden"))),
            (Some(&id_token), (403, message("Forbidden"))),
            (Some(&ann), (403, Value::Null)),
        ] {
            let answer = stack.call(method.clone(), &path, user, None).await?;
            assert_eq!(answer.status, expected.0, "{path} {answer:?}");
            if stack.is_deployed() && answer.status == 403 {
                // CloudFront puts the page for who is no member in its place: docs/MEMBERS.md.
                assert!(answer.body.is_null(), "{path} {answer:?}");
            } else if expected.1.is_null() {
                assert_eq!(answer.code(), "not_an_admin", "{path} {answer:?}");
                assert!(!answer.body.to_string().contains(&ann.email));
            } else {
                assert_eq!(answer.body, expected.1, "{path}");
            }
        }
    }
    Ok(())
}
