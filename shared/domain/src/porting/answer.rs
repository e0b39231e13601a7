//! What a gateway is told: the answer, the field's codes, and what the gateway must do by when.
//!
//! Silence is never consent: every answer, a delay included, names a duty and its end. In some chains below
//! us no answer means yes (a wholesale carrier authorises an order that nobody answers within 24 to 48 hours),
//! so an answer that is late is worth as little as none.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::fields::{Field, PortVersion};
use super::message::Order;
use crate::digest::Digest;
use crate::kinds::vocabulary;
use crate::time::{Span, Timestamp};

vocabulary! {
    /// Why a port is not confirmed.
    ///
    /// Where a public source gives the field's own code, [`Reason::code`] has it; most of the wireless code
    /// list is not public, and a code that was not found is not made up.
    Reason {
        /// We do not serve this number.
        NumberNotOurs = "number_not_ours",
        /// We served it, or hold it, and no line is active on it.
        NumberNotActive = "number_not_active",
        /// It is a landline's.
        NotAMobileNumber = "not_a_mobile_number",
        /// The account number is not this line's. Code 8A, "account number required or incorrect" \[V2: seen
        /// in a losing carrier's answers, in two independent public sources\].
        AccountNumberWrong = "account_number_wrong",
        /// The ZIP is not this account's. No code: public sources disagree (8C, 8D and 9E are named).
        ZipWrong = "zip_wrong",
        /// No passcode came with a request that needs one. Code 6B, "transfer PIN is required or incorrect"
        /// \[V2: two independent public sources, one of them a large carrier's answers\]. A wholesale
        /// carrier's own number for it is 1002 \[V\].
        PasscodeMissing = "passcode_missing",
        /// The passcode is not the one that was issued. Code 6B, as for a missing one: one code for both.
        PasscodeWrong = "passcode_wrong",
        /// The passcode was right, and has expired or was used. Told as [`Reason::PasscodeWrong`].
        PasscodeOver = "passcode_over",
        /// So many wrong passcodes that none counts for now. Told as [`Reason::PasscodeWrong`].
        TooManyPasscodes = "too_many_passcodes",
        /// The customer has locked the number. Code 6P, port protection at the old carrier \[V2: one public
        /// source\].
        PortLocked = "port_locked",
        /// The lock is on its way off. Told as [`Reason::PortLocked`].
        CoolingOff = "cooling_off",
        /// The SIM changed within the jurisdiction's wait. Told as [`Reason::NotConfirmedByCustomer`].
        SimChangedLately = "sim_changed_lately",
        /// The customer has not said yes.
        NotConfirmedByCustomer = "not_confirmed_by_customer",
        /// The customer has said no. Told as [`Reason::NotConfirmedByCustomer`].
        CustomerSaidNo = "customer_said_no",
        /// A person looks at it. Told as [`Reason::NotConfirmedByCustomer`].
        UnderReview = "under_review",
        /// Code 1M, due date earlier than the interval \[V: number porting best practice 28\].
        DueDateTooEarly = "due_date_too_early",
        /// Code 1N, due date and time cannot be met \[V: the same\].
        DueDateTimeCannotBeMet = "due_date_time_cannot_be_met",
        /// Code 6E, due date cannot be met \[V: the same\].
        DueDateCannotBeMet = "due_date_cannot_be_met",
        /// Code 6F, due time cannot be met \[V: the same\].
        DueTimeCannotBeMet = "due_time_cannot_be_met",
        /// Code 1P, other \[V: the same\].
        Other = "other",
        /// No order of this number has this purchase order number.
        OrderUnknown = "order_unknown",
        /// The order is over: carried out, cancelled, refused or expired.
        OrderClosed = "order_closed",
        /// The same order in the same version with other content. A correction needs a higher version.
        OtherContent = "other_content",
        /// A version that is not higher than the one we hold.
        VersionWentBack = "version_went_back",
        /// A field that the message's type needs is not there.
        FieldMissing = "field_missing",
        /// A field's value is not what it should be.
        FieldMalformed = "field_malformed",
        /// A field that the message's type does not have, or one that is there twice.
        FieldOutOfPlace = "field_out_of_place",
        /// A time without its zone: it could be any of two dozen instants.
        TimeWithoutZone = "time_without_zone",
        /// Over the limit of size.
        TooLarge = "too_large",
        /// A company or network that is not on the carrier's list.
        UnknownCompany = "unknown_company",
        /// We could not look; the same message may be sent again.
        TryAgain = "try_again",
    }
}

