//! Two releases share the tables while one takes over from the other, and after a rollback: what an earlier one stored is
//! read, and what is said of a later one's items (infra/README.md, What two versions read of each other) is so.

use linekeeper_domain::change::Change;
use linekeeper_domain::ids::Subject;
use linekeeper_domain::ledger::Entry;
use linekeeper_domain::state::{Account, Line};
use linekeeper_tests::people::{ANA, IN_CALIFORNIA};
use linekeeper_tests::{Phone, Session, World, enrol, iccid};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

const STORED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/it/stored.json");

/// What stands in the tables of a customer who did much: state items' bodies, and entries of both ledgers.
async fn lived() -> Value {
    let world = World::new().await;
    world.customer(&ANA).await;
    let (home, mut phone) = (Session::at_home(&ANA), Phone::new(1));
    enrol::add_passkey(&world, &home, &mut phone).await;
    enrol::add_totp(&world, &home).await;
    enrol::days_pass(&world, &ANA, 10).await;
    world.protect(&ANA, "no_port_out", "step_up", Some(ANA.line)).await;
    world.prove(&ANA, &world.ask(&ANA, "done", &ANA.sim_swap(&iccid(1))).await.text("change_id"), "push_otp").await;
    world.pump().await;
    world.ask_from(&ANA, IN_CALIFORNIA, "waits", &json!({"kind": "credential_reset"})).await;
    let open = world.ask(&ANA, "open", &ANA.sim_swap(&iccid(2))).await;
    if open.status == 201 {
        world.challenge(&ANA, &open.text("change_id"), "push_otp").await;
    }
    world.pump().await;
    let whole = world.whole(&ANA).await;
    let mut entries = Vec::new();
    for subject in [Subject::Account, World::subject(&ANA)] {
        entries.extend(world.ledger(&ANA, &subject).await);
    }
    let entries: Vec<Value> = entries.iter().map(|entry| serde_json::from_str(entry).unwrap()).collect();
    json!({"account": whole.account.unwrap().state, "line": whole.lines[0].state, "entries": entries})
}

fn stored() -> Value {
    serde_json::from_str(&std::fs::read_to_string(STORED).unwrap()).unwrap()
}

/// As it is read, and written again.
fn through<T: Serialize + DeserializeOwned>(stored: &Value) -> Result<Value, serde_json::Error> {
    Ok(serde_json::to_value(serde_json::from_value::<T>(stored.clone())?).unwrap())
}

/// Made once, by the first release (with `MAKE_STORED` set), and never again: a name that was changed, or a field without a
/// default, turns this red.
#[tokio::test]
async fn what_the_first_release_stored_is_read_and_nothing_of_it_is_lost() {
    if std::env::var_os("MAKE_STORED").is_some() {
        std::fs::write(STORED, format!("{:#}\n", lived().await)).unwrap();
    }
    let stored = stored();
    assert_eq!(through::<Account>(&stored["account"]).unwrap(), stored["account"]);
    assert_eq!(through::<Line>(&stored["line"]).unwrap(), stored["line"]);
    let entries = stored["entries"].as_array().unwrap();
    assert!(entries.len() > 10);
    for entry in entries {
        assert_eq!(through::<Entry>(entry).unwrap(), *entry);
    }
}

/// The objects in a value, by their path.
fn objects(value: &Value, path: &str, found: &mut Vec<String>) {
    if value.is_object() {
        found.push(path.to_owned());
    }
    let inner: Vec<(String, &Value)> = match value {
        Value::Object(members) => members.iter().map(|(name, value)| (name.clone(), value)).collect(),
        Value::Array(values) => values.iter().enumerate().map(|(n, value)| (n.to_string(), value)).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Vec::new(),
    };
    for (name, value) in inner {
        objects(value, &format!("{path}/{name}"), found);
    }
}

/// So a later release may not rely on a field that it added while an earlier one still writes.
#[test]
fn what_a_later_release_adds_is_ignored_by_an_earlier_one_and_lost_when_it_writes() {
    let stored = stored();
    for name in ["account", "line"] {
        let mut paths = Vec::new();
        objects(&stored[name]["book"], "/book", &mut paths);
        for path in paths {
            let mut newer = stored[name].clone();
            newer.pointer_mut(&path).unwrap()["a_field_of_tomorrow"] = json!("x");
            let read = match name {
                "account" => through::<Account>(&newer),
                _ => through::<Line>(&newer),
            };
            // These are no fields: names of changes and notices, a stage, and what is signed (below).
            let closed = ["changes", "untold", "stage", "details", "sim"].iter().any(|last| path.ends_with(&format!("/{last}")));
            match read {
                Ok(read) => assert!(read == stored[name] && !closed, "{path}"),
                Err(error) => assert!(closed, "{path}: {error}"),
            }
        }
    }
}

/// What is to be authorized is signed as a whole: of a part that it does not know, an earlier release says nothing at all.
#[test]
fn a_change_with_details_that_are_not_known_is_not_read() {
    let stored = stored();
    let changes = stored["line"]["book"]["changes"].as_object().unwrap();
    let change = changes.values().next().unwrap();
    through::<Change>(change).unwrap();
    for (pointer, value) in [("/details/kind", json!("teleport")), ("/details/a_field_of_tomorrow", json!(1))] {
        let mut newer = change.clone();
        let (parent, name) = pointer.rsplit_once('/').unwrap();
        newer.pointer_mut(parent).unwrap()[name] = value;
        assert!(through::<Change>(&newer).is_err(), "{pointer}");
    }
}
