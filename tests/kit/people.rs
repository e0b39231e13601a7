//! Who the tests are about.

use serde_json::{Value, json};

/// A customer with one line.
#[derive(Clone, Copy, Debug)]
pub struct Person {
    /// Account id.
    pub account: &'static str,
    /// Line id.
    pub line: &'static str,
    /// The number.
    pub msisdn: &'static str,
    /// The SIM she begins with.
    pub iccid: &'static str,
    /// Her mailbox.
    pub email: &'static str,
    /// Her app.
    pub push: &'static str,
}

/// Ana lives in Miami.
pub const ANA: Person = Person {
    account: "acct-ana",
    line: "line-ana",
    msisdn: "+13055550123",
    iccid: "8901260222193581234",
    email: "ana@example.com",
    push: "arn:aws:sns:us-east-1:000000000000:endpoint/APNS/app/ana",
};

/// Bea is somebody else.
pub const BEA: Person = Person {
    account: "acct-bea",
    line: "line-bea",
    msisdn: "+13055550177",
    iccid: "8901260222193587777",
    email: "bea@example.com",
    push: "arn:aws:sns:us-east-1:000000000000:endpoint/APNS/app/bea",
};

/// A valid ICCID for every number.
#[must_use]
pub fn iccid(n: u32) -> String {
    let body = format!("890126022219{n:06}");
    let luhn = |text: &str| {
        let sum: u32 = text
            .chars()
            .rev()
            .enumerate()
            .map(|(i, c)| {
                let digit = c.to_digit(10).unwrap() * if i % 2 == 1 { 2 } else { 1 };
                if digit > 9 { digit - 9 } else { digit }
            })
            .sum();
        sum.is_multiple_of(10)
    };
    (0..10).map(|d| format!("{body}{d}")).find(|text| luhn(text)).unwrap()
}

impl Person {
    /// The records that open the account and the line.
    #[must_use]
    pub fn opening(&self, at: &str) -> Vec<Value> {
        vec![
            json!({"id": "1", "at": at, "type": "account_opened", "account_id": self.account, "jurisdiction": "us",
                   "contacts": [{"id": "email", "email": self.email}, {"id": "app", "push": self.push}]}),
            json!({"id": "2", "at": at, "type": "line_opened", "account_id": self.account, "line_id": self.line,
                   "msisdn": self.msisdn, "iccid": self.iccid}),
        ]
    }

    /// The body that asks to move the line to another SIM.
    #[must_use]
    pub fn sim_swap(&self, iccid: &str) -> Value {
        json!({"kind": "sim_swap", "line_id": self.line, "sim": {"iccid": iccid}})
    }

    /// A thief's sign-in with her password, as the behaviour queue has it.
    #[must_use]
    pub fn sign_in_of_a_thief(&self, at: &str) -> Value {
        self.sign_in(at, "device-of-the-thief", "Android", -480, &los_angeles())
    }

    /// A sign-in at home, as the behaviour queue has it.
    #[must_use]
    pub fn sign_in_at_home(&self, at: &str) -> Value {
        self.sign_in(at, LAPTOP, "Windows", -300, &miami())
    }

    fn sign_in(&self, at: &str, device: &str, system: &str, utc_offset: i32, network: &Value) -> Value {
        json!({"id": at, "at": at, "type": "sign_in", "account_id": self.account, "ok": true, "device": device,
               "system": system, "browser": "Chrome", "language": "en-US", "utc_offset": utc_offset, "network": network})
    }
}

/// Home, as the behaviour queue has it.
fn miami() -> Value {
    json!({"address": "198.51.100.7", "asn": 7922, "country": "US", "region": "Florida", "city": "Miami", "latitude": 25.77, "longitude": -80.19})
}

/// Where the thief is.
fn los_angeles() -> Value {
    json!({"address": "203.0.113.77", "asn": 9009, "country": "US", "region": "California", "city": "Los Angeles", "latitude": 34.05, "longitude": -118.24})
}

/// The device that customers use at home.
pub const LAPTOP: &str = "laptop-of-the-customer";

/// Request headers from home.
pub const AT_HOME: &[(&str, &str)] = &[
    ("x-linekeeper-edge", "edge-secret"),
    ("x-linekeeper-device", LAPTOP),
    ("x-linekeeper-utc-offset", "-300"),
    ("sec-ch-ua", r#""Chromium";v="143", "Google Chrome";v="143", "Not A(Brand";v="24""#),
    ("sec-ch-ua-platform", r#""Windows""#),
    ("accept-language", "en-US,en;q=0.9"),
    ("cloudfront-viewer-address", "198.51.100.7:46532"),
    ("cloudfront-viewer-asn", "7922"),
    ("cloudfront-viewer-country", "US"),
    ("cloudfront-viewer-country-region-name", "Florida"),
    ("cloudfront-viewer-city", "Miami"),
    ("cloudfront-viewer-latitude", "25.77"),
    ("cloudfront-viewer-longitude", "-80.19"),
];

/// Request headers of a thief in California.
pub const IN_CALIFORNIA: &[(&str, &str)] = &[
    ("x-linekeeper-edge", "edge-secret"),
    ("x-linekeeper-device", "device-of-the-thief"),
    ("x-linekeeper-utc-offset", "-480"),
    ("sec-ch-ua", r#""Chromium";v="143", "Google Chrome";v="143", "Not A(Brand";v="24""#),
    ("sec-ch-ua-platform", r#""Android""#),
    ("accept-language", "en-US,en;q=0.9"),
    ("cloudfront-viewer-address", "203.0.113.77:46532"),
    ("cloudfront-viewer-asn", "9009"),
    ("cloudfront-viewer-country", "US"),
    ("cloudfront-viewer-country-region-name", "California"),
    ("cloudfront-viewer-city", "Los Angeles"),
    ("cloudfront-viewer-latitude", "34.05"),
    ("cloudfront-viewer-longitude", "-118.24"),
];
