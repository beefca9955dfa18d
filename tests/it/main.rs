//! The one integration binary: behaviour that a user relies on, against the real Lean and the real
//! ONNX Runtime.

mod demo;
mod examples;
mod feedback;
mod house;
mod lean;
mod model;
mod policy;
mod policy_int8;
mod proxy_live;
mod proxy_relay;
mod proxy_replay;
mod proxy_serve;
mod runtime;
mod runtime_corpus;
mod runtime_install;
mod suggest;
mod support;
mod trace;
mod train;
mod verify;
