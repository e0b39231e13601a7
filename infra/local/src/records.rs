//! The records of a month, from the ledger of the running stack or from an export of any ledger.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context as _, Result, bail};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::EncodingKey;
use linekeeper_domain::kinds::Jurisdiction;
use linekeeper_domain::records::{ComplianceDates, Month};
use linekeeper_domain::time::Timestamp;
use linekeeper_records::checkpoint::{Checkpoint, Keys};
use linekeeper_records::export::{self, Writer};
use linekeeper_records::render;
use p256::elliptic_curve::sec1::ToSec1Point as _;
use p256::pkcs8::EncodePrivateKey as _;
use serde_json::{Value, json};

use crate::aws::Aws;
use crate::cloud;
use crate::terminal::{Paint, Progress, paint, seconds};
use crate::workspace::Workspace;

/// Name of the public keys beside an export that was made here.
const KEYS: &str = "keys.json";

/// What to make, and of what.
#[derive(Debug)]
pub(crate) struct Options {
    month: Month,
    out: PathBuf,
    export: Option<(PathBuf, PathBuf)>,
    dates: ComplianceDates,
}

impl Options {
    /// `--month YYYY-MM [--out DIR] [--export DIR --keys FILE] [--binds PLACE=DATE]…`
    pub(crate) fn read(arguments: &[&str]) -> Result<Self> {
        let (mut month, mut out, mut export, mut keys) = (None, PathBuf::from("."), None, None);
        let mut dates = BTreeMap::new();
        for pair in arguments.chunks(2) {
            match pair {
                ["--month", text] => month = Some(Month::parse(text)?),
                ["--out", folder] => out = PathBuf::from(folder),
                ["--export", folder] => export = Some(PathBuf::from(folder)),
                ["--keys", file] => keys = Some(PathBuf::from(file)),
                ["--binds", text] => {
                    let (place, date) = text.split_once('=').context("--binds reads like us=2027-03-01")?;
                    let known = Jurisdiction::ALL.iter().find(|known| known.word() == place);
                    let date = date.parse().context("--binds reads like us=2027-03-01")?;
                    dates.insert(*known.with_context(|| format!("`{place}` is no jurisdiction"))?, date);
                }
                unknown => bail!("`cargo local records` does not know `{}`", unknown.join(" ")),
            }
        }
        let export = match (export, keys) {
            (Some(export), Some(keys)) => Some((export, keys)),
            (None, None) => None,
            (Some(_), None) => bail!("--export needs --keys, the public keys that its checkpoint is verified with"),
            (None, Some(_)) => bail!("--keys belongs to --export"),
        };
        let month = month.context("which month? --month 2026-11")?;
        Ok(Self { month, out, export, dates: ComplianceDates(dates) })
    }
}

/// Makes them. Nothing is written of an export that does not verify.
pub(crate) fn make(options: &Options) -> Result<bool> {
    let started = Instant::now();
    let (export, keys) = match &options.export {
        Some(given) => given.clone(),
        None => exported(&options.out)?,
    };
    let read = fs::read_to_string(&keys).with_context(|| format!("cannot read {}", keys.display()))?;
    let known = Keys::read(&read).with_context(|| keys.display().to_string())?;
    let (records, verified) = linekeeper_records::records(&export, &known, options.month)?;
    let csv = render::csv(&records, &options.dates)?;
    let page = render::page(&records, &options.dates);
    fs::create_dir_all(&options.out)?;
    let write = |ending: &str, text: &str| -> Result<PathBuf> {
        let path = options.out.join(format!("records-{}.{ending}", options.month));
        fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
        Ok(path)
    };
    let (csv, page) = (write("csv", &csv)?, write("html", &page)?);
    println!(
        "{}  {} of {} entries of {} are up to the end of {}",
        paint(Paint::Bold, "Verified"),
        records.entries,
        verified.entries,
        verified.at,
        options.month
    );
    if Month::of(verified.at).is_none_or(|exported| exported <= options.month) {
        println!("{}  the month was not over when this was exported: its records will change", paint(Paint::Red, "Note    "));
    }
    println!("{}  {}\n          {}", paint(Paint::Bold, "Records "), csv.display(), page.display());
    println!("{}", paint(Paint::Dim, seconds(started)));
    Ok(true)
}