impl Reason {
    /// The codes that the field allows in an answer to a due-date supplement of an order that is not yet
    /// confirmed (number porting best practice 28 \[V\]). A confirmed response there could start the port
    /// before the original request is validated.
    pub const SUPPLEMENT_CODES: [&'static str; 5] = ["1M", "1N", "6E", "6F", "1P"];

    /// As it is told to the gateway. What would teach a thief how near he was, or that the customer or a
    /// person of ours is watching, is told as its harmless neighbour; the ledger keeps the reason itself.
    #[must_use]
    pub const fn told(self) -> Self {
        match self {
            Self::PasscodeOver | Self::TooManyPasscodes => Self::PasscodeWrong,
            Self::CoolingOff => Self::PortLocked,
            Self::SimChangedLately | Self::CustomerSaidNo | Self::UnderReview => Self::NotConfirmedByCustomer,
            Self::NumberNotOurs
            | Self::NumberNotActive
            | Self::NotAMobileNumber
            | Self::AccountNumberWrong
            | Self::ZipWrong
            | Self::PasscodeMissing
            | Self::PasscodeWrong
            | Self::PortLocked
            | Self::NotConfirmedByCustomer
            | Self::DueDateTooEarly
            | Self::DueDateTimeCannotBeMet
            | Self::DueDateCannotBeMet
            | Self::DueTimeCannotBeMet
            | Self::Other
            | Self::OrderUnknown
            | Self::OrderClosed
            | Self::OtherContent
            | Self::VersionWentBack
            | Self::FieldMissing
            | Self::FieldMalformed
            | Self::FieldOutOfPlace
            | Self::TimeWithoutZone
            | Self::TooLarge
            | Self::UnknownCompany
            | Self::TryAgain => self,
        }
    }

    /// The field's own code, where a public source gives one. The members say which source.
    #[must_use]
    pub const fn code(self) -> Option<&'static str> {
        match self {
            Self::AccountNumberWrong => Some("8A"),
            Self::PasscodeMissing | Self::PasscodeWrong | Self::PasscodeOver | Self::TooManyPasscodes => Some("6B"),
            Self::PortLocked | Self::CoolingOff => Some("6P"),
            Self::DueDateTooEarly => Some("1M"),
            Self::DueDateTimeCannotBeMet => Some("1N"),
            Self::DueDateCannotBeMet => Some("6E"),
            Self::DueTimeCannotBeMet => Some("6F"),
            Self::Other => Some("1P"),
            Self::NumberNotOurs
            | Self::NumberNotActive
            | Self::NotAMobileNumber
            | Self::ZipWrong
            | Self::SimChangedLately
            | Self::NotConfirmedByCustomer
            | Self::CustomerSaidNo
            | Self::UnderReview
            | Self::OrderUnknown
            | Self::OrderClosed
            | Self::OtherContent
            | Self::VersionWentBack
            | Self::FieldMissing
            | Self::FieldMalformed
            | Self::FieldOutOfPlace
            | Self::TimeWithoutZone
            | Self::TooLarge
            | Self::UnknownCompany
            | Self::TryAgain => None,
        }
    }

    /// Whether it may stand in an answer to a due-date supplement of an unconfirmed order.
    #[must_use]
    pub fn fits_a_supplement(self) -> bool {
        self.code().is_some_and(|code| Self::SUPPLEMENT_CODES.contains(&code))
    }

