//! The embedded runtime: pinned packages, installing and finding them.
