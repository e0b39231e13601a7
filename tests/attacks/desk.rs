//! The people around the line: each of these stories fails, but the last, which is the honest customer's.

use linekeeper_domain::config::Settings;
use linekeeper_domain::desk::{Purpose, Role};
use linekeeper_domain::kinds::Factor;
use linekeeper_domain::time::Span;
use linekeeper_tests::desk::{staff, with_claim};
use linekeeper_tests::people::{ANA, AT_HOME, BEA, Person};
use linekeeper_tests::world::customer;
use linekeeper_tests::{Answer, World, iccid};
use serde_json::{Value, json};

use crate::stage::{ana, ana_with, stored};

fn agent(n: usize) -> Value {
    staff(&format!("agent-{n}"), "Sam", "agent", "phone")
}

fn clerk(n: usize) -> Value {
    staff(&format!("clerk-{n}"), ["Kim", "Lee", "Max"][n % 3], "store_agent", "store")
}

/// What a store is asked for by who has no phone.
fn lost(n: u32) -> Value {
    json!({"kind": "sim_swap", "sim": {"iccid": iccid(n)}, "phone_lost": true, "document": "passport"})
}

async fn say_of(world: &World, rep: &Value, person: &Person, purpose: &str) -> (String, u32) {
    let begun = world.desk_begin(rep, person, purpose).await;
    assert_eq!(begun.status, 201, "{}", begun.body);
    (begun.text("contact_id"), begun.text("say").parse().unwrap())
}

/// The one change of her line.
async fn of_line(world: &World) -> String {
    world.line(&ANA).await.state.book.changes.keys().next().unwrap().to_string()
}

async fn look(world: &World, rep: &Value, contact: &str) -> Answer {
    world.desk(rep, contact, "view", &json!({})).await
}

/// Lee, Kaiser, Mayer and Narayanan (SOUPS 2020): many wrong answers to many representatives, and one that is right.
#[tokio::test]
async fn a_caller_who_answers_wrongly_often_and_rightly_once_gets_nothing_from_ten_representatives() {
    let world = ana().await;
    // He has no session of hers, so there is nothing that he could answer: what he says to them opens nothing.
    for n in 0..10 {
        let (contact, number) = say_of(&world, &agent(n), &ANA, "lost_phone").await;
        for (claims, number) in [(customer(&BEA), number), (agent(n), number)] {
            let path = format!("/v1/care/{contact}/open");
            let answer = world.call(Some(&claims), "POST", &path, AT_HOME, Some(&json!({"number": number}))).await;
            assert!(["not-found", "forbidden"].contains(&answer.problem()), "{}", answer.body);
        }
        assert_eq!(look(&world, &agent(n), &contact).await.problem(), "wall-closed");
        let asked = world.desk(&agent(n), &contact, "changes", &json!({"kind": "credential_reset"})).await;
        assert_eq!(asked.problem(), "refused", "{}", asked.body);
    }
    let now = world.shell.clock.now();
    let desk = world.account(&ANA).await.state.desk;
    assert!(desk.contacts.len() <= 3 && desk.in_vain(now) >= 7, "{desk:?}");
    // With her session he may guess: each contact takes one number, and five wrong ones are the day's, whoever is asked.
    for n in 10..16 {
        let (contact, number) = say_of(&world, &agent(n), &ANA, "lost_phone").await;
        let wrong = world.open_wall(&ANA, &contact, (number + 1) % 100).await;
        assert_eq!(wrong.problem(), if n < 15 { "number-wrong" } else { "too-many-attempts" }, "{n}");
        // The right one comes too late.
        let right = world.open_wall(&ANA, &contact, number).await;
        assert_eq!(right.problem(), if n < 15 { "contact-over" } else { "too-many-attempts" }, "{n}");
        assert_eq!(look(&world, &agent(n), &contact).await.problem(), "wall-closed");
    }
    // A day later she opens one, and the day's failures of before are not what that wiped.
    world.clock.advance(Span::days(1));
    let (contact, number) = say_of(&world, &agent(20), &ANA, "status").await;
    assert_eq!(world.open_wall(&ANA, &contact, (number + 1) % 100).await.problem(), "number-wrong");
    world.desk_open(&agent(21), &ANA, "status").await;
    assert_eq!(world.account(&ANA).await.state.desk.failures(world.shell.clock.now()), 1, "a success wiped it");
}

