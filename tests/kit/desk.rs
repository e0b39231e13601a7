//! The care desk in a test: representatives, their contacts, and the customer who opens the wall.

use serde_json::{Value, json};

use crate::people::{AT_HOME, Person};
use crate::world::{Answer, World, customer};

/// The claims of a representative's token: each in a session and at a device of their own.
#[must_use]
pub fn staff(id: &str, name: &str, role: &str, channel: &str) -> Value {
    json!({"sub": id, "scope": "linekeeper:representative", "contact_channel": channel, "role": role, "name": name,
           "place": if channel == "store" { "store-12" } else { "team-3" }, "sid": format!("session-of-{id}"),
           "device_id": format!("device-of-{id}"), "conversation": "call-1", "iss": "i", "aud": "a", "exp": "9999999999"})
}

/// The same token with another claim; nothing takes it away.
#[must_use]
pub fn with_claim(mut claims: Value, name: &str, value: Option<&str>) -> Value {
    match value {
        Some(value) => claims[name] = json!(value),
        None => drop(claims.as_object_mut().unwrap().remove(name)),
    }
    claims
}

impl World {
    /// A representative begins a contact about a customer's line.
    pub async fn desk_begin(&self, rep: &Value, person: &Person, purpose: &str) -> Answer {
        let body = json!({"number": person.msisdn, "purpose": purpose});
        self.call(Some(rep), "POST", "/desk/contacts", &[], Some(&body)).await
    }

    /// A representative goes on with a contact.
    pub async fn desk(&self, rep: &Value, contact: &str, what: &str, body: &Value) -> Answer {
        let method = if what == "protections" { "PUT" } else { "POST" };
        let path = format!("/desk/contacts/{contact}/{what}");
        self.call(Some(rep), method, &path, &[("idempotency-key", "\"desk\"")], Some(body)).await
    }

    /// The customer enters a number in her app.
    pub async fn open_wall(&self, person: &Person, contact: &str, number: u32) -> Answer {
        let path = format!("/v1/care/{contact}/open");
        self.call(Some(&customer(person)), "POST", &path, AT_HOME, Some(&json!({"number": number}))).await
    }

    /// A contact whose wall the customer opened.
    pub async fn desk_open(&self, rep: &Value, person: &Person, purpose: &str) -> String {
        let begun = self.desk_begin(rep, person, purpose).await;
        assert_eq!(begun.status, 201, "{}", begun.body);
        let contact = begun.text("contact_id");
        let opened = self.open_wall(person, &contact, begun.text("say").parse().unwrap()).await;
        assert_eq!((opened.status, opened.text("wall").as_str()), (200, "open"), "{}", opened.body);
        contact
    }

    /// A representative asks for a change at the desk, in a contact of its own; a document was looked at in a store.
    /// The body may be one that the customer would send.
    pub async fn desk_asks(&self, rep: &Value, person: &Person, key: &str, body: &Value) -> Answer {
        let begun = self.desk_begin(rep, person, "change").await;
        assert_eq!(begun.status, 201, "{}", begun.body);
        // That somebody talks to her is told too, and is not what this is about.
        let before = self.inbox.all();
        self.pump().await;
        if before.is_empty() {
            self.inbox.clear();
        }
        let mut body = body.clone();
        body.as_object_mut().unwrap().remove("line_id");
        if rep["contact_channel"] == "store" {
            body["document"] = json!("passport");
        }
        let path = format!("/desk/contacts/{}/changes", begun.text("contact_id"));
        self.call(Some(rep), "POST", &path, &[("idempotency-key", &format!("\"{key}\""))], Some(&body)).await
    }
}
