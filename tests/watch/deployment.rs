//! What is refused before anything is deployed, and the sentence that says what to change: the constraints and rules of
//! both templates, read as CloudFormation reads them.

use jsonschema::Validator;
use serde_json::{Map, Value, json};

use crate::template;

/// A deployment that is good, as infra/README.md makes it.
const GOOD: [(&str, &str); 10] = [
    ("IdentityIssuer", "https://id.carrier.example"),
    ("IdentityAudience", "linekeeper"),
    ("PwaOrigin", "https://app.carrier.example"),
    ("SenderEmail", "notices@carrier.example"),
    ("EdgeDomain", "line.carrier.example"),
    ("EdgeCertificate", "arn:aws:acm:us-east-1:123456789012:certificate/5b1f3c2e"),
    ("EdgeSecret", "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"),
    ("WebAcl", "arn:aws:wafv2:us-east-1:123456789012:global/webacl/linekeeper-edge/5b1f3c2e"),
    ("AlarmTopic", "arn:aws:sns:us-east-2:123456789012:linekeeper-alarms"),
    ("Release", "1764060000"),
];

fn edge_template() -> Value {
    serde_saphyr::from_str(include_str!("../../infra/edge.yaml")).unwrap()
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// A parameter's constraints; a pattern is for the whole value.
fn constraints(parameter: &Value) -> Validator {
    let mut schema = Map::new();
    for (ours, theirs) in
        [("MinLength", "minLength"), ("MinValue", "minimum"), ("MaxValue", "maximum"), ("AllowedValues", "enum")]
    {
        if let Some(limit) = parameter.get(ours) {
            schema.insert(theirs.to_owned(), limit.clone());
        }
    }
    if let Some(pattern) = parameter["AllowedPattern"].as_str() {
        schema.insert("pattern".to_owned(), json!(format!("^(?:{pattern})$")));
    }
    if parameter["Type"] == "Number" {
        schema.insert("type".to_owned(), json!("integer"));
    }
    jsonschema::validator_for(&Value::Object(schema)).unwrap()
}

/// What a function of a rule comes to.
fn evaluated(expression: &Value, reference: &dyn Fn(&str) -> String) -> Value {
    let Some(function) = expression.as_object() else { return expression.clone() };
    let (name, arguments) = function.iter().next().unwrap();
    let argument = |n: usize| evaluated(&arguments[n], reference);
    match name.as_str() {
        "Ref" => json!(reference(arguments.as_str().unwrap())),
        "Fn::Equals" => json!(argument(0) == argument(1)),
        "Fn::Not" => json!(argument(0) == false),
        "Fn::Contains" => json!(argument(0).as_array().unwrap().contains(&argument(1))),
        other => panic!("{other} is not read here"),
    }
}

/// The sentences by which a deployment to a region is refused.
fn refusals(template: &Value, region: &str, given: &[(&str, &str)]) -> Vec<String> {
    let parameters = template["Parameters"].as_object().unwrap();
    assert!(given.iter().all(|(name, _)| parameters.contains_key(*name)), "{given:?}");
    let value = |name: &str| -> String {
        let given = given.iter().rev().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
        given.unwrap_or_else(|| text(&parameters[name]["Default"]))
    };
    let mut refusals = Vec::new();
    for (name, parameter) in parameters {
        let value = value(name);
        let constraints = constraints(parameter);
        let is_good = |value: &str| {
            let is_number = parameter["Type"] == "Number" || parameter["AllowedValues"][0].is_i64();
            let number = value.parse::<i64>().ok().filter(|_| is_number);
            constraints.is_valid(&number.map_or_else(|| json!(value), |number| json!(number)))
        };
        // A list's are for each member.
        let is_list = parameter["Type"] == "CommaDelimitedList";
        if !if is_list { value.split(',').all(is_good) } else { is_good(&value) } {
            refusals.push(format!("Parameter '{name}' {}", parameter["ConstraintDescription"].as_str().unwrap()));
        }
    }
    let reference = |name: &str| if name == "AWS::Region" { region.to_owned() } else { value(name) };
    for rule in template["Rules"].as_object().unwrap().values() {
        if rule.get("RuleCondition").is_some_and(|condition| evaluated(condition, &reference) == false) {
            continue;
        }
        for assertion in rule["Assertions"].as_array().unwrap() {
            if evaluated(&assertion["Assert"], &reference) == false {
                refusals.push(text(&assertion["AssertDescription"]));
            }
        }
    }
    refusals
}

#[test]
fn a_good_deployment_is_refused_nothing() {
    assert_eq!(refusals(template(), "us-east-2", &GOOD), [""; 0]);
    assert_eq!(refusals(&edge_template(), "us-east-1", &[]), [""; 0]);
    // Another one that is good: no CloudFront, a developer's app, a policy of several lines.
    let keys = "arn:aws:kms:us-east-2:123456789012:key/5b1f3c2e,arn:aws:kms:us-east-2:123456789012:key/6c2f4d3e";
    let developer = [
        ("MacKeys", keys),
        ("OtherEdgeSecret", "the-one-before-the-one-before-it"),
        ("Edge", "none"),
        ("WebAcl", ""),
        ("EdgeDomain", ""),
        ("Transport", "any"),
        ("PwaOrigin", "http://localhost:8080"),
        ("Policy", "{\n  \"wait_short\": 1800\n}\n"),
        ("SmsAlarmCodes", "0"),
    ];
    assert_eq!(refusals(template(), "eu-central-1", &[&GOOD[..], &developer[..]].concat()), [""; 0]);
}

#[test]
fn a_parameter_that_cannot_be_is_refused_alone_and_by_a_sentence() {
    for (name, value, sentence) in [
        ("IdentityIssuer", "id.carrier.example", "must be the issuer's address"),
        ("IdentityAudience", "", "must not be empty"),
        ("PwaOrigin", "https://app.carrier.example/", "must be https:// and a host"),
        ("PwaOrigin", "http://app.carrier.example", "must be https:// and a host"),
        ("SenderEmail", "notices", "must be one e-mail address"),
        ("PushTargets", "arn:aws:sqs:us-east-2:123456789012:push", "must be the ARN of endpoints in SNS"),
        ("Edge", "nginx", "must be cloudfront or none"),
        ("EdgeDomain", "https://line.carrier.example", "must be a host name"),
        (
            "EdgeCertificate",
            "arn:aws:acm:us-east-2:123456789012:certificate/5b1f3c2e",
            "must be the ARN of a certificate in us-east-1",
        ),
        ("EdgeSecret", "0123456789abcdef0123456789abcde", "must be 32 to 128 letters"),
        ("OtherEdgeSecret", "too-short", "must be 32 to 128 letters"),
        ("MacKeys", "alias/mac", "must be ARNs of KMS keys"),
        ("SigningKeys", "arn:aws:kms:us-east-2:123456789012:key/5b1f3c2e,6c2f4d3e", "must be ARNs of KMS keys"),
        ("WebAcl", "arn:aws:wafv2:us-east-2:123456789012:regional/webacl/w/1", "must be the output WebAcl of edge.yaml"),
        ("RequestsPerSecond", "10001", "must be a whole number from 1 to 10000"),
        ("CodesPerSecond", "0", "must be a whole number from 1 to 10000"),
        ("Issuer", "https://line.carrier.example/", "must be https:// and a host"),
        ("Release", "2026-11-25", "must be up to ten letters and digits"),
        ("Rollout", "slow", "must be canary or all-at-once"),
        ("Architecture", "arm", "must be arm64 or x86_64"),
        ("Policy", "wait_short=1800", "must be a JSON object"),
        ("Monitor", "[]", "must be a JSON object"),
        ("NoticeRetrySeconds", "59", "must be 60 to 86400"),
        ("NoticeRetrySeconds", "86401", "must be 60 to 86400"),
        ("LogLevel", "verbose", "must be TRACE, DEBUG"),
        ("LogRetentionDays", "2", "must be a number of days that CloudWatch knows"),
        ("AlarmTopic", "oncall@carrier.example", "must be the ARN of an SNS topic"),
        ("SmsAlarmCodes", "-1", "must be 0 or more"),
        ("MissingSignalsPercent", "101", "must be 0 to 100"),
        ("UnavailableScoresPercent", "0.5", "must be 0 to 100"),
    ] {
        let mut given = GOOD.to_vec();
        given.push((name, value));
        let refusals: Vec<String> = refusals(template(), "us-east-2", &given);
        let of_it = refusals.iter().filter(|refusal| refusal.starts_with(&format!("Parameter '{name}' {sentence}"))).count();
        // What names no edge is refused by the rule on the firewall too.
        assert!(of_it == 1 && (refusals.len() == 1 || name == "Edge"), "{name}={value}: {refusals:?}");
    }
    for name in ["AddressLimit", "CodesLimit"] {
        let refused = refusals(&edge_template(), "us-east-1", &[(name, "9")]);
        assert_eq!(refused, [format!("Parameter '{name}' must be 10 to 2000000000, which is what the firewall takes")]);
    }
}

#[test]
fn parameters_that_do_not_go_together_are_refused_by_a_sentence() {
    for (changed, sentence) in [
        (("EdgeDomain", ""), "Edge=cloudfront needs EdgeDomain:"),
        (("EdgeCertificate", ""), "Edge=cloudfront needs EdgeCertificate:"),
        (("EdgeSecret", ""), "Edge=cloudfront needs EdgeSecret:"),
        (("OtherEdgeSecret", GOOD[6].1), "OtherEdgeSecret is the same as EdgeSecret:"),
        (("Transport", "any"), "Transport=any is for an endpoint without TLS:"),
        (("Edge", "none"), "WebAcl stands in front of CloudFront:"),
    ] {
        let mut given = GOOD.to_vec();
        given.push(changed);
        let refusals = refusals(template(), "us-east-2", &given);
        assert!(refusals.len() == 1 && refusals[0].starts_with(sentence), "{changed:?}: {refusals:?}");
    }
}

#[test]
fn a_region_without_a_service_is_refused_by_a_sentence() {
    for region in ["ap-east-1", "mx-central-1", "eu-south-2"] {
        let refusals = refusals(template(), region, &GOOD);
        assert!(refusals.len() == 1 && refusals[0].starts_with("This region has no SES"), "{region}: {refusals:?}");
    }
    let refusals = refusals(&edge_template(), "us-east-2", &[]);
    assert!(refusals.len() == 1 && refusals[0].ends_with("deploy this template with --region us-east-1"), "{refusals:?}");
}

#[test]
fn every_constraint_says_what_to_change() {
    for (name, parameter) in [template(), &edge_template()].into_iter().flat_map(|it| it["Parameters"].as_object().unwrap()) {
        let says = parameter["ConstraintDescription"].as_str().is_some_and(|sentence| sentence.starts_with("must "));
        assert!(says, "{name} is constrained without a sentence, or not at all");
    }
}

/// While keys change, who makes has the first of the list and who compares or publishes has all; otherwise both have the
/// stack's own, and no permission on another (I12).
#[test]
fn who_makes_has_one_key_and_who_compares_has_the_list() {
    for (function, variable, statement, list, makes) in [
        ("OtpIssue", "MAC_KEY", "MakeCodes", "MacKeys", true),
        ("OtpVerify", "MAC_KEY", "CompareCodes", "MacKeys", false),
        ("PortFeed", "MAC_KEY", "ComparePins", "MacKeys", false),
        ("ChangeNotify", "SIGNING_KEY", "SignAuthorizations", "SigningKeys", true),
        ("RequestIntake", "SIGNING_KEY", "PublicKey", "SigningKeys", false),
    ] {
        let resources = &template()["Resources"];
        let one = list.trim_end_matches('s');
        let (told, permitted) = match makes {
            true => (json!([0, list]), json!([0, list])),
            false => (json!([",", list]), json!(list)),
        };
        let variables = &resources[function]["Properties"]["Environment"]["Variables"];
        assert_eq!(variables[variable], json!([format!("Own{one}"), format!("{one}.Arn"), told]), "{function}");
        let policy = &resources[format!("{function}Policy")]["Properties"]["PolicyDocument"]["Statement"];
        let statement = policy.as_array().unwrap().iter().find(|one| one["Sid"] == statement).unwrap();
        assert_eq!(statement["Resource"], json!([format!("Own{one}"), format!("{one}.Arn"), permitted]), "{function}");
    }
}
