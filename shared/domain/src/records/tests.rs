use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::chain::Heads;
use crate::ledger::Entry;

/// Ledgers in the making, and their entries in the order in which they were made.
#[derive(Debug, Default)]
struct Made {
    heads: Heads,
    entries: Vec<(Entry, Digest)>,
}

impl Made {
    fn append(&mut self, account: &str, line: Option<&str>, at: &str, events: &Value) {
        let account_id = crate::ids::AccountId::parse(account).unwrap();
        let subject = line.map_or(crate::ids::Subject::Account, |line| crate::ids::Subject::Line(line.parse_id()));
        let head = self.heads.get(&account_id, &subject).cloned().unwrap_or_else(crate::chain::Head::genesis);
        let at = Timestamp::parse(at).unwrap().as_second();
        let json = json!({"v": 1, "account_id": account, "subject": serde_json::to_value(&subject).unwrap(), "seq": head.seq + 1, "at": at,
            "actor": {"kind": "customer"}, "events": events, "prev": head.hash.as_str()});
        // As the product writes it.
        let entry: Entry = serde_json::from_value(json).unwrap();
        let (json, hash) = entry.seal().unwrap();
        self.heads.follow(&serde_json::from_str(&json).unwrap(), &json).unwrap();
        self.entries.push((entry, hash));
    }

    fn open(&mut self, account: &str, jurisdiction: &str, at: &str) {
        self.append(account, None, at, &json!([{"event": "account_opened", "jurisdiction": jurisdiction, "contacts": []}]));
    }
}

trait ParseId {
    fn parse_id(&self) -> crate::ids::LineId;
}

impl ParseId for str {
    fn parse_id(&self) -> crate::ids::LineId {
        crate::ids::LineId::parse(self).unwrap()
    }
}

fn id(line: &str, n: u32) -> String {
    format!("line.{line}.{n:026x}")
}

fn asked(line: &str, n: u32, act: Act, refused: bool, at: &str) -> Value {
    let details = match act {
        Act::SimChange => json!({"kind": "sim_swap", "sim": {"iccid": "8901260222193581234"}}),
        Act::PortOut => json!({"kind": "port_out", "number": "+13055550123", "order": "PON-1", "carrier": "6X21"}),
    };
    let now = Timestamp::parse(at).unwrap().as_second();
    let stage = if refused { json!({"ended": {"how": "refused", "at": now}}) } else { json!("open") };
    json!([{"event": "requested", "change": {
        "id": id(line, n), "details": details,
        "request": {"actor": {"kind": "customer"}, "channel": "pwa", "requested_at": now},
        "decision": {"outcome": "step_up", "band": "low", "reasons": [], "model": "m1", "policy": "3", "at": now},
        "need": {"refused": null, "assurance": "one_factor", "accepted": 255, "email_stands_in": false, "wait": "none", "review": false},
        "seen": {"seq": 1, "cover": "open", "taint": 0, "open": true}, "expires_at": now + 86_400, "stage": stage,
    }}])
}

fn proven(line: &str, n: u32, factor: &str) -> Value {
    json!([{"event": "proven", "change": id(line, n), "proof": {"factor": factor, "at": 1}}])
}

fn ended(line: &str, n: u32, how: &str) -> Value {
    json!([{"event": "ended", "change": id(line, n), "how": how}])
}

fn disputed(line: &str, n: u32) -> Value {
    json!([{"event": "disputed", "change": id(line, n)}])
}

fn month(text: &str) -> Month {
    Month::parse(text).unwrap()
}

fn records_of<'a>(entries: impl IntoIterator<Item = &'a (Entry, Digest)>, of: Month) -> Result<Records, Unplaced> {
    let mut fold = Fold::new(of);
    for (entry, hash) in entries {
        fold.take(entry, hash);
    }
    fold.records()
}

const US_SIM: (Jurisdiction, Act) = (Jurisdiction::Us, Act::SimChange);

