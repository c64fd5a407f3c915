use anyhow::Result;
use stack_tests::{Stack, now, sign};

const BODY: &str =
    r#"{"id":"evt_1","type":"payout.paid","livemode":false,"data":{"object":{"name":"Zoë ✓"}}}"#;

#[tokio::test]
async fn a_delivery_that_stripe_did_not_sign_is_refused() -> Result<()> {
    let stack = Stack::start().await?;
    let forged = sign("whsec_guess", now(), BODY.as_bytes());
    for signature in [None, Some(""), Some("t=1,v1=00"), Some(forged.as_str())] {
        let answer = stack.deliver(signature, BODY.as_bytes()).await?;
        assert_eq!(
            (answer.status, answer.code()),
            (400, "invalid_signature"),
            "{signature:?}"
        );
    }
    Ok(())
}
