//! Other sources of tactics, and the one ranking of all candidates.
