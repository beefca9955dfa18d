/-
Runs tactics at the steps of a file, in Lean, and goes on from where they lead: the environment that eval measures
in. Run with any Lean from 4.9 on, `scope.lean` behind its import and `play_main.lean` behind its end; nothing of it is
imported by the file. It answers requests on standard input, one JSON object a line:

{"file": F, "open": PATH, "options": {…}, "places": [[start, end], …]}
    elaborates a file once and keeps the states before the tactics at these byte ranges. One line for each that there
    is, then one for the file:
    {"place": [start, end], "block": [start, end], "command": [start, end]}   the outermost tactic block around it,
                                                                             and the command
    {"lines": [n, …]}                         the lines (from 1) of errors, and of warnings of a `sorry`
    {"file": F, "errors": n, "firstError": "line:column: …" | null}
{"file": F, "at": [start, end], "path": [tactic, …], "tactic": T, "maxHeartbeats": n}
    runs a tactic on the main goal of the state that the tactics of the path lead to from the step's main goal. One line, then
    {"file": F}:
    {"goals": […], "others": […]}   the goals that it makes of the main goal; those that the path left open beside it,
    {"error": "…"}                  or Lean's refusal;
    both with "heartbeats" (in thousands), "ms", and "messages": what it said, for tactics that propose others.
{"file": F, "at": [start, end], "path": [tactic, …], "offer": true, "maxHeartbeats": n}
    what the names at that state offer: {"steps": […], "inductions": […], "finishers": […], "ms"}, then {"file": F}.
    {"file": F, "failed": "…"} where the place or the path does not exist.
-/
import Lean

open Lean Elab Meta

namespace LeanCopilotPlay

/-- A state of a proof: goals, main goal first, in the environment and context that a tactic finds. -/
structure State where
  ci : ContextInfo
  goals : List MVarId

/-- Syntax that only arranges other tactics. -/
def structural : List Name := [
  ``Parser.Tactic.tacticSeq, ``Parser.Tactic.tacticSeq1Indented, ``Parser.Tactic.tacticSeqBracketed,
  ``Parser.Term.byTactic, ``cdot, ``Parser.Tactic.paren, ``Parser.Tactic.case, ``Parser.Tactic.case',
  ``Parser.Tactic.«tacticNext_=>_», ``Parser.Tactic.focus, ``cdotTk, nullKind]

/-- Typed by a person, and not only a token that marks the state at its place (`by`, `=>`). -/
def isTyped (stx : Syntax) : Bool :=
  !stx.isAtom && match stx.getHeadInfo with
  | .original .. => true
  | _ => false

/-- The context that the declaration had before it was there: the info trees keep the environment after it, in which
it would be proved by itself. -/
def withoutItself (ci : ContextInfo) : ContextInfo := Id.run do
  let some decl := ci.parentDecl? | return ci
  unless ci.env.contains decl do return ci
  let env := addToCompletionBlackList ci.env decl
  let env := simpExtension.modifyState env (·.eraseCore (.decl decl))
  return { ci with env }

structure Place where
  state : State
  /-- The outermost tactic block around it. -/
  block : Nat × Nat

abbrev Places := Std.HashMap (Nat × Nat) Place

/--
The states at the wanted places: of several nodes with one range the outermost, the first time that it runs.
`block` is the outermost tactic block around the node.
-/
partial def visit (wanted : Std.HashSet (Nat × Nat)) (ci? : Option ContextInfo) (block : Option (Nat × Nat))
    (places : Places) : InfoTree → Places
  | .context pci t => visit wanted (pci.mergeIntoOuter? ci?) block places t
  | .hole _ => places
  | .node info children => Id.run do
    let mut places := places
    let mut block := block
    if let (.ofTacticInfo ti, some ci) := (info, ci?) then
      if let some r := ti.stx.getRange? then
        let key := (r.start.byteIdx, r.stop.byteIdx)
        if ti.stx.getKind == ``Parser.Tactic.tacticSeq && block.isNone then block := some key
        if wanted.contains key && !places.contains key && isTyped ti.stx && !structural.contains ti.stx.getKind then
          let state := { ci := withoutItself { ci with mctx := ti.mctxBefore }, goals := ti.goalsBefore.take 1 }
          places := places.insert key { state, block := block.getD key }
    for t in children do
      places := visit wanted ci? block places t
    return places

