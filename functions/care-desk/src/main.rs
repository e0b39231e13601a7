//! Wires the function to the Lambda runtime.

use linekeeper_platform::start;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), start::Error> {
    let app = care_desk::App::start().await?;
    start::run(async |event| Ok(app.handle(event).await)).await
}
