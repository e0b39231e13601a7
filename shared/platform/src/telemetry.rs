//! Logs and metrics, both as lines of JSON on standard output.
//!
//! Contract: nobody logs a secret or a personal datum on purpose; the types of the domain print
//! themselves masked, and dependencies are held to `INFO`, because at `DEBUG` they print what they send.
//! [`masked`] is the last line of defence behind that: every line that leaves through here has passed
//! it. It knows forms, not meanings, so it cannot replace care.
//!
//! Metrics use CloudWatch's embedded metric format: a line in the log, no call of its own.

use std::io::{self, Write};
use std::panic;
use std::sync::OnceLock;
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::json;
use tracing_subscriber::filter::{EnvFilter, FilterExt, FilterFn, LevelFilter, filter_fn};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::{Layer, SubscriberExt};
use tracing_subscriber::util::SubscriberInitExt;

/// What is counted. Each has the dimensions `function` and `outcome`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Metric {
    /// A request over HTTP; the outcome is `ok` or the problem's name.
    Request,
    /// A record of a queue or stream; the outcome is `done`, `retry`, `panic`, `undeliverable` or the
    /// reason of its rejection.
    Record,
    /// A decision about a change; the outcome is the decision.
    Decision,
    /// A code sent; the outcome is the factor.
    Challenge,
    /// A code answered; the outcome is `right` or `wrong`.
    Answer,
    /// A notice to one channel; the outcome is its delivery state.
    Notice,
    /// An authorization signed.
    Authorization,
    /// A hold or expiry that came due; the outcome is what it became.
    Deadline,
    /// A conditional write that lost; the outcome is the condition's name.
    Conflict,
    /// Something that a person must look at; the outcome says what.
    Incident,
    /// A sign-in judged; the outcome is `free` or `throttled`.
    SignIn,
    /// A request scored; the outcome is the band.
    Score,
    /// A request that a second model scored too; the outcome is `agrees` or `differs`, by the band.
    Shadow,
    /// A signal that an online request came without; the outcome is its name.
    Missing,
    /// A message of the porting gateway; the outcome is its kind.
    PortMessage,
    /// An answer to the porting gateway; the outcome is the answer.
    PortAnswer,
}

impl Metric {
    /// All of them.
    pub const ALL: [Self; 16] = [
        Self::Request,
        Self::Record,
        Self::Decision,
        Self::Challenge,
        Self::Answer,
        Self::Notice,
        Self::Authorization,
        Self::Deadline,
        Self::Conflict,
        Self::Incident,
        Self::SignIn,
        Self::Score,
        Self::Shadow,
        Self::Missing,
        Self::PortMessage,
        Self::PortAnswer,
    ];

    /// Its name in CloudWatch.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Request => "Requests",
            Self::Record => "Records",
            Self::Decision => "Decisions",
            Self::Challenge => "Challenges",
            Self::Answer => "Answers",
            Self::Notice => "Notices",
            Self::Authorization => "Authorizations",
            Self::Deadline => "Deadlines",
            Self::Conflict => "Conflicts",
            Self::Incident => "Incidents",
            Self::SignIn => "SignIns",
            Self::Score => "Scores",
            Self::Shadow => "ShadowScores",
            Self::Missing => "MissingSignals",
            Self::PortMessage => "PortMessages",
            Self::PortAnswer => "PortAnswers",
        }
    }
}

/// The namespace of all metrics.
pub const NAMESPACE: &str = "Linekeeper";

/// Where metrics go, and whose they are. Set once, at the start of the process.
static SINK: OnceLock<Sink> = OnceLock::new();

struct Sink {
    function: &'static str,
    write: Box<dyn Fn(&str) + Send + Sync>,
}