/-- A block of tactics, as it would stand in a file. -/
def parse (ci : ContextInfo) (src : String) : Except String Syntax :=
  let input := Parser.mkInputContext src "<candidate>"
  let scope := { env := ci.env, options := ci.options, currNamespace := ci.currNamespace, openDecls := ci.openDecls }
  let block := Parser.andthenFn Parser.whitespace Parser.Tactic.tacticSeq.fn
  let s := block.run input scope (Parser.getTokenTable ci.env) (Parser.mkParserState src)
  match s.errorMsg with
  | some e => .error (toString e)
  | none => if s.pos.byteIdx < src.utf8ByteSize then .error "unexpected input behind the tactic" else .ok s.stxStack.back

/-- The universe parameters that a goal speaks of: a tactic may name them. -/
def levelNames (goal : MVarId) : MetaM (List Name) := do
  let d ← goal.getDecl
  let s := collectLevelParams {} (← instantiateMVars d.type)
  let s ← d.lctx.foldlM (init := s) fun s l => return collectLevelParams s (← instantiateMVars l.type)
  return s.params.toList

/-- What a tactic made of a state. -/
structure Ran where
  /-- Lean's refusal, or the new state with the number of its goals that come of the main goal. -/
  result : Except String (State × Nat)
  heartbeats : Nat := 0
  ms : Float := 0
  messages : Array String := #[]

/-- The goal without the hypothesis that stands for the declaration in its own proof. -/
def clearItself (decl? : Option Name) (goal : MVarId) : MetaM MVarId := goal.withContext do
  let lctx ← getLCtx
  let itself := lctx.decls.toList.filterMap fun d? => do
    let d ← d?
    guard (d.isAuxDecl && lctx.auxDeclToFullName.get? d.fvarId == decl? && decl?.isSome)
    return d.fvarId
  goal.tryClearMany itself.toArray

/-- Whether a term rests on a constant, through the lemmas that a tactic has put between (`grind` does). -/
partial def restsOn (before after : Environment) (decl : Name) (e : Expr) : Bool :=
  e.getUsedConstants.any fun c =>
    c == decl || (!before.contains c && match after.find? c with
      | some (.thmInfo t) => restsOn before after decl t.value
      | some (.defnInfo d) => restsOn before after decl d.value
      | _ => false)

def run (st : State) (goal : MVarId) (stx : Syntax) : MetaM (State × Nat) := do
  let decl? := st.ci.parentDecl?
  let names ← levelNames goal
  let main ← clearItself decl? goal
  let goals ← (Term.withLevelNames names <| Term.withSynthesize <| Tactic.run main <|
    Term.withoutErrToSorry <| Tactic.withoutRecover do
      Tactic.evalTactic stx
      Tactic.pruneSolvedGoals).run' { declName? := decl? }
  -- A tactic may fail by an error that it only logs, or "prove" by `sorry`, or by what is to be proved.
  for m in (← Core.getMessageLog).toList do
    if m.severity == .error then throwError "{← m.data.toString}"
  let proof ← instantiateMVars (.mvar goal)
  if proof.hasSorry then throwError "the proof has a `sorry`"
  if let some decl := decl? then
    if restsOn st.ci.env (← getEnv) decl proof then throwError "the proof cites what is to be proved"
  let others ← st.goals.tail.filterM fun g => return !(← g.isAssigned)
  let ci := { st.ci with env := ← getEnv, mctx := ← getMCtx, ngen := ← getNGen }
  return ({ ci, goals := goals ++ others }, goals.length)

