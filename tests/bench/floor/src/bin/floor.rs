//! The floor: a function that answers with a constant. None on `lambda_http` can start sooner or weigh less.

use lambda_http::{Error, Request, Response, service_fn};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let answer = |_: Request| async { Ok::<_, Error>(Response::new("{}".to_owned())) };
    lambda_http::run(service_fn(answer)).await
}
