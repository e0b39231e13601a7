use super::*;
use crate::decide::test_change;
use crate::fraud::{Asked, Concern, Concerned, Through};
use crate::ids::{AccountId, ChangeId, ContactId, FactorId, LineId, Subject};

const HOST: &str = "my.carrier.example";
const LINK: &str = "https://my.carrier.example/not-me#eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJhIn0.c2ln_bmF0-dXJl";
const NOW: Timestamp = Timestamp::from_second(1_790_000_000);

/// 3GPP TS 23.038, 6.2.1: what one septet holds, without the escape.
const BASIC: &str = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?\
                     ¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà";
/// 6.2.1.1: what takes two.
const EXTENSION: &str = "\u{c}^{}\\[~]|€";

/// The septets of a text, or nothing where a letter of it is in neither table.
fn septets(text: &str) -> Option<usize> {
    let each = |letter| match (BASIC.contains(letter), EXTENSION.contains(letter)) {
        (true, _) => Some(1),
        (false, true) => Some(2),
        (false, false) => None,
    };
    text.chars().map(each).sum()
}

/// How many SMS a text takes. A letter outside the 7-bit alphabet makes all of it UCS-2.
fn segments(text: &str) -> usize {
    let (length, alone, joined) = match septets(text) {
        Some(septets) => (septets, 160, 153),
        None => (text.encode_utf16().count(), 70, 67),
    };
    if length <= alone { 1 } else { length.div_ceil(joined) }
}

