//! Why: the terms of the score, gathered by reason.
