//! The closed vocabularies of the field. Every one is complete from the start: a new member is a
//! compile error wherever it has to be thought about.

use serde::{Deserialize, Serialize};

macro_rules! vocabulary {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $word:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum $name {
            $($(#[$vdoc])* #[serde(rename = $word)] $variant),+
        }

        impl $name {
            /// Every member, in order.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The word on the wire, in the ledger and in metrics.
            #[must_use]
            pub const fn word(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.word())
            }
        }
    };
}
pub(crate) use vocabulary;

vocabulary! {
    /// What someone wants done. All are significant: account lockdown covers every one.
    ChangeKind {
        /// Another card or eSIM profile for the line.
        SimSwap = "sim_swap",
        /// The line leaves for another carrier.
        PortOut = "port_out",
        /// Another phone number for the line.
        NumberChange = "number_change",
        /// A notice channel is added or removed.
        ContactChange = "contact_change",
        /// The password or sign-in of the account is set anew.
        CredentialReset = "credential_reset",
        /// A protection is switched off.
        ProtectionOff = "protection_off",
        /// A number transfer PIN is issued.
        PortPin = "port_pin",
        /// Someone else may act for the account.
        AuthorizedUser = "authorized_user",
        /// The line goes to another owner.
        Ownership = "ownership",
        /// One more line on the account.
        AddLine = "add_line",
        /// A new handset on the line.
        DeviceUpgrade = "device_upgrade",
        /// Something that proves the customer is added.
        FactorAdd = "factor_add",
        /// Something that proves the customer is removed.
        FactorRemove = "factor_remove",
    }
}

vocabulary! {
    /// Where the wish came from.
    Channel {
        /// The carrier's app, with the customer signed in.
        Pwa = "pwa",
        /// Written chat with a representative.
        Chat = "chat",
        /// E-mail to a representative.
        Email = "email",
        /// A phone call with a representative.
        Phone = "phone",
        /// A visit to a store.
        Store = "store",
        /// The porting gateway.
        Porting = "porting",
    }
}

vocabulary! {
    /// Who acts, without saying which one.
    ActorKind {
        /// The holder of the account.
        Customer = "customer",
        /// A member of staff.
        Representative = "representative",
        /// The porting gateway.
        Gateway = "gateway",
        /// The systems that carry changes out.
        Provisioning = "provisioning",
        /// A bank or another partner.
        Partner = "partner",
        /// Linekeeper itself.
        System = "system",
    }
}

vocabulary! {
    /// What proves the customer.
    Factor {
        /// A code by SMS to the line: proves possession of the SIM that is in it now, and no more.
        SmsOtp = "sms_otp",
        /// A code by e-mail. A stand-in for a lost phone, only together with a hold.
        EmailOtp = "email_otp",
        /// A code by push message to the customer's app.
        PushOtp = "push_otp",
        /// One of the codes that the customer keeps on paper; each works once.
        RecoveryCode = "recovery_code",
        /// A code of an authenticator app (RFC 6238).
        Totp = "totp",
        /// A passkey with user verification (WebAuthn).
        Passkey = "passkey",
        /// A proof by a key bound to the device (RFC 9449); silent.
        DeviceKey = "device_key",
        /// The number transfer PIN that the customer drew in the app, behind a step-up, and gave to the gaining
        /// carrier. It comes with the port and is good for nothing else.
        TransferPin = "transfer_pin",
        /// An identity document that two members of staff looked at in a store. For a customer whose phone is out of
        /// her hands, under the longest hold; never for a line under a protection.
        Document = "document",
    }
}

vocabulary! {
    /// A factor that the customer enrols. The others are ways to reach her.
    Enrollable {
        /// See [`Factor::RecoveryCode`]; a set of ten.
        RecoveryCode = "recovery_code",
        /// See [`Factor::Totp`].
        Totp = "totp",
        /// See [`Factor::Passkey`].
        Passkey = "passkey",
        /// See [`Factor::DeviceKey`].
        DeviceKey = "device_key",
    }
}

vocabulary! {
    /// Why a factor is not offered for a change.
    WhyNot {
        /// The customer has none.
        NotEnrolled = "not_enrolled",
        /// Hers was added lately, or after an account recovery: it proves nothing yet.
        TooNew = "too_new",
        /// She says that the phone is out of her hands.
        PhoneLost = "phone_lost",
        /// The line's SIM changed lately.
        SimChanged = "sim_changed",
        /// The change itself would move or remove it.
        MovedByTheChange = "moved_by_the_change",
        /// E-mail only stands in for a lost phone.
        OnlyForALostPhone = "only_for_a_lost_phone",
        /// It would bring the proof no nearer: more is needed, or it was proven already.
        NoHelp = "no_help",
        /// It is never asked for: it speaks for itself with every request.
        Silent = "silent",
    }
}