/// Starts logs and metrics on standard output. `function` is the crate's name (`env!("CARGO_PKG_NAME")`).
///
/// The level is `AWS_LAMBDA_LOG_LEVEL` (Lambda's own control), else `RUST_LOG`, else `info`.
///
/// A panic is logged by its place, with its message only if that is a literal.
pub fn init(function: &'static str) {
    init_with(function, io::stdout);
    panic::set_hook(Box::new(|info| {
        // A formatted message may hold data; a literal cannot.
        let message = info.payload().downcast_ref::<&'static str>().copied().unwrap_or("(formatted)");
        let place = info.location().map(ToString::to_string).unwrap_or_default();
        tracing::error!(target: "linekeeper_platform", place, message, "panic");
    }));
}

/// As [`init`], into another writer: a test greps all that was written. The first call in a process wins.
pub fn init_with<W>(function: &'static str, writer: W)
where
    W: for<'a> MakeWriter<'a> + Clone + Send + Sync + 'static,
{
    let lines = Redacting(writer.clone());
    let write = Box::new(move |line: &str| {
        // A metric that cannot be written is no reason to fail a request.
        let _ = lines.make_writer().write_all(line.as_bytes());
    });
    if SINK.set(Sink { function, write }).is_err() {
        return;
    }
    let layer = tracing_subscriber::fmt::layer()
        .json()
        .flatten_event(true)
        .with_current_span(true)
        .with_span_list(false)
        .with_writer(Redacting(writer))
        .with_filter(levels().and(own_or_info(function)));
    // Someone else's subscriber (in a test) is left in place.
    let _ = tracing_subscriber::registry().with(layer).try_init();
}

fn levels() -> EnvFilter {
    let directives = std::env::var("AWS_LAMBDA_LOG_LEVEL")
        .map(|level| if level.eq_ignore_ascii_case("fatal") { "error".to_owned() } else { level })
        .or_else(|_| std::env::var("RUST_LOG"))
        .unwrap_or_default();
    EnvFilter::builder().with_default_directive(LevelFilter::INFO.into()).parse_lossy(directives)
}

/// Our own code at any level, everything else at `INFO` and above. What webauthn-rs says is left out: it
/// logs what strangers sent as an error, and [`crate::passkey`] names every cause itself.
fn own_or_info(function: &'static str) -> FilterFn<impl Fn(&tracing::Metadata<'_>) -> bool> {
    let own = function.replace('-', "_");
    filter_fn(move |event| {
        let target = event.target();
        match target.starts_with("webauthn_rs") {
            true => false,
            false => {
                *event.level() <= tracing::Level::INFO || target.starts_with("linekeeper") || target.starts_with(own.as_str())
            }
        }
    })
}

/// Counts one occurrence. Before [`init`] nothing is counted.
pub fn count(metric: Metric, outcome: &'static str) {
    let Some(sink) = SINK.get() else { return };
    (sink.write)(&metric_line(sink.function, metric, outcome, SystemTime::now()));
}

fn metric_line(function: &str, metric: Metric, outcome: &str, at: SystemTime) -> String {
    let millis = at.duration_since(UNIX_EPOCH).map_or(0, |age| u64::try_from(age.as_millis()).unwrap_or(u64::MAX));
    let line = json!({
        "_aws": {
            "Timestamp": millis,
            "CloudWatchMetrics": [{
                "Namespace": NAMESPACE,
                "Dimensions": [["function", "outcome"]],
                "Metrics": [{ "Name": metric.name(), "Unit": "Count" }],
            }],
        },
        "function": function,
        "outcome": outcome,
        (metric.name()): 1,
    });
    format!("{line}\n")
}

/// An error with all that caused it, in one line.
#[must_use]
pub fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    std::iter::successors(Some(error), |error| error.source()).map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

/// A writer of whole lines that masks what looks like a secret or a personal datum.
#[derive(Clone, Debug)]
pub struct Redacting<W>(pub W);

impl<'a, W: MakeWriter<'a>> MakeWriter<'a> for Redacting<W> {
    type Writer = Redacting<W::Writer>;

    fn make_writer(&'a self) -> Self::Writer {
        Redacting(self.0.make_writer())
    }

    fn make_writer_for(&'a self, meta: &tracing::Metadata<'_>) -> Self::Writer {
        Redacting(self.0.make_writer_for(meta))
    }
}

