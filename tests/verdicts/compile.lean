/-
Compiles many texts in one process and prints what Lean says about each:
`lean --run compile.lean [fresh] < TEXTS`.

In, a line each: {"id", "text"}. Out, a line each: {"id", "messages": [{"severity", "line", "column", "text"}]},
lines from 1, columns from 0 in code points, as Lean counts them.

Unless `fresh` is asked for, what a text has in common with the text before it is not compiled again (Lean's
own incremental front end decides what that is).
-/
import Lean

open Lean Elab

structure Done where
  header : String := ""
  before : Option IncrementalState := none
  imported : Option (Environment × MessageLog) := none

def severity : MessageSeverity → String
  | .error => "error" | .warning => "warning" | .information => "information"

unsafe def run (fresh : Bool) (last : IO.Ref Done) (id text : String) : IO Json := do
  let opts : Options := Elab.async.set {} false
  let inputCtx := Parser.mkInputContext text "<text>"
  let (header, parserState, messages) ← Parser.parseHeader inputCtx
  let key := toString header.raw.formatStx
  let old ← last.get
  let known := if old.header == key then old else {}
  let (env, log) ← match known.imported with
    | some imported => pure imported
    | none => processHeader header opts {} inputCtx
  let commandState := Command.mkState env (messages ++ log) opts
  let state ← IO.processCommandsIncrementally inputCtx parserState commandState known.before
  last.set { header := key, before := if fresh then none else some state, imported := some (env, log) }
  let mut out := #[]
  for m in state.commandState.messages.reportedPlusUnreported do
    out := out.push <| Json.mkObj [("severity", severity m.severity), ("line", m.pos.line),
      ("column", m.pos.column), ("text", ← m.data.toString)]
  return Json.mkObj [("id", id), ("messages", Json.arr out)]

unsafe def main (args : List String) : IO Unit := do
  enableInitializersExecution
  let last ← IO.mkRef {}
  let stdin ← IO.getStdin
  let stdout ← IO.getStdout
  repeat
    let line ← stdin.getLine
    if line.isEmpty then break
    let json ← IO.ofExcept (Json.parse line)
    let id ← IO.ofExcept (json.getObjValAs? String "id")
    let answer ← try run (args.contains "fresh") last id (← IO.ofExcept (json.getObjValAs? String "text"))
      catch e => pure (Json.mkObj [("id", id), ("failed", toString e)])
    stdout.putStrLn answer.compress
    stdout.flush
