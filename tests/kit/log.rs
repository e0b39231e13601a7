//! Everything that every test logged, searched for what must never be there (I8).

use std::io::Write;
use std::sync::{Mutex, OnceLock};

use linekeeper_domain::change::Address;
use linekeeper_platform::telemetry;

use crate::doubles::{Inbox, Topic};
use crate::people::{ANA, BEA};

static LOG: OnceLock<Mutex<Vec<u8>>> = OnceLock::new();

fn log() -> &'static Mutex<Vec<u8>> {
    LOG.get_or_init(Mutex::default)
}

/// A writer into the one log of the process.
#[derive(Clone, Copy, Debug)]
pub struct Capture;

impl Write for Capture {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        log().lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Logs as the functions do, into memory.
pub fn capture() {
    telemetry::init_with("tests", || Capture);
}

/// All that was logged so far.
#[must_use]
pub fn written() -> String {
    String::from_utf8_lossy(&log().lock().unwrap()).into_owned()
}

/// Beyond this the log is begun again: a fuzzer logs for hours.
const FULL: usize = 64 << 20;

/// How much is logged. What is logged from here on is [`since`] it.
#[must_use]
pub fn mark() -> usize {
    let mut log = log().lock().unwrap();
    if log.len() > FULL {
        log.clear();
    }
    log.len()
}

/// What was logged since a mark.
#[must_use]
pub fn since(mark: usize) -> String {
    String::from_utf8_lossy(log().lock().unwrap().get(mark..).unwrap_or_default()).into_owned()
}

/// What must not be in a log, of all that this world has seen: numbers, addresses, SIMs, codes, tokens, and what
/// was `shown` once (recovery codes, seeds).
#[must_use]
pub fn secrets(inbox: &Inbox, topic: &Topic, shown: &[String]) -> Vec<String> {
    let mut secrets: Vec<String> = topic.authorizations();
    secrets.extend(shown.iter().flat_map(|secret| [secret.clone(), secret.replace('-', "")]));
    for person in [ANA, BEA] {
        secrets.extend([person.msisdn, person.email, person.iccid].map(str::to_owned));
    }
    for mail in inbox.all() {
        match &mail.to {
            Address::Email(email) => secrets.push(email.as_str().to_owned()),
            Address::Sms(msisdn) => secrets.push(msisdn.as_str().to_owned()),
            Address::Push(_) => {}
        }
        if let Some((_, token)) = mail.text.short.split_once("/not-me#") {
            secrets.push(token.to_owned());
        }
        secrets.extend(mail.code().map(str::to_owned));
    }
    secrets
}

/// The first secret that stands in a text, alone: six digits within a longer number, or the microseconds of
/// a time stamp, are no code.
#[must_use]
pub fn leak<'a>(text: &str, secrets: &'a [String]) -> Option<&'a str> {
    let alone = |secret: &str| {
        text.match_indices(secret).any(|(at, found)| {
            let digit = |c: Option<char>| c.is_some_and(|c| c.is_ascii_digit());
            let before = text[..at].chars().next_back();
            !digit(before) && before != Some('.') && !digit(text[at + found.len()..].chars().next())
        })
    };
    secrets.iter().map(String::as_str).find(|secret| alone(secret))
}