#[tokio::test]
async fn a_bribed_representative_sees_nothing_moves_nothing_and_she_reads_his_name() {
    let world = ana().await;
    let dan = staff("rep-dan", "Dan", "agent", "phone");
    let (contact, _) = say_of(&world, &dan, &ANA, "lost_phone").await;
    world.pump().await;
    let mail = world.inbox.all();
    assert!(mail.len() == 1 && mail[0].text.short.contains("Dan at our care desk"), "{mail:#?}");
    world.inbox.clear();
    let shown = look(&world, &dan, &contact).await;
    assert_eq!((shown.status, shown.problem()), (403, "wall-closed"));

    // Whatever he asks for is refused, recorded and told.
    let mut bodies = vec![json!({"kind": "sim_swap", "sim": {"iccid": iccid(1)}, "phone_lost": true})];
    bodies.push(json!({"kind": "port_pin"}));
    bodies.push(json!({"kind": "contact_change", "add": {"email": "thief@example.com"}, "remove": "email"}));
    bodies.push(json!({"kind": "protection_off", "protection": "account_lockdown"}));
    for (n, body) in bodies.iter().enumerate() {
        let path = format!("/desk/contacts/{contact}/changes");
        let key = format!("\"{n}\"");
        let asked = world.call(Some(&dan), "POST", &path, &[("idempotency-key", &key)], Some(body)).await;
        assert_eq!((asked.status, asked.problem()), (403, "refused"), "{body}: {}", asked.body);
    }
    world.pump().await;
    assert!(world.inbox.all().iter().any(|mail| mail.text.short.contains("by phone")), "she is told");
    assert!(world.topic.authorizations().is_empty());
    // Nor does he prepare something for her to tap on, before she talks to him.
    let prepared = world.desk(&dan, &contact, "prepare", &bodies[0]).await;
    assert_eq!(prepared.problem(), "wall-closed");
    // A store's form is no other door: his token says where he sits.
    let mut in_store = bodies[0].clone();
    in_store["document"] = json!("passport");
    let asked = world.desk(&dan, &contact, "changes", &in_store).await;
    assert_eq!(asked.problem(), "refused", "{}", asked.body);
    assert_eq!(world.desk(&dan, &contact, "check", &json!({})).await.problem(), "forbidden");
}

#[tokio::test]
async fn a_fake_document_in_a_store_waits_three_days_and_she_stops_it_with_one_tap() {
    let world = ana().await;
    let (contact, _) = say_of(&world, &clerk(0), &ANA, "lost_phone").await;
    let asked = world.desk(&clerk(0), &contact, "changes", &lost(1)).await;
    assert_eq!(asked.status, 201, "{}", asked.body);
    let change = of_line(&world).await;
    let (second, _) = say_of(&world, &clerk(1), &ANA, "lost_phone").await;
    let checked = world.desk(&clerk(1), &second, "check", &json!({})).await;
    assert_eq!(checked.text("status"), "on_hold", "{}", checked.body);
    world.pump().await;
    let told = world.inbox.all();
    assert!(told.iter().any(|mail| mail.text.short.contains("Kim and Lee checked an identity document")), "{told:#?}");
    // Her phone, which was never lost, has the link for three days.
    world.clock.advance(Span::hours(71));
    world.tick().await;
    assert!(world.topic.authorizations().is_empty());
    assert_eq!(world.not_me(&world.inbox.link_token()).await.status, 200);
    world.clock.advance(Span::hours(2));
    world.tick().await;
    assert!(world.topic.authorizations().is_empty());
    assert_eq!(world.change(&ANA, &change).await["status"], "cancelled");
    // From here on no store moves anything: lockdown is on, and two people and a document do not lift it.
    let again = world.desk_asks(&clerk(0), &ANA, "again", &lost(2)).await;
    assert_eq!(again.problem(), "refused", "{}", again.body);
}

