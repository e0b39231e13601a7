//! The alarms of the template read what the functions count: a name that one of them changed would never ring.

use std::collections::BTreeSet;

use linekeeper_domain::kinds::{Band, Factor};
use linekeeper_domain::signals::RequestSignals;
use linekeeper_platform::problem::ProblemKind;
use linekeeper_platform::telemetry::{Metric, NAMESPACE};
use serde_json::Value;

use crate::template;

const TEMPLATE: &str = include_str!("../../infra/template.yaml");
const RUNBOOK: &str = include_str!("../../infra/README.md");

/// The alarms, by name, each with its lines.
fn alarms() -> Vec<(&'static str, Vec<&'static str>)> {
    let mut alarms: Vec<(&str, Vec<&str>)> = Vec::new();
    let resources = TEMPLATE.split_once("\nResources:").unwrap().1.split_once("\nOutputs:").unwrap().0;
    for line in resources.lines() {
        let is_name = line.starts_with("  ") && !line.starts_with("   ") && line.ends_with(':');
        if is_name {
            alarms.push((line.trim().trim_end_matches(':'), Vec::new()));
        } else if let Some((_, lines)) = alarms.last_mut() {
            lines.push(line);
        }
    }
    alarms.retain(|(_, lines)| lines.iter().any(|line| line.contains("AWS::CloudWatch::Alarm")));
    alarms
}

/// What an alarm reads of ours: metric and outcome.
fn ours(alarm: &str) -> Vec<(String, String)> {
    let properties = &template()["Resources"][alarm]["Properties"];
    let by_math = properties["Metrics"].as_array().into_iter().flatten().map(|metric| &metric["MetricStat"]["Metric"]);
    let metrics = by_math.chain([properties]).filter(|metric| metric["Namespace"] == NAMESPACE);
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let outcome = |metric: &Value| {
        let dimensions = metric["Dimensions"].as_array().unwrap();
        dimensions.iter().find(|dimension| dimension["Name"] == "outcome").map(|dimension| text(&dimension["Value"])).unwrap()
    };
    metrics.map(|metric| (text(&metric["MetricName"]), outcome(metric))).collect()
}

#[test]
fn every_metric_that_an_alarm_reads_is_one_that_is_counted() {
    let missing: Vec<&str> = RequestSignals::default().missing().collect();
    let mut read = BTreeSet::new();
    for (alarm, _) in alarms() {
        for (metric, outcome) in ours(alarm) {
            let outcome = outcome.as_str();
            assert!(Metric::ALL.iter().any(|known| known.name() == metric), "{alarm}: {metric}");
            let known = match metric.as_str() {
                "Scores" => Band::ALL.iter().any(|band| band.word() == outcome),
                "MissingSignals" => missing.contains(&outcome),
                "OnlineRequests" => outcome == "online",
                "Challenges" => Factor::ALL.iter().any(|factor| factor.word() == outcome),
                "Answers" => ["right", "wrong"].contains(&outcome),
                "Requests" => outcome == ProblemKind::Internal.name(),
                _ => false,
            };
            assert!(known, "{alarm}: {metric} with {outcome}");
            read.insert(metric);
        }
    }
    let read: BTreeSet<&str> = read.iter().map(String::as_str).collect();
    assert_eq!(read, ["Answers", "Challenges", "MissingSignals", "OnlineRequests", "Requests", "Scores"].into());
}

/// More is refused when the stack is deployed, and not before.
#[test]
fn no_alarm_reads_more_than_ten_metrics_and_each_by_math_can_be_left_out() {
    let mut by_math = 0;
    for (alarm, lines) in alarms() {
        let metrics = lines.iter().filter(|line| line.trim() == "MetricStat:").count();
        assert!(metrics <= 10, "{alarm}: {metrics}");
        if metrics > 0 {
            by_math += 1;
            assert!(lines.iter().any(|line| line.trim().starts_with("Condition: Has")), "{alarm}");
        }
    }
    assert_eq!(by_math, 3);
}

#[test]
fn the_share_without_a_score_is_one_of_all_bands() {
    let (_, lines) = alarms().into_iter().find(|(name, _)| *name == "UnavailableScoresAlarm").unwrap();
    let read: BTreeSet<String> = ours("UnavailableScoresAlarm").into_iter().map(|(_, outcome)| outcome).collect();
    assert_eq!(read, Band::ALL.iter().map(|band| band.word().to_owned()).collect());
    let sum = lines.iter().find(|line| line.contains("Expression: FILL(low")).unwrap();
    assert!(read.iter().all(|band| sum.contains(&format!("FILL({band}, 0)"))), "{sum}");
}

#[test]
fn every_alarm_names_a_section_that_says_what_to_do() {
    let alarms = alarms();
    assert_eq!(alarms.len(), 34);
    for (alarm, lines) in alarms {
        let description = lines.iter().find(|line| line.trim().starts_with("AlarmDescription: ")).unwrap();
        let (_, section) = description.split_once("(infra/README.md, ").unwrap_or_else(|| panic!("{alarm} names no section"));
        let heading = format!("\n## {}\n", section.trim_end_matches(')'));
        assert!(RUNBOOK.contains(&heading), "{alarm}: {section}");
    }
}

#[test]
fn the_dashboard_shows_metrics_that_are_counted_by_functions_that_there_are() {
    let body = TEMPLATE.split_once("DashboardBody: !Sub").unwrap().1;
    let shown: Vec<&str> = body.split(&format!("[\"{NAMESPACE}\", \"")).skip(1).collect();
    assert!(shown.len() > 10);
    for metric in shown {
        let mut words = metric.split('"').step_by(2);
        let (name, dimension, function) = (words.next().unwrap(), words.next().unwrap(), words.next().unwrap());
        assert!(Metric::ALL.iter().any(|known| known.name() == name), "{name}");
        assert!(dimension == "function" && TEMPLATE.contains(&format!("CodeUri: ../target/lambda/{function}\n")), "{function}");
    }
}