#[test]
fn a_month_reads_as_it_was_written_and_knows_its_days() {
    assert_eq!(month("2026-11").to_string(), "2026-11");
    for wrong in ["2026-13", "2026-00", "2026-1", "26-11", "2026-11-01", "+026-11", "9999-12", "1969-12", "2026 11", ""] {
        assert_eq!(Month::parse(wrong), Err(MonthError), "{wrong}");
    }
    let of = |text| Month::of(Timestamp::parse(text).unwrap()).unwrap();
    assert_eq!(of("2026-11-30T23:59:59Z"), month("2026-11"));
    assert_eq!(of("2026-12-01T00:00:00Z"), month("2026-12"));
    assert_eq!(month("2026-01").back(1), month("2025-12"));
    assert_eq!(Month::of(Timestamp::from_second(i64::MAX)), None);
}

#[test]
fn a_change_counts_where_it_happened_and_a_month_that_is_over_stays_as_it_is() {
    let mut made = Made::default();
    made.open("a", "us", "2026-04-01T00:00:00Z");
    made.append("a", Some("l"), "2026-05-31T23:00:00Z", &asked("l", 1, Act::SimChange, false, "2026-05-31T23:00:00Z"));
    made.append("a", Some("l"), "2026-05-31T23:05:00Z", &proven("l", 1, "passkey"));
    let may = records_of(&made.entries, month("2026-05")).unwrap();
    assert_eq!((may.counts[&US_SIM].requests, may.counts[&US_SIM].successful()), (1, 0));
    assert_eq!(may.counts[&US_SIM].methods, BTreeMap::from([(Factor::Passkey, 1)]));

    made.append("a", Some("l"), "2026-06-01T00:10:00Z", &ended("l", 1, "completed"));
    made.append("a", Some("l"), "2026-07-02T00:00:00Z", &disputed("l", 1));
    made.append("a", Some("l"), "2026-07-02T00:00:01Z", &disputed("l", 1));
    assert_eq!(records_of(&made.entries, month("2026-05")).unwrap(), may, "the ledger has grown, May has not");
    let june = &records_of(&made.entries, month("2026-06")).unwrap().counts[&US_SIM];
    assert_eq!((june.requests, june.successful(), june.failed(), june.fraudulent), (0, 1, 0, 0));
    let july = &records_of(&made.entries, month("2026-07")).unwrap().counts[&US_SIM];
    assert_eq!((july.complaints, july.fraudulent), (1, 1), "a second word about the same change is no second complaint");
}

#[test]
fn a_request_that_is_refused_at_once_was_received_and_failed() {
    let mut made = Made::default();
    made.open("a", "au", "2026-05-01T00:00:00Z");
    made.append("a", Some("l"), "2026-05-02T00:00:00Z", &asked("l", 1, Act::PortOut, true, "2026-05-02T00:00:00Z"));
    made.append("a", Some("l"), "2026-05-03T00:00:00Z", &asked("l", 2, Act::PortOut, false, "2026-05-03T00:00:00Z"));
    made.append("a", Some("l"), "2026-05-04T00:00:00Z", &ended("l", 2, "expired"));
    let counts = &records_of(&made.entries, month("2026-05")).unwrap().counts;
    let ports = &counts[&(Jurisdiction::Au, Act::PortOut)];
    assert_eq!((ports.requests, ports.successful(), ports.failed()), (2, 0, 2));
    assert_eq!(ports.endings, BTreeMap::from([(Ending::Expired, 1), (Ending::Refused, 1)]));
    assert_eq!(counts[&(Jurisdiction::Au, Act::SimChange)], Counts::default(), "where nothing happened, nothing is counted");
}

#[test]
fn what_was_done_without_an_authorization_is_fraudulent_and_no_request() {
    let mut made = Made::default();
    made.open("a", "us", "2026-05-01T00:00:00Z");
    made.append("a", Some("l"), "2026-05-02T00:00:00Z", &json!([{"event": "incident", "kind": "sim_swap"}]));
    made.append("a", Some("l"), "2026-05-03T00:00:00Z", &json!([{"event": "incident", "kind": "device_upgrade"}]));
    let counts = &records_of(&made.entries, month("2026-05")).unwrap().counts[&US_SIM];
    assert_eq!((counts.requests, counts.successful(), counts.unauthorized, counts.fraudulent), (0, 0, 1, 1));
}

