//! Plays of edits.
