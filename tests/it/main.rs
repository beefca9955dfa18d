//! The one integration binary: behaviour that a user relies on, against the real Lean and the real
//! ONNX Runtime.

#[cfg(target_os = "linux")]
mod clients;
#[cfg(target_os = "linux")]
mod complaints;
mod demo;
mod doctor;
mod eval;
mod examples;
#[cfg(target_os = "linux")]
mod faults_ends;
#[cfg(target_os = "linux")]
mod faults_lean;
#[cfg(target_os = "linux")]
mod faults_parts;
#[cfg(target_os = "linux")]
mod faults_second;
mod feedback;
mod filter;
mod house;
mod lean;
mod model;
mod model_exported;
mod modules;
mod policy;
mod policy_engine;
mod policy_int8;
mod proxy_features;
mod proxy_live;
mod proxy_protocol;
mod proxy_relay;
mod proxy_replay;
mod proxy_serve;
mod proxy_soak;
mod runtime;
mod runtime_corpus;
mod runtime_install;
mod sandbox;
mod scope;
mod setup;
mod standin;
mod suggest;
mod support;
mod synthesize;
mod trace;
mod train;
mod verdicts;
mod verify;
mod verify_command;
mod verify_fast;
