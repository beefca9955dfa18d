//! What was offered, what Lean said, what the person did: kept on this machine.