    /// In plain words, for the new carrier's staff.
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self.told() {
            Self::NumberNotOurs => "We do not serve this number.",
            Self::NumberNotActive => "No active line has this number.",
            Self::NotAMobileNumber => "This is not a mobile number.",
            Self::AccountNumberWrong => "The account number does not fit this number.",
            Self::ZipWrong => "The ZIP does not fit this account.",
            Self::PasscodeMissing => "A transfer PIN is needed. The customer gets one in our app.",
            Self::PasscodeWrong => "The transfer PIN is not valid. The customer gets a new one in our app.",
            Self::PortLocked => "The customer has locked this number, and can unlock it in our app.",
            Self::NotConfirmedByCustomer => "The customer has to confirm this with us first.",
            Self::DueDateTooEarly => "The due date is earlier than the interval allows.",
            Self::DueDateTimeCannotBeMet => "The due date and time cannot be met.",
            Self::DueDateCannotBeMet => "The due date cannot be met.",
            Self::DueTimeCannotBeMet => "The due time cannot be met.",
            Self::Other => "The request cannot be met as it is.",
            Self::OrderUnknown => "We know no order of this number with this purchase order number.",
            Self::OrderClosed => "This order is closed. A new port needs a new purchase order number.",
            Self::OtherContent => {
                "This version of the order was sent with other content before. A correction needs a higher version."
            }
            Self::VersionWentBack => "We hold a version of this order that is as high or higher.",
            Self::FieldMissing => "A field is missing.",
            Self::FieldMalformed => "A field is not in its form.",
            Self::FieldOutOfPlace => "A field does not belong to this message, or is there twice.",
            Self::TimeWithoutZone => "A time needs its zone.",
            Self::TooLarge => "The message is too large.",
            Self::UnknownCompany => "We do not know this company.",
            Self::TryAgain => "We could not check this now. Please send it again.",
            // Told as their neighbours, above.
            Self::PasscodeOver
            | Self::TooManyPasscodes
            | Self::CoolingOff
            | Self::SimChangedLately
            | Self::CustomerSaidNo
            | Self::UnderReview => "The request cannot be met as it is.",
        }
    }
}

vocabulary! {
    /// What a gateway must do with an answer.
    Duty {
        /// Confirm to the new carrier; activation not before `due_at`, and only with the authorization.
        PassOnConfirmation = "pass_on_confirmation",
        /// Refuse to the new carrier; nothing of this version goes on.
        PassOnRejection = "pass_on_rejection",
        /// Ask the new carrier for a supplement; nothing goes on until it came and was answered.
        PassOnResolutionRequired = "pass_on_resolution_required",
        /// Tell the new carrier to wait; no answer of ours is a yes, then or later.
        PassOnDelay = "pass_on_delay",
        /// Tell the new carrier that the order is cancelled.
        PassOnCancellation = "pass_on_cancellation",
        /// Put the subscription version in conflict: a confirmation is taken back.
        PutInConflict = "put_in_conflict",
    }
}

/// What we answer to an order. Small: it is kept in the ledger, and the message to the gateway is made from it
/// again for every repeat.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// Yes, at this time. Goes out only together with the signed authorization.
    Confirm {
        /// When the number may be activated, at the earliest.
        due_at: Timestamp,
    },
    /// No, for this version of the order.
    Reject {
        /// Why.
        reasons: Vec<Reason>,
    },
    /// Not so: the new carrier must send a supplement. The field's response type R.
    ResolutionRequired {
        /// Why.
        reasons: Vec<Reason>,
        /// Until when; the order is closed then.
        by: Timestamp,
    },
    /// Not yet.
    Delay {
        /// Why.
        reasons: Vec<Reason>,
        /// When we will have answered.
        until: Timestamp,
    },
    /// The order is cancelled, as was asked for.
    Cancelled,
    /// A confirmation is taken back.
    Withdraw {
        /// Why.
        reasons: Vec<Reason>,
    },
}

