//! Candidate to verdict, in a second Lean server that the user never sees.
