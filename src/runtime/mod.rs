//! The embedded Lean, Node and ONNX Runtime: what is pinned, how it is installed, where it is found.
//!
//! `runtime/README.md` describes the layout of the cache directory. Everything here is synchronous:
//! async callers use `spawn_blocking`.

use std::fmt;

use serde::{Deserialize, Serialize};

mod archive;
mod client;
pub mod install;
mod lean_setup;
pub mod locate;
pub mod manifest;
pub mod progress;
pub mod status;

/// Forbids ONNX Runtime its telemetry: its wheels contain a client that, as soon as the library is set up and
/// before the call that turns it off, makes a device id and a database of events below the user's cache directory.
///
/// # Safety
/// The environment of this process is changed: no other thread may run yet.
pub unsafe fn forbid_telemetry() {
    // SAFETY: the caller's.
    unsafe { std::env::set_var("ORT_DISABLE_TELEMETRY", "1") };
}

/// What can be installed.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, clap::ValueEnum,
)]
#[serde(rename_all = "kebab-case")]
pub enum Component {
    /// A Node that can run the embedded Lean; not installed where the system has one.
    Node,
    /// Lean 4 as WebAssembly, made ready to run.
    Lean,
    /// ONNX Runtime for the CPU.
    #[serde(rename = "onnxruntime")]
    #[value(name = "onnxruntime")]
    OnnxRuntime,
    /// ONNX Runtime with its CUDA provider and the libraries of NVIDIA that it loads.
    #[serde(rename = "onnxruntime-cuda")]
    #[value(name = "onnxruntime-cuda")]
    OnnxRuntimeCuda,
}

impl Component {
    /// All of them, in the order of installation.
    pub const ALL: [Component; 4] =
        [Component::Node, Component::Lean, Component::OnnxRuntime, Component::OnnxRuntimeCuda];

    /// The name in `packages.json`, in folder names and in JSON.
    pub fn key(self) -> &'static str {
        match self {
            Component::Node => "node",
            Component::Lean => "lean",
            Component::OnnxRuntime => "onnxruntime",
            Component::OnnxRuntimeCuda => "onnxruntime-cuda",
        }
    }
}

impl fmt::Display for Component {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Component::Node => "Node.js",
            Component::Lean => "Lean",
            Component::OnnxRuntime => "ONNX Runtime",
            Component::OnnxRuntimeCuda => "ONNX Runtime for CUDA",
        })
    }
}
