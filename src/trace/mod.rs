//! Lean files to proof steps.