impl<W: Write> Write for Redacting<W> {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        // The formatter hands over one whole line at a time, so nothing is split between two calls.
        self.0.write_all(masked(&String::from_utf8_lossy(line)).as_bytes())?;
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// The text with everything masked that looks like
/// - a phone number in E.164 form: `+1******0123`,
/// - an e-mail address: `a***@example.com`,
/// - a code in the origin-bound form `@host #123456`, or six digits alone in quotes,
/// - a JWT or JWS: `[token]`,
/// - the number of a SIM (19 or 20 digits), an eSIM chip (32) or a handset (15): its last four remain.
///
/// One pass. JSON as it is logged stays JSON: escapes are kept whole, and a member's bare number becomes 0.
/// Masking what is masked changes nothing.
#[must_use]
pub fn masked(text: &str) -> String {
    let mut mask = Mask { out: String::with_capacity(text.len()), floor: 0 };
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        rest = mask.step(first, rest);
    }
    mask.out
}

struct Mask {
    out: String,
    /// Where the current word may start at the earliest: behind the last escape or `@`.
    floor: usize,
}

impl Mask {
    /// Takes one thing off the front of `rest` and returns what is left.
    fn step<'a>(&mut self, first: char, rest: &'a str) -> &'a str {
        match first {
            '\\' => self.escape(rest),
            '@' => self.at("@", rest),
            '%' if rest.starts_with("%40") => self.at("%40", rest),
            '+' => self.phone("+", rest),
            '%' if starts_with_ignoring_case(rest, "%2B") => self.phone("%2B", rest),
            '#' => self.code(rest),
            'e' if rest.starts_with("eyJ") => self.token(rest),
            '0'..='9' => self.number(rest),
            _ => self.copy(rest, first.len_utf8()),
        }
    }

    fn copy<'a>(&mut self, rest: &'a str, length: usize) -> &'a str {
        let (taken, left) = rest.split_at_checked(length).unwrap_or((rest, ""));
        self.out.push_str(taken);
        left
    }

    fn escape<'a>(&mut self, rest: &'a str) -> &'a str {
        // JSON within JSON escapes the backslash as well, so any number of them begins an escape.
        let slashes = run(rest, |c| c == '\\').len();
        let mut next = rest.bytes().skip(slashes);
        let length = match next.next() {
            Some(b'"' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => 1,
            Some(b'u') if next.take(4).filter(u8::is_ascii_hexdigit).count() == 4 => 5,
            _ => 0,
        };
        let left = self.copy(rest, slashes + length);
        self.floor = self.out.len();
        left
    }

    fn at<'a>(&mut self, at: &str, rest: &'a str) -> &'a str {
        let word = self.out.get(self.floor..).unwrap_or_default();
        let local = run_back(word, |c| c.is_alphanumeric() || "._%+'~-".contains(c));
        if let Some(initial) = local.chars().next() {
            self.out.truncate(self.out.len() - local.len());
            if initial.is_alphanumeric() {
                self.out.push(initial);
            }
            self.out.push_str("***");
        }
        let left = self.copy(rest, at.len());
        self.floor = self.out.len();
        left
    }

    fn phone<'a>(&mut self, plus: &str, rest: &'a str) -> &'a str {
        let rest = self.copy(rest, plus.len());
        let digits = run(rest, |c| c.is_ascii_digit());
        if !(5..=15).contains(&digits.len()) {
            return rest;
        }
        let shown = if digits.len() < 10 { 2 } else { 4 };
        self.out.push_str(digits.get(..1).unwrap_or_default());
        self.out.push_str("******");
        self.out.push_str(last(digits, shown));
        rest.get(digits.len()..).unwrap_or_default()
    }

    fn code<'a>(&mut self, rest: &'a str) -> &'a str {
        let rest = self.copy(rest, 1);
        let digits = run(rest, |c| c.is_ascii_digit());
        if digits.len() != 6 {
            return rest;
        }
        self.out.push_str("******");
        rest.get(6..).unwrap_or_default()
    }

    fn token<'a>(&mut self, rest: &'a str) -> &'a str {
        let token = leading_token(rest);
        if token.is_empty() {
            return self.copy(rest, 1);
        }
        self.out.push_str("[token]");
        rest.get(token.len()..).unwrap_or_default()
    }

    fn number<'a>(&mut self, rest: &'a str) -> &'a str {
        let digits = run(rest, |c| c.is_ascii_digit());
        let left = rest.get(digits.len()..).unwrap_or_default();
        // A SIM's number may carry a filler.
        let after = left.strip_prefix(['F', 'f']).unwrap_or(left);
        let word = self.out.get(self.floor..).unwrap_or_default();
        // Part of a digest or of an id, it is no number. A token behind it will be gone.
        let goes_on = after.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_') && leading_token(after).is_empty();
        let alone = !word.ends_with(|c: char| c.is_ascii_alphanumeric() || c == '_') && !goes_on && !is_fraction(word);
        let hidden = match digits.len() {
            6 if self.out.ends_with('"') && left.starts_with(['"', '\\']) => 6,
            length @ (15 | 19 | 20 | 32) if alone => length - 4,
            _ => return self.copy(rest, digits.len()),
        };
        let member = self.out.strip_suffix('-').unwrap_or(&self.out);
        let bare = member.ends_with("\":") && !member.ends_with("\\\":");
        if bare {
            // The value of a member: stars would break the line.
            self.out.push('0');
        } else {
            self.out.extend(std::iter::repeat_n('*', hidden));
            self.out.push_str(digits.get(hidden..).unwrap_or_default());
        }
        left
    }
}

