//! What a command needs installed: brought on first use, after saying what and how large, unless
//! `--offline` forbids it.

use std::path::Path;

use anyhow::Result;

use super::Context;
use crate::lean::toolchain;
use crate::runtime::progress::{Progress, for_stderr};
use crate::runtime::{Component, install};

/// A Lean for this folder: nothing to do where the machine has one.
pub fn lean(context: &Context, folder: &Path) -> Result<()> {
    match toolchain::is_embedded(folder) {
        true => ensure(context, &[Component::Node, Component::Lean]),
        false => Ok(()),
    }
}

/// A Lean for this folder, and ONNX Runtime for the policy.
pub fn lean_and_policy(context: &Context, folder: &Path) -> Result<()> {
    lean(context, folder)?;
    policy(context)
}

/// ONNX Runtime for the policy.
pub fn policy(context: &Context) -> Result<()> {
    ensure(context, &[Component::OnnxRuntime])
}

fn ensure(context: &Context, components: &[Component]) -> Result<()> {
    let progress: Box<dyn Progress> = for_stderr(false);
    install::ensure(&context.dirs, components, context.offline, progress.as_ref())
}
