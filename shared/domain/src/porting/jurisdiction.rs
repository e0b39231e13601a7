//! Whose rules a port falls under: one row of data for each jurisdiction, with its sources and how sure they are.
//!
//! The rows are `jurisdictions.json`. One more country is one more row and its test. [`table`] prints them for
//! a compliance officer, as `PORTING.md`.
//!
//! Whatever a row says, silence is not consent: there is no word for it.

use std::fmt::Write as _;
use std::sync::LazyLock;

use jiff::civil::Date;
use serde::{Deserialize, Deserializer, Serialize};

use super::hours::{Hours, Interval};
use crate::kinds::{Jurisdiction, vocabulary};
use crate::time::Span;

vocabulary! {
    /// How sure a fact is, surest first.
    Sure {
        /// Read in a primary source, which is named.
        Read = "V",
        /// Read in a secondary source, which is named.
        Secondary = "V2",
        /// Computed.
        Computed = "C",
        /// From memory, not checked: never to be quoted as a rule.
        Memory = "M",
        /// No rule: ours.
        Ours = "Ours",
    }
}

vocabulary! {
    /// What must be shown before a port is confirmed. The policy and the risk ask for more, never for less.
    Proof {
        /// Account number and ZIP fit. Never enough alone: both are printed on a bill.
        AccountData = "account_data",
        /// The authorization token that the customer got from us.
        Token = "token",
        /// The customer says yes.
        Reply = "reply",
        /// One of the two.
        TokenOrReply = "token_or_reply",
    }
}

vocabulary! {
    /// What it means that the customer does not answer.
    Silence {
        /// The port waits for her.
        Pause = "pause",
        /// The port is refused.
        Refuse = "refuse",
    }
}

/// A fact, where it is from and how sure it is.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fact<T> {
    /// The fact.
    pub value: T,
    /// How sure it is.
    pub sure: Sure,
    /// Where it is from, or why it is as it is.
    pub source: String,
}

/// What authorises a port: a code that the customer gets from her old carrier.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Token {
    /// What it is called there.
    pub name: String,
    /// How long it is good.
    pub life: Span,
}

/// One jurisdiction.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Row {
    /// The authorization token, where there is one.
    pub token: Fact<Option<Token>>,
    /// What must be shown at least: all of these.
    pub minimum: Fact<Vec<Proof>>,
    /// How long the customer has to answer.
    pub reply_window: Fact<Span>,
    /// What it means that she does not.
    pub silence: Fact<Silence>,
    /// How long we have to answer.
    pub interval: Fact<Interval>,
    /// In which hours that runs.
    pub hours: Fact<Hours>,
    /// How long after a SIM swap no port is confirmed; the settings' taint holds besides.
    pub sim_swap_wait: Fact<Option<Span>>,
    /// How long records are kept.
    pub record_years: Fact<u32>,
    /// From when the rules bind.
    #[serde(deserialize_with = "optional_date")]
    pub compliance: Fact<Option<Date>>,
}

impl Row {
    /// Whether a port needs the token itself: the customer's reply does not stand in for it.
    #[must_use]
    pub fn needs_token(&self) -> bool {
        self.minimum.value.contains(&Proof::Token)
    }

    /// How long a token that is drawn now counts; a few days where the place knows none, since it is ours then.
    #[must_use]
    pub fn token_life(&self) -> Span {
        self.token.value.as_ref().map_or(Span::days(4), |token| token.life)
    }
}

/// The rows of all jurisdictions.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rows {
    us: Row,
    uk: Row,
    au: Row,
    #[serde(rename = "in")]
    india: Row,
    br: Row,
    ca: Row,
}

/// What is wrong with the rows.
#[derive(Debug, thiserror::Error)]
pub enum RowsError {
    /// Not the form of the file.
    #[error("the jurisdictions cannot be read: {0}")]
    Form(#[from] serde_json::Error),
    /// A rule is broken.
    #[error("jurisdiction `{jurisdiction}`, `{fact}`: {must}")]
    Rule {
        /// Whose row.
        jurisdiction: Jurisdiction,
        /// Which fact.
        fact: &'static str,
        /// What must be.
        must: &'static str,
    },
}

impl Rows {
    /// Reads and checks rows.
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub fn read(json: &str) -> Result<Self, RowsError> {
        let rows: Self = serde_json::from_str(json)?;
        for &jurisdiction in Jurisdiction::ALL {
            rows.row(jurisdiction).check().map_err(|(fact, must)| RowsError::Rule { jurisdiction, fact, must })?;
        }
        Ok(rows)
    }

