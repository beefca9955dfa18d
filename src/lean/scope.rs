//! What the names at a goal offer: the text of a Lean program that our other programs call.

/// Defines `LeanCopilotScope.survey : MVarId → Option Name → MetaM Offer`. Stands behind `import Lean`.
pub const SCOPE: &str = include_str!("scope.lean");
