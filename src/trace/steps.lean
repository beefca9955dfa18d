/-
Reads the tactic steps of Lean files off Lean's own info trees. Run with any Lean from 4.9 on; nothing of it
is imported by the files.

    lean --run steps.lean trace             prints every step of the files named on standard input

It prints JSON Lines; {"file", "steps": n, "errors": n, "firstError"} closes a file, or {"file", "failed"}.

trace, one request a line: {"file", "options": {…}}, and for a file that others import {"module", "olean"}, its
name and where its compiled form goes: one elaboration serves both. One line a step:
{"decl", "start", "end"        byte range of the tactic,
 "kind"                        kind of its syntax node,
 "id", "parent"                number of the step in its file and of the step that holds it,
 "before"                      goals before,
 "after"                       goals after, less those of `before` that the step did not touch,
 "blocks": [{"start", "end", "by", "goals"}]  tactic blocks in it, outermost, with the goals that they begin with,
 "premises"                    theorems and unfolded definitions in what the step proved of its main goal,
 "error"                       Lean's message, if there is an error in the step and in none of its blocks}
The closing line counts declarations with tactics (`decls`) and those with steps and without errors (`clean`).
-/
import Lean

open Lean Elab Meta

namespace LeanCopilotTrace

/-- Syntax that only arranges other tactics: its parts are the steps. -/
def structural : List Name := [
  ``Parser.Tactic.tacticSeq, ``Parser.Tactic.tacticSeq1Indented, ``Parser.Tactic.tacticSeqBracketed,
  ``Parser.Term.byTactic, ``cdot, ``Parser.Tactic.paren, ``Parser.Tactic.case, ``Parser.Tactic.case',
  ``Parser.Tactic.«tacticNext_=>_», ``Parser.Tactic.focus, ``cdotTk, nullKind]

/-- Syntax whose parts run on goals of their own or many times: one step as a whole. -/
def atomic : List Name := [
  ``Parser.Tactic.first, ``Parser.Tactic.allGoals, ``Parser.Tactic.anyGoals,
  ``Parser.Tactic.tacticRepeat_, ``Parser.Tactic.tacticTry_, ``Parser.Tactic.tacticIterate____,
  ``Parser.Tactic.Conv.conv]

def blockKinds : List Name := [``Parser.Tactic.tacticSeq, ``Parser.Term.byTactic]

structure Block where
  start : Nat
  stop : Nat
  isBy : Bool

/-- The outermost tactic blocks strictly inside a tactic. -/
partial def blocksOf (stx : Syntax) : Array Block :=
  stx.getArgs.foldl (init := #[]) fun acc arg =>
    if blockKinds.contains arg.getKind then
      match arg.getRange? with
      | some r => acc.push ⟨r.start.byteIdx, r.stop.byteIdx, arg.getKind == ``Parser.Term.byTactic⟩
      | none => acc
    else acc ++ blocksOf arg

/-- The two sides of `t <;> s`: not blocks, for `s` runs on what `t` leaves, but steps in their own right. -/
def sidesOf (stx : Syntax) : Array Block :=
  if stx.getKind == ``Parser.Tactic.«tactic_<;>_» then
    #[stx[0], stx[2]].filterMap fun side => side.getRange?.map fun r => ⟨r.start.byteIdx, r.stop.byteIdx, false⟩
  else #[]

structure Step where
  decl : Name
  start : Nat
  stop : Nat
  kind : Name
  parent : Option Nat
  before : List String
  after : List String
  blocks : Array Block
  /-- Where steps below this one may stand: its blocks, or the sides of `<;>`. -/
  inner : Array Block
  /-- The goals before, by identity. -/
  goals : List MVarId
  premises : Array Name := #[]

structure Ctx where
  /-- The project's own options (its lakefile's `leanOptions`). -/
  options : Options := {}

/-- A goal as it was printed, with what else its text depends on. -/
structure Printed where
  tag : Name
  type : Expr
  openDecls : Nat
  text : String

structure Collected where
  steps : Array Step := #[]
  /-- Goals without metavariables: the goals after a step are mostly those before the next. -/
  printed : Std.HashMap MVarId Printed := {}
  /-- What is to be put in the place of the info trees' holes: terms whose elaboration was postponed. -/
  holes : PersistentHashMap MVarId InfoTree := {}

abbrev M := ReaderT Ctx <| StateT Collected IO

def printGoals (ci : ContextInfo) (mctx : MetavarContext) (goals : List MVarId) : M (List String) :=
  goals.mapM fun g => do
    let openDecls := ci.openDecls.length
    let decl? := mctx.findDecl? g
    if let (some decl, some p) := (decl?, (← get).printed[g]?) then
      if p.tag == decl.userName && p.openDecls == openDecls && p.type == decl.type then return p.text
    let text ← ({ ci with mctx } : ContextInfo).runMetaM {} do return (← ppGoal g).pretty (width := 100)
    if let some decl := decl? then
      let isOpen (d : LocalDecl) := d.type.hasMVar || (d.value?.any (·.hasMVar))
      unless decl.type.hasMVar || decl.lctx.any isOpen do
        modify fun s => { s with printed := s.printed.insert g { tag := decl.userName, type := decl.type, openDecls, text } }
    return text

/-- Typed by a person, and not only a token that marks the state at its place (`by`, `=>`). -/
def isTyped (stx : Syntax) : Bool :=
  !stx.isAtom && match stx.getHeadInfo with
  | .original .. => true
  | _ => false

/-- Glue that tactics put into every proof and nobody would name as what a proof rests on. -/
def glue : List Name := [
  ``Eq.mpr, ``Eq.mp, ``Eq.refl, ``rfl, ``Eq.symm, ``Eq.trans, ``congrArg, ``congrFun, ``congr, ``id, ``of_eq_true,
  ``eq_true, ``eq_self, ``eq_false, ``eq_false', ``of_eq_false, ``forall_congr, ``implies_congr, ``implies_congr_ctx,
  ``propext, ``funext, ``Eq.ndrec, ``HEq.refl, ``heq_of_eq, ``eq_of_heq, ``True.intro, ``trivial, ``implies_true,
  ``true_and, ``and_true, ``of_decide_eq_true, ``letFun, ``absurd, ``False.elim, ``not_false_eq_true,
  ``Decidable.byContradiction]

/-- The name under which a person would cite a constant, if there is one. -/
def citable? (env : Environment) (c : Name) : Option Name := do
  -- `f.eq_1` and its like stand for the definition `f`
  let c := match c with
    | .str p s => if s == "eq_def" || s == "eq_unfold" || (s.startsWith "eq_" && (s.drop 3).all Char.isDigit) then p else c
    | _ => c
  let c' := privateToUserName c
  if c'.isInternal || glue.contains c then none
  else match env.find? c with
    | some (.thmInfo _) | some (.axiomInfo _) | some (.defnInfo _) => some c'
    | _ => none

/--
The constants that a step put into the proof of its main goal: those of the terms assigned since, up to the goals
in `stop`, which other steps prove. The proofs of the goals in `inlined` stand in these terms already instead of
the goals: `calc` and `have … := by` elaborate so. Of definitions only those count that the step unfolded.
-/
partial def premisesOf (env : Environment) (before after : MetavarContext) (goal : MVarId) (stop inlined : List MVarId) :
    Array Name := Id.run do
  let proofs : Std.HashSet Expr := inlined.foldl (init := {}) fun proofs g =>
    let (proof, _) := instantiateMVarsCore after (.mvar g)
    -- a bare constant or variable may stand for itself, too
    if proof.isMVar || proof.isConst || proof.isFVar then proofs else proofs.insert proof
  let mut seen : Std.HashSet MVarId := stop.foldl (·.insert ·) {}
  let mut names : Std.HashSet Name := {}
  let mut out : Array Name := #[]
  let mut todo := #[goal]
  seen := seen.erase goal
  while !todo.isEmpty do
    let m := todo.back!
    todo := todo.pop
    if seen.contains m then continue
    seen := seen.insert m
    if m != goal && (before.eAssignment.contains m || before.dAssignment.contains m) then continue
    let term? := match after.eAssignment.find? m with
      | some e => some e
      | none => (after.dAssignment.find? m).map fun (d : DelayedMetavarAssignment) => .mvar d.mvarIdPending
    let some term := term? | continue
    let term := if proofs.isEmpty then term else term.replace fun e => if proofs.contains e then some (.sort .zero) else none
    for c in term.getUsedConstants do
      unless names.contains c do
        names := names.insert c
        match env.find? c with
        | some (.thmInfo _) | some (.axiomInfo _) =>
          if let some c := citable? env c then
            unless out.contains c do out := out.push c
        | _ => pure ()
    todo := todo ++ (term.collectMVars {}).result
  return out

/-- The first step in a block, which begins with the block's goals. -/
def firstIn (children : Array Step) (b : Block) : Option Step :=
  children.foldl (init := none) fun (first : Option Step) s =>
    if b.start ≤ s.start && s.stop ≤ b.stop && first.all (s.start < ·.start) then some s else first

/--
Collects the steps below a node. `parent` is the step that holds it: what lies in none of that step's blocks
is how the step is implemented, not a step.
-/
partial def visit (ci? : Option ContextInfo) (parent : Option Nat) : InfoTree → M Unit
  | .context pci t => visit (pci.mergeIntoOuter? ci?) parent t
  | .hole id => do if let some t := (← get).holes.find? id then visit ci? parent t
  | .node info children => do
    let below (p : Option Nat) : M Unit := do for t in children do visit ci? p t
    let .ofTacticInfo ti := info | below parent
    let some ci := ci? | below parent
    let some r := ti.stx.getRange? | below parent
    if !isTyped ti.stx || structural.contains ti.stx.getKind then return ← below parent
    let (start, stop) := (r.start.byteIdx, r.stop.byteIdx)
    let steps := (← get).steps
    let inBlock := match parent.bind fun p => steps[p]? with
      | some p => p.inner.any fun b => b.start ≤ start && stop ≤ b.stop
      | none => true
    if !inBlock then return ← below parent
    let kind := ti.stx.getKind
    let before ← printGoals ci ti.mctxBefore ti.goalsBefore
    let others := ti.goalsBefore.drop 1
    let after ← printGoals ci ti.mctxAfter (ti.goalsAfter.filter fun g => !others.contains g)
    let sides := sidesOf ti.stx
    let blocks := if atomic.contains kind || !sides.isEmpty then #[] else blocksOf ti.stx
    let id := steps.size
    let inner := if sides.isEmpty then blocks else sides
    let step := {
      decl := ci.parentDecl?.getD .anonymous, start, stop, kind, parent, before, after, blocks, inner
      goals := ti.goalsBefore }
    modify fun s => { s with steps := s.steps.push step }
    -- without a place for steps below it there are none, and most of a tree is below such tactics
    unless inner.isEmpty do below (some id)
    if let goal :: _ := ti.goalsBefore then
      let steps := (← get).steps
      let children := if blocks.isEmpty then #[] else
        steps.foldl (start := id + 1) (init := #[]) fun all s => if s.parent == some id then all.push s else all
      let inlined := (blocks.filter (·.isBy)).toList.filterMap fun b => (firstIn children b).bind (·.goals.head?)
      let stop := children.foldl (init := ti.goalsAfter) fun stop s => s.goals ++ stop
      let premises := premisesOf ci.env ti.mctxBefore ti.mctxAfter goal stop inlined
      modify fun s => { s with steps := s.steps.modify id ({ · with premises }) }

/-- The steps by the step that holds them. -/
def childrenOf (steps : Array Step) : Std.HashMap Nat (Array Step) :=
  steps.foldl (init := {}) fun all s => match s.parent with
    | some p => all.insert p ((all.getD p #[]).push s)
    | none => all

def Step.toJson (children : Array Step) (id : Nat) (s : Step) (error : Option String) : Json :=
  .mkObj [
    ("decl", (privateToUserName s.decl).toString), ("start", s.start), ("end", s.stop), ("kind", s.kind.toString),
    ("id", id), ("parent", s.parent.elim .null (fun p => (p : Json))),
    ("before", Lean.toJson s.before), ("after", Lean.toJson s.after),
    ("blocks", Json.arr <| s.blocks.map fun b => .mkObj [
      ("start", b.start), ("end", b.stop), ("by", b.isBy), ("goals", Lean.toJson ((firstIn children b).elim [] (·.before)))]),
    ("premises", Lean.toJson (s.premises.map Name.toString)),
    ("error", error.elim .null Json.str)]

def printSteps (inputCtx : Parser.InputContext) (steps : Array Step) (errors : List Message) : IO Unit := do
  -- an error belongs to the innermost step around it
  let mut errorOf : Std.HashMap Nat String := {}
  for m in errors do
    let place := (inputCtx.fileMap.ofPosition m.pos).byteIdx
    let mut best : Option (Nat × Nat) := none
    for h : i in [0:steps.size] do
      let (start, stop) := (steps[i].start, steps[i].stop)
      if start ≤ place && place < stop && best.all (stop - start < ·.2) then best := some (i, stop - start)
    if let some (i, _) := best then
      unless errorOf.contains i do errorOf := errorOf.insert i (← m.data.toString)
  let children := childrenOf steps
  for h : i in [0:steps.size] do
    IO.println (steps[i].toJson (children.getD i #[]) i errorOf[i]?).compress

/-- Environments by header: importing costs as much as a small file, in time and in memory. -/
abbrev Imported := Std.HashMap String (Environment × MessageLog)

/-- Where a file's compiled module goes. -/
structure Compiled where
  name : Name
  olean : System.FilePath

/-- Declarations with tactics: how many there are, and how many have steps and no error, which is at a byte. -/
def declarations (commands : Array Syntax) (steps : Array Step) (errors : List Nat) : Nat × Nat := Id.run do
  let mut all := 0
  let mut clean := 0
  for c in commands do
    if (c.find? (·.getKind == ``Parser.Term.byTactic)).isSome then
      if let some r := c.getRange? then
        all := all + 1
        let inside (n : Nat) := r.start.byteIdx ≤ n && n < r.stop.byteIdx
        if steps.any (inside ·.start) && !errors.any inside then clean := clean + 1
  return (all, clean)

def processFile (path : String) (imported : IO.Ref Imported) (ctx : Ctx) (module? : Option Compiled) :
    IO Unit := do
  -- linters only warn, and nobody reads that here
  let opts : Options := (Elab.async.set ctx.options false).set `linter.all false
  let src ← IO.FS.readFile path
  let inputCtx := Parser.mkInputContext src path
  let (header, parserState, messages) ← Parser.parseHeader inputCtx
  let key := toString (header.raw.formatStx)
  let (env, messages) ← match (← imported.get)[key]? with
    | some (env, log) => pure (env, messages ++ log)
    | none =>
      let (env, log) ← processHeader header opts {} inputCtx
      -- only the last one: each takes what it imports a second time
      imported.set (({} : Imported).insert key (env, log))
      pure (env, messages ++ log)
  let env := match module? with
    | some m => env.setMainModule m.name
    | none => env
  let commandState := { Command.mkState env messages opts with infoState.enabled := true }
  let s ← IO.processCommands inputCtx parserState commandState
  let errors := s.commandState.messages.toList.filter (·.severity == .error)
  let info := s.commandState.infoState
  let collect : M Unit := do
    for t in info.trees do
      visit none none t
      -- another command's goals may have the same identity
      modify ({ · with printed := {} })
  let (_, { steps, .. }) ← collect.run ctx |>.run { holes := info.assignment }
  let out ← IO.getStdout
  printSteps inputCtx steps errors
  if let some m := module? then
    if let some folder := m.olean.parent then IO.FS.createDirAll folder
    writeModule s.commandState.env m.olean
  let (decls, clean) := declarations s.commands steps (errors.map fun m => (inputCtx.fileMap.ofPosition m.pos).byteIdx)
  out.putStrLn (Json.mkObj [("file", path), ("steps", steps.size), ("errors", errors.length),
    ("decls", decls), ("clean", clean),
    ("firstError", ← match errors with
      | m :: _ => return Json.str s!"{m.pos.line}:{m.pos.column + 1}: {← m.data.toString}"
      | [] => return .null)]).compress

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

end LeanCopilotTrace

open LeanCopilotTrace in
unsafe def main (args : List String) : IO UInt32 := do
  -- `lean --run` has set the search path (LEAN_PATH included) before this program starts.
  enableInitializersExecution
  let imported ← IO.mkRef {}
  let process (path : String) (ctx : Ctx) (module? : Option Compiled) : IO Unit := do
    try processFile path imported ctx module?
    catch e => IO.println (Json.mkObj [("file", path), ("failed", toString e)]).compress
    (← IO.getStdout).flush
  match args with
  | ["trace"] =>
    let stdin ← IO.getStdin
    repeat
      let line ← stdin.getLine
      if line.isEmpty then break
      let request ← IO.ofExcept (Json.parse line)
      let module? : Option Compiled := do
        let name ← (request.getObjValAs? String "module").toOption
        let olean ← (request.getObjValAs? String "olean").toOption
        return { name := nameOf name, olean }
      let path ← IO.ofExcept (request.getObjValAs? String "file")
      process path { options := optionsOf (request.getObjValD "options") } module?
  | _ => IO.eprintln "usage: steps.lean trace < REQUESTS"; return 2
  return 0
