//! The language server protocol: frames, envelopes, our own methods, positions.
