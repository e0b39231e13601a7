//! Wires the function to the Lambda runtime.

use linekeeper_platform::start;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), start::Error> {
    let app = port_feed::App::start().await?;
    start::run(async |event| app.handle(event).await).await
}
