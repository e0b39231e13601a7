//! Wires the function to the Lambda runtime.

use linekeeper_platform::start;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), start::Error> {
    let app = deadline_sweep::App::start().await?;
    start::run(async |_: serde_json::Value| app.handle().await).await
}
