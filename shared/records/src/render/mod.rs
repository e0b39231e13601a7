//! The records of a month as documents: CSV for a spreadsheet, and one page for people. The same records give the same
//! bytes: no clock, no randomness, nothing from elsewhere.

mod page;

pub use page::page;

use linekeeper_domain::change::Ending;
use linekeeper_domain::kinds::{Factor, Jurisdiction};
use linekeeper_domain::records::{Act, ComplianceDates, Counts, Measure, Records, Terms};

/// The columns.
const COLUMNS: [&str; 6] = ["month", "jurisdiction", "act", "count", "of", "value"];

/// The records as CSV (RFC 4180): one value a line, each kind of count on a line of its own even where it is zero, so that
/// months stand under each other.
///
/// # Errors
/// None that a text in memory can have.
pub fn csv(records: &Records, dates: &ComplianceDates) -> Result<String, csv::Error> {
    let mut rows = csv::Writer::from_writer(Vec::new());
    rows.write_record(COLUMNS)?;
    let month = records.month.to_string();
    let mut row = |place: &str, act: &str, count: &str, of: &str, value: &str| {
        rows.write_record([month.as_str(), place, act, count, of, value])
    };
    for (&(place, act), counts) in &records.counts {
        for (count, of, value) in lines(counts, dates.terms(place), records) {
            row(place.word(), act.word(), count, &of, &value)?;
        }
    }
    row("", "", "ledgers", "", &records.ledgers.to_string())?;
    row("", "", "ledger_entries", "", &records.entries.to_string())?;
    row("", "", "ledger_heads_sha256", "", records.heads.as_str())?;
    let bytes = rows.into_inner().map_err(|error| csv::Error::from(error.into_error()))?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn lines(counts: &Counts, terms: Terms, records: &Records) -> Vec<(&'static str, String, String)> {
    let plain = |count, value: u64| (count, String::new(), value.to_string());
    let mut lines = vec![
        plain("requests_received", counts.requests),
        plain("successful", counts.successful()),
        plain("failed", counts.failed()),
    ];
    for how in Ending::ALL.iter().filter(|how| **how != Ending::Completed) {
        lines.push(("failed_by_ending", how.word().to_owned(), counts.endings.get(how).copied().unwrap_or(0).to_string()));
    }
    lines.extend([
        plain("unauthorized", counts.unauthorized),
        plain("successful_fraudulent", counts.fraudulent),
        plain("confirmed", counts.confirmed),
        plain("cleared", counts.cleared),
        plain("remedied", counts.remedied),
        (
            "mean_seconds_to_remedy",
            String::new(),
            counts.mean_remedy_seconds().map(|seconds| seconds.to_string()).unwrap_or_default(),
        ),
        plain("complaints", counts.complaints),
    ]);
    for factor in Factor::ALL {
        lines.push(("method", factor.word().to_owned(), counts.methods.get(factor).copied().unwrap_or(0).to_string()));
    }
    for (policy, count) in &counts.policies {
        lines.push(("decided_by_policy", policy.clone(), count.to_string()));
    }
    for (measure, at) in &counts.began {
        lines.push(("measure_began", measure_words(measure), at.to_string()));
    }
    let date = |date: Option<jiff::civil::Date>| date.map(|date| date.to_string()).unwrap_or_default();
    lines.push(("rules_bind_from", String::new(), date(terms.binds_from)));
    lines.push(("records_kept_until", String::new(), date(terms.keep_until(records.month))));
    lines
}

fn measure_words(measure: &Measure) -> String {
    match measure {
        Measure::Method(factor) => format!("method {factor}"),
        Measure::Policy(version) => format!("policy {version}"),
        Measure::Model(version) => format!("risk model {version}"),
    }
}

/// An act for people.
const fn act_words(act: Act) -> &'static str {
    match act {
        Act::SimChange => "SIM changes",
        Act::PortOut => "Port-outs",
    }
}

/// A method for people.
const fn method_words(factor: Factor) -> &'static str {
    match factor {
        Factor::SmsOtp => "code by SMS",
        Factor::EmailOtp => "code by e-mail",
        Factor::PushOtp => "code in the app",
        Factor::RecoveryCode => "recovery code",
        Factor::Totp => "authenticator app",
        Factor::Passkey => "passkey",
        Factor::DeviceKey => "device key",
        Factor::TransferPin => "transfer PIN",
        Factor::Document => "identity document",
    }
}

/// How a request failed, for people.
const fn ending_words(how: Ending) -> &'static str {
    match how {
        Ending::Completed => "carried out",
        Ending::Lapsed => "authorized, and not carried out in time",
        Ending::Expired => "not proven in time",
        Ending::Cancelled => "stopped",
        Ending::Refused => "refused",
        Ending::Failed => "not possible for provisioning",
    }
}

fn place_words(place: Jurisdiction) -> &'static str {
    linekeeper_domain::porting::jurisdiction::name(place)
}
