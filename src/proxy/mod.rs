//! The relay between editor and Lean, and what it does beside relaying.

pub mod documents;
pub mod goals;
pub mod splice;