    /// The row of a jurisdiction.
    #[must_use]
    pub const fn row(&self, jurisdiction: Jurisdiction) -> &Row {
        match jurisdiction {
            Jurisdiction::Us => &self.us,
            Jurisdiction::Uk => &self.uk,
            Jurisdiction::Au => &self.au,
            Jurisdiction::In => &self.india,
            Jurisdiction::Br => &self.br,
            Jurisdiction::Ca => &self.ca,
        }
    }
}

#[expect(clippy::expect_used, reason = "the file is part of the program, and a test reads it")]
static SHIPPED: LazyLock<Rows> = LazyLock::new(|| Rows::read(SHIPPED_JSON).expect("the shipped jurisdictions"));
const SHIPPED_JSON: &str = include_str!("jurisdictions.json");

/// The shipped row of a jurisdiction. A function asks for one at start, so that a bad file fails there.
#[must_use]
pub fn row(jurisdiction: Jurisdiction) -> &'static Row {
    SHIPPED.row(jurisdiction)
}

impl Row {
    fn check(&self) -> Result<(), (&'static str, &'static str)> {
        let facts = [
            ("token", self.token.sure, &self.token.source),
            ("minimum", self.minimum.sure, &self.minimum.source),
            ("reply_window", self.reply_window.sure, &self.reply_window.source),
            ("silence", self.silence.sure, &self.silence.source),
            ("interval", self.interval.sure, &self.interval.source),
            ("hours", self.hours.sure, &self.hours.source),
            ("sim_swap_wait", self.sim_swap_wait.sure, &self.sim_swap_wait.source),
            ("record_years", self.record_years.sure, &self.record_years.source),
            ("compliance", self.compliance.sure, &self.compliance.source),
        ];
        for (fact, sure, source) in facts {
            source_fits(sure, source).map_err(|must| (fact, must))?;
        }
        let within = |span: Span, least: Span, most: Span| (least..=most).contains(&span);
        if let Some(token) = &self.token.value {
            if token.name.is_empty() || token.name.contains('|') {
                return Err(("token", "must have a name"));
            }
            if !within(token.life, Span::hours(1), Span::days(30)) {
                return Err(("token", "must live 1 hour to 30 days"));
            }
        }
        let minimum = &self.minimum.value;
        if !minimum.is_sorted_by(|a, b| a < b) {
            return Err(("minimum", "must name each proof once, in order"));
        }
        if !minimum.iter().any(|proof| proof.is_enough()) {
            return Err(("minimum", "must ask for more than account data"));
        }
        if minimum.contains(&Proof::Token) && self.token.value.is_none() {
            return Err(("minimum", "must not ask for a token where there is none"));
        }
        if !within(self.reply_window.value, Span::minutes(15), Span::days(7)) {
            return Err(("reply_window", "must be 15 minutes to 7 days"));
        }
        let interval_fits = match self.interval.value {
            Interval::BusinessMinutes(minutes) => (5..=2_880).contains(&minutes),
            Interval::BusinessHours(hours) => (1..=48).contains(&hours),
            Interval::BusinessDays(days) => (1..=10).contains(&days),
        };
        if !interval_fits {
            return Err(("interval", "must be 5 minutes to 48 hours, or 1 to 10 days"));
        }
        self.hours.value.check().map_err(|must| ("hours", must))?;
        if self.sim_swap_wait.value.is_some_and(|wait| !within(wait, Span::hours(1), Span::days(60))) {
            return Err(("sim_swap_wait", "must be 1 hour to 60 days, or none"));
        }
        if !(1..=10).contains(&self.record_years.value) {
            return Err(("record_years", "must be 1 to 10"));
        }
        Ok(())
    }
}

