//! Where a score begins to be elevated, high and severe.
