//! stub
use crate::kinds::Jurisdiction;
use crate::time::Span;
/// stub
#[derive(Debug)]
pub struct Row {
    /// stub
    pub token_life: Span,
    /// stub
    pub reply_window: Span,
    /// stub
    pub wait_after_sim_swap: Span,
    token: bool,
}
impl Row {
    /// stub
    #[must_use]
    pub const fn needs_token(&self) -> bool {
        self.token
    }
}
static ROW: Row =
    Row { token_life: Span::days(4), reply_window: Span::hours(1), wait_after_sim_swap: Span::days(0), token: true };
/// stub
#[must_use]
pub fn row(_: Jurisdiction) -> &'static Row {
    &ROW
}
