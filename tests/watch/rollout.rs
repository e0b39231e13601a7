//! How a release takes over, read from the template: every function is called by its alias, a share of the calls goes to
//! the new version first, and the alarms that say that it is bad take it back. The local cloud knows neither shares nor
//! CodeDeploy: there a release takes over at once, and this is what holds the rest.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::template;

/// What starts a function, which decides how fast a canary can tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Trigger {
    Api,
    Feed,
    Clock,
}

fn of_type<'a>(template: &'a Value, wanted: &'static str) -> impl Iterator<Item = (&'a String, &'a Value)> {
    let resources = template["Resources"].as_object().unwrap();
    resources.iter().filter(move |(_, one)| one["Type"] == wanted).map(|(name, one)| (name, &one["Properties"]))
}

fn functions(template: &Value) -> BTreeMap<&str, &Value> {
    of_type(template, "AWS::Serverless::Function").map(|(name, function)| (name.as_str(), function)).collect()
}

/// What every trigger names as the function that it starts.
fn callees(template: &Value) -> Vec<(&str, Trigger)> {
    let mut callees = Vec::new();
    let mut add = |callee: &'static str, trigger, kind| {
        callees.extend(of_type(template, kind).map(|(_, it)| (it[callee].as_str().unwrap(), trigger)));
    };
    add("IntegrationUri", Trigger::Api, "AWS::ApiGatewayV2::Integration");
    add("FunctionName", Trigger::Feed, "AWS::Lambda::EventSourceMapping");
    let targets = of_type(template, "AWS::Events::Rule").flat_map(|(_, rule)| rule["Targets"].as_array().unwrap());
    callees.extend(targets.map(|target| (target["Arn"].as_str().unwrap(), Trigger::Clock)));
    callees
}

/// The alarms of a deployment preference, for each way that a condition may turn out.
fn alarms(preference: &Value) -> Vec<BTreeSet<&str>> {
    fn names(list: &Value) -> Option<BTreeSet<&str>> {
        list.as_array()?.iter().map(Value::as_str).collect()
    }
    let alarms = &preference["Alarms"];
    match names(alarms) {
        Some(always) => vec![always],
        // !If [condition, then, else]
        None => alarms.as_array().unwrap()[1..].iter().map(|list| names(list).unwrap()).collect(),
    }
}

#[test]
fn every_function_takes_over_by_its_alias_and_is_taken_back_by_alarms() {
    let template = template();
    let of_all = &template["Globals"]["Function"];
    assert_eq!(of_all["AutoPublishAlias"], "live");
    assert_eq!(of_all["DeploymentPreference"], json!({"Enabled": ["Rollouts", "Rollout", "Gradual"], "Role": "RolloutRole.Arn"}));
    assert_eq!(template["Mappings"]["Rollouts"], json!({"canary": {"Gradual": "true"}, "all-at-once": {"Gradual": "false"}}));
    assert_eq!(template["Parameters"]["Rollout"]["Default"], "canary");

    let callees = callees(template);
    let alarmed: BTreeMap<_, _> = of_type(template, "AWS::CloudWatch::Alarm").collect();
    let functions = functions(template);
    assert_eq!(functions.len(), 9);
    for (name, function) in functions {
        assert_eq!(function["AutoPublishCodeSha256"], "Release", "{name} gets no version of its own");
        let alias = format!("{name}.Alias");
        let trigger = callees.iter().find(|(callee, _)| *callee == alias).unwrap_or_else(|| panic!("nothing starts {name}")).1;
        let preference = &function["DeploymentPreference"];
        // A tenth of one call a minute is no call in five minutes: what the clock starts gets more, step by step.
        let wanted = match trigger {
            Trigger::Api => "Canary10Percent5Minutes",
            Trigger::Feed => "Canary10Percent10Minutes",
            Trigger::Clock => "Linear10PercentEvery3Minutes",
        };
        assert_eq!(preference["Type"], wanted, "{name}");
        for alarms in alarms(preference) {
            assert!(alarms.contains(format!("{name}CanaryAlarm").as_str()), "{name}: {alarms:?}");
            assert!(alarms.len() > 1, "{name}: an error is not all that a version can do wrong");
            assert!(alarms.len() <= 10, "{name}: CodeDeploy takes ten");
            for alarm in alarms {
                assert!(alarmed.keys().any(|known| *known == alarm), "{name}: there is no {alarm}");
            }
        }
    }
}

#[test]
fn a_canarys_alarm_reads_the_errors_of_the_new_version_behind_the_alias() {
    let template = template();
    let alarms: BTreeMap<_, _> = of_type(template, "AWS::CloudWatch::Alarm").map(|(name, it)| (name.as_str(), it)).collect();
    for name in functions(template).keys() {
        let alarm = alarms[format!("{name}CanaryAlarm").as_str()];
        assert_eq!((&alarm["Namespace"], &alarm["MetricName"]), (&json!("AWS/Lambda"), &json!("Errors")), "{name}");
        let dimensions = json!([
            {"Name": "FunctionName", "Value": name},
            {"Name": "Resource", "Value": format!("${{{name}}}:live")},
            {"Name": "ExecutedVersion", "Value": format!("{name}.Version.Version")},
        ]);
        assert_eq!(alarm["Dimensions"], dimensions, "{name}");
        assert_eq!(alarm["Period"], 60, "{name}");
        assert_eq!((&alarm["Threshold"], &alarm["ComparisonOperator"]), (&json!(0), &json!("GreaterThanThreshold")), "{name}");
        // Few calls reach a canary: none in a minute is no error.
        assert_eq!(alarm["TreatMissingData"], "notBreaching", "{name}");
    }
}

/// A call past the alias would reach what was deployed last, whatever the alarms said of it.
#[test]
fn nothing_calls_a_function_but_by_its_alias() {
    let template = template();
    let functions = functions(template);
    let mut called = BTreeSet::new();
    let permissions = of_type(template, "AWS::Lambda::Permission").map(|(_, it)| it["FunctionName"].as_str().unwrap());
    for callee in callees(template).into_iter().map(|(callee, _)| callee).chain(permissions) {
        let name = callee.strip_suffix(".Alias").unwrap_or_else(|| panic!("{callee} is called past its alias"));
        called.insert(*functions.get_key_value(name).unwrap().0);
    }
    assert_eq!(called, functions.keys().copied().collect());
    for name in functions.keys() {
        assert_eq!(template["Outputs"][format!("{name}Function")]["Value"], format!("${{{name}}}:live"));
    }
    // Routes lead to integrations, which are among the above.
    for (name, route) in of_type(template, "AWS::ApiGatewayV2::Route") {
        assert!(route["Target"].as_str().unwrap().starts_with("integrations/${"), "{name}");
    }
}
