//! The relay between editor and Lean, its one loop, and what it shows.
