//! ONNX Runtime itself: loaded once, and how every session of ours is set up.

use std::path::Path;
use std::sync::{Mutex, PoisonError};

use anyhow::{Result, anyhow};
use ort::environment::Environment;
use ort::session::Session;
use ort::session::builder::{GraphOptimizationLevel, SessionBuilder};

use super::LIBRARY_DIRS;
use crate::error::{Failure, FailureKind};

/// ONNX Runtime is loaded once for the process, from the first library that works; it is never unloaded,
/// because its threads may outlive every session.
pub(super) fn environment(library: &Path) -> Result<Environment> {
    static LOADED: Mutex<Option<Environment>> = Mutex::new(None);
    let mut loaded = LOADED.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(environment) = &*loaded {
        return Ok(environment.clone());
    }
    let builder = ort::init_from(library).map_err(|e| {
        Failure::new(FailureKind::Missing, format!("ONNX Runtime cannot be loaded: {e}"))
            .hint("`lean-copilot runtime install`")
    })?;
    let environment = builder.with_name("lean-copilot").with_telemetry(false).build()?;
    *loaded = Some(environment.clone());
    Ok(environment)
}

/// A session in the making, on the CPU with so many threads.
pub(super) fn builder(environment: &Environment, threads: usize) -> Result<SessionBuilder> {
    // The builder's errors carry the builder and are no plain errors.
    macro_rules! set {
        ($e:expr) => {
            $e.map_err(|e| anyhow!("{e}"))?
        };
    }
    let builder = set!(Session::builder(environment));
    let builder = set!(builder.with_optimization_level(GraphOptimizationLevel::All));
    let builder = set!(builder.with_intra_threads(threads));
    // A spinning worker that loses its core to Lean costs more than a sleeping one that is woken.
    Ok(set!(builder.with_intra_op_spinning(false)))
}

/// Half of the cores, at least one: Lean works beside us.
pub(super) fn default_threads() -> usize {
    std::thread::available_parallelism().map_or(1, |n| n.get() / 2).max(1)
}

/// Why CUDA cannot be had, and what helps.
pub(super) fn no_cuda(reason: impl std::fmt::Display) -> Failure {
    Failure::new(FailureKind::Missing, format!("no CUDA: {reason}")).hint(format!(
        "`lean-copilot runtime install --cuda` brings what ONNX Runtime needs beside the driver, `{LIBRARY_DIRS}` \
         names folders that have it; or set `device` to `auto` or `cpu`"
    ))
}
