//! Prints the jurisdictions: `cargo run -q -p linekeeper-domain --example porting > shared/domain/PORTING.md`.

use std::io::Write as _;

fn main() -> std::io::Result<()> {
    std::io::stdout().write_all(linekeeper_domain::porting::jurisdiction::table().as_bytes())
}