impl Answer {
    /// The word on the wire.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Confirm { .. } => "confirm",
            Self::Reject { .. } => "reject",
            Self::ResolutionRequired { .. } => "resolution_required",
            Self::Delay { .. } => "delay",
            Self::Cancelled => "cancelled",
            Self::Withdraw { .. } => "withdraw",
        }
    }

    /// Why it is not a yes.
    #[must_use]
    pub fn reasons(&self) -> &[Reason] {
        match self {
            Self::Reject { reasons }
            | Self::ResolutionRequired { reasons, .. }
            | Self::Delay { reasons, .. }
            | Self::Withdraw { reasons } => reasons,
            Self::Confirm { .. } | Self::Cancelled => &[],
        }
    }

    /// The answer to a supplement of an order that is not confirmed, which the field holds to response type R
    /// and five codes ([`Reason::SUPPLEMENT_CODES`]); what has none of them is told as `1P`, other.
    #[must_use]
    pub fn to_an_early_supplement(reasons: &[Reason], by: Timestamp) -> Self {
        let mut fitting: Vec<Reason> = Vec::new();
        for reason in reasons {
            let reason = if reason.fits_a_supplement() { *reason } else { Reason::Other };
            if !fitting.contains(&reason) {
                fitting.push(reason);
            }
        }
        if fitting.is_empty() {
            fitting.push(Reason::Other);
        }
        Self::ResolutionRequired { reasons: fitting, by }
    }

    /// The field's response type, where it is established: `R`, resolution required \[V: best practice 28\].
    #[must_use]
    pub const fn response_type(&self) -> Option<&'static str> {
        match self {
            Self::ResolutionRequired { .. } => Some("R"),
            Self::Confirm { .. } | Self::Reject { .. } | Self::Delay { .. } | Self::Cancelled | Self::Withdraw { .. } => None,
        }
    }

    /// What the gateway must do.
    #[must_use]
    pub const fn duty(&self) -> Duty {
        match self {
            Self::Confirm { .. } => Duty::PassOnConfirmation,
            Self::Reject { .. } => Duty::PassOnRejection,
            Self::ResolutionRequired { .. } => Duty::PassOnResolutionRequired,
            Self::Delay { .. } => Duty::PassOnDelay,
            Self::Cancelled => Duty::PassOnCancellation,
            Self::Withdraw { .. } => Duty::PutInConflict,
        }
    }

    /// Its id on the wire: a repeat of the answer has the same, another answer another.
    #[must_use]
    pub fn id(&self, order: &Order, version: Option<PortVersion>) -> String {
        let version = version.map(|version| version.to_string()).unwrap_or_default();
        let until = match self {
            Self::Confirm { due_at: at } | Self::ResolutionRequired { by: at, .. } | Self::Delay { until: at, .. } => {
                at.as_second().to_string()
            }
            Self::Reject { .. } | Self::Cancelled | Self::Withdraw { .. } => String::new(),
        };
        let mut parts =
            vec!["linekeeper port answer 1", order.number.as_str(), order.pon.as_str(), version.as_str(), self.word(), &until];
        parts.extend(self.reasons().iter().map(|reason| reason.word()));
        format!("pa_{}", Digest::of(&parts).short())
    }
}

/// How long a gateway has to put a withdrawn confirmation in conflict. No source gives a time: as long as a
/// person who watches the alarm needs, and no longer.
pub const WITHDRAW_WITHIN: Span = Span::minutes(5);

/// An answer and what its message needs. Everything is of the moment of the decision, so that a repeat is the
/// same message to the letter.
#[derive(Clone, Copy, Debug)]
pub struct Outgoing<'a> {
    /// The order.
    pub order: &'a Order,
    /// The version answered, where it could be read.
    pub version: Option<PortVersion>,
    /// The answer.
    pub answer: &'a Answer,
    /// Which fields were at fault, where it was fields. Their names go out, their values do not.
    pub faults: &'a [(Field, Reason)],
    /// When it was decided.
    pub at: Timestamp,
    /// Until when the new carrier must have it ([`super::hours::answer_by`]).
    pub answer_by: Timestamp,
    /// The signed authorization of a confirmation.
    pub authorization: Option<&'a str>,
}

/// A confirmation that nobody signed, or a signature for something else.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a confirmation, and nothing else, goes out with its signed authorization")]
pub struct Unsigned;

/// The message to the gateway (CloudEvents 1.0, structured JSON).
///
/// # Errors
/// [`Unsigned`]: a confirmation without its authorization, or an authorization with another answer (I1).
pub fn out(outgoing: &Outgoing<'_>) -> Result<Value, Unsigned> {
    let Outgoing { order, version, answer, faults, at, answer_by, authorization } = *outgoing;
    let confirms = matches!(answer, Answer::Confirm { .. });
    if confirms != authorization.is_some() {
        return Err(Unsigned);
    }
    let by = match answer {
        Answer::Withdraw { .. } => at + WITHDRAW_WITHIN,
        Answer::Confirm { .. }
        | Answer::Reject { .. }
        | Answer::ResolutionRequired { .. }
        | Answer::Delay { .. }
        | Answer::Cancelled => answer_by,
    };
    let mut data = Map::new();
    let mut put = |name: &str, value: Value| {
        data.insert(name.to_owned(), value);
    };
    put("ported_number", json!(order.number.as_str()));
    put("purchase_order_number", json!(order.pon.as_str()));
    if let Some(version) = version {
        put("version", json!(version.to_string()));
    }
    put("answer", json!(answer.word()));
    if let Some(response_type) = answer.response_type() {
        put("response_type", json!(response_type));
    }
    put("codes", codes(answer.reasons(), faults));
    put("must", json!({"do": answer.duty().word(), "by": by.to_string()}));
    match answer {
        Answer::Confirm { due_at } => put("due_at", json!(due_at.to_string())),
        Answer::ResolutionRequired { by, .. } => put("resolve_by", json!(by.to_string())),
        Answer::Delay { until, .. } => put("until", json!(until.to_string())),
        Answer::Reject { .. } | Answer::Cancelled | Answer::Withdraw { .. } => {}
    }
    if let Some(authorization) = authorization {
        put("authorization", json!(authorization));
    }
    Ok(json!({
        "specversion": "1.0",
        "id": answer.id(order, version),
        "source": "/linekeeper/porting",
        "type": "linekeeper.porting.answer.v1",
        "time": at.to_string(),
        "datacontenttype": "application/json",
        "data": data,
    }))
}

