//! One line of an events file. Whatever is not as it should be is unavailable and counted; nothing that a
//! file can hold makes the reader stop.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use linekeeper_domain::risk::event::{Act, Care, CareReason, Channel, Device, Line, Observation, Origin, Shown, Target};
use linekeeper_domain::signals::{Position, Signal};
use linekeeper_domain::time::Timestamp;
use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// Longer texts are nobody's.
const LONGEST_TEXT: usize = 256;
/// Longer user agents are nobody's.
const LONGEST_AGENT: usize = 2_048;

/// Any JSON value where one of a few simple kinds is expected.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Scalar<'a> {
    /// Nothing, or null.
    #[default]
    Null,
    /// A truth value.
    Bool(bool),
    /// A number.
    Number(f64),
    /// A whole number.
    Whole(i64),
    /// A text.
    Text(Cow<'a, str>),
    /// A list or an object where none belongs.
    Odd,
}

impl<'de: 'a, 'a> Deserialize<'de> for Scalar<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ScalarVisitor)
    }
}

struct ScalarVisitor;

impl<'de> Visitor<'de> for ScalarVisitor {
    type Value = Scalar<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Scalar::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Self::Value, E> {
        Ok(Scalar::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Self::Value, E> {
        Ok(Scalar::Whole(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Self::Value, E> {
        Ok(i64::try_from(value).map_or(Scalar::Odd, Scalar::Whole))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Self::Value, E> {
        Ok(Scalar::Number(value))
    }

    fn visit_borrowed_str<E>(self, value: &'de str) -> Result<Self::Value, E> {
        Ok(Scalar::Text(Cow::Borrowed(value)))
    }

    fn visit_str<E>(self, value: &str) -> Result<Self::Value, E> {
        Ok(Scalar::Text(Cow::Owned(value.to_owned())))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Scalar::Odd)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Scalar::Odd)
    }
}

/// An object of scalars, or something else.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Nested<T> {
    /// Nothing, or null.
    #[default]
    Null,
    /// The object.
    Object(T),
    /// Something else.
    Odd,
}

macro_rules! object {
    ($(#[$doc:meta])* $name:ident { $($field:ident),+ $(,)? } $(nested { $($inner:ident: $type:ident),+ })?) => {
        $(#[$doc])*
        #[derive(Clone, Debug, Default, PartialEq)]
        pub struct $name<'a> { $(
            #[doc = concat!("`", stringify!($field), "`.")]
            pub $field: Scalar<'a>,
        )+ $($(
            #[doc = concat!("`", stringify!($inner), "`.")]
            pub $inner: Nested<$type<'a>>,
        )+)? }

        impl<'de> $name<'de> {
            fn read<A: MapAccess<'de>>(map: &mut A) -> Result<Self, A::Error> {
                let mut object = Self::default();
                while let Some(key) = map.next_key::<Cow<'de, str>>()? {
                    match key.as_ref() {
                        $(stringify!($field) => object.$field = map.next_value()?,)+
                        $($(stringify!($inner) => object.$inner = map.next_value()?,)+)?
                        _ => { map.next_value::<IgnoredAny>()?; }
                    }
                }
                Ok(object)
            }
        }

        impl<'de> Deserialize<'de> for Nested<$name<'de>> {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct ObjectVisitor;
                impl<'de> Visitor<'de> for ObjectVisitor {
                    type Value = Nested<$name<'de>>;

                    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                        f.write_str("an object")
                    }

                    fn visit_unit<E>(self) -> Result<Self::Value, E> {
                        Ok(Nested::Null)
                    }

                    fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
                        Ok(Nested::Odd)
                    }

                    fn visit_i64<E>(self, _: i64) -> Result<Self::Value, E> {
                        Ok(Nested::Odd)
                    }

                    fn visit_u64<E>(self, _: u64) -> Result<Self::Value, E> {
                        Ok(Nested::Odd)
                    }

                    fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
                        Ok(Nested::Odd)
                    }

                    fn visit_str<E>(self, _: &str) -> Result<Self::Value, E> {
                        Ok(Nested::Odd)
                    }

                    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
                        while seq.next_element::<IgnoredAny>()?.is_some() {}
                        Ok(Nested::Odd)
                    }

                    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                        Ok(Nested::Object($name::read(&mut map)?))
                    }
                }
                deserializer.deserialize_any(ObjectVisitor)
            }
        }
    };
}

