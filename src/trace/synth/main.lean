/-!
Answers requests on standard input, one JSON object a line:

{"file": F, "open": PATH, "options": {…}, "places": [[start, end], …], "work": [ITEM, …], "bounds": {…}}
    ITEM: {"id": i, "answers": [start, end], "known": [tactic, …], "most": n}
        {"answers": [start, end], "steps": [{"before", "tactic", "after"}, …]}
    ITEM: {"id": i, "variants": [start, end], "given": [tactic, …], "most": n}      at a theorem's first step; a line for each:
        {"variants": [start, end], "kind": K, "steps": […] | null}         no steps where no proof was found
{"began": i} goes before each item's, {"file": F, …} closes the answer.
-/

namespace LeanCopilotSynth
open LeanCopilotPlay

/-- A state with a statement as its goal, its variables in the context; and the hole for the whole proof. -/
def stateOf (st : ProofState) (type : Expr) : IO (ProofState × MVarId) := do
  let ci := { st.ci with mctx := {} }
  let (mctx, goal, root) ← ci.runMetaM {} do
    let root ← mkFreshExprSyntheticOpaqueMVar type
    let (_, goal) ← root.mvarId!.introNP (← forallTelescope type fun xs _ => return xs.size)
    return (← getMCtx, goal, root.mvarId!)
  return ({ ci := { ci with mctx }, goals := [goal] }, root)

/-- Goes the path once more and writes its steps; the kernel has the last word. -/
def replay (st : ProofState) (root : MVarId) (type : Expr) (b : Bounds) (path : List String) : IO (Option (Array Made)) := do
  let mut state := st
  let mut steps := #[]
  for tactic in path do
    let before ← shown state.ci state.goals
    let .ok (next, n) := (← attempt state b.search tactic).result | return none
    steps := steps.push { before, tactic, after := ← shown next.ci (next.goals.take n) }
    state := next
  unless state.goals.isEmpty do return none
  let checked : MetaM Bool := do
    let value ← instantiateMVars (.mvar root)
    if value.hasExprMVar || value.hasSorry then return false
    let levels := (collectLevelParams (collectLevelParams {} type) value).params.toList
    let name := `LeanCopilotSynth.checked
    match (← getEnv).addDeclCore 0 (.thmDecl { name, levelParams := levels, type, value }) none with
    | .ok _ => return true
    | .error _ => return false
  let holds ← state.ci.runMetaM {} checked
  return if holds then some steps else none

/-- Theorems that Lean makes for each definition. -/
def isMade : Name → Bool
  | .str _ s => ["eq_", "congr_simp", "sizeOf_", "inj", "injEq", "noConfusion", "induct", "fun_cases", "match_"].any fun p => s.startsWith p
  | _ => true

/-- What a file has declared up to a place. -/
def declared (env : Environment) : Array Name × Array Name := Id.run do
  let mut own := #[]
  let mut theorems := #[]
  for (name, info) in env.constants.map₂.toList do
    if name.isInternalDetail || isPrivateName name || isMade name then continue
    match info with
    | .defnInfo d => unless d.type.isProp do own := own.push name
    | .thmInfo _ => theorems := theorems.push name
    | _ => pure ()
  return (own.qsort Name.lt, theorems.qsort Name.lt)

def variants (st : ProofState) (b : Bounds) (given : List String) (most : Nat) (tell : Json → IO Unit) : IO Unit := do
  let goal :: _ := st.goals | return
  let env := st.ci.env
  let (own, theorems) := declared env
  let some decl := st.ci.parentDecl? | return
  let theorems := theorems.filter fun t => t != decl && !decl.isPrefixOf t
  let made ← st.ci.runMetaM {} do
    let some statement ← closedStatement (← clearItself (some decl) goal) | return #[]
    variantsOf statement own (theorems.extract 0 40)
  for v in chosen made most do
    let (start, root) ← stateOf st v.type
    let steps? ← try
        match ← prove start b given own theorems with
        | some path => replay start root v.type b path
        | none => pure none
      catch _ => pure none
    let steps := match steps? with
      | some steps => Json.arr (steps.map Made.toJson)
      | none => .null
    tell (.mkObj [("kind", v.kind), ("steps", steps)])

def doItem (session : IO.Ref Session) (b : Bounds) (item : Json) : IO Unit := do
  let most ← IO.ofExcept (item.getObjValAs? Nat "most")
  let strings (field : String) : IO (List String) := IO.ofExcept (item.getObjValAs? (List String) field)
  let tell (key : String) (line : Json) : IO Unit := do
    IO.println (line.setObjVal! key (item.getObjValD key)).compress
  match item.getObjVal? "answers" with
  | .ok at_ =>
    let some place := (← session.get).places[← IO.ofExcept (pairOf at_)]? | return
    let steps ← answers place.state b (← strings "known") most
    tell "answers" (.mkObj [("steps", .arr (steps.map Made.toJson))])
  | .error _ =>
    let at_ ← IO.ofExcept (item.getObjVal? "variants" >>= pairOf)
    let some place := (← session.get).places[at_]? | return
    variants place.state b (← strings "given") most (tell "variants")

def processFile (session : IO.Ref Session) (file path : String) (request : Json) : IO Json := do
  let closing ← openFile session file path request
  let bounds := request.getObjValD "bounds"
  let number (field : String) : IO Nat := IO.ofExcept (bounds.getObjValAs? Nat field)
  let b : Bounds := { search := ← number "search", tactic := ← number "tactic", attempts := ← number "attempts" }
  let work ← IO.ofExcept (request.getObjValAs? (Array Json) "work")
  for item in work do
    IO.println (Json.mkObj [("began", item.getObjValD "id")]).compress
    (← IO.getStdout).flush
    -- What goes wrong at one place is that place's alone.
    try doItem session b item catch _ => pure ()
  return closing

end LeanCopilotSynth

open LeanCopilotPlay LeanCopilotSynth in
unsafe def main (_ : List String) : IO UInt32 := do
  -- `lean --run` has set the search path (LEAN_PATH included) before this program starts.
  enableInitializersExecution
  let session ← IO.mkRef ({} : Session)
  let stdin ← IO.getStdin
  repeat
    let line ← stdin.getLine
    if line.isEmpty then break
    let request ← IO.ofExcept (Json.parse line)
    let file ← IO.ofExcept (request.getObjValAs? String "file")
    let answer ← try
        processFile session file (← IO.ofExcept (request.getObjValAs? String "open")) request
      catch e => pure (Json.mkObj [("file", file), ("failed", toString e)])
    IO.println answer.compress
    (← IO.getStdout).flush
  return 0
