//! Whose lines are moved, and the events by which they are.

use jiff::{SignedDuration, Timestamp};
use linekeeper_domain::numbers::Iccid;
use serde_json::{Value, json};

use crate::Phone;

/// A customer with one line.
#[derive(Clone, Debug)]
pub(crate) struct Customer {
    /// The account.
    pub(crate) account: String,
    /// The line.
    pub(crate) line: String,
    msisdn: String,
    number: usize,
    /// Her phone.
    pub(crate) phone: Phone,
}

/// What every request carries.
#[derive(Clone, Debug)]
pub(crate) struct Edge {
    /// What CloudFront is known by.
    pub(crate) secret: String,
}

impl Customer {
    /// The n-th, told by pushes to her phone.
    pub(crate) fn new(run: &str, number: usize, phone: &Phone) -> Self {
        Self {
            account: format!("acct-{run}-{number}"),
            line: format!("line-{run}-{number}"),
            msisdn: format!("+1{}55501{:02}", 201 + number / 100, number % 100),
            number,
            phone: phone.clone(),
        }
    }

    /// The records that open the account and the line.
    pub(crate) fn opening(&self) -> Vec<Value> {
        let contacts =
            json!([{"id": "app", "push": self.phone.topic}, {"id": "mail", "email": format!("c{}@mail.example", self.number)}]);
        let at = days_ago(365);
        vec![
            json!({"id": "1", "at": at, "type": "account_opened", "account_id": self.account, "jurisdiction": "us", "contacts": contacts}),
            json!({"id": "2", "at": at, "type": "line_opened", "account_id": self.account, "line_id": self.line, "msisdn": self.msisdn, "iccid": iccid(self.number, 0)}),
            json!({"id": "3", "at": at, "type": "billing_known", "account_id": self.account, "account_number": self.account_number(), "zip": "33101"}),
        ]
    }

    /// Sign-ins at home in the last weeks.
    pub(crate) fn past(&self) -> Vec<Value> {
        [41, 33, 26, 19, 12, 6, 3, 2].iter().map(|&days| self.sign_in(&days_ago(days))).collect()
    }

    /// A sign-in at home.
    pub(crate) fn sign_in(&self, at: &str) -> Value {
        json!({"id": format!("sign-in-{at}"), "at": at, "type": "sign_in", "account_id": self.account, "ok": true,
               "device": self.device(), "system": "Windows", "browser": "Chrome", "language": "en-US", "utc_offset": -300,
               "network": {"address": self.address(), "asn": 7922, "country": "US", "region": "Florida", "city": "Miami", "latitude": 25.77, "longitude": -80.19}})
    }

    /// A question of another system.
    pub(crate) fn score(&self) -> Value {
        let mut from = self.sign_in("now");
        if let Some(from) = from.as_object_mut() {
            from.retain(|name, _| !matches!(name.as_str(), "id" | "at" | "type" | "account_id" | "ok"));
        }
        json!({"score": {"account_id": self.account, "line_id": self.line, "from": from}})
    }

    /// The wish to move the line to another SIM.
    pub(crate) fn sim_swap(&self) -> Value {
        json!({"kind": "sim_swap", "line_id": self.line, "sim": {"iccid": self.next_sim()}})
    }

    /// That SIM.
    pub(crate) fn next_sim(&self) -> String {
        iccid(self.number, 1)
    }

    /// A gaining carrier's order of the line.
    pub(crate) fn order(&self) -> Value {
        let now = Timestamp::now();
        let due = now.saturating_add(SignedDuration::from_hours(26)).map(|due| due.to_string()).unwrap_or_default();
        json!({
            "specversion": "1.0", "id": format!("order-{}", self.account), "source": "/gateways/a",
            "type": "linekeeper.porting.port_request.v1", "time": now.to_string(), "datacontenttype": "application/json",
            "data": {
                "ported_number": self.msisdn, "purchase_order_number": format!("LK-{}", self.number),
                "account_number": self.account_number(), "zip": "33101", "company_code": "987H",
                "new_network_service_provider": "6X21", "desired_due_date": due, "version": "0",
                "portability_direction": "C", "customer_carrier_name": "ZZZ", "requisition_type": "CB", "activity": "V",
                "initiator_number": "+12125550199", "agency_authority": "Y",
            },
        })
    }

    /// A request from home, as API Gateway hands it over.
    pub(crate) fn request(&self, edge: &Edge, method: &str, path: &str, key: Option<&str>, body: Option<&Value>) -> Value {
        let mut headers = json!({
            "x-linekeeper-edge": edge.secret,
            "x-linekeeper-device": self.device(),
            "x-linekeeper-utc-offset": "-300",
            "sec-ch-ua": r#""Chromium";v="143", "Google Chrome";v="143", "Not A(Brand";v="24""#,
            "sec-ch-ua-platform": r#""Windows""#,
            "accept-language": "en-US,en;q=0.9",
            "content-type": "application/json",
            "cloudfront-viewer-address": format!("{}:46532", self.address()),
            "cloudfront-viewer-asn": "7922",
            "cloudfront-viewer-country": "US",
            "cloudfront-viewer-country-region-name": "Florida",
            "cloudfront-viewer-city": "Miami",
            "cloudfront-viewer-latitude": "25.77",
            "cloudfront-viewer-longitude": "-80.19",
        });
        if let (Some(headers), Some(key)) = (headers.as_object_mut(), key) {
            headers.insert("idempotency-key".to_owned(), json!(format!("\"{key}\"")));
        }
        let claims = json!({"sub": self.account, "scope": "linekeeper:customer", "iss": "i", "aud": "a", "exp": "9999999999"});
        json!({
            "version": "2.0", "routeKey": "$default", "rawPath": path, "rawQueryString": "", "headers": headers,
            "isBase64Encoded": false, "body": body.map(Value::to_string),
            "requestContext": {"stage": "$default", "requestId": "request-1", "time": "t", "timeEpoch": 1,
                "http": {"method": method, "path": path, "protocol": "HTTP/1.1", "sourceIp": "203.0.113.9", "userAgent": "bench"},
                "authorizer": {"jwt": {"claims": claims, "scopes": null}}},
        })
    }

    /// One of her own: codes are counted by address too.
    fn address(&self) -> String {
        format!("198.51.{}.{}", 100 + self.number / 250, 1 + self.number % 250)
    }

    fn device(&self) -> String {
        format!("laptop-of-customer-{:08}", self.number)
    }

    fn account_number(&self) -> String {
        format!("{:09}", 100_000_000 + self.number)
    }
}

/// A batch of one message of a queue.
pub(crate) fn queued(queue: &str, body: &Value) -> Value {
    json!({"Records": [{"messageId": "m0", "receiptHandle": "r", "body": body.to_string(), "attributes": {}, "messageAttributes": {},
        "md5OfBody": "", "eventSource": "aws:sqs", "eventSourceARN": queue, "awsRegion": "us-east-1"}]})
}

/// So many days before now, in RFC 3339.
pub(crate) fn days_ago(days: i64) -> String {
    Timestamp::now().saturating_sub(SignedDuration::from_hours(24 * days)).map(|at| at.to_string()).unwrap_or_default()
}

/// A SIM's number, with the check digit that the domain takes.
fn iccid(customer: usize, which: usize) -> String {
    let body = format!("890126{customer:011}{which}");
    (0..10).map(|digit| format!("{body}{digit}")).find(|number| Iccid::parse(number).is_ok()).unwrap_or(body)
}