#[test]
fn the_page_that_her_tap_calls_is_not_a_second_fraud() {
    let mut made = Made::default();
    made.open("a", "us", "2026-05-01T00:00:00Z");
    made.append("a", Some("l"), "2026-05-02T00:00:00Z", &asked("l", 1, Act::SimChange, false, "2026-05-02T00:00:00Z"));
    made.append("a", Some("l"), "2026-05-02T01:00:00Z", &ended("l", 1, "completed"));
    let tap = json!([{"event": "incident", "kind": "sim_swap"}, {"event": "disputed", "change": id("l", 1)}]);
    made.append("a", Some("l"), "2026-05-02T02:00:00Z", &tap);
    let counts = &records_of(&made.entries, month("2026-05")).unwrap().counts[&US_SIM];
    assert_eq!((counts.unauthorized, counts.fraudulent, counts.complaints), (0, 1, 1));
}

#[test]
fn a_complaint_about_what_was_stopped_in_time_is_no_successful_fraud() {
    let mut made = Made::default();
    made.open("a", "us", "2026-05-01T00:00:00Z");
    made.append("a", Some("l"), "2026-05-02T00:00:00Z", &asked("l", 1, Act::SimChange, false, "2026-05-02T00:00:00Z"));
    let tap = json!([{"event": "ended", "change": id("l", 1), "how": "cancelled"}, {"event": "disputed", "change": id("l", 1)}]);
    made.append("a", Some("l"), "2026-05-02T02:00:00Z", &tap);
    let counts = &records_of(&made.entries, month("2026-05")).unwrap().counts[&US_SIM];
    assert_eq!((counts.failed(), counts.complaints, counts.fraudulent), (1, 1, 0));
}

fn reported(case: u64, concerns: &Value) -> Value {
    json!([{"event": "fraud_reported", "case": case, "through": "app", "concerns": concerns}])
}

fn named(line: &str, n: u32, done: bool) -> Value {
    json!({"what": {"change": id(line, n)}, "reverse": done,
        "asked": {"kind": "sim_swap", "channel": "pwa", "at": 1, "done": done}})
}

/// A SIM change that was carried out, and the customer's word that it was not hers, as the product writes both.
fn stolen(made: &mut Made, account: &str, line: &str) {
    made.append(account, Some(line), "2026-05-02T00:00:00Z", &asked(line, 1, Act::SimChange, false, "2026-05-02T00:00:00Z"));
    made.append(account, Some(line), "2026-05-02T01:00:00Z", &ended(line, 1, "completed"));
    let tap = json!([{"event": "incident", "kind": "sim_swap"}, {"event": "disputed", "change": id(line, 1)}]);
    made.append(account, Some(line), "2026-05-31T12:00:00Z", &tap);
    made.append(account, None, "2026-05-31T12:00:00Z", &reported(2, &json!([named(line, 1, true)])));
}

#[test]
fn a_case_counts_as_it_is_reported_remedied_and_closed() {
    for (outcome, confirmed, cleared) in [("fraud", 1, 0), ("no_fraud", 0, 1), ("unclear", 0, 0)] {
        let mut made = Made::default();
        made.open("a", "us", "2026-05-01T00:00:00Z");
        stolen(&mut made, "a", "l");
        let at = Timestamp::parse("2026-06-01T00:00:00Z").unwrap().as_second();
        let remedied = json!([{"event": "fraud_remedied", "case": 2, "what": {"change": id("l", 1)}, "at": at}]);
        made.append("a", None, "2026-06-01T00:01:00Z", &remedied);
        let closed = json!([{"event": "fraud_closed", "case": 2, "outcome": outcome, "changes": [id("l", 1)]}]);
        made.append("a", None, "2026-07-01T00:00:00Z", &closed);
        let of = |text| records_of(&made.entries, month(text)).unwrap().counts[&US_SIM].clone();
        let (may, june, july) = (of("2026-05"), of("2026-06"), of("2026-07"));
        assert_eq!((may.complaints, may.fraudulent, may.remedied, may.unauthorized), (1, 1, 0, 0));
        assert_eq!((june.fraudulent, june.remedied, june.mean_remedy_seconds()), (0, 1, Some(12 * 3_600)));
        assert_eq!((july.fraudulent, july.confirmed, july.cleared), (0, confirmed, cleared));
    }
}