vocabulary! {
    /// What a customer can switch on to keep a line where it is.
    Protection {
        /// No other SIM for the line.
        NeverSimSwap = "never_sim_swap",
        /// No other carrier for the line.
        NoPortOut = "no_port_out",
        /// No significant change at all, on any line of the account.
        AccountLockdown = "account_lockdown",
    }
}

vocabulary! {
    /// How a protection works.
    Mode {
        /// The change needs more proof and a hold.
        StepUp = "step_up",
        /// The change is refused until the customer switches the protection off.
        Block = "block",
    }
}

vocabulary! {
    /// What was decided, weakest first.
    Outcome {
        /// Go ahead, once the customer was told.
        Authorize = "authorize",
        /// Prove more first.
        StepUp = "step_up",
        /// Prove more, and wait.
        Hold = "hold",
        /// A person looks at it.
        Review = "review",
        /// No.
        Refuse = "refuse",
    }
}

vocabulary! {
    /// Whose rules apply.
    Jurisdiction {
        /// United States.
        Us = "us",
        /// United Kingdom.
        Uk = "uk",
        /// Australia.
        Au = "au",
        /// India.
        In = "in",
        /// Brazil.
        Br = "br",
        /// Canada.
        Ca = "ca",
    }
}

vocabulary! {
    /// Which language a customer reads.
    #[derive(Default)]
    Locale {
        /// English.
        #[default]
        En = "en",
        /// Spanish.
        Es = "es",
    }
}

impl Locale {
    /// Whether it is the one that holds where none stands: what was written before there were locales reads
    /// as English, and stays as it was when it is written again.
    #[must_use]
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

vocabulary! {
    /// Where a change stands.
    Status {
        /// The customer has to prove more.
        StepUpRequired = "step_up_required",
        /// A cooling-off period runs.
        OnHold = "on_hold",
        /// A person looks at it.
        InReview = "in_review",
        /// Proven; waits until the customer has been told.
        Verified = "verified",
        /// Every gate is closed; provisioning may act.
        Authorized = "authorized",
        /// Done.
        Completed = "completed",
        /// Authorized, but not carried out in time.
        Lapsed = "lapsed",
        /// Not proven in time.
        Expired = "expired",
        /// Stopped.
        Cancelled = "cancelled",
        /// Not allowed.
        Refused = "refused",
        /// Provisioning could not do it.
        Failed = "failed",
    }
}

vocabulary! {
    /// Why a decision came out as it did. Analysts and the ledger see these; the requester does not.
    Reason {
        /// Significant changes are never taken by phone, chat or e-mail.
        UseTheApp = "USE_THE_APP",
        /// This kind of change does not come through this channel.
        WrongDoor = "WRONG_DOOR",
        /// This actor may not ask for it.
        NotYours = "NOT_YOURS",
        /// Staff can never switch a protection off.
        StaffMayNot = "STAFF_MAY_NOT",
        /// A protection in mode `block` covers it.
        Locked = "LOCKED",
        /// A protection in mode `step_up` covers it.
        Protected = "PROTECTED",
        /// The protection is on its way off and its cooling-off period runs.
        CoolingOff = "COOLING_OFF",
        /// The jurisdiction asks for it.
        Jurisdiction = "JURISDICTION",
        /// A channel that would prove the customer changed lately or is said to be lost.
        TaintedChannel = "TAINTED_CHANNEL",
        /// The phone is said to be lost: e-mail stands in, with a hold.
        PhoneLost = "PHONE_LOST",
        /// Far from the usual places.
        FarFromUsual = "FAR_FROM_USUAL",
        /// A network never seen with this account.
        NewNetwork = "NEW_NETWORK",
        /// A device never seen with this account.
        NewDevice = "NEW_DEVICE",
        /// An hour at which this customer is rarely active.
        OddHour = "ODD_HOUR",
        /// The sign-in was reset lately.
        RecentReset = "RECENT_RESET",
        /// A contact changed lately.
        RecentContactChange = "RECENT_CONTACT_CHANGE",
        /// A protection was switched off lately.
        LockJustRemoved = "LOCK_JUST_REMOVED",
        /// The line moved to another SIM lately.
        RecentSimChange = "RECENT_SIM_CHANGE",
        /// Failed sign-ins or codes lately.
        Failures = "FAILURES",
        /// The care desk was contacted lately.
        RecentCareContact = "RECENT_CARE_CONTACT",
        /// Too little is known of this customer.
        NoHistory = "NO_HISTORY",
        /// A signal could not be read.
        SignalMissing = "SIGNAL_MISSING",
        /// The profile could not be read or the model could not run.
        ScoreUnavailable = "SCORE_UNAVAILABLE",
        /// A session or device goes on from another place, or without the key that it used to prove.
        SessionMoved = "SESSION_MOVED",
        /// Many lines meet at one address, device, carrier or representative.
        ManyLinesOneTarget = "MANY_LINES_ONE_TARGET",
        /// The care desk acts and no customer called.
        NoCustomerContact = "NO_CUSTOMER_CONTACT",
        /// The caller's questions were answered wrongly.
        QuestionsFailed = "QUESTIONS_FAILED",
        /// The SIM that is said to be lost or replaced is in use.
        SimStillInUse = "SIM_STILL_IN_USE",
        /// Times and rates that no person has.
        Automation = "AUTOMATION",
        /// What was shown to get here is easily stolen.
        WeakProof = "WEAK_PROOF",
        /// New evidence arrived while the change was open.
        NewEvidence = "NEW_EVIDENCE",
        /// A port came without the transfer PIN that the place asks for.
        PinMissing = "PIN_MISSING",
        /// The transfer PIN was wrong, used, over, or guessed at too often.
        PinWrong = "PIN_WRONG",
        /// What the order says of the account is not so.
        AccountDataWrong = "ACCOUNT_DATA_WRONG",
        /// What the order says of the account cannot be compared.
        AccountDataUnknown = "ACCOUNT_DATA_UNKNOWN",
        /// Another order for the same line is open.
        AnotherOrder = "ANOTHER_ORDER",
        /// The carrier's gateway withdrew the order, or another version took its place.
        OrderWithdrawn = "ORDER_WITHDRAWN",
    }
}

vocabulary! {
    /// The scorer's word, lowest first. `Unavailable` means that it could not say.
    Band {
        /// Like this customer.
        Low = "low",
        /// Something is new.
        Elevated = "elevated",
        /// No score. Weighs more than elevated, whatever else is known.
        Unavailable = "unavailable",
        /// Not like this customer.
        High = "high",
        /// Like an attack.
        Severe = "severe",
    }
}

impl ChangeKind {
    /// Whether the change is about one line (else about the account).
    #[must_use]
    pub const fn is_about_a_line(self) -> bool {
        match self {
            Self::SimSwap | Self::PortOut | Self::NumberChange | Self::PortPin | Self::Ownership | Self::DeviceUpgrade => true,
            Self::ContactChange
            | Self::CredentialReset
            | Self::ProtectionOff
            | Self::AuthorizedUser
            | Self::AddLine
            | Self::FactorAdd
            | Self::FactorRemove => false,
        }
    }

