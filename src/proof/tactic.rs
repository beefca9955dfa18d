//! A tactic's text: tokens, and the filter for what comes from models, history and "Try this".
