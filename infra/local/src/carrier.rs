//! The carrier's own systems, as far as Linekeeper meets them: customer care that opens accounts and lines,
//! sign-in that reports behaviour, and provisioning that acts on signed authorizations only.

use std::collections::BTreeSet;

use anyhow::{Context as _, Result, bail, ensure};
use jiff::{SignedDuration, Timestamp};
use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde_json::{Value, json};

use crate::api::Caller;
use crate::people::{BROWSER, Customer, MIAMI, Place, fictional_msisdn, iccid, suffix};
use crate::stack::{Message, Stack, event, wait_for};

/// Accounts are opened in this jurisdiction.
const JURISDICTION: &str = "us";
/// What an authorization says it is.
const AUTHORIZATION_TYPE: &str = "linekeeper-authorization+jwt";

/// Opens an account with one line for each of `names`, long enough ago, with a past of sign-ins at home.
pub(crate) fn open_accounts(stack: &Stack, names: &[&'static str]) -> Result<Vec<Customer>> {
    let mut customers = Vec::new();
    for (n, name) in (0_u16..).zip(names) {
        customers.push(introduce(stack, name, n, false)?);
    }
    for customer in &customers {
        wait_until_known(stack, customer)?;
    }
    Ok(customers)
}

/// Opens one more, apart from those: with a number of her own among theirs, and told of her account by SMS too.
pub(crate) fn open_account_told_by_sms(stack: &Stack, name: &'static str) -> Result<Customer> {
    let customer = introduce(stack, name, 90, true)?;
    wait_until_known(stack, &customer)?;
    Ok(customer)
}

/// Tells Linekeeper of a customer through the queues, exactly as a carrier would.
fn introduce(stack: &Stack, name: &'static str, n: u16, by_sms: bool) -> Result<Customer> {
    let id = suffix();
    let customer = Customer {
        name,
        account_id: format!("acct-{id}"),
        line_id: format!("line-{id}"),
        msisdn: fictional_msisdn(n),
        iccid: iccid(),
        email: format!("{}@mail.example", name.to_lowercase()),
        device: format!("laptop-{}{}", suffix(), suffix()),
        push: stack.push_device(&id)?,
    };
    let year_ago = days_ago(365);
    let mut contacts = vec![json!({ "id": "app", "push": customer.push.arn }), json!({ "id": "mail", "email": customer.email })];
    if by_sms {
        contacts.push(json!({ "id": "phone", "sms": customer.msisdn }));
    }
    stack.provisioning(&event(
        "account_opened",
        year_ago,
        json!({
            "account_id": customer.account_id,
            "jurisdiction": JURISDICTION,
            "contacts": contacts,
        }),
    ))?;
    // The two travel separately and may arrive in either order.
    wait_for("the account", || Ok((!stack.ledger(&customer.account_id, None)?.is_empty()).then_some(())))?;
    stack.provisioning(&event(
        "line_opened",
        year_ago,
        json!({ "account_id": customer.account_id, "line_id": customer.line_id, "msisdn": customer.msisdn, "iccid": customer.iccid }),
    ))?;
    let past = [41, 33, 26, 19, 12, 6, 3, 2].map(|days| {
        event(
            "sign_in",
            days_ago(days),
            with(from(&MIAMI, &customer.device), json!({ "account_id": customer.account_id, "ok": true })),
        )
    });
    let function = stack.output("RiskScoringFunction")?;
    wait_for("her past", || {
        let imported = stack.aws.invoke(function, &json!({ "import": past }))?;
        Ok((imported.get("done").and_then(Value::as_u64) == Some(8)).then_some(()))
    })?;
    Ok(customer)
}

/// Waits until the line is there, and until risk-scoring finds the customer at home nothing unusual.
fn wait_until_known(stack: &Stack, customer: &Customer) -> Result<()> {
    wait_for("the line", || Ok((!stack.ledger(&customer.account_id, Some(&customer.line_id))?.is_empty()).then_some(())))?;
    let question = json!({ "score": {
        "account_id": customer.account_id, "line_id": customer.line_id, "from": from(&MIAMI, &customer.device),
    }});
    let function = stack.output("RiskScoringFunction")?;
    let mut last = Value::Null;
    wait_for("a profile", || {
        last = stack.aws.invoke(function, &question)?;
        Ok((last.get("band").and_then(Value::as_str) == Some("low")).then_some(()))
    })
    .with_context(|| format!("{} at home is no low risk: {last}", customer.name))
}

/// A device at a place, as the behaviour queue writes it.
pub(crate) fn from(place: &Place, device: &str) -> Value {
    let number = |text: &str| text.parse::<f64>().map_or(Value::Null, |number| json!(number));
    json!({
        "device": device, "system": place.system[1], "browser": BROWSER[1], "language": "en-US", "utc_offset": place.utc_offset,
        "network": {
            "address": place.address.split(':').next(), "asn": place.asn.parse::<u32>().ok(), "country": "US",
            "region": place.region, "city": place.city, "latitude": number(place.position.0), "longitude": number(place.position.1),
        },
    })
}

/// One object with what another has too.
pub(crate) fn with(mut object: Value, more: Value) -> Value {
    if let (Some(object), Value::Object(more)) = (object.as_object_mut(), more) {
        object.extend(more);
    }
    object
}

/// So many days before now.
pub(crate) fn days_ago(days: i64) -> Timestamp {
    Timestamp::now().saturating_sub(SignedDuration::from_hours(24 * days)).unwrap_or(Timestamp::MIN)
}

/// What provisioning does with signed authorizations.
#[derive(Debug)]
pub(crate) struct Provisioning<'a> {
    stack: &'a Stack,
    keys: JwkSet,
    used: BTreeSet<String>,
    waiting: Vec<Value>,
}

