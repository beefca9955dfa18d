//! Errors that a person reads: what failed, by name, what mends it, and the exit code.
//!
//! Inside the library errors are `anyhow`; where the cause is known, a [`Failure`] stands in the
//! chain, and `main` takes the exit code and the `hint:` line from the first one that it finds.

use std::fmt;

/// Why a command ended without success; each has its exit code, listed in the README.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FailureKind {
    /// Anything without a kind of its own: exit code 1.
    Other,
    /// The command line or an input file does not make sense: exit code 2.
    Usage,
    /// A component is not installed (Lean, Node, ONNX Runtime, a bundle): exit code 3.
    Missing,
    /// A file's content is not what it should be (hash, format, encoding): exit code 4.
    Corrupt,
    /// Lean's server died, hung or could not be started: exit code 5.
    Lean,
    /// The work was done, and its result is not a success (a proof not completed): exit code 6.
    Unsuccessful,
    /// Stopped by the person: exit code 130.
    Interrupted,
}

impl FailureKind {
    /// The process exit code.
    pub fn exit_code(self) -> u8 {
        match self {
            FailureKind::Other => 1,
            FailureKind::Usage => 2,
            FailureKind::Missing => 3,
            FailureKind::Corrupt => 4,
            FailureKind::Lean => 5,
            FailureKind::Unsuccessful => 6,
            FailureKind::Interrupted => 130,
        }
    }
}

/// A failure with its remedy.
#[derive(Debug)]
pub struct Failure {
    /// The kind, which gives the exit code.
    pub kind: FailureKind,
    /// What failed, naming the thing; no trailing period.
    pub message: String,
    /// What mends it: printed as `hint: …`.
    pub hint: Option<String>,
}

impl Failure {
    /// A failure without a remedy.
    pub fn new(kind: FailureKind, message: impl Into<String>) -> Failure {
        Failure { kind, message: message.into(), hint: None }
    }

    /// Adds the remedy.
    pub fn hint(mut self, hint: impl Into<String>) -> Failure {
        self.hint = Some(hint.into());
        self
    }

    /// The first failure in an error's chain.
    pub fn of(error: &anyhow::Error) -> Option<&Failure> {
        // `downcast_ref` on the error itself also finds a `Failure` that was given as context.
        error.downcast_ref::<Failure>().or_else(|| error.chain().find_map(|e| e.downcast_ref::<Failure>()))
    }
}

/// Prints an error and its remedy on standard error; the exit code that belongs to it.
pub fn report(error: &anyhow::Error) -> std::process::ExitCode {
    anstream::eprintln!("error: {error:#}");
    let failure = Failure::of(error);
    if let Some(hint) = failure.and_then(|f| f.hint.as_deref()) {
        anstream::eprintln!("hint: {hint}");
    }
    std::process::ExitCode::from(failure.map_or(1, |f| f.kind.exit_code()))
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Failure {}
