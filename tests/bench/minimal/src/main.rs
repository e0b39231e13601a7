//! The least that answers a request from DynamoDB: one client, one read, one reply.

use aws_config::BehaviorVersion;
use aws_lambda_events::apigw::{ApiGatewayV2httpRequest, ApiGatewayV2httpResponse};
use aws_sdk_dynamodb::types::AttributeValue;
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use lambda_runtime::{Error, LambdaEvent, service_fn};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let http = aws_smithy_http_client::Builder::new().tls_provider(Provider::Rustls(CryptoMode::Ring)).build_https();
    let aws = aws_config::defaults(BehaviorVersion::latest()).http_client(http).load().await;
    let (client, table) = (aws_sdk_dynamodb::Client::new(&aws), std::env::var("STATE_TABLE")?);
    lambda_runtime::run(service_fn(|_: LambdaEvent<ApiGatewayV2httpRequest>| async {
        let key = |text: &str| AttributeValue::S(text.to_owned());
        let read = client.get_item().table_name(&table).key("pk", key("nobody")).key("sk", key("nothing")).send().await?;
        let mut reply = ApiGatewayV2httpResponse::default();
        reply.status_code = if read.item.is_some() { 200 } else { 404 };
        Ok::<_, Error>(reply)
    }))
    .await
}
