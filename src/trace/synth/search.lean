/-!
What Lean's searches answer at a state, and short proofs of statements by a best-first search. All of it is bounded
by heartbeats and by the number of attempts, never by the clock, so that it comes out the same everywhere.
-/

namespace LeanCopilotSynth
open LeanCopilotPlay

/-- Goals in the context that a tactic finds. -/
abbrev ProofState := LeanCopilotPlay.State

/-- How far Lean may go. -/
structure Bounds where
  /-- Of one search tactic, as the option `maxHeartbeats`. -/
  search : Nat
  /-- Of any other tactic. -/
  tactic : Nat
  /-- Tactics tried for one statement. -/
  attempts : Nat
  /-- Longest proof. -/
  depth : Nat := 8
  /-- Longest tactic, in characters. -/
  length : Nat := 120

/-- A step: the goals before, the tactic, the goals that it makes of the main goal. -/
structure Made where
  before : Array String
  tactic : String
  after : Array String

def Made.toJson (m : Made) : Json :=
  .mkObj [("before", Lean.toJson m.before), ("tactic", m.tactic), ("after", Lean.toJson m.after)]

def shown (ci : ContextInfo) (goals : List MVarId) : IO (Array String) :=
  ci.runMetaM {} do goals.toArray.mapM fun g => return (← ppGoal g).pretty (width := 100)

def trimmed (s : String) : String :=
  let rest := s.toList.dropWhile Char.isWhitespace
  String.ofList (rest.reverse.dropWhile Char.isWhitespace).reverse

/-- What a "Try this" message proposes, of what stands on one line: `Try this: t`, or an entry a line. -/
def proposals (message : String) : List String := Id.run do
  unless message.startsWith "Try th" do return []
  let rest := ":".intercalate ((message.splitOn ":").drop 1)
  let mut out : List String := []
  for line in rest.splitOn "\n" do
    let text := trimmed line
    match ["[apply]", "•"].find? fun mark => text.startsWith mark with
    | some mark => out := trimmed ((text.splitOn mark).drop 1 |> mark.intercalate) :: out
    | none => unless text.isEmpty do
      match out with
      -- What goes on in the next line is left out: it may be another step.
      | entry :: older => out := if entry.isEmpty then text :: older else "" :: older
      | [] => out := [text]
  return out.reverse.filter (!·.isEmpty)

/-- Nobody learns from a tactic that only searches, gives up, or cannot be typed. -/
def isUseful (b : Bounds) (t : String) : Bool :=
  -- A long term that `exact?` has put together proves by accident more often than by what it says.
  t.length ≤ (if t.startsWith "exact " then b.length / 2 else b.length) && !(t.startsWith "exact " && (t.splitOn "fun ").length > 1) &&
  !["?", "sorry", "admit", "✝", "exact False.elim", "#"].any fun bad =>
    (t.splitOn bad).length > 1 && !(bad == "?" && (t.splitOn "?_").length == (t.splitOn "?").length)

def searches : List String := ["simp?", "simp_all?", "exact?", "grind?", "try?"]

def answersOf (st : ProofState) (b : Bounds) (asked : List String) : IO (Array String) := do
  let mut out := #[]
  for s in asked do
    let ran ← attempt st b.search s
    for p in ran.messages.toList.flatMap proposals do
      if isUseful b p && !out.contains p then out := out.push p
  return out

/-- The text without white space: enough to tell whether two tactics are the same. -/
def squeezed (s : String) : String := String.ofList (s.toList.filter (!·.isWhitespace))

/-- The answers at a state that Lean takes and that get on: what closes the goal first, then the shorter ones.
`known` is what stands there already. -/
def answers (st : ProofState) (b : Bounds) (known : List String) (most : Nat) : IO (Array Made) := do
  let goal :: _ := st.goals | return #[]
  let before ← shown st.ci [goal]
  let mut found : Array Made := #[]
  -- Where both sides compute to the same, `exact?` cites whatever computes as well.
  let computes := match (← attempt st b.tactic "rfl").result with
    | .ok (_, 0) => true
    | _ => false
  for tactic in ← answersOf st b (if computes then ["simp?"] else searches) do
    if known.any fun k => squeezed k == squeezed tactic then continue
    let .ok (next, n) := (← attempt st b.tactic tactic).result | continue
    let after ← shown next.ci (next.goals.take n)
    if after != before then found := found.push { before, tactic, after }
  let rank (m : Made) := (if m.after.isEmpty then 0 else 1, m.tactic.length)
  let sorted := found.qsort fun x y => (rank x).1 < (rank y).1 || ((rank x).1 == (rank y).1 && (rank x).2 < (rank y).2)
  -- One way to a state is enough, unless there is nothing left to prove.
  let mut distinct : Array Made := #[]
  for m in sorted do
    if m.after.isEmpty || !distinct.any (·.after == m.after) then distinct := distinct.push m
  return distinct.extract 0 most