impl Proof {
    /// Whether it is more than what a bill tells.
    #[must_use]
    pub const fn is_enough(self) -> bool {
        match self {
            Self::AccountData => false,
            Self::Token | Self::Reply | Self::TokenOrReply => true,
        }
    }
}

/// A fact that was read names where; one that was not names no paragraph, which would look as if it was.
fn source_fits(sure: Sure, source: &str) -> Result<(), &'static str> {
    if source.is_empty() || source.contains(['|', '\n']) {
        return Err("must say where it is from, in one line without bars");
    }
    match sure {
        Sure::Read | Sure::Secondary if !source.contains('.') => Err("was read, so it must name its source"),
        Sure::Memory if source.contains(['(', '§']) => Err("is from memory, so it must not cite a paragraph"),
        Sure::Read | Sure::Secondary | Sure::Computed | Sure::Memory | Sure::Ours => Ok(()),
    }
}

fn optional_date<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Fact<Option<Date>>, D::Error> {
    let fact = Fact::<Option<String>>::deserialize(deserializer)?;
    let value = match fact.value {
        Some(text) => Some(text.parse().map_err(|_| serde::de::Error::custom("not a date such as 2026-12-25"))?),
        None => None,
    };
    Ok(Fact { value, sure: fact.sure, source: fact.source })
}

/// A jurisdiction's name for people.
#[must_use]
pub const fn name(jurisdiction: Jurisdiction) -> &'static str {
    match jurisdiction {
        Jurisdiction::Us => "United States",
        Jurisdiction::Uk => "United Kingdom",
        Jurisdiction::Au => "Australia",
        Jurisdiction::In => "India",
        Jurisdiction::Br => "Brazil",
        Jurisdiction::Ca => "Canada",
    }
}

