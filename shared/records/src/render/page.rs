//! The page: one file without scripts and without anything from elsewhere. Beside each chart stands a table with the same
//! numbers, for who cannot see it.

use std::fmt::Write as _;

use linekeeper_domain::change::Ending;
use linekeeper_domain::kinds::{Factor, Jurisdiction};
use linekeeper_domain::records::{Act, ComplianceDates, Counts, Month, Records, Terms};

use super::{act_words, ending_words, measure_words, method_words, place_words};

const STYLE: &str = "\
:root{color-scheme:light dark;--ink:#1b1f24;--paper:#fff;--dim:#57606a;--line:#d0d7de;--good:#0b6bcb;--bad:#b35900}
@media(prefers-color-scheme:dark){:root{--ink:#e6edf3;--paper:#0d1117;--dim:#9aa4af;--line:#3d444d;--good:#58a6ff;--bad:#e3a04f}}
body{font:16px/1.5 system-ui,sans-serif;color:var(--ink);background:var(--paper);max-width:64rem;margin:2rem auto;padding:0 1rem}
h1{font-size:1.6rem;margin:0}h2{font-size:1.3rem;margin:2.5rem 0 0;border-top:1px solid var(--line);padding-top:1rem}
h3{font-size:1rem;margin:1.5rem 0 .5rem}p,dl{margin:.3rem 0}.dim,dt{color:var(--dim)}
dl{display:grid;grid-template-columns:max-content 1fr;gap:.1rem 1rem}dd{margin:0;overflow-wrap:anywhere}
table{border-collapse:collapse;font-variant-numeric:tabular-nums}caption{text-align:left;color:var(--dim);padding:.2rem 0}
th,td{padding:.2rem .7rem;border-bottom:1px solid var(--line);text-align:right}th:first-child{text-align:left}
th[scope=row]{font-weight:400}.beside{display:flex;flex-wrap:wrap;gap:1rem 2rem;align-items:flex-start;overflow-x:auto}
svg{max-width:100%;height:auto}svg text{fill:var(--ink);font-size:12px}.good{fill:var(--good)}.bad{fill:var(--bad)}
.axis{stroke:var(--line)}@media print{body{margin:0;max-width:none}h2{break-before:page}}
";

/// The records as one page.
#[must_use]
pub fn page(records: &Records, dates: &ComplianceDates) -> String {
    let month = records.month;
    let mut html = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
         <title>SIM changes and port-outs, {month}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n\
         <h1>SIM changes and port-outs, {month}</h1>\n\
         <p class=\"dim\">Counted from the ledger. Months are of UTC, and everything counts in the month in which it happened.</p>\n\
         <dl>\n<dt>Ledger</dt><dd>{} entries of {} accounts and lines, up to the end of the month</dd>\n\
         <dt>Its heads, SHA-256</dt><dd><code>{}</code></dd>\n</dl>\n",
        records.entries, records.ledgers, records.heads
    );
    let mut places: Vec<Jurisdiction> = records.counts.keys().map(|(place, _)| *place).collect();
    places.dedup();
    if places.is_empty() {
        html.push_str("<p>The ledger holds no account.</p>\n");
    }
    for place in places {
        of_place(&mut html, records, place, dates.terms(place));
    }
    html.push_str(NOTES);
    html.push_str("</body>\n</html>\n");
    html
}

const NOTES: &str = "\
<h2>What the counts say</h2>
<p>A request is every SIM change or port-out that was asked for, those refused at once included. A port order that was \
corrected was decided again, and counts again. One that is still open is in neither of the next two counts.</p>
<p>Fraudulent and carried out: done without an authorization or against a lock, or carried out and said by the customer not \
to be theirs. The customer is taken at their word on the day of it; how the case was closed counts when it was closed.</p>
<p>A complaint is a customer saying of a change that it was not theirs, whatever had become of it, once for a change; or of a \
line that was moved. A report that names neither is in no count. The time to remedy runs from the first report of a case \
until the thing was put back.</p>
<p>A method counts each time that a customer was authenticated by it for such a change. A measure is new where nothing in the \
ledger before shows it.</p>
<p class=\"dim\">Made by engineers; what the rules ask for is for your lawyers to say.</p>
";

fn of_place(html: &mut String, records: &Records, place: Jurisdiction, terms: Terms) {
    let month = records.month;
    let nothing = Counts::default();
    let of = |act| records.counts.get(&(place, act)).unwrap_or(&nothing);
    let kept = terms.keep_until(month).map_or_else(|| "not known".to_owned(), |date| date.to_string());
    let binds = match terms.binds_from {
        None => "no compliance date is set".to_owned(),
        Some(date) if terms.bind_in(month) => format!("since {date}"),
        Some(date) => format!("from {date} on; not yet in this month"),
    };
    let _ = write!(
        html,
        "<h2>{}</h2>\n<dl>\n<dt>The rules bind</dt><dd>{binds}</dd>\n<dt>Keep these records until</dt><dd>{kept} ({} years)</dd>\n</dl>\n",
        escape(place_words(place)),
        terms.record_years
    );
    counts_table(html, month, of(Act::SimChange), of(Act::PortOut));
    for &act in Act::ALL {
        let course: &[(Month, Counts)] = records.course.get(&(place, act)).map(Vec::as_slice).unwrap_or_default();
        course_chart(html, place, act, course);
    }
    methods_chart(html, place, of(Act::SimChange), of(Act::PortOut));
    began(html, of(Act::SimChange), of(Act::PortOut));
}

fn counts_table(html: &mut String, month: Month, sim: &Counts, port: &Counts) {
    let _ = write!(
        html,
        "<h3>The counts</h3>\n<table>\n<caption>{month}</caption>\n<thead><tr><th scope=\"col\">Count</th>\
         <th scope=\"col\">{}</th><th scope=\"col\">{}</th></tr></thead>\n<tbody>\n",
        act_words(Act::SimChange),
        act_words(Act::PortOut)
    );
    let mut row = |name: &str, of: &dyn Fn(&Counts) -> String| {
        let _ = writeln!(html, "<tr><th scope=\"row\">{}</th><td>{}</td><td>{}</td></tr>", escape(name), of(sim), of(port));
    };
    row("1 Requests received", &|counts| counts.requests.to_string());
    row("2 Successful", &|counts| counts.successful().to_string());
    row("3 Failed", &|counts| counts.failed().to_string());
    for how in Ending::ALL.iter().filter(|how| **how != Ending::Completed) {
        row(&format!("– {}", ending_words(*how)), &|counts| counts.endings.get(how).copied().unwrap_or(0).to_string());
    }
    row("4 Carried out and fraudulent", &|counts| counts.fraudulent.to_string());
    row("– of them without an authorization", &|counts| counts.unauthorized.to_string());
    row("– closed as fraud in this month", &|counts| counts.confirmed.to_string());
    row("– closed as none in this month", &|counts| counts.cleared.to_string());
    row("5 Mean time to remedy", &|counts| counts.mean_remedy_seconds().map_or_else(|| "–".to_owned(), time));
    row("– remedied", &|counts| counts.remedied.to_string());
    row("6 Complaints", &|counts| counts.complaints.to_string());
    row("7 Methods in use", &|counts| counts.methods.values().filter(|count| **count > 0).count().to_string());
    row("8 Measures new in this month", &|counts| counts.began.len().to_string());
    html.push_str("</tbody>\n</table>\n");
}

const WIDE: u64 = 48;
const HIGH: u64 = 120;

fn course_chart(html: &mut String, place: Jurisdiction, act: Act, course: &[(Month, Counts)]) {
    let most = course.iter().map(|(_, counts)| counts.successful().max(counts.failed())).max().unwrap_or(0).max(1);
    let width = WIDE.saturating_mul(u64::try_from(course.len()).unwrap_or(0)).saturating_add(8);
    let (name, id) = (act_words(act), format!("{place}-{act}"));
    let _ = write!(
        html,
        "<h3>{name}, month by month</h3>\n<div class=\"beside\">\n\
         <svg role=\"img\" aria-labelledby=\"{id}\" viewBox=\"0 0 {width} {}\" width=\"{width}\" height=\"{}\">\n\
         <title id=\"{id}\">{name} carried out and failed, by month; the numbers are in the table beside</title>\n\
         <line class=\"axis\" x1=\"0\" x2=\"{width}\" y1=\"{}\" y2=\"{}\"/>\n",
        HIGH + 44,
        HIGH + 44,
        HIGH + 16,
        HIGH + 16
    );
    for (n, (month, counts)) in (0_u64..).zip(course) {
        let x = n.saturating_mul(WIDE).saturating_add(8);
        for (bar, class, count) in [(0, "good", counts.successful()), (18, "bad", counts.failed())] {
            let height = scaled(count, most, HIGH);
            let top = (HIGH + 16).saturating_sub(height);
            let left = x.saturating_add(bar);
            let _ = writeln!(html, "<rect class=\"{class}\" x=\"{left}\" y=\"{top}\" width=\"16\" height=\"{height}\"/>");
            if count > 0 {
                let (middle, above) = (left.saturating_add(8), top.saturating_sub(3));
                let _ = writeln!(html, "<text x=\"{middle}\" y=\"{above}\" text-anchor=\"middle\">{count}</text>");
            }
        }
        let (year, number) = month.parts();
        let middle = x.saturating_add(17);
        let _ = writeln!(html, "<text x=\"{middle}\" y=\"{}\" text-anchor=\"middle\">{number:02}</text>", HIGH + 30);
        if n == 0 || number == 1 {
            let _ = writeln!(html, "<text x=\"{middle}\" y=\"{}\" text-anchor=\"middle\">{year}</text>", HIGH + 43);
        }
    }
    let _ = write!(
        html,
        "</svg>\n<table>\n<caption>Left bar: carried out. Right bar: failed.</caption>\n<thead><tr><th scope=\"col\">Month</th>\
         <th scope=\"col\">Requests</th><th scope=\"col\">Carried out</th><th scope=\"col\">Failed</th><th scope=\"col\">Fraudulent</th>\
         <th scope=\"col\">Complaints</th></tr></thead>\n<tbody>\n"
    );
    for (month, counts) in course {
        let (done, failed) = (counts.successful(), counts.failed());
        let _ = writeln!(
            html,
            "<tr><th scope=\"row\">{month}</th><td>{}</td><td>{done}</td><td>{failed}</td><td>{}</td><td>{}</td></tr>",
            counts.requests, counts.fraudulent, counts.complaints
        );
    }
    html.push_str("</tbody>\n</table>\n</div>\n");
}

fn methods_chart(html: &mut String, place: Jurisdiction, sim: &Counts, port: &Counts) {
    let of = |counts: &Counts, factor| counts.methods.get(&factor).copied().unwrap_or(0);
    let used: Vec<(Factor, u64, u64)> = Factor::ALL.iter().map(|&factor| (factor, of(sim, factor), of(port, factor))).collect();
    let most = used.iter().map(|(_, sim, port)| sim.saturating_add(*port)).max().unwrap_or(0).max(1);
    let height = u64::try_from(used.len()).unwrap_or(0).saturating_mul(22).saturating_add(4);
    let id = format!("{place}-methods");
    let _ = write!(
        html,
        "<h3>Methods in use</h3>\n<div class=\"beside\">\n\
         <svg role=\"img\" aria-labelledby=\"{id}\" viewBox=\"0 0 420 {height}\" width=\"420\" height=\"{height}\">\n\
         <title id=\"{id}\">How often customers were authenticated by each method; the numbers are in the table beside</title>\n"
    );
    for (n, (factor, sim, port)) in (0_u64..).zip(&used) {
        let y = n.saturating_mul(22);
        let all = sim.saturating_add(*port);
        let long = scaled(all, most, 220);
        let text = y.saturating_add(15);
        let _ = writeln!(
            html,
            "<text x=\"0\" y=\"{text}\">{}</text><rect class=\"good\" x=\"150\" y=\"{}\" width=\"{long}\" height=\"16\"/>\
             <text x=\"{}\" y=\"{text}\">{all}</text>",
            method_words(*factor),
            y.saturating_add(2),
            long.saturating_add(156)
        );
    }
    let _ = write!(
        html,
        "</svg>\n<table>\n<caption>Times that a customer was authenticated</caption>\n<thead><tr><th scope=\"col\">Method</th>\
         <th scope=\"col\">{}</th><th scope=\"col\">{}</th></tr></thead>\n<tbody>\n",
        act_words(Act::SimChange),
        act_words(Act::PortOut)
    );
    for (factor, sim, port) in &used {
        let _ = writeln!(html, "<tr><th scope=\"row\">{}</th><td>{sim}</td><td>{port}</td></tr>", method_words(*factor));
    }
    html.push_str("</tbody>\n</table>\n</div>\n");
}

fn began(html: &mut String, sim: &Counts, port: &Counts) {
    html.push_str("<h3>Measures that are new in this month</h3>\n");
    let all = [(Act::SimChange, sim), (Act::PortOut, port)];
    if all.iter().all(|(_, counts)| counts.began.is_empty()) {
        html.push_str("<p>None.</p>\n");
        return;
    }
    html.push_str(
        "<table>\n<thead><tr><th scope=\"col\">Measure</th><th scope=\"col\">For</th><th scope=\"col\">First met</th></tr></thead>\n<tbody>\n",
    );
    for (act, counts) in all {
        for (measure, at) in &counts.began {
            let name = escape(&measure_words(measure));
            let _ = writeln!(html, "<tr><th scope=\"row\">{name}</th><td>{}</td><td>{at}</td></tr>", act_words(act));
        }
    }
    html.push_str("</tbody>\n</table>\n");
}

fn scaled(value: u64, most: u64, length: u64) -> u64 {
    value.saturating_mul(length).checked_div(most).unwrap_or(0)
}

/// Seconds in the two largest units.
fn time(seconds: u64) -> String {
    let (minutes, hours, days) = (seconds / 60, seconds / 3_600, seconds / 86_400);
    if days > 0 {
        format!("{days} d {} h", hours % 24)
    } else if hours > 0 {
        format!("{hours} h {} min", minutes % 60)
    } else if minutes > 0 {
        format!("{minutes} min {} s", seconds % 60)
    } else {
        format!("{seconds} s")
    }
}

/// A text that may come from elsewhere, as HTML.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            other => escaped.push(other),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use linekeeper_domain::digest::Digest;
    use linekeeper_domain::records::{Measure, SHOWN};
    use linekeeper_domain::time::Timestamp;

    use super::super::csv;
    use super::*;

    fn records() -> Records {
        let month = Month::parse("2026-11").unwrap();
        let mut counts = Counts { requests: 12, unauthorized: 1, fraudulent: 2, complaints: 3, remedied: 2, ..Counts::default() };
        counts.remedy_seconds = 9_001;
        counts.endings = BTreeMap::from([(Ending::Completed, 8), (Ending::Expired, 1), (Ending::Refused, 2)]);
        counts.methods = BTreeMap::from([(Factor::Passkey, 5), (Factor::PushOtp, 7)]);
        counts.policies = BTreeMap::from([("3".to_owned(), 12)]);
        let hostile = Measure::Model("<script>\"&'</script>, \n=1+1".to_owned());
        counts.began = BTreeMap::from([(hostile, Timestamp::parse("2026-11-20T00:00:00Z").unwrap())]);
        let of = |counts: &Counts| {
            let months =
                (0..SHOWN).rev().map(|back| (month.back(back), if back == 0 { counts.clone() } else { Counts::default() }));
            months.collect::<Vec<_>>()
        };
        let rows = [((Jurisdiction::Us, Act::SimChange), counts), ((Jurisdiction::Us, Act::PortOut), Counts::default())];
        Records {
            month,
            course: rows.iter().map(|(row, counts)| (*row, of(counts))).collect(),
            counts: rows.into_iter().collect(),
            entries: 99,
            ledgers: 7,
            heads: Digest::genesis(),
        }
    }

    #[test]
    fn the_documents_read_as_they_should() {
        let dates = ComplianceDates(BTreeMap::from([(Jurisdiction::Us, "2026-11-15".parse().unwrap())]));
        insta::assert_snapshot!("csv", csv(&records(), &dates).unwrap());
        insta::assert_snapshot!("page", page(&records(), &dates));
    }

    #[test]
    fn what_comes_from_elsewhere_is_text_and_nothing_is_fetched() {
        let html = page(&records(), &ComplianceDates::default());
        assert!(!html.contains("<script") && html.contains("&lt;script&gt;"));
        for outside in ["http://", "https://", "src=", "url(", "@import", "<link"] {
            assert!(!html.contains(outside), "{outside}");
        }
    }

    #[test]
    fn every_chart_has_a_name_and_a_table_beside_it() {
        let html = page(&records(), &ComplianceDates::default());
        let count = |what: &str| html.matches(what).count();
        assert_eq!((count("<svg role=\"img\" aria-labelledby="), count("<svg")), (3, 3));
        assert_eq!(count("</svg>\n<table>"), 3);
        let mut ids: Vec<&str> = html.split("<title id=\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
        ids.dedup();
        assert_eq!(ids.len(), 3);
    }

    #[test]
    fn times_read_as_people_say_them() {
        assert_eq!([59, 61, 3_661, 90_000].map(time), ["59 s", "1 min 1 s", "1 h 1 min", "1 d 1 h"]);
    }
}