object! {
    /// `net`: the carrier's own network.
    Net { att, idle, clat, clon, imei_age }
}
object! {
    /// `care`: the care desk.
    Desk { rep, reason, kba_fail, inbound, own }
}
object! {
    /// `tgt`: the destination.
    Destination { imei, iccid, spid }
}
object! {
    /// One event as it stands in the file.
    Event {
        id, ts, line, ch, act, ok, auth, ten, ip, asn, cc, rg, lat, lon, ua, os, br, model, did, dbk, tz, lang, rtt,
    } nested { net: Net, care: Desk, tgt: Destination }
}

/// How often each part of an event could not be understood.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Faults(pub BTreeMap<&'static str, u64>);

impl Faults {
    /// One more.
    pub fn count(&mut self, what: &'static str) {
        let n = self.0.entry(what).or_default();
        *n = n.saturating_add(1);
    }

    /// Those of other events.
    pub fn add(&mut self, others: &Self) {
        for (what, times) in &others.0 {
            let n = self.0.entry(what).or_default();
            *n = n.saturating_add(*times);
        }
    }
}

/// What an event is about, however little of the rest can be understood.
#[derive(Clone, Debug, PartialEq)]
pub enum Understood<'a> {
    /// An observation of a line.
    Observed {
        /// The event's number, where it has one.
        id: Option<u64>,
        /// The line.
        line: &'a str,
        /// What happened.
        seen: Box<Observation<'a>>,
    },
    /// Not even when, where or what. Where it was privileged, it is scored as unavailable.
    Unavailable {
        /// The event's number, where it has one.
        id: Option<u64>,
        /// Whether it was to be scored.
        privileged: bool,
    },
}

/// Reads one line of a file.
///
/// # Errors
///
/// Where the line is no JSON object.
pub fn event(line: &str) -> Result<Event<'_>, String> {
    match serde_json::from_str::<Nested<Event<'_>>>(line) {
        Ok(Nested::Object(event)) => Ok(event),
        Ok(Nested::Null | Nested::Odd) => Err("no object".to_owned()),
        Err(error) => Err(error.to_string()),
    }
}

fn text<'a>(scalar: &'a Scalar<'_>, what: &'static str, faults: &mut Faults) -> Signal<&'a str> {
    match scalar {
        Scalar::Null => Signal::Absent,
        Scalar::Text(text) if !text.is_empty() && text.len() <= LONGEST_TEXT => Signal::Present(text.as_ref()),
        Scalar::Text(_) | Scalar::Bool(_) | Scalar::Number(_) | Scalar::Whole(_) | Scalar::Odd => {
            faults.count(what);
            Signal::Unavailable
        }
    }
}

#[expect(clippy::as_conversions, reason = "whole numbers within 2^53 are exact; larger ones are out of every range")]
fn number_of(scalar: &Scalar<'_>) -> Option<f64> {
    match scalar {
        Scalar::Number(number) => Some(*number),
        Scalar::Whole(number) => Some(*number as f64),
        Scalar::Null | Scalar::Bool(_) | Scalar::Text(_) | Scalar::Odd => None,
    }
}

/// A number within a range.
fn number(scalar: &Scalar<'_>, range: std::ops::RangeInclusive<f64>, what: &'static str, faults: &mut Faults) -> Signal<f64> {
    if *scalar == Scalar::Null {
        return Signal::Absent;
    }
    match number_of(scalar).filter(|number| range.contains(number)) {
        Some(number) => Signal::Present(number),
        None => {
            faults.count(what);
            Signal::Unavailable
        }
    }
}

#[expect(clippy::as_conversions, reason = "rounds to the nearest f32, which is what is wanted")]
fn float(scalar: &Scalar<'_>, range: std::ops::RangeInclusive<f64>, what: &'static str, faults: &mut Faults) -> Signal<f32> {
    number(scalar, range, what, faults).map(|number| number as f32)
}

fn truth(scalar: &Scalar<'_>, what: &'static str, faults: &mut Faults) -> Signal<bool> {
    match scalar {
        Scalar::Null => Signal::Absent,
        Scalar::Bool(value) => Signal::Present(*value),
        Scalar::Number(_) | Scalar::Whole(_) | Scalar::Text(_) | Scalar::Odd => {
            faults.count(what);
            Signal::Unavailable
        }
    }
}