#[test]
fn a_line_that_is_reported_after_it_was_moved_without_an_authorization_is_one_fraud() {
    let mut made = Made::default();
    made.open("a", "us", "2026-05-01T00:00:00Z");
    made.append("a", Some("l"), "2026-05-02T00:00:00Z", &json!([{"event": "incident", "kind": "sim_swap"}]));
    let line = json!([{"what": {"line": "l"}, "reverse": true}, {"what": {"line": "m"}}, {"what": {"factor": "f"}}]);
    made.append("a", None, "2026-05-02T08:00:00Z", &reported(2, &line));
    made.append("a", None, "2026-05-03T08:00:00Z", &json!([{"event": "fraud_closed", "case": 2, "outcome": "fraud"}]));
    let counts = &records_of(&made.entries, month("2026-05")).unwrap().counts[&US_SIM];
    assert_eq!((counts.unauthorized, counts.fraudulent, counts.complaints, counts.confirmed), (1, 1, 1, 1));
    // The next one on the same line is another.
    made.append("a", None, "2026-05-09T08:00:00Z", &reported(4, &json!([{"what": {"line": "l"}, "reverse": true}])));
    let counts = &records_of(&made.entries, month("2026-05")).unwrap().counts[&US_SIM];
    assert_eq!((counts.unauthorized, counts.fraudulent, counts.complaints), (1, 2, 2));
}

#[test]
fn of_what_is_written_in_one_second_the_cause_comes_first_whichever_ledger_is_read_first() {
    let mut made = Made::default();
    made.open("a", "us", "2026-05-01T00:00:00Z");
    made.append("a", Some("l"), "2026-05-02T00:00:00Z", &json!([{"event": "incident", "kind": "sim_swap"}]));
    made.append("a", None, "2026-05-02T00:00:00Z", &reported(2, &json!([{"what": {"line": "l"}, "reverse": true}])));
    made.append("a", None, "2026-05-02T00:00:00Z", &json!([{"event": "fraud_closed", "case": 2, "outcome": "fraud"}]));
    let of_line = |(entry, _): &&(Entry, Digest)| entry.owner.subject != crate::ids::Subject::Account;
    let (line, account): (Vec<_>, Vec<_>) = made.entries.iter().partition(of_line);
    for entries in [[line.clone(), account.clone()].concat(), [account, line].concat()] {
        let counts = &records_of(entries, month("2026-05")).unwrap().counts[&US_SIM];
        assert_eq!((counts.fraudulent, counts.complaints, counts.confirmed), (1, 1, 1));
    }
}

#[test]
fn a_line_that_left_is_reported_as_a_port() {
    let mut made = Made::default();
    made.open("a", "us", "2026-05-01T00:00:00Z");
    made.append("a", Some("l"), "2026-05-02T00:00:00Z", &json!([{"event": "line_ended"}]));
    made.append("a", None, "2026-05-02T08:00:00Z", &reported(2, &json!([{"what": {"line": "l"}, "reverse": true}])));
    let counts = &records_of(&made.entries, month("2026-05")).unwrap().counts;
    assert_eq!((counts[&US_SIM].fraudulent, counts[&(Jurisdiction::Us, Act::PortOut)].fraudulent), (0, 1));
}

#[test]
fn a_line_that_is_named_first_and_its_change_later_is_one_fraud() {
    let mut made = Made::default();
    made.open("a", "us", "2026-05-01T00:00:00Z");
    made.append("a", Some("l"), "2026-05-01T01:00:00Z", &asked("l", 1, Act::SimChange, false, "2026-05-01T01:00:00Z"));
    made.append("a", Some("l"), "2026-05-01T02:00:00Z", &ended("l", 1, "completed"));
    made.append("a", None, "2026-05-01T03:00:00Z", &reported(2, &json!([{"what": {"line": "l"}, "reverse": true}])));
    made.append("a", Some("l"), "2026-05-01T04:00:00Z", &disputed("l", 1));
    made.append("a", None, "2026-05-01T04:00:00Z", &reported(2, &json!([named("l", 1, true)])));
    made.append("a", None, "2026-05-03T08:00:00Z", &json!([{"event": "fraud_closed", "case": 2, "outcome": "fraud"}]));
    let counts = &records_of(&made.entries, month("2026-05")).unwrap().counts[&US_SIM];
    assert_eq!((counts.fraudulent, counts.confirmed, counts.complaints), (1, 1, 2));
}

