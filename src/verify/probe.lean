/-
Runs tactics at a place of a document, in Lean: the text of this file stands in a scratch document between
the user's imports and the user's own text, and the method is called through Lean's RPC protocol. Nothing is
imported by the user's file. Written for Lean from 4.26 on; where it does not compile, triage is done by edits.

`LeanCopilotProbe.triage`: {"position", "tactics": […], "slice"} ↦ {"goals": […], "results": [{"goals": […], "ms"} |
{"error", "ms"}]}, or null where there is no tactic at the position. Each tactic runs on all goals there, main goal
first, from the same state; what it adds to the environment is thrown away. When those done have taken `slice`
milliseconds the others are left: there are as many results as tactics that ran, one at least. Without tactics the
answer is the goals at the position. `$/cancelRequest` ends the tactic that runs.

`LeanCopilotProbe.offer`: {"position"} ↦ {"steps": […], "inductions": […], "finishers": […]}, what the names at the main
goal offer (`scope.lean`, which stands before this text), or null where there is no tactic at the position.
-/
set_option Elab.async false

namespace LeanCopilotProbe
open Lean Elab Meta

/-- A block of tactics, as it would stand in a file. -/
def parse (ci : ContextInfo) (src : String) : Except String Syntax :=
  let input := Parser.mkInputContext src "<candidate>"
  let scope := { env := ci.env, options := ci.options, currNamespace := ci.currNamespace, openDecls := ci.openDecls }
  let block := Parser.andthenFn Parser.whitespace Parser.Tactic.tacticSeq.fn
  let s := block.run input scope (Parser.getTokenTable ci.env) (Parser.mkParserState src)
  match s.errorMsg with
  | some e => .error (toString e)
  | none => if s.pos.byteIdx < src.utf8ByteSize then .error "unexpected input behind the tactic" else .ok s.stxStack.back

def print (goals : List MVarId) : MetaM Json :=
  return toJson (← goals.mapM fun g => return (← ppGoal g).pretty (width := 100))

/-- The universe parameters that goals speak of: a tactic may name them. -/
def levelNames (goals : List MVarId) : MetaM (List Name) := do
  let s ← goals.foldlM (init := ({} : CollectLevelParams.State)) fun s g => do
    let d ← g.getDecl
    let s := collectLevelParams s (← instantiateMVars d.type)
    d.lctx.foldlM (init := s) fun s l => return collectLevelParams s (← instantiateMVars l.type)
  return s.params.toList

def run (ci : ContextInfo) (ti : TacticInfo) (goal : MVarId) (stx : Syntax) : MetaM Json := do
  let names ← levelNames ti.goalsBefore
  let block : Tactic.TacticM Unit := do
    Tactic.setGoals ti.goalsBefore
    Tactic.evalTactic stx
    Tactic.pruneSolvedGoals
  let goals ← (Term.withLevelNames names <| Term.withSynthesize <| Tactic.run goal <|
    Term.withoutErrToSorry <| Tactic.withoutRecover block).run' { declName? := ci.parentDecl? }
  -- A tactic may fail by an error that it only logs.
  for m in (← Core.getMessageLog).toList do
    if m.severity == .error then return .mkObj [("error", ← m.data.toString)]
  return .mkObj [("goals", ← print goals)]

/-- Runs something where a tactic stands, bound as the user's options say; the token ends it. -/
def within {α : Type} (ci : ContextInfo) (ti : TacticInfo) (tk : IO.CancelToken) (act : MetaM α) : IO α :=
  let options := Elab.async.set ci.options false
  let limits (c : Core.Context) : Core.Context := { c with
    options, cancelTk? := some tk
    maxHeartbeats := Core.getMaxHeartbeats options, maxRecDepth := maxRecDepth.get options }
  ci.runCoreM <| withTheReader Core.Context limits <| Core.withCurrHeartbeats do
    Core.resetMessageLog
    act.run' {} { mctx := ti.mctxBefore }

def attempt (ci : ContextInfo) (ti : TacticInfo) (goal : MVarId) (tk : IO.CancelToken) (src : String) : IO Json := do
  match parse ci src with
  | .error e => return .mkObj [("error", e)]
  | .ok stx =>
    try within ci ti tk (run ci ti goal stx)
    catch e => return .mkObj [("error", toString e)]

/-- Answers for the tactic at a position, when Lean has read so far: null where there is none with a goal. The token is
set when the request is cancelled. -/
def atTactic (position : Lsp.Position)
    (answer : ContextInfo → TacticInfo → MVarId → IO.CancelToken → Server.RequestM Json) :
    Server.RequestM (Server.RequestTask Json) := open Server RequestM in do
  let doc ← readDoc
  let place := doc.meta.text.lspPosToUtf8Pos position
  let tk ← IO.CancelToken.new
  discard <| BaseIO.mapTask (t := (← read).cancelTk.requestCancellationTask.task) fun _ => tk.set
  withWaitFindSnap doc (fun s => s.endPos >= place) (notFoundX := return .null) fun snap => do
    let r :: _ := snap.infoTree.goalsAt? doc.meta.text place | return .null
    let goal :: _ := r.tacticInfo.goalsBefore | return .null
    answer r.ctxInfo r.tacticInfo goal tk

open Server RequestM in
@[server_rpc_method]
def triage (params : Json) : RequestM (RequestTask Json) := do
  let asked := do
    return (← params.getObjValAs? Lsp.Position "position", ← params.getObjValAs? (Array String) "tactics",
      ← params.getObjValAs? Nat "slice")
  let .ok (position, tactics, slice) := asked | return .pure .null
  atTactic position fun ci ti goal tk => do
    -- To print the goals takes as long as a tactic.
    if tactics.isEmpty then
      let goals ← ({ ci with mctx := ti.mctxBefore } : ContextInfo).runMetaM {} (print ti.goalsBefore)
      return .mkObj [("goals", goals), ("results", .arr #[])]
    let started ← IO.monoMsNow
    let mut before := started
    let mut results : Array Json := #[]
    for t in tactics do
      if !results.isEmpty && before - started >= slice then break
      let result ← (attempt ci ti goal tk t : IO Json)
      let now ← IO.monoMsNow
      results := results.push (result.setObjVal! "ms" (toJson (now - before)))
      before := now
    return .mkObj [("goals", .arr #[]), ("results", .arr results)]

open Server RequestM in
@[server_rpc_method]
def offer (params : Json) : RequestM (RequestTask Json) := do
  let .ok position := params.getObjValAs? Lsp.Position "position" | return .pure .null
  atTactic position fun ci ti goal tk => do
    return toJson (← (within ci ti tk (LeanCopilotScope.survey goal ci.parentDecl?) : IO _))

end LeanCopilotProbe
