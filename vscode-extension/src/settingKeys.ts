// The sidecar's settings: VS Code's name after `leanCopilot.` and the key that the sidecar knows.
// Written by `npm run generate`; not by hand.

/** `[name, key]` of every setting that is passed on. */
export const settingKeys = [
  ['autoSuggest', 'auto_suggest'],
  ['pauseMs', 'pause_ms'],
  ['candidates', 'candidates'],
  ['limit', 'limit'],
  ['verifyTimeoutMs', 'verify_timeout_ms'],
  ['leanSearch', 'lean_search'],
  ['lookahead', 'lookahead'],
  ['neighbours', 'neighbours'],
  ['scope', 'scope'],
  ['idleStopS', 'idle_stop_s'],
  ['leanSilenceS', 'lean_silence_s'],
  ['sandbox', 'sandbox'],
  ['verifyMemoryMb', 'verify_memory_mb'],
  ['recording', 'recording'],
  ['bundle', 'bundle'],
  ['device', 'device'],
  ['threads', 'threads'],
] as const;
