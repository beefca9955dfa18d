//! The learned policy: a bundle on disk, a session in ONNX Runtime, candidates for a goal.