#[tokio::test]
async fn two_colluding_clerks_without_the_customer_are_stopped_by_her_protection_or_by_her() {
    // With a protection, the two of them and her mailbox are not enough.
    let world = ana().await;
    world.protect(&ANA, "never_sim_swap", "step_up", Some(ANA.line)).await;
    let (contact, _) = say_of(&world, &clerk(0), &ANA, "lost_phone").await;
    assert_eq!(world.desk(&clerk(0), &contact, "changes", &lost(1)).await.status, 201);
    let (second, _) = say_of(&world, &clerk(1), &ANA, "lost_phone").await;
    let checked = world.desk(&clerk(1), &second, "check", &json!({})).await;
    assert_eq!(checked.text("status"), "step_up_required", "{}", checked.body);
    world.clock.advance(Span::days(4));
    world.tick().await;
    assert!(world.topic.authorizations().is_empty());

    // Without one, she has three days, on every channel that was hers, with both names.
    let world = ana().await;
    let (contact, _) = say_of(&world, &clerk(0), &ANA, "lost_phone").await;
    assert_eq!(world.desk(&clerk(0), &contact, "changes", &lost(1)).await.status, 201);
    let change = of_line(&world).await;
    world.pump().await;
    world.inbox.clear();
    let (second, _) = say_of(&world, &clerk(1), &ANA, "lost_phone").await;
    world.desk(&clerk(1), &second, "check", &json!({})).await;
    world.pump().await;
    let told = world.inbox.all();
    let named = told.iter().filter(|mail| mail.text.short.contains("Kim and Lee")).count();
    assert_eq!(named, 3, "her app, her mailbox and the line: {told:#?}");
    // One of them cannot take the notice away, nor shorten the wait: they can only stop it.
    for what in ["view", "prepare"] {
        assert_eq!(world.desk(&clerk(1), &second, what, &json!({"kind": "port_pin"})).await.status / 100, 4, "{what}");
    }
    assert_eq!(world.cancel(&ANA, &change).await.status, 200);
}

#[tokio::test]
async fn a_maker_who_is_the_checker_or_shares_a_session_or_a_device_with_it_is_nobody_else() {
    let world = ana().await;
    let maker = clerk(0);
    let (contact, _) = say_of(&world, &maker, &ANA, "lost_phone").await;
    assert_eq!(world.desk(&maker, &contact, "changes", &lost(1)).await.status, 201);
    let session = with_claim(clerk(1), "sid", Some("session-of-clerk-0"));
    let device = with_claim(clerk(1), "device_id", Some("device-of-clerk-0"));
    let body = json!({});
    assert_eq!(world.desk(&maker, &contact, "check", &body).await.problem(), "another-person-needed");
    for other in [session, device] {
        let (second, _) = say_of(&world, &other, &ANA, "lost_phone").await;
        let before = world.line(&ANA).await;
        assert_eq!(world.desk(&other, &second, "check", &body).await.problem(), "another-person-needed");
        assert_eq!(world.line(&ANA).await.seq, before.seq, "it changed something");
    }
    // A colleague of another store has nobody in front of them; one on the phone neither.
    let elsewhere = with_claim(clerk(2), "place", Some("store-99"));
    let (second, _) = say_of(&world, &elsewhere, &ANA, "lost_phone").await;
    assert_eq!(world.desk(&elsewhere, &second, "check", &body).await.problem(), "not-found");
    let on_the_phone = staff("sup-1", "Pat", "supervisor", "phone");
    let (second, _) = say_of(&world, &on_the_phone, &ANA, "lost_phone").await;
    assert_eq!(world.desk(&on_the_phone, &second, "check", &body).await.problem(), "forbidden");
    assert!(world.line(&ANA).await.state.book.changes.values().all(|change| change.proofs.is_empty()));
}

