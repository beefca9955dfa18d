//! What was offered, what Lean said, what the person did: kept on this machine.
//!
//! `record` is the data, `observe` finds outcomes in a document's changes, `store` keeps both in SQLite,
//! `export` makes data sets of them.

pub mod export;
pub mod observe;
pub mod record;
pub mod store;
