//! The additive model.