#[tokio::test]
async fn a_supervisor_overrides_nothing_of_another_representatives_contact_or_of_the_policy() {
    let world = ana().await;
    let (contact, number) = say_of(&world, &agent(1), &ANA, "change").await;
    assert_eq!(world.open_wall(&ANA, &contact, number).await.status, 200);
    for role in ["supervisor", "agent", "store_agent", "fraud_analyst"] {
        for channel in ["phone", "chat", "email", "store"] {
            let boss = staff("sup-1", "Pat", role, channel);
            let before = stored(&world).await;
            let bodies = [("view", json!({})), ("stop", json!({})), ("end", json!({})), ("prepare", json!({"kind": "port_pin"}))];
            for (what, body) in bodies {
                let answer = world.desk(&boss, &contact, what, &body).await;
                assert!(["not-found", "forbidden"].contains(&answer.problem()), "{role} {channel} {what}: {}", answer.body);
            }
            assert_eq!(stored(&world).await, before, "{role} {channel} changed something");
        }
    }
    // In a contact of their own they are refused like everybody else.
    let boss = staff("sup-1", "Pat", "supervisor", "phone");
    let own = world.desk_open(&boss, &ANA, "change").await;
    let swap = json!({"kind": "sim_swap", "sim": {"iccid": iccid(1)}});
    assert_eq!(world.desk(&boss, &own, "changes", &swap).await.problem(), "refused");
}

#[tokio::test]
async fn a_representatives_token_is_good_for_its_own_contact_in_its_own_session_for_a_quarter_of_an_hour() {
    let world = ana().await;
    world.customer(&BEA).await;
    let contact = world.desk_open(&agent(1), &ANA, "fraud").await;
    assert_eq!(look(&world, &agent(1), &contact).await.status, 200);
    for other in [agent(2), with_claim(agent(1), "sid", Some("another")), with_claim(agent(1), "device_id", Some("another"))] {
        assert_eq!(look(&world, &other, &contact).await.problem(), "not-found");
    }
    // Who answers for another's line answers for nobody.
    let (of_bea, number) = say_of(&world, &agent(1), &BEA, "fraud").await;
    assert_eq!(world.open_wall(&ANA, &of_bea, number).await.problem(), "not-found");
    assert_eq!(look(&world, &agent(1), &of_bea).await.problem(), "wall-closed");

    world.clock.advance(Span::seconds(15 * 60 - 1));
    assert_eq!(look(&world, &agent(1), &contact).await.status, 200);
    world.clock.advance(Span::seconds(1));
    let before = stored(&world).await;
    for what in ["view", "stop", "end"] {
        assert_eq!(world.desk(&agent(1), &contact, what, &json!({})).await.problem(), "contact-over", "{what}");
    }
    assert_eq!(world.open_wall(&BEA, &of_bea, number).await.problem(), "contact-over");
    assert_eq!(stored(&world).await, before, "it changed something");
}

#[tokio::test]
async fn hundreds_of_contacts_of_one_representative_end_at_his_share_of_the_day_and_leave_her_three() {
    let world = ana_with(Settings { contacts_of_staff: 10, ..Settings::default() }).await;
    let mut answers = Vec::new();
    for _ in 0..200 {
        answers.push(world.desk_begin(&agent(1), &ANA, "status").await.problem().to_owned());
    }
    assert_eq!(answers.iter().filter(|problem| problem.is_empty()).count(), 10);
    assert!(answers[10..].iter().all(|problem| problem == "too-many-requests"));
    assert_eq!(world.account(&ANA).await.state.desk.contacts.len(), 1, "one of each representative");
    // Somebody else still answers the phone.
    let (contact, _) = say_of(&world, &agent(2), &ANA, "fraud").await;
    let freeze = json!({"protection": "account_lockdown"});
    assert_eq!(world.desk(&agent(2), &contact, "protections", &freeze).await.status, 200);
}

/// What the fraud desk was called for.
fn alarms(world: &World) -> Vec<String> {
    let paging = world.topic.all().into_iter().filter(|event| event.page);
    paging.map(|event| event.event.word().to_owned()).collect()
}