/// Each reason as it is told, once; a reason that fields gave, once for each of them.
fn codes(reasons: &[Reason], faults: &[(Field, Reason)]) -> Value {
    let mut codes: Vec<Value> = Vec::new();
    let mut put = |reason: Reason, field: Option<Field>| {
        let reason = reason.told();
        let mut code = Map::new();
        if let Some(known) = reason.code() {
            code.insert("code".to_owned(), json!(known));
        }
        code.insert("reason".to_owned(), json!(reason.word()));
        code.insert("text".to_owned(), json!(reason.text()));
        if let Some(field) = field {
            code.insert("field".to_owned(), json!(field.word()));
        }
        let code = Value::Object(code);
        if !codes.contains(&code) {
            codes.push(code);
        }
    };
    for reason in reasons {
        let mut fields = faults.iter().filter(|(_, why)| why == reason).peekable();
        if fields.peek().is_none() {
            put(*reason, None);
        }
        for (field, _) in fields {
            put(*reason, Some(*field));
        }
    }
    Value::Array(codes)
}

#[cfg(test)]
mod tests {
    use super::super::fields::Pon;
    use super::*;
    use crate::numbers::Msisdn;

    const AT: Timestamp = Timestamp::from_second(1_795_600_000);

    fn order() -> Order {
        Order { number: Msisdn::parse("+13055550123").unwrap(), pon: Pon::parse("LK-1").unwrap() }
    }

    fn every_answer() -> Vec<Answer> {
        let reasons = vec![Reason::ZipWrong, Reason::PasscodeOver];
        vec![
            Answer::Confirm { due_at: AT },
            Answer::Reject { reasons: reasons.clone() },
            Answer::ResolutionRequired { reasons: reasons.clone(), by: AT + Span::days(30) },
            Answer::Delay { reasons: reasons.clone(), until: AT + Span::hours(6) },
            Answer::Cancelled,
            Answer::Withdraw { reasons },
        ]
    }

    fn sent(answer: &Answer, faults: &[(Field, Reason)]) -> Value {
        let order = order();
        let authorization = matches!(answer, Answer::Confirm { .. }).then_some("a.b.c");
        let version = PortVersion::new(1).ok();
        let answer_by = AT + Span::minutes(30);
        out(&Outgoing { order: &order, version, answer, faults, at: AT, answer_by, authorization }).unwrap()
    }

    #[test]
    fn every_answer_says_what_must_be_done_by_when() {
        for answer in every_answer() {
            let event = sent(&answer, &[]);
            let must = &event["data"]["must"];
            assert_eq!(must["do"], answer.duty().word());
            let by = Timestamp::parse(must["by"].as_str().unwrap()).unwrap();
            assert!(by > AT && by <= AT + Span::minutes(30), "{answer:?}");
        }
    }

    #[test]
    fn a_confirmation_and_nothing_else_goes_out_with_its_authorization() {
        let order = order();
        for answer in every_answer() {
            for authorization in [None, Some("a.b.c")] {
                let outgoing =
                    Outgoing { order: &order, version: None, answer: &answer, faults: &[], at: AT, answer_by: AT, authorization };
                let right = matches!(answer, Answer::Confirm { .. }) == authorization.is_some();
                assert_eq!(out(&outgoing).is_ok(), right, "{answer:?} {authorization:?}");
            }
        }
    }

    #[test]
    fn a_repeat_has_the_same_id_and_another_answer_another() {
        let version = PortVersion::new(1).ok();
        let ids: std::collections::BTreeSet<String> = every_answer().iter().map(|a| a.id(&order(), version)).collect();
        assert_eq!(ids.len(), every_answer().len());
        for answer in every_answer() {
            assert_eq!(answer.id(&order(), version), answer.clone().id(&order(), version));
            assert_ne!(answer.id(&order(), version), answer.id(&order(), PortVersion::new(2).ok()));
            assert_ne!(answer.id(&order(), version), answer.id(&order(), None));
        }
    }

