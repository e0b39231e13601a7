//! Prints the policy: `cargo run -q -p linekeeper-domain --example policy > shared/domain/POLICY.md`.

use std::io::Write as _;

fn main() -> std::io::Result<()> {
    std::io::stdout().write_all(linekeeper_domain::policy::table().as_bytes())
}