fn position(latitude: &Scalar<'_>, longitude: &Scalar<'_>, what: &'static str, faults: &mut Faults) -> Signal<Position> {
    if *latitude == Scalar::Null && *longitude == Scalar::Null {
        return Signal::Absent;
    }
    match number_of(latitude).zip(number_of(longitude)).and_then(|(lat, lon)| Position::new(lat, lon)) {
        Some(position) => Signal::Present(position),
        None => {
            faults.count(what);
            Signal::Unavailable
        }
    }
}

fn word<T: Copy>(
    scalar: &Scalar<'_>,
    all: &[T],
    name: fn(T) -> &'static str,
    what: &'static str,
    faults: &mut Faults,
) -> Signal<T> {
    match text(scalar, what, faults) {
        Signal::Absent => Signal::Absent,
        Signal::Unavailable => Signal::Unavailable,
        Signal::Present(text) => match all.iter().find(|&&member| name(member) == text) {
            Some(&member) => Signal::Present(member),
            None => {
                faults.count(what);
                Signal::Unavailable
            }
        },
    }
}

fn nested<'e, 'a, T, U>(
    part: &'e Nested<T>,
    what: &'static str,
    faults: &mut Faults,
    read: impl FnOnce(&'e T, &mut Faults) -> U,
) -> Signal<U>
where
    'a: 'e,
{
    match part {
        Nested::Null => Signal::Absent,
        Nested::Object(object) => Signal::Present(read(object, faults)),
        Nested::Odd => {
            faults.count(what);
            Signal::Unavailable
        }
    }
}

impl Event<'_> {
    /// The event in the domain's terms.
    pub fn understand(&self, faults: &mut Faults) -> Understood<'_> {
        let id = match self.id {
            Scalar::Whole(id) => u64::try_from(id).ok(),
            Scalar::Null | Scalar::Bool(_) | Scalar::Number(_) | Scalar::Text(_) | Scalar::Odd => None,
        };
        let act = word(&self.act, Act::ALL, Act::word, "act", faults);
        let privileged = act.present().is_some_and(|act| act.is_privileged());
        // A 32-bit clock from 2000 on: before it and after it, no event of a carrier's happened.
        let at = match self.ts {
            Scalar::Whole(ts) if (946_684_800..=4_294_967_295).contains(&ts) => Some(Timestamp::from_second(ts)),
            Scalar::Null | Scalar::Bool(_) | Scalar::Number(_) | Scalar::Whole(_) | Scalar::Text(_) | Scalar::Odd => {
                faults.count("ts");
                None
            }
        };
        let channel = word(&self.ch, Channel::ALL, Channel::word, "ch", faults);
        let line = text(&self.line, "line", faults);
        let (Some(at), Signal::Present(channel), Signal::Present(act), Signal::Present(line)) = (at, channel, act, line) else {
            return Understood::Unavailable { id, privileged };
        };
        let long_agent = matches!(&self.ua, Scalar::Text(agent) if agent.len() > LONGEST_AGENT);
        if long_agent {
            faults.count("ua");
        }
        let named = |signal| if long_agent { Signal::Unavailable } else { signal };
        let address = match text(&self.ip, "ip", faults) {
            Signal::Present(text) => match text.parse() {
                Ok(address) => Signal::Present(address),
                Err(_) => {
                    faults.count("ip");
                    Signal::Unavailable
                }
            },
            Signal::Absent => Signal::Absent,
            Signal::Unavailable => Signal::Unavailable,
        };
        let seen = Observation {
            at,
            channel,
            act,
            // What is not known to have succeeded did not.
            succeeded: truth(&self.ok, "ok", faults) == Signal::Present(true),
            shown: word(&self.auth, Shown::ALL, Shown::word, "auth", faults),
            tenure_days: float(&self.ten, 0.0..=50_000.0, "ten", faults),
            origin: Origin {
                address,
                asn: whole(&self.asn, "asn", faults),
                country: text(&self.cc, "cc", faults),
                region: text(&self.rg, "rg", faults),
                position: position(&self.lat, &self.lon, "lat lon", faults),
                round_trip: float(&self.rtt, 0.0..=600_000.0, "rtt", faults),
            },
            device: Device {
                cookie: text(&self.did, "did", faults),
                proven: truth(&self.dbk, "dbk", faults),
                model: named(text(&self.model, "model", faults)),
                system: named(text(&self.os, "os", faults)),
                browser: named(text(&self.br, "br", faults)),
                language: text(&self.lang, "lang", faults),
                zone: minutes(&self.tz, faults),
            },
            line: nested(&self.net, "net", faults, |net, faults| Line {
                attached: truth(&net.att, "net.att", faults),
                idle_minutes: float(&net.idle, 0.0..=10_000_000.0, "net.idle", faults),
                cell: position(&net.clat, &net.clon, "net.clat clon", faults),
                handset_days: float(&net.imei_age, 0.0..=50_000.0, "net.imei_age", faults),
            }),
            care: nested(&self.care, "care", faults, |care, faults| Care {
                rep: text(&care.rep, "care.rep", faults),
                reason: text(&care.reason, "care.reason", faults).map(reason),
                failed: whole(&care.kba_fail, "care.kba_fail", faults),
                inbound: truth(&care.inbound, "care.inbound", faults),
                own_line: truth(&care.own, "care.own", faults),
            }),
            target: match &self.tgt {
                Nested::Object(target) => Target {
                    handset: text(&target.imei, "tgt.imei", faults),
                    sim: text(&target.iccid, "tgt.iccid", faults),
                    carrier: text(&target.spid, "tgt.spid", faults),
                },
                Nested::Null => Target { handset: Signal::Absent, sim: Signal::Absent, carrier: Signal::Absent },
                Nested::Odd => {
                    faults.count("tgt");
                    Target::default()
                }
            },
        };
        Understood::Observed { id, line, seen: Box::new(seen) }
    }
}

