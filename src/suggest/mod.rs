//! The pipeline: goal, candidates, verdicts, suggestions.
