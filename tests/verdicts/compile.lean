/-
Compiles many texts in one process and prints what Lean says about each: `lean --run compile.lean < TEXTS`.

In, a line each: {"id", "text"}. Out, a line each: {"id", "messages": [{"severity", "line", "column", "text"}]},
lines from 1, columns from 0 in code points, as Lean counts them.

A text is compiled from the first command in which it differs from the text before it; what stands above was
compiled then, by the same Lean, and is the same.
-/
import Lean

open Lean Elab

/-- What Lean knew before a command, and where that command began. -/
structure Mark where
  pos : Nat
  state : Frontend.State

structure Done where
  text : String := ""
  header : String := ""
  marks : Array Mark := #[]

/-- The first byte in which two texts differ. -/
def common (a b : ByteArray) : Nat := Id.run do
  let n := min a.size b.size
  for i in [0:n] do
    if a.get! i != b.get! i then return i
  return n

partial def compile (ctx : Frontend.Context) (state : Frontend.State) (marks : Array Mark) :
    IO (Frontend.State × Array Mark) := do
  let mark := { pos := state.parserState.pos.byteIdx, state }
  let (done, state) ← (Frontend.processCommand.run ctx).run state
  if done then return (state, marks.push mark) else compile ctx state (marks.push mark)

def severity : MessageSeverity → String
  | .error => "error" | .warning => "warning" | .information => "information"

unsafe def run (last : IO.Ref Done) (id text : String) : IO Json := do
  let opts : Options := Elab.async.set {} false
  let inputCtx := Parser.mkInputContext text "<text>"
  let (header, parserState, headerMessages) ← Parser.parseHeader inputCtx
  let key := toString header.raw.formatStx
  let old ← last.get
  -- A command may end by what comes next: some characters behind its end must be the same, too.
  let same := common old.text.toUTF8 text.toUTF8
  let usable := if old.header == key then old.marks.filter (·.pos + 64 < same) else #[]
  let (state, marks) ← match usable.back? with
    | some mark => pure (mark.state, usable.pop)
    | none =>
      let (env, messages) ← processHeader header opts headerMessages inputCtx
      let commandState := Command.mkState env messages opts
      pure ({ commandState, parserState, cmdPos := parserState.pos }, #[])
  let (state, marks) ← compile { inputCtx } state marks
  last.set { text, header := key, marks }
  let mut out := #[]
  for m in state.commandState.messages.toList do
    out := out.push <| Json.mkObj [("severity", severity m.severity), ("line", m.pos.line),
      ("column", m.pos.column), ("text", ← m.data.toString)]
  return Json.mkObj [("id", id), ("messages", Json.arr out)]

unsafe def main : IO Unit := do
  enableInitializersExecution
  let last ← IO.mkRef {}
  let stdin ← IO.getStdin
  let stdout ← IO.getStdout
  repeat
    let line ← stdin.getLine
    if line.isEmpty then break
    let json ← IO.ofExcept (Json.parse line)
    let id ← IO.ofExcept (json.getObjValAs? String "id")
    let answer ← try run last id (← IO.ofExcept (json.getObjValAs? String "text"))
      catch e => pure (Json.mkObj [("id", id), ("failed", toString e)])
    stdout.putStrLn answer.compress
    stdout.flush