/// A signed authorization that verified.
#[derive(Clone, Debug)]
pub(crate) struct Authorization {
    /// Its id.
    pub(crate) id: String,
    /// What it says.
    pub(crate) claims: Value,
}

impl<'a> Provisioning<'a> {
    /// Fetches Linekeeper's public keys, once: from then on everything is verified offline.
    pub(crate) fn start(stack: &'a Stack) -> Result<Self> {
        let keys = stack.api.call(&Caller::default(), "GET", "/.well-known/jwks.json").send()?.expect(200)?;
        let keys: JwkSet = serde_json::from_value(keys.body).context("no JWK set")?;
        ensure!(!keys.keys.is_empty(), "the JWK set is empty");
        Ok(Self { stack, keys, used: BTreeSet::new(), waiting: Vec::new() })
    }

    /// Waits for the authorization of `change_id` and verifies it.
    pub(crate) fn authorization(&mut self, change_id: &str) -> Result<Authorization> {
        let jws = wait_for("a signed authorization", || {
            self.fetch()?;
            let about = |event: &&Value| event.pointer("/change/change_id").and_then(Value::as_str) == Some(change_id);
            Ok(self.waiting.iter().find(about).and_then(|event| event.get("authorization")?.as_str()).map(str::to_owned))
        })?;
        self.verify(&jws)
    }

    /// Whether any authorization has been published for `change_id` so far.
    pub(crate) fn was_authorized(&mut self, change_id: &str) -> Result<bool> {
        self.fetch()?;
        Ok(self.waiting.iter().any(|event| event.pointer("/change/change_id").and_then(Value::as_str) == Some(change_id)))
    }

    /// Verifies by the published key alone: signature, type, issuer, expiry.
    fn verify(&self, jws: &str) -> Result<Authorization> {
        let header = jsonwebtoken::decode_header(jws).context("no JWS")?;
        ensure!(header.typ.as_deref() == Some(AUTHORIZATION_TYPE), "an authorization of another type: {:?}", header.typ);
        let kid = header.kid.context("an authorization without a key id")?;
        let key = self.keys.find(&kid).context("an authorization by an unknown key")?;
        let mut validation = Validation::new(Algorithm::ES256);
        validation.set_required_spec_claims(&["exp", "iss"]);
        validation.set_issuer(&[self.stack.output("ApiUrl")?]);
        validation.validate_aud = false;
        let claims: Value = jsonwebtoken::decode(jws, &DecodingKey::from_jwk(key)?, &validation)
            .context("an authorization that does not verify")?
            .claims;
        let id = claims.get("jti").and_then(Value::as_str).context("an authorization without jti")?.to_owned();
        Ok(Authorization { id, claims })
    }

    /// Moves the line as the authorization says, once, and reports it.
    pub(crate) fn carry_out(&mut self, authorization: &Authorization) -> Result<()> {
        if !self.used.insert(authorization.id.clone()) {
            bail!("provisioning has used authorization {} already", authorization.id);
        }
        let claim = |pointer: &str| authorization.claims.pointer(pointer).cloned().unwrap_or_default();
        let iccid = ["/change/sim/iccid", "/change/iccid"].map(claim).into_iter().find(Value::is_string);
        let iccid = iccid.context("the authorization names no SIM")?;
        self.report_sim(&claim("/account_id"), &claim("/line_id"), &iccid, Some(&authorization.id))
    }