fn whole(scalar: &Scalar<'_>, what: &'static str, faults: &mut Faults) -> Signal<u32> {
    let value = match scalar {
        Scalar::Null => return Signal::Absent,
        Scalar::Whole(value) => u32::try_from(*value).ok(),
        Scalar::Bool(_) | Scalar::Number(_) | Scalar::Text(_) | Scalar::Odd => None,
    };
    if value.is_none() {
        faults.count(what);
    }
    value.map_or(Signal::Unavailable, Signal::Present)
}

/// Hours from UTC, whole or not, in minutes.
#[expect(clippy::as_conversions, reason = "within -14..=14 hours")]
fn minutes(scalar: &Scalar<'_>, faults: &mut Faults) -> Signal<i32> {
    number(scalar, -14.0..=14.0, "tz", faults).map(|hours| (hours * 60.0).round() as i32)
}

fn reason(word: &str) -> CareReason {
    CareReason::ALL.iter().copied().find(|reason| reason.word() == word).unwrap_or(CareReason::Other)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    fn whole_event() -> Value {
        json!({
            "id": 7, "ts": 1_767_225_600, "line": "L1", "ten": 400, "ch": "app", "act": "sim_swap", "ok": true, "auth": "passkey",
            "ip": "203.0.113.9", "asn": 7922, "cc": "US", "rg": "Florida", "city": "Miami", "lat": 25.8, "lon": -80.2, "ua": "UA",
            "os": "iOS 26.1", "br": "Mobile Safari 26.1", "dt": "mobile", "model": "iPhone", "did": "d1", "dbk": true, "tz": -5,
            "lang": "en-US", "rtt": 40.5,
            "net": {"att": true, "idle": 3, "clat": 25.8, "clon": -80.2, "imei_age": 90},
            "care": {"rep": "r1", "reason": "lost", "kba_fail": 1, "inbound": true, "own": false},
            "tgt": {"imei": "i1", "iccid": "s1", "spid": null},
        })
    }

    /// An observation without what borrows, and the faults.
    fn read(value: &Value, check: impl FnOnce(&Understood<'_>)) -> Vec<&'static str> {
        let text = value.to_string();
        let (event, mut faults) = (event(&text).unwrap(), Faults::default());
        check(&event.understand(&mut faults));
        faults.0.keys().copied().collect()
    }

    fn seen(value: &Value, check: impl FnOnce(&Observation<'_>)) -> Vec<&'static str> {
        read(value, |understood| match understood {
            Understood::Observed { seen, .. } => check(seen),
            Understood::Unavailable { .. } => panic!("{value}"),
        })
    }

    fn with(path: &str, value: Value) -> Value {
        let mut event = whole_event();
        *event.pointer_mut(path).unwrap() = value;
        event
    }

    #[test]
    fn a_whole_event_is_understood_without_fault() {
        let faults = seen(&whole_event(), |seen| {
            assert_eq!((seen.channel, seen.act, seen.succeeded), (Channel::App, Act::SimSwap, true));
            assert_eq!((seen.device.zone, seen.origin.asn), (Signal::Present(-300), Signal::Present(7_922)));
            assert_eq!(seen.care.present().map(|care| care.reason), Some(Signal::Present(CareReason::Lost)));
            assert_eq!(seen.target.carrier, Signal::Absent);
        });
        assert!(faults.is_empty(), "{faults:?}");
    }

    #[test]
    fn null_is_absent_and_no_fault() {
        let mut event = whole_event();
        for (name, value) in event.as_object_mut().unwrap() {
            if !["id", "ts", "line", "ch", "act"].contains(&name.as_str()) {
                *value = Value::Null;
            }
        }
        let faults = seen(&event, |seen| {
            assert_eq!((seen.origin.asn, seen.device.cookie, &seen.line), (Signal::Absent, Signal::Absent, &Signal::Absent));
            assert!(!seen.succeeded, "what is not known to have succeeded did not");
        });
        assert!(faults.is_empty(), "{faults:?}");
    }

    #[test]
    fn impossible_coordinates_are_unavailable_and_counted() {
        for (path, value) in
            [("/lat", json!(91)), ("/lon", json!(-181)), ("/lat", json!("x")), ("/lon", Value::Null), ("/lat", json!(1e300))]
        {
            let faults = seen(&with(path, value.clone()), |seen| assert_eq!(seen.origin.position, Signal::Unavailable));
            assert_eq!(faults, ["lat lon"], "{path} {value}");
        }
    }

    #[test]
    fn a_user_agent_of_ten_kilobytes_says_nothing_of_the_device() {
        let faults = seen(&with("/ua", json!("A".repeat(10_240))), |seen| {
            let device = &seen.device;
            assert_eq!([device.model, device.system, device.browser], [Signal::Unavailable; 3]);
            assert_eq!(device.cookie, Signal::Present("d1"));
        });
        assert_eq!(faults, ["ua"]);
        let faults = seen(&with("/os", json!("A".repeat(10_240))), |seen| assert_eq!(seen.device.system, Signal::Unavailable));
        assert_eq!(faults, ["os"]);
    }

    #[test]
    fn without_time_channel_act_or_line_a_privileged_event_is_unavailable() {
        let cases = [
            ("/ch", json!("fax"), "ch", true),
            ("/ts", json!(-5), "ts", true),
            ("/ts", json!("now"), "ts", true),
            ("/ts", json!(1.5), "ts", true),
            ("/line", json!({}), "line", true),
            ("/act", json!("dance"), "act", false),
        ];
        for (path, value, fault, is_privileged) in cases {
            let faults = read(&with(path, value.clone()), |understood| {
                assert_eq!(*understood, Understood::Unavailable { id: Some(7), privileged: is_privileged }, "{path} {value}");
            });
            assert_eq!(faults, [fault], "{path} {value}");
        }
    }

    #[test]
    fn what_is_no_object_is_an_error_and_not_the_end() {
        for text in ["", "{", "[]", "3", "\"x\"", "{\"id\":1", "\u{0}", "null", "{\"id\":1e999}"] {
            assert!(event(text).is_err(), "{text}");
        }
    }

    /// Anything that JSON can hold.
    fn any_value() -> impl Strategy<Value = Value> {
        let simple = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<u64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            ".{0,40}".prop_map(Value::from),
            Just(Value::from("9".repeat(300))),
        ];
        simple.prop_recursive(2, 8, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::hash_map("[a-z]{1,5}", inner, 0..4).prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        /// Whatever stands in a field: no panic, and what is not understood is never present.
        #[test]
        fn whatever_a_field_holds_it_is_read_or_unavailable_and_counted(field in 0..30_usize, value in any_value()) {
            let names: Vec<String> = whole_event().as_object().unwrap().keys().cloned().collect();
            let name = &names[field % names.len()];
            let text = with(&format!("/{name}"), value.clone()).to_string();
            let mut faults = Faults::default();
            let event = event(&text).unwrap();
            let understood = event.understand(&mut faults);
            if value.is_array() && !["id", "ok", "city", "dt", "ua"].contains(&name.as_str()) {
                prop_assert!(!faults.0.is_empty(), "{}", text);
            }
            if let Understood::Observed { seen, .. } = understood {
                prop_assert!(seen.origin.round_trip.present().is_none_or(|ms| (0.0..=600_000.0).contains(ms)));
                prop_assert!(seen.tenure_days.present().is_none_or(|days| days.is_finite()));
            }
        }

        #[test]
        fn any_line_of_text_is_an_event_or_an_error(text in ".{0,200}") {
            if let Ok(event) = event(&text) {
                event.understand(&mut Faults::default());
            }
        }
    }
}
