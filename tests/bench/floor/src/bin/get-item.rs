//! A function that does nothing but read one item, on the connection that ours have.

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::AttributeValue;
use https_client::HttpsClient;
use lambda_http::{Error, Request, Response, service_fn};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let http = HttpsClient::trusting(&std::fs::read(std::env::var("SSL_CERT_FILE")?)?)?;
    let mut config = aws_sdk_dynamodb::config::Builder::from(&aws::config(http)?);
    config.set_endpoint_url(aws::endpoint("DYNAMODB"));
    let (client, table, pk) = (
        &Client::from_conf(config.build()),
        &std::env::var("TABLE_NAME")?,
        &std::env::var("PARTITION_KEY")?,
    );
    let answer = move |_: Request| async move {
        let read = client
            .get_item()
            .table_name(table)
            .key("pk", AttributeValue::S(pk.clone()))
            .key("sk", AttributeValue::S("customer".to_owned()))
            .consistent_read(true);
        let item = read.send().await?.item.ok_or("no such item")?;
        Ok::<_, Error>(Response::new(item.len().to_string()))
    };
    lambda_http::run(service_fn(answer)).await
}
