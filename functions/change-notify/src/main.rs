//! Wires the function to the Lambda runtime.

use linekeeper_platform::start;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), start::Error> {
    let app = change_notify::App::start().await?;
    start::run(async |incoming: change_notify::Incoming| app.handle(incoming).await).await
}
