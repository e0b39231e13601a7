//! "This was not me": one tap on a notice, no sign-in. The token in the link is the authority, and all it
//! can do is stop.

use linekeeper_domain::change::Actor;
use linekeeper_domain::decide;
use linekeeper_platform::http::{Reply, Request};
use linekeeper_platform::keys::read_not_me;
use linekeeper_platform::problem::{Problem, ProblemKind};
use linekeeper_platform::shell::owner;
use serde::{Deserialize, Serialize};

use crate::App;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Tap {
    token: String,
}

#[derive(Serialize)]
struct Stopped {
    locked: bool,
    message: &'static str,
}

impl App {
    pub(crate) async fn not_me(&self, request: &Request) -> Result<Reply, Problem> {
        let tap: Tap = request.json()?;
        let (jwks, now) = (self.key.jwks().await?, self.shell.clock.now());
        let claims = jwks.keys.iter().find_map(|jwk| read_not_me(&tap.token, jwk, &self.issuer, now)).ok_or_else(|| {
            Problem::new(ProblemKind::Unauthenticated, "The link is not ours or too old. Lock the account in the app.")
        })?;
        let owner = owner(&claims.account_id, claims.change_id.subject());
        let view = self.shell.store.read(&claims.account_id, claims.change_id.subject()).await?;
        self.shell.command(&owner, &Actor::Customer, view, |view, ctx| decide::not_me(view, &claims.change_id, ctx)).await?;
        let message = "Stopped. Account Lockdown is on: nothing can be changed until you switch it off in the app. Change your password now.";
        Reply::json(200, &Stopped { locked: true, message })
    }
}
