//! The language server protocol: frames, envelopes, our own methods, positions.
//!
//! A message is kept as the bytes that came ([`codec::Frame`]); its envelope is read where a decision
//! needs it ([`head::head`], [`message::Envelope`]), and its payload only by the one who has a type for it.

pub mod codec;
pub mod head;
pub mod message;
pub mod position;
pub mod protocol;