/// A kind of change, in every form that has words of its own. None for those that nobody can ask for yet.
fn forms(kind: ChangeKind) -> Vec<Change> {
    let details: &[&str] = match kind {
        ChangeKind::SimSwap => &[r#"{"kind":"sim_swap","sim":{"iccid":"8901260222193583586"}}"#],
        ChangeKind::PortOut => &[r#"{"kind":"port_out","number":"+13055550123","order":"PON1","carrier":"6529"}"#],
        ChangeKind::PortPin => &[r#"{"kind":"port_pin"}"#],
        ChangeKind::NumberChange => &[r#"{"kind":"number_change"}"#],
        ChangeKind::ContactChange => &[
            r#"{"kind":"contact_change","add":{"email":"ana@mail.example.com"}}"#,
            r#"{"kind":"contact_change","add":{"sms":"+13055550123"},"remove":"c"}"#,
            r#"{"kind":"contact_change","add":{"push":"arn:aws:sns:us-east-1:000000000000:endpoint/APNS/app/ana"}}"#,
            r#"{"kind":"contact_change","remove":"c"}"#,
        ],
        ChangeKind::CredentialReset => &[r#"{"kind":"credential_reset"}"#],
        ChangeKind::ProtectionOff => &[
            r#"{"kind":"protection_off","protection":"never_sim_swap"}"#,
            r#"{"kind":"protection_off","protection":"no_port_out"}"#,
            r#"{"kind":"protection_off","protection":"account_lockdown"}"#,
        ],
        ChangeKind::AuthorizedUser => &[r#"{"kind":"authorized_user","user":"u"}"#],
        ChangeKind::Ownership => &[r#"{"kind":"ownership"}"#],
        ChangeKind::AddLine => &[r#"{"kind":"add_line"}"#],
        ChangeKind::DeviceUpgrade => &[r#"{"kind":"device_upgrade","imei":"490154203237518"}"#],
        ChangeKind::FactorAdd => &[
            r#"{"kind":"factor_add","factor":"recovery_code"}"#,
            r#"{"kind":"factor_add","factor":"totp"}"#,
            r#"{"kind":"factor_add","factor":"passkey"}"#,
            r#"{"kind":"factor_add","factor":"device_key"}"#,
        ],
        ChangeKind::FactorRemove => &[r#"{"kind":"factor_remove","factor":"recovery_code","id":"fc_1"}"#],
    };
    let parse = |json: &&str| Change { details: serde_json::from_str(json).unwrap(), ..held(24) };
    details.iter().map(parse).collect()
}

fn held(hours: u32) -> Change {
    Change { hold_until: Some(NOW + Span::hours(hours)), ..test_change() }
}

fn because(reason: Reason) -> Change {
    let mut change = test_change();
    change.decision.reasons = vec![reason];
    change
}

fn through(channel: Channel) -> Change {
    let mut change = test_change();
    change.request.channel = channel;
    change.request.place = None;
    change
}

/// Every code, by what it is for.
fn codes(locale: Locale) -> Vec<(String, Text)> {
    let changes = ChangeKind::ALL.iter().flat_map(|&kind| forms(kind));
    let code = OtpCode::from_number(7);
    changes.map(|change| (change.kind().to_string(), super::code(locale, &change, &code, HOST))).collect()
}

/// Every notice, by what it is about.
fn notices(locale: Locale, link: Option<&str>) -> Vec<(String, Text)> {
    let mut all = Vec::new();
    let mut add = |name: String, message, change: Option<&Change>| {
        all.push((name, notice(locale, &message, change, None, link, NOW)));
    };
    let about_changes = [
        ("asked", Message::Asked),
        ("refused", Message::Refused),
        ("raised", Message::Raised),
        ("cancelled", Message::Cancelled),
        ("completed", Message::Completed),
        ("failed", Message::Failed),
    ];
    for (word, message) in about_changes {
        for change in ChangeKind::ALL.iter().flat_map(|&kind| forms(kind)) {
            add(format!("{word} {}", change.kind()), message.clone(), Some(&change));
        }
        add(format!("{word}, forgotten"), message, None);
    }
    for &protection in Protection::ALL {
        add(format!("on {protection}"), Message::ProtectionOn { protection }, None);
        add(format!("off {protection}"), Message::ProtectionOff { protection }, None);
    }
    add("transfer PIN".to_owned(), Message::PinIssued, None);
    add("recovery code used".to_owned(), Message::RecoveryCodeUsed { left: 9 }, None);
    for &kind in ChangeKind::ALL {
        add(format!("incident {kind}"), Message::Incident { kind }, None);
    }
    add("reminder".to_owned(), Message::Reminder, None);
    add("line ended".to_owned(), Message::LineEnded { tail: 123 }, None);
    let case = CaseId(1_017);
    add("fraud reported".to_owned(), Message::FraudReported { case }, None);
    add("fraud remedied".to_owned(), Message::FraudRemedied { case }, None);
    for &outcome in CaseOutcome::ALL {
        add(format!("case closed, {outcome}"), Message::FraudClosed { case, outcome }, None);
    }
    for &channel in Channel::ALL {
        add(format!("asked, {channel}"), Message::Asked, Some(&through(channel)));
    }
    let sam = crate::desk::tests::staff("Sam");
    for &purpose in Purpose::ALL {
        add(format!("care, {purpose}"), Message::CareAsked { by: sam.name.clone(), purpose }, None);
    }
    let mut visit = through(Channel::Store);
    visit.request.store = Some(Box::new(crate::desk::StoreVisit {
        document: crate::desk::DocumentKind::Passport,
        maker: sam,
        checker: Some(Box::new(crate::desk::tests::staff("Lee"))),
    }));
    add("asked in a store, of Sam".to_owned(), Message::Asked, Some(&visit));
    visit.hold_until = Some(NOW + Span::hours(72));
    add("checked".to_owned(), Message::Checked, Some(&visit));
    for reason in [Reason::UseTheApp, Reason::Locked, Reason::CoolingOff, Reason::FarFromUsual] {
        add(format!("refused, {reason}"), Message::Refused, Some(&because(reason)));
    }
    add("raised, no hold".to_owned(), Message::Raised, Some(&test_change()));
    for hours in [1, 2, 72] {
        add(format!("asked, {hours} h"), Message::Asked, Some(&held(hours)));
    }
    all
}

/// A case with all that can be in one, closed.
fn case() -> Case {
    let mut stopped = Concern::of_change(&test_change());
    let swap = ChangeId::derive(&AccountId::parse("a").unwrap(), Subject::Account, "done");
    let asked = stopped.asked.map(|asked| Asked { channel: Channel::Store, done: true, ..asked });
    let done =
        Concern { what: Concerned::Change(swap.clone()), asked, reverse: true, remedied_at: Some(NOW + Span::minutes(96)) };
    stopped.reverse = false;
    let other = |what| Concern { what, asked: None, reverse: false, remedied_at: None };
    let mut concerns = vec![stopped, done, Concern { remedied_at: Some(NOW + Span::hours(1)), ..Concern::of_forgotten(swap) }];
    concerns.extend([
        other(Concerned::Line(LineId::parse("l").unwrap())),
        other(Concerned::Factor(FactorId::parse("f").unwrap())),
        other(Concerned::Contact(ContactId::parse("c").unwrap())),
    ]);
    Case {
        id: CaseId(1_017),
        through: Through::App,
        reported_at: NOW,
        phone_lost: true,
        concerns,
        outcome: Some(CaseOutcome::Fraud),
        closed_at: Some(NOW + Span::days(2)),
    }
}

/// What she is told of a case by e-mail: as it is opened in each way, and when it is closed.
fn letters(locale: Locale) -> Vec<Text> {
    let id = case().id;
    let opened = |&through: &Through| {
        let open = |concern: Concern| Concern { remedied_at: None, ..concern };
        let concerns = case().concerns.into_iter().map(open).collect();
        let case = Case { through, phone_lost: false, outcome: None, closed_at: None, concerns, ..case() };
        notice(locale, &Message::FraudReported { case: id }, None, Some(&case), None, NOW)
    };
    let mut all: Vec<Text> = Through::ALL.iter().map(opened).collect();
    let closed = Message::FraudClosed { case: id, outcome: CaseOutcome::Fraud };
    all.push(notice(locale, &closed, None, Some(&case()), None, NOW));
    all.push(notice(locale, &Message::Reminder, None, None, None, NOW));
    all
}

/// Everything in one language, one line a text.
fn table(locale: Locale) -> String {
    let line = |name: &str, text: &str| format!("{name:<28}{}\n", text.replace('\n', "⏎"));
    let shorts = |all: &[(String, Text)]| {
        let mut lines: Vec<String> = all.iter().map(|(name, text)| line(name, &text.short)).collect();
        lines.dedup();
        lines.concat()
    };
    let (codes, notices, linked) = (codes(locale), notices(locale, None), notices(locale, Some(LINK)));
    let (code, plain, linked) = (&codes[0].1, &notices[0].1, &linked[0].1);
    let mails: String = [
        ("code, subject", &code.subject),
        ("code, e-mail", &code.long),
        ("notice, e-mail", &plain.long),
        ("with its link, e-mail", &linked.long),
        ("with its link, SMS", &linked.short),
    ]
    .map(|(name, text)| line(name, text))
    .concat();
    let mut subjects: Vec<String> = Vec::new();
    for (_, text) in &notices {
        if !subjects.contains(&text.subject) {
            subjects.push(text.subject.clone());
        }
    }
    format!("{}\n{}\n{mails}\n{}", shorts(&codes), shorts(&notices), subjects.join("\n"))
}

fn cases(locale: Locale) -> Vec<(String, Text)> {
    letters(locale).into_iter().map(|text| ("case".to_owned(), text)).collect()
}

fn snapshot(locale: Locale) {
    let letters: Vec<String> = letters(locale).into_iter().map(|text| format!("{}\n\n{}", text.subject, text.long)).collect();
    insta::with_settings!({ prepend_module_to_snapshot => false, omit_expression => true }, {
        insta::assert_snapshot!(locale.word(), table(locale));
        insta::assert_snapshot!(format!("{locale}_case"), letters.join("\n\n---\n\n"));
    });
}

#[test]
fn english_reads_as_it_was_reviewed() {
    snapshot(Locale::En);
}

#[test]
fn spanish_reads_as_it_was_reviewed() {
    snapshot(Locale::Es);
}

#[test]
fn a_code_fits_one_sms_and_ends_in_its_origin_whatever_it_is_for() {
    for (&locale, (name, text)) in
        Locale::ALL.iter().flat_map(|locale| codes(*locale).into_iter().map(move |code| (locale, code)))
    {
        assert_eq!(segments(&text.short), 1, "{locale} {name}: {}", text.short);
        for text in [&text.short, &text.long] {
            assert!(text.ends_with("\n\n@my.carrier.example #000007"), "{locale} {name}: {text}");
        }
    }
}

#[test]
fn a_code_says_what_it_does_and_that_nobody_will_ever_ask_for_it() {
    for &locale in Locale::ALL {
        let (never_by_sms, never_by_mail) = match locale {
            Locale::En => ("Nobody from us will ever ask for it.", "Nobody who works for us will ever ask you for this code."),
            Locale::Es => ("Nadie de la empresa lo pedira jamas.", "Nadie que trabaje con nosotros le pedirá jamás este código."),
        };
        for change in ChangeKind::ALL.iter().flat_map(|&kind| forms(kind)) {
            let act = language(locale).act(&change.details);
            let text = code(locale, &change, &OtpCode::from_number(7), HOST);
            assert!(text.short.contains(&seven_bit(&act.code)) && text.short.contains(never_by_sms), "{}", text.short);
            assert!(text.long.contains(&act.asked) && text.long.contains(never_by_mail), "{}", text.long);
        }
    }
}

#[test]
fn a_notice_fits_one_sms_and_its_link_does_not_leave_the_alphabet() {
    for &locale in Locale::ALL {
        for (name, text) in notices(locale, None) {
            assert_eq!(segments(&text.short), 1, "{locale} {name}: {}", text.short);
        }
        for (name, text) in notices(locale, Some(LINK)) {
            assert!(septets(&text.short).is_some() && text.short.ends_with(LINK), "{locale} {name}: {}", text.short);
        }
    }
}

#[test]
fn no_text_has_a_hole_and_none_speaks_two_languages() {
    for &locale in Locale::ALL {
        for (name, text) in [codes(locale), notices(locale, None), notices(locale, Some(LINK)), cases(locale)].concat() {
            for text in [text.subject, text.short, text.long] {
                assert!(!text.contains(['{', '}']) && !text.contains("  "), "{locale} {name}: {text}");
                let english = [" your ", "Your ", " the ", " you", "Nobody", "Someone", " was ", " hours"];
                assert!(locale == Locale::En || !english.iter().any(|word| text.contains(word)), "{locale} {name}: {text}");
            }
        }
    }
}

#[test]
fn an_sms_loses_the_accents_that_it_cannot_carry_and_a_mail_keeps_them() {
    let text = notice(Locale::Es, &Message::Failed, Some(&test_change()), None, None, NOW);
    assert!(text.short.starts_with("No se pudo cumplir la solicitud de mover su numero"), "{}", text.short);
    assert!(text.long.starts_with("No se pudo cumplir la solicitud de mover su número"), "{}", text.long);
    assert_eq!(seven_bit("¿Está en Bogotá el señor José?"), "¿Esta en Bogota el señor José?");
}

#[test]
fn no_address_becomes_another_one_in_an_sms() {
    assert_eq!(seven_bit("agregó ó***@gmáil.example a\nsu línea"), "agrego ó***@gmáil.example a\nsu linea");
}

#[test]
fn segments_are_those_of_the_gsm_alphabet() {
    let texts =
        ["a".repeat(160), "a".repeat(161), "€".repeat(80), "€".repeat(81), "ñ¿é".repeat(53), "ó".repeat(70), "ó".repeat(71)];
    assert_eq!(texts.map(|text| segments(&text)), [1, 2, 1, 2, 1, 1, 2]);
}
