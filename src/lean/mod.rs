//! Lean's language server: which one serves a folder, its process, a typed client.

pub mod client;
pub mod command;
pub mod modules;
pub mod ourselves;
pub mod process;
mod published;
pub mod sandbox;
pub mod scope;
pub mod toolchain;
pub mod uri;

pub use client::{LeanClient, LeanError};
pub use command::LeanCommand;
pub use process::ServerProcess;
