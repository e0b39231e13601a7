//! New evidence while a change is open: it can only be made harder.

use super::{Context, decision, notice, question, raise, step};
use crate::change::Stage;
use crate::ids::ChangeId;
use crate::kinds::{Band, Reason};
use crate::ledger::Draft;
use crate::notice::Message;
use crate::policy::required;
use crate::risk::Assessment;
use crate::state::View;

/// Raises what an open change needs where the evidence asks for more than it needs now. Nothing where it
/// does not, and nothing for a change whose authorization is granted: its provisioning is a matter of
/// minutes, and a cancel stops it.
#[must_use]
pub fn reassess(view: &View, id: &ChangeId, assessment: &Assessment, ctx: Context<'_>) -> Option<Draft> {
    let change = view.change(id).filter(|change| matches!(change.stage, Stage::Open) && change.status(ctx.now).is_open())?;
    let band = assessment.band.max(change.decision.band);
    if band == change.decision.band || band == Band::Unavailable {
        return None;
    }
    let mut raised = change.clone();
    raised.decision.band = band;
    let account = view.account.as_ref()?;
    let seen = view.seen(&change.details, None, ctx.now, ctx.settings)?;
    let line = view.line.as_ref().map(|line| &line.state);
    let mut ruling = required(&question(&raised, &seen, line, account.state.jurisdiction, ctx));
    // A lock is not this step's business: the gates' re-check sees it.
    if ruling.need.refused.is_some() {
        return None;
    }
    ruling.reasons.push(Reason::NewEvidence);
    raised.decision = decision(&ruling, assessment, ctx.now);
    raised.decision.band = band;
    let event = raise(&mut raised, &ruling, ctx);
    let notice = notice(view, Message::Raised, Some(&raised), id.subject(), ctx);
    Some(step(id, vec![event], Some(notice), Some(seen.seq)))
}
