//! Ports: what a gaining carrier and its gateway send, and the customer's transfer PIN.

use linekeeper_domain::time::Span;
use linekeeper_platform::clock::Clock as _;
use serde_json::{Value, json};

use crate::people::Person;
use crate::world::World;

/// The account number on Ana's and everyone else's bill.
pub const ACCOUNT_NUMBER: &str = "987-654";
/// The ZIP of the billing address.
pub const ZIP: &str = "33101";
/// Who gains the line.
pub const CARRIER: &str = "6X21";

/// An order as it should be, but for a PIN.
#[must_use]
pub fn order(world: &World, person: &Person, pon: &str, version: u8) -> Value {
    let due = world.clock.now() + Span::hours(3);
    json!({"specversion": "1.0", "id": format!("m-{pon}-{version}"), "source": "/gateways/a",
        "type": "linekeeper.porting.port_request.v1", "time": world.now(), "datacontenttype": "application/json",
        "data": {"ported_number": person.msisdn, "account_number": ACCOUNT_NUMBER, "zip": ZIP, "company_code": "987H",
            "new_network_service_provider": CARRIER, "desired_due_date": due.to_string(), "purchase_order_number": pon,
            "version": version.to_string(), "portability_direction": "C", "customer_carrier_name": "ZZZ",
            "requisition_type": "CB", "activity": "V", "initiator_number": "+12125550199", "agency_authority": "Y"}})
}

/// The same with a PIN.
#[must_use]
pub fn with_pin(mut order: Value, pin: &str) -> Value {
    order["data"]["passcode"] = json!(pin);
    order
}

/// Any other message about an order.
#[must_use]
pub fn about(world: &World, person: &Person, kind: &str, pon: &str, more: &Value) -> Value {
    let mut data = json!({"ported_number": person.msisdn, "purchase_order_number": pon});
    data.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    json!({"specversion": "1.0", "id": format!("m-{kind}-{pon}"), "source": "/gateways/a",
        "type": format!("linekeeper.porting.{kind}.v1"), "time": world.now(), "datacontenttype": "application/json", "data": data})
}

/// The line has moved.
#[must_use]
pub fn activation(world: &World, person: &Person, pon: &str) -> Value {
    about(world, person, "activation", pon, &json!({"new_network_service_provider": CARRIER, "activated_at": world.now()}))
}

/// A customer whose account number and ZIP are known.
pub async fn customer(world: &World, person: &Person) {
    world.customer(person).await;
    bill(world, person).await;
}

/// The carrier tells what is on the bill.
pub async fn bill(world: &World, person: &Person) {
    let known = json!({"id": "b", "at": world.now(), "type": "billing_known", "account_id": person.account,
        "account_number": ACCOUNT_NUMBER, "zip": ZIP});
    assert!(!world.feed(known).await);
    world.pump().await;
    world.gateway.clear();
}

/// Asks for a transfer PIN in the app, up to the point where it can be drawn.
pub async fn pin_change(world: &World, person: &Person, key: &str) -> String {
    let asked = world.ask(person, key, &json!({"kind": "port_pin", "line_id": person.line})).await;
    assert_eq!(asked.status, 201, "{}", asked.body);
    let change = asked.text("change_id");
    world.pump().await;
    assert_eq!(world.prove(person, &change, "push_otp").await.body["status"], "authorized");
    world.pump().await;
    change
}

/// Draws the PIN of a change.
pub async fn draw(world: &World, person: &Person, change: &str) -> crate::world::Answer {
    let claims = crate::world::customer(person);
    let path = format!("/v1/changes/{change}/pin");
    world.call(Some(&claims), "POST", &path, crate::people::AT_HOME, None).await
}

/// A transfer PIN.
pub async fn pin(world: &World, person: &Person, key: &str) -> String {
    let change = pin_change(world, person, key).await;
    let drawn = draw(world, person, &change).await;
    assert_eq!(drawn.status, 201, "{}", drawn.body);
    world.pump().await;
    drawn.text("pin")
}
