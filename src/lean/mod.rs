//! Lean's language server: which one serves a folder, its process, a typed client.
