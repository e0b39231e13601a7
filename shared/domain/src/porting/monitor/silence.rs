//! A feed that falls silent. Downstream silence can mean consent, so it is an incident.

use std::collections::BTreeSet;

use super::{Alarm, Key, Kind, Pattern, Settings, Severity};
use crate::risk::marks::WideMark;
use crate::time::Timestamp;

/// The alarm of a gateway whose last heartbeat is too old. One that never sent any is not known and cannot be
/// missed. A heartbeat from the future counts as one of now: it cannot keep a gateway alive for long.
#[must_use]
pub fn silent(gateway: WideMark, last: Timestamp, now: Timestamp, settings: &Settings) -> Option<Alarm> {
    let quiet = now.since(last);
    (quiet > settings.silence).then(|| Alarm {
        pattern: Pattern::FeedSilent,
        key: Key { kind: Kind::FeedPorts, mark: gateway },
        lines: BTreeSet::new(),
        // Minutes, so that a long silence grows.
        count: quiet.as_seconds() / 60,
        limit: settings.silence.as_seconds().div_ceil(60),
        since: last,
        until: now,
        severity: Severity::Severe,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Span;

    #[test]
    fn a_gateway_alarms_when_its_heartbeat_is_older_than_its_interval_and_not_before() {
        let (settings, last) = (Settings::default(), Timestamp::from_second(1_790_000_000));
        let at = |seconds| silent(WideMark(1), last, last + Span::seconds(seconds), &settings);
        assert_eq!(at(0), None);
        assert_eq!(at(180), None);
        let alarm = at(181).unwrap();
        assert_eq!((alarm.pattern, alarm.severity, alarm.since), (Pattern::FeedSilent, Severity::Severe, last));
        assert!(at(3_600).unwrap().count > alarm.count);
        assert_eq!(silent(WideMark(1), last, last - Span::hours(1), &settings), None);
    }
}