/// The token that a text begins with, if it begins with one.
fn leading_token(text: &str) -> &str {
    let token = if text.starts_with("eyJ") { run(text, |c| c.is_ascii_alphanumeric() || "-_.=".contains(c)) } else { "" };
    if token.len() < 12 { "" } else { token }
}

/// Whether what follows are the decimals of a number.
fn is_fraction(word: &str) -> bool {
    word.strip_suffix('.').is_some_and(|whole| whole.ends_with(|c: char| c.is_ascii_digit()))
}

fn starts_with_ignoring_case(text: &str, prefix: &str) -> bool {
    text.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix))
}

/// The longest start of `text` made of such characters.
fn run(text: &str, of: impl Fn(char) -> bool) -> &str {
    text.find(|c| !of(c)).and_then(|end| text.get(..end)).unwrap_or(text)
}

/// The longest end of `text` made of such characters.
fn run_back(text: &str, of: impl Fn(char) -> bool) -> &str {
    text.get(text.trim_end_matches(of).len()..).unwrap_or_default()
}

fn last(digits: &str, count: usize) -> &str {
    digits.get(digits.len().saturating_sub(count)..).unwrap_or(digits)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::sync::{Arc, Mutex};
    use std::time::Duration;

    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;

    #[test]
    fn what_could_identify_or_open_is_masked() {
        for (text, expected) in [
            ("call +13055550123 now", "call +1******0123 now"),
            ("+447700900123", "+4******0123"),
            ("+2901234", "+2******34"),
            ("?to=%2B13055550123&x", "?to=%2B1******0123&x"),
            ("ann.lee+x@example.com", "a***@example.com"),
            ("<ann@example.com>,bob@b.org", "<a***@example.com>,b***@b.org"),
            ("@linekeeper.example #123456", "@linekeeper.example #******"),
            ("{\"code\":\"123456\"}", "{\"code\":\"******\"}"),
            (r#"{"body":"{\"code\":\"123456\"}"}"#, r#"{"body":"{\"code\":\"******\"}"}"#),
            ("not-me#eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJhIn0.c2ln", "not-me#[token]"),
            ("iccid 8901260123456789012.", "iccid ***************9012."),
            ("89012601234567890123", "****************0123"),
            ("8901260123456789012F", "***************9012F"),
            ("imei=490154203237518", "imei=***********7518"),
            ("89049032123451234512345678901235", "****************************1235"),
            (r#"{"iccid":8901260123456789012}"#, r#"{"iccid":0}"#),
            ("490154203237518eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJhIn0", "***********7518[token]"),
        ] {
            assert_eq!(masked(text), expected, "{text}");
        }
    }

    #[test]
    fn what_only_resembles_it_stays() {
        for text in [
            "2026-11-22T06:55:14+0000",
            r#"{"Timestamp":1795330514000,"took":0.0001234567890123456789}"#,
            "arn:aws:kms:us-east-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab",
            "line.ln_1.0f1e2d3c4b5a69788796a5b4c3d2e1f0",
            "123456 items, issue #42, @home, #1234567, mid-sentence @ alone",
            "sequence 400000000000000499660",
            "eyJ",
            "1+12",
        ] {
            assert_eq!(masked(text), text);
        }
    }

    #[test]
    fn an_escape_is_neither_broken_nor_a_hiding_place() {
        for (text, expected) in [
            (r"\nann@example.com", r"\na***@example.com"),
            (r"\u0007@x.example #123456", r"\u0007@x.example #******"),
            (r"\u00078901260123456789012", r"\u0007***************9012"),
            (r"\+13055550123", r"\+1******0123"),
            (r"\\n8901260123456789012", r"\\n***************9012"),
        ] {
            assert_eq!(masked(text), expected, "{text}");
        }
    }

    #[test]
    fn a_metric_is_one_line_in_the_embedded_format() {
        let line = metric_line("otp-verify", Metric::Answer, "wrong", UNIX_EPOCH + Duration::from_millis(1_795_330_514_000));
        assert_eq!(line.matches('\n').count(), 1);
        let value: Value = serde_json::from_str(&line).unwrap();
        assert_eq!(value["_aws"]["Timestamp"], 1_795_330_514_000_u64);
        assert_eq!(value["_aws"]["CloudWatchMetrics"][0]["Namespace"], "Linekeeper");
        assert_eq!(value["_aws"]["CloudWatchMetrics"][0]["Dimensions"], json!([["function", "outcome"]]));
        assert_eq!(value["_aws"]["CloudWatchMetrics"][0]["Metrics"], json!([{ "Name": "Answers", "Unit": "Count" }]));
        assert_eq!(
            (&value["function"], &value["outcome"], &value["Answers"]),
            (&json!("otp-verify"), &json!("wrong"), &json!(1))
        );
        assert_eq!(masked(&line), line);
    }

    #[test]
    fn every_metric_has_its_own_name() {
        let names: HashSet<_> = Metric::ALL.iter().map(|metric| metric.name()).collect();
        assert_eq!(names.len(), Metric::ALL.len());
    }

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn logged(function: &'static str, log: impl FnOnce()) -> String {
        let lines = Lines::default();
        let writer = lines.clone();
        let layer = tracing_subscriber::fmt::layer()
            .json()
            .flatten_event(true)
            .with_writer(Redacting(move || writer.clone()))
            .with_filter(EnvFilter::new("trace").and(own_or_info(function)));
        tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), log);
        let bytes = lines.0.lock().unwrap().clone();
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn what_a_stranger_sent_as_a_passkey_is_not_logged_by_the_library() {
        assert_eq!(logged("otp-verify", || tracing::error!(target: "webauthn_rs_core::internals", "sent by a stranger")), "");
    }

    #[test]
    fn a_log_line_is_json_and_shows_no_number() {
        let line = logged("otp-issue", || {
            tracing::info!(to = "+13055550123", error = ?"no \"ann@example.com\"", "sent @h.example #123456");
        });
        let value: Value = serde_json::from_str(&line).unwrap();
        assert_eq!(value["to"], "+1******0123");
        assert_eq!(value["error"], "\"no \\\"a***@example.com\\\"\"");
        assert_eq!(value["message"], "sent @h.example #******");
    }

    #[test]
    fn logs_and_metrics_go_to_the_one_writer_they_were_started_with() {
        let lines = Lines::default();
        let writer = lines.clone();
        init_with("otp-verify", move || writer.clone());
        init_with("otherwise", io::sink);
        count(Metric::Answer, "right");
        tracing::info!("a line of its own");
        let text = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
        assert!(text.contains("\"function\":\"otp-verify\"") && text.contains("a line of its own"), "{text}");
        assert!(text.lines().all(|line| serde_json::from_str::<Value>(line).is_ok()), "{text}");
    }

    #[test]
    fn an_error_is_told_with_what_caused_it() {
        #[derive(Debug, thiserror::Error)]
        #[error("store is away")]
        struct Away(#[source] io::Error);
        assert_eq!(chain(&Away(io::Error::other("no route"))), "store is away: no route");
    }

    #[test]
    fn a_dependency_cannot_log_what_it_sends_at_any_level() {
        let line = logged("otp-issue", || {
            tracing::debug!(target: "aws_smithy_runtime::client", "Your code is 123456");
            tracing::debug!(target: "otp_issue::handler", "ours");
            tracing::warn!(target: "hyper", "theirs");
        });
        assert!(!line.contains("123456") && line.contains("ours") && line.contains("theirs"), "{line}");
    }

    fn text_with_secrets() -> impl Strategy<Value = (String, Vec<String>)> {
        let secret = prop_oneof![
            "\\+[1-9][0-9]{9,13}",
            "[a-z]{2,9}[.][a-z]{2,9}@[a-z]{1,9}[.]com",
            "89[0-9]{17,18}",
            "eyJ[A-Za-z0-9_-]{10,30}[.]eyJ[A-Za-z0-9_-]{10,30}[.][A-Za-z0-9_-]{10,86}",
            "@[a-z]{1,9}[.]example #[0-9]{6}",
        ];
        let between = "[ ,;:\"\\\\\n\u{7}()\u{e9}]{1,5}";
        prop::collection::vec((between, secret), 1..6).prop_map(|parts| {
            let text = parts.iter().flat_map(|(a, b)| [a.as_str(), b.as_str()]).collect::<String>() + " ";
            (text, parts.into_iter().map(|(_, secret)| secret).collect())
        })
    }

    proptest! {
        #[test]
        fn no_secret_survives_between_whatever_characters((text, secrets) in text_with_secrets()) {
            for form in [text.clone(), serde_json::to_string(&text).unwrap(), serde_json::to_string(&json!({"a": serde_json::to_string(&text).unwrap()})).unwrap()] {
                let out = masked(&form);
                for secret in &secrets {
                    let telling = secret.rsplit('#').next().unwrap_or(secret);
                    prop_assert!(!out.contains(telling), "{telling} in {out}");
                }
            }
        }

        #[test]
        fn json_stays_json_with_the_same_members(text in any::<String>(), (more, _) in text_with_secrets(), number in any::<u64>(), float in any::<f64>()) {
            let line = json!({ "message": text, "more": more, "n": number, "f": float }).to_string();
            let back: Value = serde_json::from_str(&masked(&line)).unwrap();
            prop_assert_eq!(back.as_object().unwrap().len(), 4);
        }

        #[test]
        fn masking_twice_is_masking_once(text in any::<String>(), (more, _) in text_with_secrets()) {
            let once = masked(&(text + &more));
            prop_assert_eq!(masked(&once), once);
        }

        #[test]
        fn text_without_such_characters_is_untouched(text in "[a-zA-Z ,.:;()-]{0,200}") {
            prop_assume!(!text.contains("eyJ"));
            prop_assert_eq!(masked(&text), text);
        }
    }
}
