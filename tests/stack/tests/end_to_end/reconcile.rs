use anyhow::Result;
use stack_tests::Stack;

#[tokio::test]
async fn an_operator_has_both_jobs_run_and_what_was_right_stays() -> Result<()> {
    let stack = Stack::start().await?;
    let ann = stack.sign_up("ann").await?;
    stack.subscribe(&ann, "starter-monthly").await?;
    stack.until(&ann, "active").await;
    let told = stack.reconcile(&[]).await?;
    for job in ["undelivered: ", "drift: "] {
        assert!(told.contains(job), "no {job} in {told}");
    }
    let after = stack.get("/subscription", Some(&ann)).await?;
    assert_eq!(after.body["access"]["reason"], "active");
    Ok(())
}
