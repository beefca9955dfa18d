//! Steps and feedback to a better policy.
