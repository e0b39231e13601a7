//! The records of the queue `provisioning`.

use linekeeper_domain::change::Address;
use linekeeper_domain::fraud::CaseId;
use linekeeper_domain::ids::{AccountId, AuthorizationId, ChangeId, ContactId, LineId};
use linekeeper_domain::kinds::{Jurisdiction, Locale};
use linekeeper_domain::numbers::{Eid, Email, Iccid, Imei, Msisdn, PushEndpoint};
use linekeeper_domain::porting::fields::{AccountNumber, Zip};
use serde::Deserialize;

/// One record: `{"id", "at", "type", …}`.
#[derive(Clone, Debug, Deserialize)]
pub struct Record {
    /// The sender's own id, for its traces.
    pub id: String,
    /// When it took effect, RFC 3339.
    pub at: String,
    /// What happened.
    #[serde(flatten)]
    pub what: What,
}

/// A way to reach a customer: `{"id", "email" | "sms" | "push"}`, just one of the three.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "Sent")]
pub struct ContactRecord {
    /// Its id.
    pub id: ContactId,
    /// Where.
    pub address: Address,
}

/// A contact as it is sent. Flattened, an [`Address`] would be the first of two and the other one lost.
#[derive(Deserialize)]
struct Sent {
    id: ContactId,
    email: Option<Email>,
    sms: Option<Msisdn>,
    push: Option<PushEndpoint>,
}

impl TryFrom<Sent> for ContactRecord {
    type Error = &'static str;
    fn try_from(sent: Sent) -> Result<Self, Self::Error> {
        let address = match (sent.email, sent.sms, sent.push) {
            (Some(email), None, None) => Address::Email(email),
            (None, Some(msisdn), None) => Address::Sms(msisdn),
            (None, None, Some(endpoint)) => Address::Push(endpoint),
            _ => return Err("a contact has one address"),
        };
        Ok(Self { id: sent.id, address })
    }
}

/// What happened.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "snake_case", tag = "type")]
pub enum What {
    /// The carrier took a customer on.
    AccountOpened {
        /// Whose account.
        account_id: AccountId,
        /// Whose rules apply.
        jurisdiction: Jurisdiction,
        /// Which language the customer reads: `en`, which it is where none is named, or `es`.
        #[serde(default)]
        locale: Locale,
        /// Ways to reach the customer.
        #[serde(default)]
        contacts: Vec<ContactRecord>,
    },
    /// What ports are compared with: the account number and the ZIP or postal code that the customer knows.
    BillingKnown {
        /// Whose account.
        account_id: AccountId,
        /// As it stands on the bill.
        account_number: AccountNumber,
        /// Of the billing address.
        zip: Zip,
    },
    /// The carrier had an answer from one of its customer's addresses: a link that was followed, a code that came back.
    ContactVerified {
        /// Whose.
        account_id: AccountId,
        /// Which.
        contact_id: ContactId,
    },
    /// The customer left.
    AccountClosed {
        /// Whose account.
        account_id: AccountId,
    },
    /// A line's tenure began.
    LineOpened {
        /// Whose.
        account_id: AccountId,
        /// Which.
        line_id: LineId,
        /// The number.
        msisdn: Msisdn,
        /// The first SIM.
        iccid: Iccid,
        /// The chip, for an eSIM.
        eid: Option<Eid>,
        /// The handset.
        imei: Option<Imei>,
    },
    /// The line's tenure is over.
    LineEnded {
        /// Whose.
        account_id: AccountId,
        /// Which.
        line_id: LineId,
    },
    /// Another SIM is in the line.
    SimChanged {
        /// Whose.
        account_id: AccountId,
        /// Which.
        line_id: LineId,
        /// The SIM.
        iccid: Iccid,
        /// The chip, for an eSIM.
        eid: Option<Eid>,
        /// The authorization that was acted on.
        authorization_id: Option<AuthorizationId>,
    },
    /// A change other than of the SIM was carried out.
    ChangeDone {
        /// Whose.
        account_id: AccountId,
        /// Which.
        change_id: ChangeId,
        /// The authorization that was acted on.
        authorization_id: AuthorizationId,
        /// The new number, for a number change.
        msisdn: Option<Msisdn>,
    },
    /// Something that a case of fraud named was put back: the answer to `reverse` in `line-events`. A SIM that is put
    /// back is reported as `sim_changed`, which says the same.
    FraudRemedied {
        /// Whose account.
        account_id: AccountId,
        /// Which case.
        case_id: CaseId,
        /// The line that was put back.
        line: Option<LineId>,
        /// The change that was put back.
        change: Option<ChangeId>,
    },
    /// A change could not be carried out.
    ChangeFailed {
        /// Whose.
        account_id: AccountId,
        /// Which.
        change_id: ChangeId,
        /// The authorization that was acted on.
        authorization_id: AuthorizationId,
        /// Why, for the sender's traces; not kept.
        #[serde(default)]
        reason: String,
    },
}
