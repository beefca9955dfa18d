//! `lean-copilot`: a sidecar between an editor and Lean's language server.
//!
//! The rooms, and who may know whom (`tests/it/house.rs` holds the table):
//!
//! ```text
//! proof, config, error      the vocabulary; known to all, know nobody
//! database                  opening what several processes share
//! lsp                       frames, envelopes, positions
//! runtime                   the embedded Lean, Node and ONNX Runtime: install, locate
//! lean                      Lean's server as a child process and a typed client
//! policy                    goal → candidates with log-probabilities, by ONNX Runtime
//! feedback                  what was offered, what Lean said, what the person did
//! candidates                other sources of tactics; merging and ranking
//! verify                    candidate → verdict, in a second server
//! suggest                   the pipeline over these four
//! trace, train, eval        Lean files → steps → bundles → figures
//! proxy                     the relay, its one loop, the surfaces
//! setup                     editors' settings: put in, taken out
//! standin                   this program under the names `lake`, `lean`, `elan`
//! doctor                    what is there, what works, what to do
//! cli                       a file per subcommand
//! ```

pub mod candidates;
pub mod cli;
pub mod config;
pub mod database;
pub mod doctor;
pub mod error;
pub mod eval;
pub mod feedback;
pub mod lean;
pub mod lsp;
pub mod policy;
pub mod proof;
pub mod proxy;
pub mod runtime;
pub mod setup;
pub mod standin;
pub mod suggest;
pub mod trace;
pub mod train;
pub mod verify;
