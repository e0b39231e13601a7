//! What every function behind the API asks of a request first: who calls, from which device, and with which
//! key.

use linekeeper_domain::decide::Sender;
use linekeeper_domain::ids::AccountId;
use linekeeper_domain::signals::{DeviceProof, Holder};
use linekeeper_domain::time::Timestamp;

use crate::dpop;
use crate::http::Request;
use crate::identity::{Caller, Identity};
use crate::network::Edge;
use crate::problem::{Problem, ProblemKind};

/// The door of the API.
#[derive(Debug)]
pub struct Door {
    /// Who calls.
    pub identity: Identity,
    /// From where.
    pub edge: Edge,
    /// Where the API is reached: what a device's proof has to be for.
    pub base: String,
}

/// A customer in her own session.
#[derive(Clone, Debug)]
pub struct Customer {
    /// Hers.
    pub account: AccountId,
    /// The proof of her device's key, if one came along.
    pub key: Option<DeviceProof>,
    /// Her device's key, else her device: who asks for a challenge has to be who answers it.
    pub holder: Option<Holder>,
    /// Her device's key and its name, to count by.
    pub devices: Vec<String>,
    /// A digest of the network address, to count by.
    pub address: Option<String>,
}

impl Door {
    /// The proof of a device's key that came with a request. A token that is bound to a key needs one.
    ///
    /// # Errors
    /// `proof-invalid`, saying what is wrong with it.
    pub fn proof(&self, request: &Request, now: Timestamp) -> Result<Option<DeviceProof>, Problem> {
        dpop::from_request(request, &self.base, now).map_err(|error| Problem::new(ProblemKind::ProofInvalid, error.to_string()))
    }

    /// The customer who calls; staff have no business here.
    ///
    /// # Errors
    /// `unauthenticated`, `forbidden`, `not-found`, `proof-invalid`.
    pub fn customer(&self, request: &Request, now: Timestamp) -> Result<Customer, Problem> {
        let caller = self.identity.caller(request)?;
        let Caller::Customer { .. } = caller else { return Err(ProblemKind::Forbidden.into()) };
        let account = caller.account(request)?;
        let key = self.proof(request, now)?;
        let device = self.edge.signals(request).device.name;
        let holder = Holder::of(&device, key.as_ref());
        let name = device.present().map(|name| name.as_str().to_owned());
        let devices = key.iter().map(|key| key.thumbprint.clone()).chain(name).collect();
        Ok(Customer { account, key, holder, devices, address: self.edge.address(request) })
    }
}

impl Customer {
    /// Under what her messages are counted.
    #[must_use]
    pub fn sender(&self) -> Sender {
        Sender { devices: self.devices.clone(), address: self.address.clone() }
    }
}