/-- Names that can be typed. -/
def typed? (n : Name) : Option String := if n.hasMacroScopes || n.isAnonymous || n.isInternal then none else some n.toString

/-- The name, numbered where it is taken. -/
def fresh (n : Name) (taken : List Name) : Name :=
  ([n] ++ (List.range 20).map fun i => n.appendAfter (toString (i + 1))).find? (!taken.contains ·) |>.getD n

/-- A constant as a person would write it here. -/
def cited? (ns : Name) (c : Name) : Option String :=
  if ns.isAnonymous || !ns.isPrefixOf c || ns == c then typed? c else typed? (c.replacePrefix ns .anonymous)

/-- `| nil => ?_ | cons x xs ih => ?_` -/
def alternatives (info : InductiveVal) (isInduction : Bool) : MetaM String := do
  let mut out := ""
  for c in info.ctors do
    let some (.ctorInfo ctor) := (← getEnv).find? c | continue
    let names ← forallTelescope ctor.type fun ys _ => do
      let mut names : List Name := []
      let mut hypotheses : List Name := []
      for y in ys.extract ctor.numParams ys.size do
        let d ← y.fvarId!.getDecl
        let proof ← isProp d.type
        let name := match d.userName.eraseMacroScopes with
          | `head => `x
          | `tail => `xs
          | n => if !d.userName.hasMacroScopes then n else if proof then `h else `a
        names := names ++ [fresh name (names ++ hypotheses)]
        if isInduction && d.type.getAppFn.isConstOf info.name then
          hypotheses := hypotheses ++ [fresh `ih (names ++ hypotheses)]
      return names ++ hypotheses
    let args := String.join (names.map fun n => s!" {n}")
    out := out ++ s!" | {c.getString!}{args} => ?_"
  return out

/-- Tactics that suit the form of a goal. `ns` is the namespace, `own` are the file's
definitions, `theorems` its theorems. -/
def stepsFor (ns : Name) (goal : MVarId) (own theorems : Array Name) (first : Bool) : MetaM (Array String) := goal.withContext do
  let mut out := #[]
  let target ← instantiateMVars (← goal.getType)
  let target := target.consumeMData
  match target with
  | .forallE n .. =>
    let name := match typed? n with
      | some s => s
      | none => "h"
    return #[s!"intro {(← getLCtx).getUnusedName name.toName}"]
  | _ => pure ()
  match target.getAppFn.constName? with
  | some ``And | some ``Iff => out := out.push "constructor"
  | some ``Or => out := out ++ #["left", "right"]
  | some ``Not => out := out.push "intro h"
  | some ``Eq => if (← whnf (← inferType (target.getArg! 1))).isForall then out := out.push "funext x"
  | _ => pure ()
  let env ← getEnv
  let used := target.getUsedConstants
  let defs := (used.filter own.contains).toList.filterMap (cited? ns)
  unless defs.isEmpty do
    let all := ", ".intercalate defs
    out := out ++ #[s!"simp [{all}]", s!"simp only [{all}]", s!"simp_all [{all}]"]
    if let [d] := defs then out := out.push s!"unfold {d}"
  -- Theorems of the file about the same definitions.
  let related := theorems.filter fun t => match env.find? t with
    | some info => info.type.getUsedConstants.any fun c => own.contains c && used.contains c
    | none => false
  if first then for t in related.toList.take 6 do
    if let some t := cited? ns t then out := out ++ #[s!"rw [{t}]", s!"rw [← {t}]"]
  if used.contains ``ite || used.contains ``dite then out := out.push "split"
  for d? in (← getLCtx).decls.toList do
    let some d := d? | continue
    if d.isAuxDecl then continue
    let some name := typed? d.userName | continue
    let type ← whnfR (← instantiateMVars d.type)
    let .const head _ := type.getAppFn | continue
    if ← isProp type then
      match head with
      | ``And => out := out.push (s!"obtain ⟨{name}1, {name}2⟩ := {name}")
      | ``Exists => out := out.push (s!"obtain ⟨x, {name}⟩ := {name}")
      | ``Or => out := out.push (s!"cases {name} with | inl {name} => ?_ | inr {name} => ?_")
      | ``Eq => out := out ++ #[s!"rw [{name}]", s!"rw [← {name}]", s!"subst {name}"]
      | _ => pure ()
    else if target.containsFVar d.fvarId then
      if let some (.inductInfo info) := (← getEnv).find? head then
        if info.numIndices == 0 && info.ctors.length ≤ 6 && !info.isUnsafe && !isClass (← getEnv) head then
          if info.isRec && first then out := out.push s!"induction {name} with{← alternatives info true}"
          else out := out.push s!"cases {name} with{← alternatives info false}"
  return out

/-- Tried at every goal: what ends it. -/
def closers : List String := ["rfl", "assumption", "simp", "omega", "simp_all", "grind"]

structure Node where
  st : ProofState
  path : List String
  cost : Nat

def costOf (st : ProofState) (depth : Nat) : IO Nat := do
  let texts ← shown st.ci st.goals
  return texts.foldl (init := 40 * depth) fun n t => n + 30 + t.length

/-- Calls of `exact?` for one proof: each costs as much as thirty other tactics. -/
def mostSearches : Nat := 3

/--
A proof of all goals of a state by best-first search: first what ends the main goal, then steps that suit it. `given`
are tactics of the original's proof, `own` and `theorems` what its file has declared before it.
-/
def prove (start : ProofState) (b : Bounds) (given : List String) (own theorems : Array Name) :
    IO (Option (List String)) := do
  let mut frontier : Array Node := #[{ st := start, path := [], cost := 0 }]
  let mut seen : Std.HashSet (Array String) := {}
  let mut attempts := 0
  let mut searched := 0
  let given := given.filter (·.length ≤ b.length)
  while !frontier.isEmpty && attempts < b.attempts do
    let some best := frontier.foldl (init := none) fun (best? : Option Node) n =>
      if best?.all (n.cost < ·.cost) then some n else best? | break
    frontier := frontier.filter (·.path != best.path)
    let { st, path, .. } := best
    let goal :: _ := st.goals | return some path.reverse
    let mut ended : Option Node := none
    let mut steps : Array (String × ProofState) := #[]
    for t in closers ++ given do
      if attempts ≥ b.attempts then break
      attempts := attempts + 1
      if let .ok (next, n) := (← attempt st b.tactic t).result then
        if n == 0 then
          ended := some { st := next, path := t :: path, cost := ← costOf next path.length }
          break
        steps := steps.push (t, next)
    if ended.isNone && searched < mostSearches then
      searched := searched + 1
      for t in (← answersOf st b ["exact?"]).toList.take 1 do
        if let .ok (next, 0) := (← attempt st b.tactic t).result then
          ended := some { st := next, path := t :: path, cost := ← costOf next path.length }
    if let some node := ended then
      -- What ends a goal leaves nothing to choose.
      if node.st.goals.isEmpty then return some node.path.reverse
      frontier := frontier.push { node with cost := min node.cost best.cost }
      continue
    if path.length ≥ b.depth then continue
    for t in ← st.ci.runMetaM {} (stepsFor st.ci.currNamespace goal own theorems (path.length < 2)) do
      if attempts ≥ b.attempts then break
      attempts := attempts + 1
      if let .ok (next, _) := (← attempt st b.tactic t).result then steps := steps.push (t, next)
    for (t, next) in steps do
      let key ← shown next.ci next.goals
      if !seen.contains key && next.goals.length ≤ 8 then
        seen := seen.insert key
        let cost ← costOf next (path.length + 1)
        -- What its author did for the original is more likely to do here.
        let bonus := if given.contains t then 100 else 0
        frontier := frontier.push { st := next, path := t :: path, cost := cost - bonus }
  return none

end LeanCopilotSynth