/// Exports the ledger of the running stack into `out`, and gives the export and the keys that it verifies with.
///
/// The stack has no key for checkpoints: this program signs with one that it makes and throws away, which says no more
/// than that the export is as it was made here. In production the key is KMS's, and its public half comes from elsewhere.
fn exported(out: &Path) -> Result<(PathBuf, PathBuf)> {
    let endpoint = cloud::endpoint_of(&Workspace::find()?)
        .context("no stack is up, so there is no ledger to read. Start one with `cargo local up`, or name an --export")?;
    let now = Timestamp::from_second(jiff::Timestamp::now().as_second());
    let folder = out.join(format!("export-{}", now.to_string().replace(':', "")));
    let progress = Progress::start("Exporting the ledger of the running stack");
    let ledger = scan(&Aws::root(&endpoint), &format!("{}-ledger", cloud::STACK))?;
    fs::create_dir_all(out)?;
    fs::create_dir(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    match write(&folder, &ledger, &endpoint, now) {
        Ok(checkpoint) => {
            progress.done(&format!("{} entries of {} accounts and lines", checkpoint.entries, checkpoint.ledgers));
            let keys = folder.join(KEYS);
            Ok((folder, keys))
        }
        Err(error) => {
            // Half an export is none.
            fs::remove_dir_all(&folder)?;
            Err(error)
        }
    }
}

fn write(folder: &Path, ledger: &Ledger, issuer: &str, now: Timestamp) -> Result<Checkpoint> {
    let mut writer = Writer::create(folder, export::PAGE)?;
    for entry in ledger.values() {
        writer.push(entry)?;
    }
    let checkpoint = writer.finish(issuer, now)?;
    let secret = p256::SecretKey::from_slice(&rand::random::<[u8; 32]>())?;
    let jws = checkpoint.sign(&EncodingKey::from_ec_der(secret.to_pkcs8_der()?.as_bytes()), "local")?;
    fs::write(folder.join(KEYS), jwks(&secret.public_key()).to_string())?;
    export::put(folder, &jws)?;
    Ok(checkpoint)
}

fn jwks(key: &p256::PublicKey) -> Value {
    let point = key.to_sec1_point(false);
    let coordinate = |bytes: Option<&[u8]>| URL_SAFE_NO_PAD.encode(bytes.unwrap_or_default());
    json!({ "keys": [{
        "kty": "EC",
        "crv": "P-256",
        "use": "sig",
        "alg": "ES256",
        "kid": "local",
        "x": coordinate(point.x().map(|x| x.as_slice())),
        "y": coordinate(point.y().map(|y| y.as_slice())),
    }] })
}

/// Entries by their keys.
type Ledger = BTreeMap<(String, u64), String>;

/// Every entry of a ledger's table. A scan promises no order, so they are brought into theirs: all of it is held, which a
/// ledger of this machine allows.
fn scan(aws: &Aws, table: &str) -> Result<Ledger> {
    let (mut ledger, mut from) = (Ledger::new(), Value::Null);
    loop {
        let mut request = json!({ "TableName": table, "ConsistentRead": true, "ProjectionExpression": "pk, seq, entry" });
        if let (false, Some(request)) = (from.is_null(), request.as_object_mut()) {
            request.insert("ExclusiveStartKey".to_owned(), from);
        }
        let mut page = aws.json("dynamodb", "DynamoDB_20120810.Scan", &request)?;
        for item in page.get("Items").and_then(Value::as_array).into_iter().flatten() {
            let text = |name: &str| {
                let value = item.pointer(name).and_then(Value::as_str);
                value.map(str::to_owned).with_context(|| format!("an item of the ledger without {name}"))
            };
            ledger.insert((text("/pk/S")?, text("/seq/N")?.parse()?), text("/entry/S")?);
        }
        from = page.get_mut("LastEvaluatedKey").map(Value::take).unwrap_or_default();
        if from.is_null() {
            return Ok(ledger);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_read_and_what_is_wrong_with_them_is_said() {
        let options = Options::read(&["--month", "2026-11", "--binds", "us=2027-03-01", "--export", "e", "--keys", "k"]).unwrap();
        assert_eq!(options.dates.0.get(&Jurisdiction::Us).unwrap().to_string(), "2027-03-01");
        assert_eq!(options.export, Some(("e".into(), "k".into())));
        for (wrong, words) in [
            (&["--month", "2026-13"][..], "a month reads like"),
            (&[], "which month?"),
            (&["--month"], "does not know `--month`"),
            (&["--month", "2026-11", "--export", "e"], "needs --keys"),
            (&["--month", "2026-11", "--binds", "zz=2027-03-01"], "`zz` is no jurisdiction"),
            (&["--month", "2026-11", "--binds", "us=soon"], "reads like"),
        ] {
            let error = Options::read(wrong).unwrap_err().to_string();
            assert!(error.contains(words), "{error}");
        }
    }
}