#[test]
fn a_change_that_the_state_has_forgotten_is_known_to_the_ledger() {
    let mut made = Made::default();
    made.open("a", "us", "2026-05-01T00:00:00Z");
    made.append("a", Some("l"), "2026-05-02T00:00:00Z", &asked("l", 1, Act::SimChange, false, "2026-05-02T00:00:00Z"));
    made.append("a", Some("l"), "2026-05-02T01:00:00Z", &ended("l", 1, "completed"));
    let forgotten = json!([{"what": {"change": id("l", 1)}, "reverse": true}]);
    made.append("a", None, "2026-05-20T00:00:00Z", &reported(2, &forgotten));
    let counts = &records_of(&made.entries, month("2026-05")).unwrap().counts[&US_SIM];
    assert_eq!((counts.fraudulent, counts.complaints), (1, 1));
}

#[test]
fn an_id_that_is_used_again_after_its_change_was_forgotten_names_another_change() {
    let mut made = Made::default();
    made.open("a", "us", "2026-05-01T00:00:00Z");
    for _ in 0..2 {
        made.append("a", Some("l"), "2026-05-02T00:00:00Z", &asked("l", 1, Act::SimChange, false, "2026-05-02T00:00:00Z"));
        made.append("a", Some("l"), "2026-05-02T01:00:00Z", &ended("l", 1, "completed"));
    }
    let counts = &records_of(&made.entries, month("2026-05")).unwrap().counts[&US_SIM];
    assert_eq!((counts.requests, counts.successful()), (2, 2));
}

#[test]
fn a_measure_is_new_in_one_month_only() {
    let mut made = Made::default();
    made.open("a", "us", "2026-04-01T00:00:00Z");
    for (n, day) in [(1, "2026-04-10T00:00:00Z"), (2, "2026-05-10T00:00:00Z")] {
        made.append("a", Some("l"), day, &asked("l", n, Act::SimChange, false, day));
        made.append("a", Some("l"), day, &proven("l", n, if n == 1 { "push_otp" } else { "totp" }));
    }
    let began = |text| records_of(&made.entries, month(text)).unwrap().counts[&US_SIM].began.clone();
    let names = |text| began(text).into_keys().collect::<Vec<_>>();
    assert_eq!(names("2026-04").len(), 3, "a policy, a model and a method");
    assert_eq!(names("2026-05"), [Measure::Method(Factor::Totp)]);
    assert_eq!(names("2026-06"), []);
}

#[test]
fn entries_whose_account_never_began_are_named_and_not_guessed() {
    let mut made = Made::default();
    made.append("a", Some("l"), "2026-05-02T00:00:00Z", &asked("l", 1, Act::SimChange, false, "2026-05-02T00:00:00Z"));
    assert_eq!(records_of(&made.entries, month("2026-05")).unwrap_err().account.as_str(), "a");
}

#[test]
fn records_are_kept_as_long_as_the_row_says_and_the_compliance_date_is_a_setting() {
    let shipped = ComplianceDates::default();
    let us = shipped.terms(Jurisdiction::Us);
    assert_eq!((us.binds_from, us.record_years), (None, 3));
    assert_eq!(us.keep_until(month("2026-11")).unwrap().to_string(), "2029-12-01");
    assert_eq!(shipped.terms(Jurisdiction::Au).keep_until(month("2026-12")).unwrap().to_string(), "2028-01-01");
    let set = ComplianceDates(BTreeMap::from([(Jurisdiction::Us, "2027-03-15".parse().unwrap())])).terms(Jurisdiction::Us);
    assert_eq!([set.bind_in(month("2027-02")), set.bind_in(month("2027-03"))], [false, true]);
    assert!(!us.bind_in(month("2027-03")));
}

