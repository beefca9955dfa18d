/-
Compiles modules for the Lean that runs it: one JSON request a line on standard input,

    {"file": path of the source, "module": "A.B", "olean": where it goes, "options": {…}, "keep": bool}

and one line for each on standard output: {"file", "errors": n, "firstError"} or {"file", "failed": why}.
A module with errors is written only if `keep` says so.
-/
import Lean

open Lean Elab

namespace LeanCopilotCompile

def nameOf (s : String) : Name := s.splitOn "." |>.foldl .str .anonymous

/-- `{"autoImplicit": false, …}` -/
def optionsOf (json : Json) : Options := Id.run do
  let mut options : Options := {}
  if let .ok fields := json.getObj? then
    for (k, v) in fields.toArray do
      match v with
      | .bool b => options := options.set (nameOf k) b
      | .num n => options := options.set (nameOf k) n.mantissa.toNat
      | .str s => options := options.set (nameOf k) s
      | _ => pure ()
  return options

def compile (request : Json) (path : String) : IO Json := do
  let string (key : String) := IO.ofExcept (request.getObjValAs? String key)
  let olean : System.FilePath := ← string "olean"
  let options := Elab.async.set (optionsOf (request.getObjValD "options")) false
  let input := Parser.mkInputContext (← IO.FS.readFile path) path
  let (header, state, messages) ← Parser.parseHeader input
  let (env, messages) ← processHeader header options messages input
  let env := env.setMainModule (nameOf (← string "module"))
  let s ← IO.processCommands input state (Command.mkState env messages options)
  let errors := s.commandState.messages.toList.filter (·.severity == .error)
  if errors.isEmpty || (request.getObjValAs? Bool "keep").toOption == some true then
    if let some folder := olean.parent then IO.FS.createDirAll folder
    writeModule s.commandState.env olean
  let first ← match errors with
    | m :: _ => pure (Json.str s!"{m.pos.line}:{m.pos.column + 1}: {← m.data.toString}")
    | [] => pure .null
  return .mkObj [("file", path), ("errors", errors.length), ("firstError", first)]

end LeanCopilotCompile

open LeanCopilotCompile in
unsafe def main : IO UInt32 := do
  enableInitializersExecution
  let stdin ← IO.getStdin
  let stdout ← IO.getStdout
  repeat
    let line ← stdin.getLine
    if line.isEmpty then break
    let request ← IO.ofExcept (Json.parse line)
    let path ← IO.ofExcept (request.getObjValAs? String "file")
    let answer ← try compile request path
      catch e => pure (.mkObj [("file", path), ("failed", toString e)])
    stdout.putStrLn answer.compress
    stdout.flush
  return 0
