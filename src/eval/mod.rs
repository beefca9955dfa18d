//! Sources of tactics measured on real proofs.