/// What a history may hold, one step after the other.
fn history() -> impl Strategy<Value = Made> {
    let step = (0_usize..4, 0_u32..6, 0_u8..11, 0_u32..200);
    prop::collection::vec(step, 0..60).prop_map(|steps| {
        let mut made = Made::default();
        let places = ["us", "uk", "us", "br"];
        for (account, place) in places.iter().enumerate() {
            made.open(&format!("a{account}"), place, "2026-01-01T00:00:00Z");
        }
        let mut now = Timestamp::parse("2026-01-01T00:00:00Z").unwrap();
        for (account, n, what, hours) in steps {
            now = now + crate::time::Span::hours(hours);
            let (line, at) = (format!("l{account}"), now.to_string());
            let act = if n % 2 == 0 { Act::SimChange } else { Act::PortOut };
            let events = match what {
                0 | 1 => asked(&line, n, act, what == 1, &at),
                2 => proven(&line, n, "passkey"),
                3 => ended(&line, n, "completed"),
                4 => ended(&line, n, "expired"),
                5 => disputed(&line, n),
                6 => json!([{"event": "incident", "kind": "port_out"}]),
                7 => reported(n.into(), &json!([{"what": {"line": line}, "reverse": true}])),
                8 => reported(n.into(), &json!([named(&line, n, true)])),
                9 => json!([{"event": "fraud_remedied", "case": n, "what": {"line": line}, "at": now.as_second()}]),
                _ => json!([{"event": "fraud_closed", "case": n, "outcome": "fraud"}]),
            };
            made.append(&format!("a{account}"), (what < 7).then_some(line.as_str()), &at, &events);
        }
        made
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    /// As pages of a scan come: each ledger in its order, ledgers in any.
    #[test]
    fn ledgers_in_any_order_and_mixed_give_the_same_records(made in history(), mix in prop::collection::vec(0_usize..8, 64)) {
        let of = month("2026-06");
        let expected = records_of(&made.entries, of).unwrap();
        let mut ledgers: BTreeMap<String, Vec<(Entry, Digest)>> = BTreeMap::new();
        for (entry, hash) in &made.entries {
            ledgers.entry(format!("{:?}", entry.owner)).or_default().push((entry.clone(), hash.clone()));
        }
        let mut left: Vec<_> = ledgers.into_values().map(Vec::into_iter).collect();
        let (mut mixed, mut turn) = (Vec::new(), mix.iter().cycle());
        while !left.is_empty() {
            let place = turn.next().unwrap() % left.len();
            match left[place].next() {
                Some(entry) => mixed.push(entry),
                None => drop(left.remove(place)),
            }
        }
        prop_assert_eq!(records_of(&mixed, of).unwrap(), expected);
    }

    /// Every event is in exactly one month.
    #[test]
    fn the_months_add_up_to_the_whole(made in history()) {
        let last = month("2027-12");
        let whole: Vec<Records> = (0..24).map(|back| records_of(&made.entries, last.back(back)).unwrap()).collect();
        let sum = |count: fn(&Counts) -> u64| whole.iter().flat_map(|records| records.counts.values()).map(count).sum::<u64>();
        let in_entries = |name: &str| {
            let named = |event: &&crate::ledger::Event| serde_json::to_value(event).unwrap()["event"] == name;
            let count = made.entries.iter().flat_map(|(entry, _)| &entry.events).filter(named).count();
            u64::try_from(count).unwrap()
        };
        prop_assert_eq!(sum(|counts| counts.requests), in_entries("requested"));
        prop_assert_eq!(sum(|counts| counts.unauthorized), in_entries("incident"));
        prop_assert_eq!(sum(|counts| counts.policies.values().sum()), in_entries("requested"));
        prop_assert!(sum(|counts| counts.successful() + counts.failed()) <= in_entries("requested"));
        let reports = in_entries("fraud_reported");
        prop_assert!(sum(|counts| counts.complaints) <= in_entries("disputed") + reports);
        prop_assert!(sum(|counts| counts.fraudulent) <= sum(|counts| counts.unauthorized) + sum(Counts::successful) + reports);
        prop_assert!(sum(|counts| counts.confirmed) <= sum(|counts| counts.fraudulent));
        // And a course is made of those months.
        for (n, records) in whole.iter().enumerate().take(12) {
            for (row, course) in &records.course {
                for (back, (of, counts)) in course.iter().rev().enumerate() {
                    prop_assert_eq!(*of, records.month.back(back));
                    prop_assert_eq!(counts, &whole[n + back].counts[row]);
                }
            }
        }
    }

    /// What comes later changes no month that is over.
    #[test]
    fn later_entries_leave_a_month_as_it_was(made in history()) {
        let of = month("2026-03");
        let until = |(entry, _): &&(Entry, Digest)| Month::of(entry.at).unwrap() <= of;
        let then: Vec<_> = made.entries.iter().filter(until).collect();
        prop_assert_eq!(records_of(then, of).unwrap(), records_of(&made.entries, of).unwrap());
    }
}