    /// Whether provisioning carries it out. The others are Linekeeper's own.
    #[must_use]
    pub const fn is_provisionings(self) -> bool {
        match self {
            Self::SimSwap
            | Self::PortOut
            | Self::NumberChange
            | Self::ContactChange
            | Self::CredentialReset
            | Self::AuthorizedUser
            | Self::Ownership
            | Self::AddLine
            | Self::DeviceUpgrade => true,
            Self::ProtectionOff | Self::PortPin | Self::FactorAdd | Self::FactorRemove => false,
        }
    }

    /// Whether it cannot simply be undone once provisioning acted: the number is in other hands.
    #[must_use]
    pub const fn moves_the_line(self) -> bool {
        match self {
            Self::SimSwap | Self::PortOut | Self::NumberChange | Self::Ownership => true,
            Self::ContactChange
            | Self::CredentialReset
            | Self::ProtectionOff
            | Self::PortPin
            | Self::AuthorizedUser
            | Self::AddLine
            | Self::DeviceUpgrade
            | Self::FactorAdd
            | Self::FactorRemove => false,
        }
    }
}

impl Enrollable {
    /// The factor that it gives.
    #[must_use]
    pub const fn factor(self) -> Factor {
        match self {
            Self::RecoveryCode => Factor::RecoveryCode,
            Self::Totp => Factor::Totp,
            Self::Passkey => Factor::Passkey,
            Self::DeviceKey => Factor::DeviceKey,
        }
    }
}

impl Protection {
    /// Whether it covers a kind of change. Lockdown covers all; how it is switched off itself is the
    /// policy's business.
    #[must_use]
    pub const fn covers(self, kind: ChangeKind) -> bool {
        match self {
            Self::AccountLockdown => true,
            Self::NeverSimSwap => matches!(kind, ChangeKind::SimSwap),
            Self::NoPortOut => matches!(kind, ChangeKind::PortOut | ChangeKind::PortPin),
        }
    }
}

impl Status {
    /// Whether the change can still be stopped or moved on.
    #[must_use]
    pub const fn is_open(self) -> bool {
        match self {
            Self::StepUpRequired | Self::OnHold | Self::InReview | Self::Verified | Self::Authorized => true,
            Self::Completed | Self::Lapsed | Self::Expired | Self::Cancelled | Self::Refused | Self::Failed => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_thirteen_kinds_of_change_and_lockdown_covers_every_one() {
        assert_eq!(ChangeKind::ALL.len(), 13);
        assert!(ChangeKind::ALL.iter().all(|&kind| Protection::AccountLockdown.covers(kind)));
    }

    #[test]
    fn the_word_is_the_one_on_the_wire() {
        for kind in ChangeKind::ALL {
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.word());
        }
    }
}