#[tokio::test]
async fn the_fraud_desk_hears_of_walls_that_stay_closed_and_of_contacts_that_nobody_called_for() {
    let world = ana_with(Settings { uninvited_of_staff: 2, ..Settings::default() }).await;
    // Five walls of one customer in a day, whoever the representatives were; a success in between wipes nothing.
    for n in 0..5 {
        say_of(&world, &agent(n), &ANA, "lost_phone").await;
        if n == 2 {
            world.desk_open(&agent(30), &ANA, "status").await;
        }
        world.clock.advance(Span::minutes(16));
    }
    world.pump().await;
    assert!(alarms(&world).is_empty(), "four stayed closed so far");
    say_of(&world, &agent(5), &ANA, "lost_phone").await;
    world.pump().await;
    assert_eq!(alarms(&world), ["care_alarm"]);
    // A representative who looks people up that did not call.
    let dan = with_claim(staff("rep-dan", "Dan", "supervisor", "phone"), "conversation", None);
    for n in 0..5 {
        let begun = world.desk_begin(&dan, &ANA, "status").await;
        assert_eq!(begun.problem(), if n < 2 { "" } else { "too-many-requests" });
    }
    world.pump().await;
    assert_eq!(alarms(&world).len(), 2, "once for him today");
    let entries = world.ledger(&ANA, &linekeeper_domain::ids::Subject::Account).await;
    assert!(entries.iter().any(|entry| entry.contains(r#""insider":"uninvited","representative":"rep-dan""#)));
}

#[tokio::test]
async fn a_customer_who_was_called_up_shuts_the_wall_and_can_always_have_things_stopped() {
    let world = ana().await;
    let change = world.ask(&ANA, "k", &ANA.sim_swap(&iccid(1))).await.text("change_id");
    let (contact, number) = say_of(&world, &agent(1), &ANA, "status").await;
    let path = format!("/v1/care/{contact}/not-me");
    let shut = world.call(Some(&customer(&ANA)), "POST", &path, &[], None).await;
    assert_eq!(shut.text("wall"), "shut", "{}", shut.body);
    assert_eq!(world.open_wall(&ANA, &contact, number).await.problem(), "contact-over");
    assert_eq!(look(&world, &agent(1), &contact).await.problem(), "wall-closed");
    // On the word of whoever calls, without seeing what there is: the answer is the same where there is nothing.
    let stopped = world.desk(&agent(1), &contact, "stop", &json!({})).await;
    let nothing = world.desk(&agent(1), &contact, "stop", &json!({})).await;
    assert_eq!((stopped.status, &stopped.body), (200, &nothing.body));
    assert_eq!(world.change(&ANA, &change).await["status"], "cancelled");
}

#[tokio::test]
async fn what_a_representative_prepares_is_hers_to_ask_for_and_hers_to_prove() {
    let world = ana().await;
    let contact = world.desk_open(&agent(1), &ANA, "change").await;
    let swap = json!({"kind": "sim_swap", "sim": {"iccid": iccid(1)}});
    assert_eq!(world.desk(&agent(1), &contact, "prepare", &swap).await.status, 201);
    assert!(world.line(&ANA).await.state.book.changes.is_empty(), "nothing happened");
    let care = world.call(Some(&customer(&ANA)), "GET", "/v1/care", AT_HOME, None).await;
    let prepared = care.body["contacts"][0]["prepared"].clone();
    assert_eq!(prepared, ANA.sim_swap(&iccid(1)));
    let asked = world.ask(&ANA, "k", &prepared).await;
    assert_eq!(asked.text("status"), "step_up_required", "{}", asked.body);
    world.pump().await;
    assert_eq!(world.prove(&ANA, &asked.text("change_id"), "push_otp").await.text("status"), "authorized");
}

#[tokio::test]
async fn a_report_of_fraud_at_the_desk_freezes_and_opens_one_case_and_a_thousand_of_them_say_and_add_nothing() {
    let world = ana().await;
    let change = world.ask(&ANA, "k", &ANA.sim_swap(&iccid(1))).await.text("change_id");
    let (contact, _) = say_of(&world, &agent(1), &ANA, "fraud").await;
    let first = world.desk(&agent(1), &contact, "report", &json!({"phone_lost": true})).await;
    assert_eq!(first.status, 200, "{}", first.body);
    assert_eq!(world.change(&ANA, &change).await["status"], "cancelled");
    world.pump().await;
    let told = world.inbox.all();
    assert!(told.iter().any(|mail| mail.text.long.contains("to our care desk")), "{told:#?}");
    let cases = world.account(&ANA).await.state.cases;
    assert_eq!(cases.len(), 1);
    let seq = world.account(&ANA).await.seq;
    for _ in 0..1_000 {
        let again = world.desk(&agent(1), &contact, "report", &json!({"phone_lost": true})).await;
        assert_eq!((again.status, &again.body), (200, &first.body));
    }
    assert_eq!((world.account(&ANA).await.seq, world.account(&ANA).await.state.cases), (seq, cases));
    // Another's contact, and one whose time is over, report nothing.
    let another = world.desk(&agent(2), &contact, "report", &json!({})).await;
    assert_eq!(another.problem(), "not-found", "{}", another.body);
    world.clock.advance(Span::minutes(15));
    assert_eq!(world.desk(&agent(1), &contact, "report", &json!({})).await.problem(), "contact-over");
}

/// Her phone was stolen, she cannot sign in, and she goes to a store with her passport.
#[tokio::test]
async fn the_honest_customer_who_lost_her_phone_has_her_number_back_after_seventy_two_hours() {
    let world = ana().await;
    let began = world.shell.clock.now();
    let (contact, _) = say_of(&world, &clerk(0), &ANA, "lost_phone").await;
    let asked = world.desk(&clerk(0), &contact, "changes", &lost(1)).await;
    assert_eq!((asked.status, asked.text("status").as_str()), (201, "step_up_required"), "{}", asked.body);
    world.clock.advance(Span::minutes(2));
    let (second, _) = say_of(&world, &clerk(1), &ANA, "lost_phone").await;
    let checked = world.desk(&clerk(1), &second, "check", &json!({})).await;
    assert_eq!(checked.text("status"), "on_hold");
    world.pump().await;
    for wait in [Span::minutes(72 * 60 - 3), Span::seconds(59)] {
        world.clock.advance(wait);
        world.tick().await;
        assert!(world.topic.authorizations().is_empty(), "too early");
    }
    world.clock.advance(Span::seconds(1));
    world.tick().await;
    assert_eq!(world.topic.authorizations().len(), 1, "she has her number back");
    assert_eq!(world.shell.clock.now().since(began), Span::hours(72));
    let line = world.line(&ANA).await.state;
    let proven = &line.book.changes.values().next().unwrap().proofs;
    assert_eq!(proven.iter().map(|proof| proof.factor).collect::<Vec<_>>(), [Factor::Document]);
}

#[tokio::test]
async fn with_her_app_in_her_hand_a_store_takes_one_clerk_and_an_hour() {
    let world = ana().await;
    let (contact, _) = say_of(&world, &clerk(0), &ANA, "change").await;
    let swap = json!({"kind": "sim_swap", "sim": {"iccid": iccid(1)}, "document": "identity_card"});
    assert_eq!(world.desk(&clerk(0), &contact, "changes", &swap).await.status, 201);
    let change = of_line(&world).await;
    world.pump().await;
    // Two people prove nothing while she has her app.
    let (second, _) = say_of(&world, &clerk(1), &ANA, "change").await;
    let checked = world.desk(&clerk(1), &second, "check", &json!({})).await;
    assert_eq!(checked.problem(), "factor-not-offered", "{}", checked.body);
    assert_eq!(world.prove(&ANA, &change, "push_otp").await.text("status"), "on_hold");
    world.clock.advance(Span::hours(1));
    world.tick().await;
    assert_eq!(world.topic.authorizations().len(), 1);
}

/// I11: every route, by every role at every channel, in each state of the wall; what was seen against the table.
async fn walk(role: Role) {
    let world = ana().await;
    world.protect(&ANA, "no_port_out", "block", Some(ANA.line)).await;
    let open = world.ask(&ANA, "open", &ANA.sim_swap(&iccid(1))).await.text("change_id");
    let past = world.ask(&ANA, "past", &json!({"kind": "credential_reset"})).await.text("change_id");
    world.cancel(&ANA, &past).await;
    world.pump().await;
    // What nobody of staff may ever read, and what only an open wall shows.
    let never = [ANA.msisdn, ANA.email, ANA.push, ANA.account, ANA.iccid, "push_otp", "sms_otp", "Miami", "low"];
    let behind = [ANA.line, "no_port_out", "0123", open.as_str(), past.as_str(), "sim_swap", "credential_reset"];
    let channels = ["phone", "chat", "email", "store"];
    let mut walked = 0;
    for channel in channels {
        let rep = staff(&format!("x-{role}-{channel}"), "Sam", role.word(), channel);
        for wall in ["sealed", "shut", "open", "over", "another's"] {
            // What it is for decides what is seen behind an open wall, and nothing else.
            for &purpose in Purpose::ALL.iter().filter(|purpose| wall == "open" || **purpose == Purpose::Fraud) {
                let owner = if wall == "another's" { staff("other", "Max", "agent", "phone") } else { rep.clone() };
                let (contact, number) = say_of(&world, &owner, &ANA, purpose.word()).await;
                match wall {
                    "shut" => {
                        world.call(Some(&customer(&ANA)), "POST", &format!("/v1/care/{contact}/not-me"), &[], None).await;
                    }
                    "open" | "over" | "another's" => {
                        assert_eq!(world.open_wall(&ANA, &contact, number).await.status, 200);
                    }
                    _ => {}
                }
                if wall == "over" {
                    world.clock.advance(Span::minutes(15));
                }
                let routes = [
                    ("view", json!({})),
                    ("view", json!({"fields": ["number", "protections", "open_changes", "past_changes"]})),
                    ("prepare", json!({"kind": "number_change"})),
                    ("changes", json!({"kind": "number_change"})),
                    ("changes", json!({"kind": "protection_off", "protection": "no_port_out", "document": "passport"})),
                    ("check", json!({})),
                    ("protections", json!({"protection": "no_port_out"})),
                    ("stop", json!({"change_id": "line.line-none.x"})),
                    ("report", json!({"phone_lost": true})),
                ];
                for (what, body) in routes.into_iter().filter(|(what, _)| *what == "view" || purpose == Purpose::Fraud) {
                    let answer = world.desk(&rep, &contact, what, &body).await;
                    let text = answer.body.to_string();
                    let row = format!("{role} {channel} {wall} {purpose} {what} {body}: {} {text}", answer.status);
                    assert!(!never.iter().any(|secret| text.contains(secret)), "{row}");
                    walked += 1;
                    let sees = behind.iter().any(|word| text.contains(word));
                    let may = role != Role::FraudAnalyst && wall == "open" && what == "view";
                    // The words of their own question come back in what they may ask.
                    let own = what == "protections" && answer.status == 200;
                    assert!(!sees || may || own, "{row}");
                    match (what, wall) {
                        ("view", _) if role == Role::FraudAnalyst => assert_eq!(answer.problem(), "forbidden", "{row}"),
                        ("view", "open") if body == json!({}) => {
                            assert_eq!(answer.status, 200, "{row}");
                            let mut shown: Vec<&str> = answer.body.as_object().unwrap().keys().map(String::as_str).collect();
                            shown.sort_unstable();
                            let mut table: Vec<&str> = purpose.shows().iter().map(|field| field.word()).collect();
                            table.sort_unstable();
                            assert_eq!(shown, table, "{row}");
                        }
                        ("view", "open") => {
                            assert_eq!(answer.status, if purpose == Purpose::Fraud { 200 } else { 403 }, "{row}");
                        }
                        ("view", "sealed" | "shut") => assert_eq!(answer.problem(), "wall-closed", "{row}"),
                        (_, "over") if answer.problem() != "forbidden" => {
                            assert!(["contact-over", "malformed"].contains(&answer.problem()), "{row}");
                        }
                        (_, "another's") if answer.problem() != "forbidden" => {
                            assert!(["not-found", "malformed"].contains(&answer.problem()), "{row}");
                        }
                        ("changes", _) => assert_ne!(answer.status / 100, 2, "{row}"),
                        _ => {}
                    }
                }
            }
        }
    }
    assert_eq!(walked, 4 * (4 * 9 + 4 * 2 + 9));
    // Every field that was seen stands in the ledger, before the answer left.
    let seen = world.ledger(&ANA, &linekeeper_domain::ids::Subject::Account).await;
    assert!(
        role == Role::FraudAnalyst
            || seen.iter().any(|entry| entry.contains(r#""event":"care_viewed""#) && entry.contains("past_changes"))
    );
    // No other door lets staff in.
    for (method, path) in [
        ("GET", "/v1/account"),
        ("GET", "/v1/changes"),
        ("POST", "/v1/changes"),
        ("PUT", "/v1/protections"),
        ("GET", "/v1/care"),
        ("POST", "/v1/care/cc_1/open"),
        ("POST", "/v1/care/cc_1/not-me"),
        ("POST", &format!("/v1/changes/{open}/cancel")),
        ("POST", &format!("/v1/changes/{open}/challenges")),
        ("POST", &format!("/v1/changes/{open}/challenges/ch_1/answer")),
        ("POST", &format!("/v1/changes/{open}/pin")),
    ] {
        {
            let rep = staff("y", "Sam", role.word(), "store");
            let path = format!("{path}?account_id={}", ANA.account);
            let answer = world.call(Some(&rep), method, &path, &[("idempotency-key", "\"y\"")], Some(&json!({}))).await;
            assert_eq!(answer.problem(), "forbidden", "{role} {method} {path}: {}", answer.body);
        }
    }
}

#[tokio::test]
async fn i11_agents_see_what_the_table_says_and_nothing_before_the_customer_opened_the_wall() {
    walk(Role::Agent).await;
}

#[tokio::test]
async fn i11_store_agents_see_what_the_table_says_and_nothing_before_the_customer_opened_the_wall() {
    walk(Role::StoreAgent).await;
}

#[tokio::test]
async fn i11_supervisors_see_what_the_table_says_and_nothing_before_the_customer_opened_the_wall() {
    walk(Role::Supervisor).await;
}

#[tokio::test]
async fn i11_fraud_analysts_see_nothing() {
    walk(Role::FraudAnalyst).await;
}

#[tokio::test]
async fn a_line_that_is_not_there_has_ended_or_is_no_number_looks_the_same_and_a_customer_has_no_business_here() {
    let world = ana().await;
    let mut seen = Vec::new();
    for number in ["+13055550199", "13055550123", "", "line-ana", "+999", "+13055550123 "] {
        let body = json!({"number": number, "purpose": "status"});
        let answer = world.call(Some(&agent(1)), "POST", "/desk/contacts", &[], Some(&body)).await;
        seen.push((answer.status, answer.problem().to_owned()));
    }
    world.feed(json!({"id": "e", "at": world.now(), "type": "line_ended", "account_id": ANA.account, "line_id": ANA.line})).await;
    let ended = world.desk_begin(&agent(1), &ANA, "status").await;
    seen.push((ended.status, ended.problem().to_owned()));
    assert!(seen.iter().all(|one| *one == (404, "not-found".to_owned())), "{seen:?}");
    let body = json!({"number": ANA.msisdn, "purpose": "status"});
    let answer = world.call(Some(&customer(&ANA)), "POST", "/desk/contacts", &[], Some(&body)).await;
    assert_eq!(answer.problem(), "forbidden");
    for claim in ["role", "name", "place", "sid", "device_id"] {
        let answer = world.desk_begin(&with_claim(agent(1), claim, None), &ANA, "status").await;
        assert_eq!(answer.problem(), "forbidden", "without {claim}");
    }
    for (claim, value) in [("role", "director"), ("name", "Call +1 305 555 0199"), ("name", "https://x.example")] {
        let answer = world.desk_begin(&with_claim(agent(1), claim, Some(value)), &ANA, "status").await;
        assert_eq!(answer.problem(), "forbidden", "{claim} {value}");
    }
}