impl Row {
    /// The facts as people read them: name, value, how sure, source.
    fn facts(&self) -> [(&'static str, String, Sure, &str); 9] {
        let none = || "none".to_owned();
        let token = self.token.value.as_ref().map_or_else(none, |token| format!("{}, good for {}", token.name, token.life));
        let minimum: Vec<&str> = self.minimum.value.iter().map(|proof| proof.word()).collect();
        let interval = match self.interval.value {
            Interval::BusinessMinutes(n) => format!("{n} business minutes"),
            Interval::BusinessHours(n) => format!("{n} business hours"),
            Interval::BusinessDays(1) => "the end of the next business day".to_owned(),
            Interval::BusinessDays(n) => format!("the end of the business day {n} days after"),
        };
        let hours = &self.hours.value;
        let mut week = String::new();
        for opening in &hours.week {
            let days: Vec<&str> = opening.days.iter().map(|day| day.word()).collect();
            let _ = write!(week, "{} {} to {}; ", days.join(" "), clock(opening.open), clock(opening.close));
        }
        let zone = hours.zone.iana_name().unwrap_or_default();
        let (count, until) = (hours.holidays.len(), hours.holidays_until);
        let silence = match self.silence.value {
            Silence::Pause => "the port waits",
            Silence::Refuse => "the port is refused",
        };
        let wait = self.sim_swap_wait.value.map_or_else(none, |wait| wait.to_string());
        let compliance = self.compliance.value.map_or_else(|| "not yet set".to_owned(), |date| date.to_string());
        [
            ("authorization token", token, self.token.sure, &self.token.source),
            ("shown at least", minimum.join(" and "), self.minimum.sure, &self.minimum.source),
            (
                "the customer's time to answer",
                self.reply_window.value.to_string(),
                self.reply_window.sure,
                &self.reply_window.source,
            ),
            ("her silence means", silence.to_owned(), self.silence.sure, &self.silence.source),
            ("our time to answer", interval, self.interval.sure, &self.interval.source),
            ("business hours", format!("{week}{zone}; {count} holidays until {until}"), self.hours.sure, &self.hours.source),
            ("wait after a SIM swap", wait, self.sim_swap_wait.sure, &self.sim_swap_wait.source),
            ("records kept, years", self.record_years.value.to_string(), self.record_years.sure, &self.record_years.source),
            ("binds from", compliance, self.compliance.sure, &self.compliance.source),
        ]
    }
}

fn clock(time: jiff::civil::Time) -> String {
    format!("{:02}:{:02}", time.hour(), time.minute())
}

/// The rows as a document.
#[must_use]
pub fn table() -> String {
    let mut text = String::from(
        "# Porting, by jurisdiction\n\n\
         Printed by `cargo run -q -p linekeeper-domain --example porting`; a test says when it is stale. The rows are\n\
         `src/porting/jurisdictions.json`.\n\n\
         How sure: `V` read in a primary source, `V2` in a secondary one, `C` computed, `M` from memory and not checked, `Ours` no\n\
         rule but ours. This is engineering, not legal advice. What is `M` or `Ours` a compliance officer should settle first.\n\n\
         Besides what stands here, in every jurisdiction: the policy and the risk ask for more, never for less; a lock refuses; the\n\
         customer is told first; silence is never a yes, and every answer tells the gateway what to do by when.\n",
    );
    for &jurisdiction in Jurisdiction::ALL {
        let _ = write!(text, "\n## {} (`{jurisdiction}`)\n\n| | | sure | source |\n|---|---|---|---|\n", name(jurisdiction));
        for (fact, value, sure, source) in row(jurisdiction).facts() {
            let _ = writeln!(text, "| {fact} | {value} | {sure} | {source} |");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn with(path: &str, value: Value) -> Result<Rows, RowsError> {
        let mut rows: Value = serde_json::from_str(SHIPPED_JSON).unwrap();
        *rows.pointer_mut(path).unwrap() = value;
        Rows::read(&rows.to_string())
    }

    #[test]
    fn the_shipped_rows_keep_the_rules() {
        Rows::read(SHIPPED_JSON).unwrap();
    }

    #[test]
    fn silence_is_consent_in_no_row_and_cannot_be() {
        for place in Jurisdiction::ALL {
            assert!(matches!(row(*place).silence.value, Silence::Pause | Silence::Refuse));
        }
        for word in ["consent", "confirm", "yes"] {
            let error = with("/us/silence/value", json!(word)).unwrap_err().to_string();
            assert!(error.contains("expected `pause` or `refuse`"), "{error}");
        }
    }

    #[test]
    fn account_data_alone_is_never_enough() {
        for place in Jurisdiction::ALL {
            assert!(row(*place).minimum.value.iter().any(|proof| proof.is_enough()), "{place}");
        }
        let error = with("/us/minimum/value", json!(["account_data"])).unwrap_err().to_string();
        assert_eq!(error, "jurisdiction `us`, `minimum`: must ask for more than account data");
    }

    #[test]
    fn each_rule_has_its_error() {
        for (path, value, error) in [
            ("/us/token/value/life", json!(60), "`us`, `token`: must live 1 hour to 30 days"),
            ("/us/token/value/life", json!(2_592_001), "`us`, `token`: must live 1 hour to 30 days"),
            ("/us/token/value/name", json!(""), "`us`, `token`: must have a name"),
            ("/au/minimum/value", json!([]), "`au`, `minimum`: must ask for more than account data"),
            ("/au/minimum/value", json!(["reply", "account_data"]), "`au`, `minimum`: must name each proof once, in order"),
            ("/au/minimum/value", json!(["token"]), "`au`, `minimum`: must not ask for a token where there is none"),
            ("/br/reply_window/value", json!(60), "`br`, `reply_window`: must be 15 minutes to 7 days"),
            ("/us/interval/value", json!({"business_minutes": 0}), "`us`, `interval`: must be 5 minutes"),
            ("/uk/interval/value", json!({"business_days": 11}), "`uk`, `interval`: must be 5 minutes"),
            ("/uk/hours/value/week", json!([]), "`uk`, `hours`: at least one day"),
            ("/uk/hours/value/zone", json!("Mars/Olympus"), "not a name of the time zone database"),
            ("/in/sim_swap_wait/value", json!(5), "`in`, `sim_swap_wait`: must be 1 hour to 60 days, or none"),
            ("/ca/record_years/value", json!(0), "`ca`, `record_years`: must be 1 to 10"),
            ("/ca/compliance/value", json!("soon"), "not a date"),
            ("/ca/interval/source", json!("a decision"), "`ca`, `interval`: was read, so it must name its source"),
            (
                "/us/interval/source",
                json!("47 CFR 52.37(x)"),
                "`us`, `interval`: is from memory, so it must not cite a paragraph",
            ),
            ("/us/silence/source", json!(""), "`us`, `silence`: must say where it is from"),
            ("/us/silence/sure", json!("sure"), "unknown variant `sure`"),
            ("/ca", json!({}), "missing field `token`"),
        ] {
            let found = with(path, value).unwrap_err().to_string();
            assert!(found.contains(error), "{path}: {found}");
        }
    }

    #[test]
    fn a_row_that_is_missing_or_unknown_is_an_error() {
        let mut rows: Value = serde_json::from_str(SHIPPED_JSON).unwrap();
        let one = rows.as_object_mut().unwrap().remove("br").unwrap();
        assert!(Rows::read(&rows.to_string()).is_err());
        rows["br"] = one.clone();
        rows["zz"] = one;
        assert!(Rows::read(&rows.to_string()).is_err());
    }

    #[test]
    fn united_states() {
        let row = row(Jurisdiction::Us);
        assert_eq!(row.compliance.value, None, "no date is published yet");
        assert_eq!(row.minimum.value, [Proof::AccountData, Proof::TokenOrReply]);
        assert_eq!(row.interval.value, Interval::BusinessMinutes(30));
        assert_eq!((row.interval.sure, row.sim_swap_wait.value), (Sure::Memory, None));
        assert_eq!(row.token.value.as_ref().unwrap().life, Span::days(4));
    }

    #[test]
    fn united_kingdom() {
        let row = row(Jurisdiction::Uk);
        assert_eq!(row.token.value.as_ref().unwrap().life, Span::days(30));
        assert_eq!(row.interval.value, Interval::BusinessDays(1));
        assert_eq!(row.compliance.value.unwrap().to_string(), "2019-07-01");
    }

    #[test]
    fn australia() {
        let row = row(Jurisdiction::Au);
        assert_eq!(row.token.value, None);
        assert_eq!(row.interval.value, Interval::BusinessHours(3));
        assert_eq!((row.record_years.value, row.record_years.sure), (1, Sure::Read));
    }

    #[test]
    fn india_has_no_port_within_seven_days_of_a_sim_swap() {
        let row = row(Jurisdiction::In);
        assert_eq!((row.sim_swap_wait.value, row.sim_swap_wait.sure), (Some(Span::days(7)), Sure::Secondary));
        assert_eq!(row.token.value.as_ref().unwrap().life, Span::days(4));
        assert_eq!(row.compliance.value.unwrap().to_string(), "2024-07-01");
    }

    #[test]
    fn brazil_pauses_until_the_customer_answers() {
        let row = row(Jurisdiction::Br);
        assert_eq!((row.silence.value, row.silence.sure), (Silence::Pause, Sure::Secondary));
        assert_eq!(row.reply_window.value, Span::hours(6));
        assert_eq!(row.minimum.value, [Proof::AccountData, Proof::Reply]);
        assert_eq!(row.interval.value, Interval::BusinessDays(3));
    }

    #[test]
    fn canada_answers_within_two_and_a_half_business_hours() {
        let row = row(Jurisdiction::Ca);
        assert_eq!((row.interval.value, row.interval.sure), (Interval::BusinessMinutes(150), Sure::Read));
        assert_eq!(row.reply_window.value, Span::minutes(90));
    }

    #[test]
    fn nothing_from_memory_is_printed_with_a_paragraph() {
        let text = table();
        for line in text.lines().filter(|line| line.contains("| M |")) {
            let source = line.rsplit('|').nth(1).unwrap();
            assert!(!source.contains('(') && !source.contains('§'), "{line}");
        }
        for unsettled in ["64.2010(h)(5)", "64.2010(h)(6)", "64.2010(h)(8)"] {
            assert!(!text.contains(unsettled));
        }
    }

    #[test]
    fn the_printed_rows_are_the_rows() {
        let printed = include_str!("../../PORTING.md");
        assert!(
            printed == table(),
            "shared/domain/PORTING.md is stale: run `cargo run -q -p linekeeper-domain --example porting > shared/domain/PORTING.md`"
        );
    }
}