    #[test]
    fn an_answer_does_not_tell_how_near_a_thief_was() {
        for reason in Reason::ALL {
            let told = reason.told();
            assert_eq!(told.told(), told, "{reason}");
            assert_eq!(told.code(), reason.code().or(told.code()), "{reason}");
            assert_eq!(told.text(), reason.text());
            assert!(told.text().ends_with('.'));
        }
        let event =
            sent(&Answer::Reject { reasons: vec![Reason::PasscodeOver, Reason::TooManyPasscodes, Reason::PasscodeWrong] }, &[]);
        assert_eq!(event["data"]["codes"].as_array().unwrap().len(), 1);
        for hidden in ["passcode_over", "too_many", "cooling", "sim_changed", "said_no", "review"] {
            for reason in Reason::ALL {
                let event = sent(&Answer::Reject { reasons: vec![*reason] }, &[]);
                assert!(!event.to_string().contains(hidden), "{reason} tells {hidden}");
            }
        }
    }

    #[test]
    fn an_early_supplement_gets_response_type_r_and_the_five_codes_only() {
        for reason in Reason::ALL {
            let answer = Answer::to_an_early_supplement(&[*reason], AT);
            assert_eq!(answer.response_type(), Some("R"));
            assert!(answer.reasons().iter().all(|r| r.fits_a_supplement()), "{reason}");
            let event = sent(&answer, &[]);
            assert_eq!(event["data"]["response_type"], "R");
            assert!(Reason::SUPPLEMENT_CODES.iter().any(|code| event["data"]["codes"][0]["code"] == *code));
        }
        let fitting: Vec<Reason> = Reason::ALL.iter().copied().filter(|r| r.fits_a_supplement()).collect();
        assert_eq!(fitting.len(), Reason::SUPPLEMENT_CODES.len());
        assert_eq!(Answer::to_an_early_supplement(&[], AT).reasons(), [Reason::Other]);
    }

    #[test]
    fn fields_at_fault_are_named_without_their_values() {
        let answer = Answer::Reject { reasons: vec![Reason::FieldMalformed, Reason::NumberNotOurs] };
        let faults = [(Field::Zip, Reason::FieldMalformed), (Field::Version, Reason::FieldMalformed)];
        let event = sent(&answer, &faults);
        let codes = event["data"]["codes"].as_array().unwrap();
        let fields: Vec<_> = codes.iter().map(|code| code["field"].as_str()).collect();
        assert_eq!(fields, [Some("zip"), Some("version"), None]);
    }

    #[test]
    fn an_answer_reads_back_from_the_ledger() {
        for answer in every_answer() {
            let text = serde_json::to_string(&answer).unwrap();
            assert!(text.len() < 120, "{text}");
            assert_eq!(serde_json::from_str::<Answer>(&text).unwrap(), answer);
        }
    }

    #[test]
    fn the_answer_on_the_wire_is_the_documented_one() {
        let example: Value = serde_json::from_str(include_str!("../../../../infra/porting/answer.example.json")).unwrap();
        let answer = Answer::ResolutionRequired { reasons: vec![Reason::DueDateCannotBeMet], by: AT + Span::days(30) };
        assert_eq!(sent(&answer, &[]), example);
    }

    #[test]
    fn the_schema_knows_every_word_that_is_told_and_no_other() {
        let schema: Value = serde_json::from_str(include_str!("../../../../infra/porting/answer.schema.json")).unwrap();
        let data = &schema["properties"]["data"]["properties"];
        let words = |pointer: &str| -> Vec<String> {
            let mut words: Vec<String> = serde_json::from_value(data.pointer(pointer).unwrap().clone()).unwrap();
            words.sort_unstable();
            words
        };
        let sorted = |mut words: Vec<&'static str>| {
            words.sort_unstable();
            words.dedup();
            words
        };
        assert_eq!(words("/codes/items/properties/reason/enum"), sorted(Reason::ALL.iter().map(|r| r.told().word()).collect()));
        assert_eq!(words("/codes/items/properties/code/enum"), sorted(Reason::ALL.iter().filter_map(|r| r.code()).collect()));
        assert_eq!(words("/codes/items/properties/field/enum"), sorted(Field::ALL.iter().map(|f| f.word()).collect()));
        assert_eq!(words("/must/properties/do/enum"), sorted(Duty::ALL.iter().map(|d| d.word()).collect()));
        assert_eq!(words("/answer/enum"), sorted(every_answer().iter().map(Answer::word).collect()));
    }
}