    /// Reports that a line is on a SIM now.
    pub(crate) fn report_sim(
        &self,
        account_id: &Value,
        line_id: &Value,
        iccid: &Value,
        authorization_id: Option<&str>,
    ) -> Result<()> {
        let mut fields = json!({ "account_id": account_id, "line_id": line_id, "iccid": iccid });
        if let (Some(id), Some(fields)) = (authorization_id, fields.as_object_mut()) {
            fields.insert("authorization_id".into(), json!(id));
        }
        self.stack.provisioning(&event("sim_changed", Timestamp::now(), fields))
    }

    fn fetch(&mut self) -> Result<()> {
        for message in self.stack.take(self.stack.output("AuthorizationsQueueUrl")?)? {
            let body = message.get("Body").and_then(Value::as_str).unwrap_or_default();
            self.waiting.push(serde_json::from_str(body).context("a line event that is no JSON")?);
        }
        Ok(())
    }
}

/// All that reaches one customer, in the order it was noticed.
#[derive(Debug)]
pub(crate) struct Inbox<'a> {
    stack: &'a Stack,
    customer: &'a Customer,
    got: Vec<Message>,
    pushes: usize,
    texts: usize,
    mails: usize,
    read: usize,
}

impl<'a> Inbox<'a> {
    /// An inbox from here on: what came before is not in it.
    pub(crate) fn of(stack: &'a Stack, customer: &'a Customer) -> Result<Self> {
        let mut inbox = Self { stack, customer, got: Vec::new(), pushes: 0, texts: 0, mails: 0, read: 0 };
        inbox.fetch()?;
        inbox.got.clear();
        Ok(inbox)
    }

    /// Everything that ever reached a customer.
    pub(crate) fn whole(stack: &'a Stack, customer: &'a Customer) -> Result<Vec<Message>> {
        let mut inbox = Self { stack, customer, got: Vec::new(), pushes: 0, texts: 0, mails: 0, read: 0 };
        inbox.fetch()?;
        Ok(inbox.got)
    }

    /// Waits until every one of `channels` brought something that holds `words`, and returns these messages.
    pub(crate) fn wait_on(&mut self, channels: &[&str], words: &str) -> Result<Vec<Message>> {
        let found = wait_for(&format!("\"{words}\" by {}", channels.join(" and ")), || {
            self.fetch()?;
            let unread = self.got.get(self.read..).unwrap_or_default();
            let found: Vec<Message> = channels
                .iter()
                .filter_map(|channel| unread.iter().find(|m| m.channel == *channel && holds(m, words)).cloned())
                .collect();
            Ok((found.len() == channels.len()).then_some(found))
        });
        let found = found.with_context(|| format!("came instead: {:?}", self.got.get(self.read..).unwrap_or_default()))?;
        self.read = self.got.len();
        Ok(found)
    }

    fn fetch(&mut self) -> Result<()> {
        let pushes = self.stack.pushes(&self.customer.push)?;
        let texts = self.stack.texts(&self.customer.msisdn)?;
        let mails = self.stack.mails(&self.customer.email)?;
        self.got.extend(pushes.iter().skip(self.pushes).cloned());
        self.got.extend(texts.iter().skip(self.texts).cloned());
        self.got.extend(mails.iter().skip(self.mails).cloned());
        (self.pushes, self.texts, self.mails) = (pushes.len(), texts.len(), mails.len());
        Ok(())
    }
}

fn holds(message: &Message, words: &str) -> bool {
    message.text.contains(words) || message.subject.as_ref().is_some_and(|subject| subject.contains(words))
}

impl Message {
    /// The one-time code in its origin-bound last line, `@host #code`.
    pub(crate) fn code(&self) -> Option<&str> {
        let last = self.text.trim_end().lines().last()?;
        let (_, code) = last.strip_prefix('@')?.split_once(" #")?;
        code.bytes().all(|b| b.is_ascii_digit()).then_some(code)
    }

    /// The token in its "this was not me" link.
    pub(crate) fn not_me_token(&self) -> Option<&str> {
        let (_, rest) = self.text.split_once("/not-me#")?;
        rest.split_whitespace().next()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(text: &str) -> Message {
        Message { channel: "SMS", subject: None, text: text.into() }
    }

    #[test]
    fn the_code_is_in_the_origin_bound_last_line() {
        assert_eq!(message("Move your line?\n\n@my.mobile.example #042917").code(), Some("042917"));
        assert_eq!(message("Your line moved. 123456").code(), None);
    }

    #[test]
    fn the_link_carries_a_token() {
        let text = "Was it not you? https://my.mobile.example/not-me#ey.J9.x\nWe never ask for codes.";
        assert_eq!(message(text).not_me_token(), Some("ey.J9.x"));
    }
}