/-- The processor's time that this process has had, in milliseconds and in steps of ten, where the system tells. -/
def processorMs : IO (Option Float) := do
  try
    -- Behind the name in brackets: state, ten numbers, user time, system time, both in hundredths of a second.
    let fields := (← IO.FS.readFile "/proc/self/stat").splitOn ")" |>.getLast!.splitOn " "
    let hundredths (i : Nat) := fields[i]?.bind String.toNat?
    return do return ((← hundredths 12) + (← hundredths 13)).toFloat * 10
  catch _ => return none

/-- Runs something, with the time that it took in milliseconds: by the clock, or the processor's where that is less.
Where others work beside it, the clock says more of them. -/
def timed {α : Type} (act : IO α) : IO (α × Float) := do
  let (had, began) := (← processorMs, ← IO.monoNanosNow)
  let result ← act
  let (ended, has) := (← IO.monoNanosNow, ← processorMs)
  let clock := (ended - began).toFloat / 1e6
  return (result, match had, has with
    | some a, some b => min clock (b - a + 10)
    | _, _ => clock)

/-- Runs something in the context of a state, bound by heartbeats (in thousands). `src` is the text at which it works:
search tactics look at it. -/
def within {α : Type} (st : State) (maxHeartbeats : Nat) (act : CoreM α) (src : String := "") : IO α :=
  let options := (st.ci.options.set `maxHeartbeats maxHeartbeats).set `Elab.async false
  let limits (c : Core.Context) : Core.Context := { c with
    options, maxHeartbeats := maxHeartbeats * 1000, maxRecDepth := maxRecDepth.get options, fileMap := src.toFileMap }
  st.ci.runCoreM <| withTheReader Core.Context limits <| Core.withCurrHeartbeats do
    Core.resetMessageLog
    act

/-- Runs a tactic on the main goal of a state. -/
def attempt (st : State) (maxHeartbeats : Nat) (src : String) : IO Ran := do
  let goal :: _ := st.goals | return { result := .error "no goals" }
  match parse st.ci src with
  | .error e => return { result := .error e }
  | .ok stx =>
    let heard ← IO.mkRef #[]
    let act : CoreM (State × Nat) := do
      try (run st goal stx).run' {} { mctx := st.ci.mctx }
      finally
        for m in (← Core.getMessageLog).toList do
          if m.severity == .information then
            let text ← m.data.toString
            heard.modify (·.push text)
    let before ← IO.getNumHeartbeats
    let (result, ms) ← timed do
      try pure (Except.ok (← within st maxHeartbeats act src)) catch e => pure (Except.error (toString e))
    return { result, heartbeats := ((← IO.getNumHeartbeats) - before) / 1000, ms, messages := ← heard.get }

def print (ci : ContextInfo) (goals : List MVarId) : IO Json :=
  ci.runMetaM {} do
    return toJson (← goals.mapM fun g => return (← ppGoal g).pretty (width := 100))

def nameOf (s : String) : Name := s.splitOn "." |>.foldl .str .anonymous

/-- `{"autoImplicit": false, …}` -/
def optionsOf (json : Json) : Options := Id.run do
  let mut options : Options := {}
  if let .ok fields := json.getObj? then
    for (k, v) in fields.toArray do
      let name := nameOf k
      match v with
      | .bool b => options := options.set name b
      | .num n => options := options.set name n.mantissa.toNat
      | .str s => options := options.set name s
      | _ => pure ()
  return options

def pairOf (json : Json) : Except String (Nat × Nat) := do
  match ← json.getArr? with
  | #[a, b] => return (← a.getNat?, ← b.getNat?)
  | _ => throw "not a pair"

/-- What is kept between requests. -/
structure Session where
  /-- The last environment that was imported: importing costs as much as a small file. -/
  imported : Option (String × Environment × MessageLog) := none
  places : Places := {}
  /-- States reached from the place that was asked about last, by path. -/
  place : Nat × Nat := (0, 0)
  reached : Std.HashMap (List String) State := {}

/-- Elaborates a file; returns what closes the answer. -/
def openFile (session : IO.Ref Session) (file path : String) (request : Json) : IO Json := do
  let opts := Elab.async.set (optionsOf (request.getObjValD "options")) false
  let wanted ← IO.ofExcept do
    (← (← request.getObjVal? "places").getArr?).foldlM (init := {}) fun s p => return Std.HashSet.insert s (← pairOf p)
  let src ← IO.FS.readFile path
  let inputCtx := Parser.mkInputContext src path
  let (header, parserState, messages) ← Parser.parseHeader inputCtx
  let key := toString (header.raw.formatStx)
  let s ← session.get
  let (env, messages) ← match s.imported with
    | some (k, env, log) => if k == key then pure (env, messages ++ log) else processHeader header opts messages inputCtx
    | none => processHeader header opts messages inputCtx
  session.set { imported := some (key, env, messages) }
  let commandState := { Command.mkState env messages opts with infoState.enabled := !wanted.isEmpty }
  let done ← IO.processCommands inputCtx parserState commandState
  let info := done.commandState.infoState
  -- Terms whose elaboration was postponed (`have … := by`) are holes until the assignment is put in.
  let places := info.trees.foldl (init := {}) fun places t =>
    visit wanted none none places (t.substitute info.assignment)
  session.modify ({ · with places })
  let pair (p : Nat × Nat) : Json := toJson [p.1, p.2]
  for (key, place) in places.toList do
    let command := done.commands.findSome? fun c => do
      let r ← c.getRange?
      guard (r.start.byteIdx ≤ key.1 && key.2 ≤ r.stop.byteIdx)
      return (r.start.byteIdx, r.stop.byteIdx)
    let line := Json.mkObj [("place", pair key), ("block", pair place.block), ("command", pair (command.getD key))]
    IO.println line.compress
  let mut lines := #[]
  let mut errors := #[]
  for m in done.commandState.messages.toList do
    let text ← m.data.toString
    if m.severity == .error then errors := errors.push s!"{m.pos.line}:{m.pos.column + 1}: {text}"
    if m.severity == .error || (m.severity == .warning && (text.splitOn "sorry").length > 1) then
      lines := lines.push m.pos.line
  IO.println (Json.mkObj [("lines", toJson lines)]).compress
  let first := match errors[0]? with
    | some e => Json.str e
    | none => Json.null
  return .mkObj [("file", file), ("errors", errors.size), ("firstError", first)]

/-- The state that a path leads to; the states on the way are kept. -/
def stateAt (session : IO.Ref Session) (place : Nat × Nat) (path : List String) (maxHeartbeats : Nat) : IO State := do
  let s ← session.get
  let some { state := start, .. } := s.places[place]? | throw (IO.userError "there is no step at this place")
  if s.place != place then session.set { s with place, reached := {} }
  let mut state := start
  let mut done := []
  for t in path do
    done := done ++ [t]
    if let some known := (← session.get).reached[done]? then
      state := known
    else
      match (← attempt state maxHeartbeats t).result with
      | .error e => throw (IO.userError s!"`{t}`: {e}")
      | .ok (next, _) =>
        state := next
        session.modify fun s => { s with reached := s.reached.insert done next }
  return state

def play (session : IO.Ref Session) (file : String) (request : Json) : IO Json := do
  let place ← IO.ofExcept (request.getObjVal? "at" >>= pairOf)
  let path ← IO.ofExcept (request.getObjValAs? (List String) "path")
  let tactic ← IO.ofExcept (request.getObjValAs? String "tactic")
  let maxHeartbeats ← IO.ofExcept (request.getObjValAs? Nat "maxHeartbeats")
  let state ← stateAt session place path maxHeartbeats
  let ran ← attempt state maxHeartbeats tactic
  let shown ← match ran.result with
    | .error e => pure [("error", Json.str e)]
    | .ok (next, n) => pure [("goals", ← print next.ci (next.goals.take n)), ("others", ← print next.ci (next.goals.drop n))]
  let ms := match JsonNumber.fromFloat? ran.ms with
    | .inr n => Json.num n
    | .inl _ => Json.num 0
  let line := Json.mkObj <| [("heartbeats", (ran.heartbeats : Json)), ("ms", ms), ("messages", toJson ran.messages)] ++ shown
  IO.println line.compress
  return .mkObj [("file", file)]

end LeanCopilotPlay
