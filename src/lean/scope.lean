/-
What the names at a goal offer, in Lean: case splits with the constructors' names, definitions to unfold, equations and
lemmas of the project that fit. Proposals only: nothing here is verified.
-/
namespace LeanCopilotScope
open Lean Meta

/-- Proposals at a goal, best first. -/
structure Offer where
  /-- Tactics. -/
  steps : Array String := #[]
  /-- Inductions without the names of their cases, for what follows with `<;>`. -/
  inductions : Array String := #[]
  /-- What may finish the goals that a step leaves: with the definitions and theorems that the goal speaks of. -/
  finishers : Array String := #[]
deriving ToJson

/-- So many theorems of imported modules are looked at: more are a library, for which Lean's own search has an index. -/
def mostTheorems : Nat := 3000

/-- What comes with Lean, and what is ours. -/
def libraries : List Name := [`Init, `Std, `Lean, `Lake, `LeanCopilotProbe]

/-- Not what a project's proofs unfold. -/
def isForeign (env : Environment) (n : Name) : Bool :=
  match env.getModuleIdxFor? n with
  | some i => libraries.contains env.header.moduleNames[i]!.getRoot
  | none => [`LeanCopilotScope, `LeanCopilotProbe].contains n.getRoot

def shortName (n : Name) : MetaM String := do
  return toString (← unresolveNameGlobal ((privateToUserName? n).getD n))

/-- Runs something without keeping what it does to the state; `none` where it fails. -/
def trial {α : Type} (act : MetaM α) : MetaM (Option α) := do
  let s ← saveState
  try
    let a ← act
    s.restore
    return some a
  catch e =>
    s.restore
    if e.isInterrupt then throw e
    return none

/-- Names by which a person would call things of a type, where the constructor's author gave none. -/
def usualNames (type : Expr) : MetaM (List String) := do
  if ← isProp type then return ["h", "h1", "h2", "h3", "h4"]
  match type.getAppFn with
  | .const ``Nat _ => return ["n", "m", "k", "i", "j"]
  | .const ``Int _ => return ["z", "y", "w"]
  | .const ``List _ => return ["xs", "ys", "zs"]
  | .const ``Bool _ => return ["b", "c", "p"]
  | .forallE .. => return ["f", "g"]
  | .const n _ => match n.getString! |>.toLower |>.toList with
    | c :: _ => return [c.toString, c.toString ++ "1", c.toString ++ "2", c.toString ++ "3"]
    | [] => return ["x"]
  | _ => return ["x", "y", "z", "w", "v"]

def isAccessible (n : Name) : Bool := !n.isAnonymous && !n.hasMacroScopes && !n.isInternal

/-- A name that is not taken. -/
def choose (taken : Array String) (wanted : List String) : String :=
  match wanted.find? (!taken.contains ·) with
  | some n => n
  | none => Id.run do
    let base := wanted.headD "x"
    for i in [1:50] do
      unless taken.contains s!"{base}{i}" do return s!"{base}{i}"
    return base

/-- The names that a constructor's explicit arguments get, and those of the inductive hypotheses. -/
def argumentNames (ind : InductiveVal) (ctor : Name) (params : Array Expr) (us : List Level) (major : String)
    (taken : Array String) (hypotheses : Bool) : MetaM (List String) := do
  let type ← instantiateForall (← instantiateTypeLevelParams (.const ctor us)) params
  forallTelescopeReducing type fun args _ => do
    let mut taken := taken
    let mut names := #[]
    let mut recursive := #[]
    for a in args do
      let d ← a.fvarId!.getDecl
      unless d.binderInfo.isExplicit do continue
      let result ← forallTelescopeReducing d.type fun _ r => return r.getAppFn
      let again := result.isConstOf ind.name
      let own := if isAccessible d.userName && !(`a).isPrefixOf d.userName then [toString d.userName] else []
      let wanted ← if ind.name == ``List && major.endsWith "s" && major.length > 1 then
          pure (if again then [major] else [(major.take (major.length - 1)).toString])
        else if again && !(← isProp d.type) then pure (own ++ [major] ++ (← usualNames d.type))
        else pure (own ++ (← usualNames d.type))
      let n := choose taken wanted
      taken := taken.push n
      names := names.push n
      if again then recursive := recursive.push n
    if hypotheses then
      for r in recursive do
        names := names.push (choose taken [if recursive.size == 1 then "ih" else s!"ih{r}"])
    return names.toList
where
  instantiateTypeLevelParams : Expr → MetaM Expr
    | .const c us => return (← getConstInfo c).instantiateTypeLevelParams us
    | e => return e

/-- `| nil => ?_ | cons x xs ih => ?_` -/
def alternatives (ind : InductiveVal) (type : Expr) (major : String) (taken : Array String) (hypotheses : Bool) :
    MetaM String := do
  let us := type.getAppFn.constLevels!
  let params := type.getAppArgs.take ind.numParams
  let parts ← ind.ctors.mapM fun c => do
    let names ← argumentNames ind c params us major taken hypotheses
    return "| " ++ " ".intercalate (c.getString! :: names) ++ " => ?_"
  return " ".intercalate parts

/-- `⟨k, hk, h⟩` for existence and conjunction, as deep as they go; a name for anything else. -/
partial def pattern (type : Expr) (wanted : List String) (taken : Array String) (fuel : Nat := 4) :
    MetaM (String × Array String) := do
  let parts (e : Expr) (fuel : Nat) (taken : Array String) : MetaM (Option (List String × Array String)) := do
    if fuel == 0 then return none
    match_expr e with
    | Exists α p =>
      let binder := match p with
        | .lam n .. => if isAccessible n then [toString n] else []
        | _ => []
      withLocalDeclD `x α fun x => do
        let n := choose taken (binder ++ (← usualNames α))
        let (rest, taken) ← pattern (p.beta #[x]) ["h" ++ n] (taken.push n) (fuel - 1)
        return some ([n, rest], taken)
    | And a b =>
      let (l, taken) ← pattern a (wanted ++ ["h1"]) taken (fuel - 1)
      let (r, taken) ← pattern b ["h1", "h2", "h3"] taken (fuel - 1)
      return some ([l, r], taken)
    | _ => return none
  match ← parts (← whnfCore (← instantiateMVars type)) fuel taken with
  | some (ps, taken) =>
    let flat := ", ".intercalate ps
    -- The last component's brackets say nothing.
    let flat := if flat.endsWith "⟩" then (flat.replace "⟨" "").replace "⟩" "" else flat
    return (s!"⟨{flat}⟩", taken)
  | none =>
    let n := choose taken (wanted ++ (← usualNames type))
    return (n, taken.push n)

/-- The type as its head says what it is: definitions of propositions are looked through. -/
def shape (type : Expr) : MetaM Expr := do
  let type ← instantiateMVars type
  if ← isProp type then whnfD type else whnf type

structure Local where
  decl : LocalDecl
  name : String
  type : Expr

def locals : MetaM (Array Local) := do
  let mut out := #[]
  for d in ← getLCtx do
    if d.isImplementationDetail || !isAccessible d.userName then continue
    -- A shadowed name means another.
    if (← getLCtx).findFromUserName? d.userName |>.any (·.fvarId != d.fvarId) then continue
    out := out.push { decl := d, name := toString d.userName, type := ← instantiateMVars d.type }
  return out

/-- Variables that definitions in an expression recurse on: as long as they are variables, these compute nothing. -/
def recursedOn (e : Expr) : MetaM (Array (Name × FVarId)) := do
  let env ← getEnv
  let found ← IO.mkRef #[]
  e.forEach fun sub => do
    if let .const c _ := sub.getAppFn then
      if let some x := stuckOn env sub 8 then found.modify (·.push (c, x))
  found.get
where
  stuckOn (env : Environment) (e : Expr) : Nat → Option FVarId
    | 0 => none
    | fuel + 1 => do
      let .const c _ := e.getAppFn | none
      let info ← Elab.Structural.eqnInfoExt.find? env c
      match ← e.getAppArgs[info.recArgPos]? with
      | .fvar x => some x
      | inner => stuckOn env inner fuel

/-- Types of which nobody looks at the constructors. -/
def unsplit : List Name :=
  [``Eq, ``Ne, ``Not, ``HEq, ``LE.le, ``LT.lt, ``True, ``Nat.le, ``Int, ``Fin, ``Char, ``String, ``Float]

/-- Case splits and inductions. -/
structure Splits where
  /-- By data of the target. -/
  data : Array String
  /-- By such data as nothing recurses on, where something recurses on others. -/
  late : Array String
  /-- By hypotheses. -/
  props : Array String
  /-- Without the names of their cases. -/
  bare : Array String

def splits (target : Expr) (all : Array Local) : MetaM Splits := do
  let taken := all.map (·.name)
  let by_ ← recursedOn target
  let mut data : Array (Nat × Array String × Array String) := #[]
  let mut bare : Array String := #[]
  let mut props : Array String := #[]
  for l in all do
    let isData := !(← isProp l.type)
    let type ← if isData then whnfR l.type else shape l.type
    let .const c _ := type.getAppFn | continue
    let some (.inductInfo ind) := (← getEnv).find? c | continue
    let free := taken.filter (· != l.name)
    if [``Exists, ``And].contains c then
      let (p, _) ← pattern type [] free
      props := props.push s!"obtain {p} := {l.name}"
    else if c == ``Iff then
      props := props.push s!"obtain ⟨h1, h2⟩ := {l.name}"
    else if unsplit.contains c || ind.ctors.length > 6 then continue
    else if isClass (← getEnv) c then continue
    else
      let recursive := ind.isRec
      let fits := (type.getAppArgs.drop ind.numParams).all (·.isFVar)
      if isData then
        if (target.find? (· == .fvar l.decl.fvarId)).isNone || ind.ctors.isEmpty then continue
        -- What a definition recurses on comes first, a number last.
        let late := (if by_.any (·.2 == l.decl.fvarId) then 0 else 4) + (if c == ``Nat then 2 else 0)
        let mut own := #[]
        let mut short := #[]
        if recursive && fits then
          let alts ← alternatives ind type l.name free true
          own := own.push s!"induction {l.name} with {alts}"
          -- Other variables of the target, which the induction may have to hold for.
          let speaksOf (e : Expr) (o : Local) := (e.find? (· == .fvar o.decl.fvarId)).isSome
          let others := all.filter fun o => o.name != l.name && speaksOf target o && !speaksOf l.type o
          let others ← others.filterM fun o =>
            return !(← isProp o.type) && !(← isType o.decl.toExpr) && !o.type.isForall
          let general := if others.isEmpty then "" else " generalizing " ++ " ".intercalate (others.map (·.name)).toList
          unless others.isEmpty do own := own.push s!"induction {l.name}{general} with {alts}"
          short := #[s!"induction {l.name}{general}"]
        own := own.push s!"cases {l.name} with {← alternatives ind type l.name free false}"
        data := data.push (late * 100 + data.size, own, short)
      else
        if recursive && fits then
          props := props.push s!"induction {l.name} with {← alternatives ind type "h" free true}"
          bare := bare.push s!"induction {l.name}"
        props := props.push s!"cases {l.name} with {← alternatives ind type "h" free false}"
  let sorted := data.qsort fun a b => a.1 < b.1
  let (soon, late) := if by_.isEmpty then (sorted, #[]) else sorted.partition (·.1 < 400)
  return {
    data := soon.flatMap (·.2.1), late := late.flatMap (·.2.1), props
    bare := (bare ++ sorted.flatMap (·.2.2)).take 3 }

/-- Definitions of the project that an expression speaks of: what can be unfolded. -/
def definitions (e : Expr) : MetaM (Array Name) := do
  let env ← getEnv
  let mut out := #[]
  for c in e.getUsedConstants do
    let some (.defnInfo d) := env.find? c | continue
    if isForeign env c || c.isInternalDetail || isMatcherCore env c then continue
    if (← isInstance c) || (← isProjectionFn c) then continue
    -- A name for a type.
    let forType ← forallTelescope d.type fun _ r => return r.isSort && !r.isProp
    unless forType do out := out.push c
  return out

/-- Written by Lean beside a type or a definition; nobody cites these. -/
def isMadeUp : Name → Bool
  | .str _ s => ["inj", "injEq", "sizeOf_spec", "eq_def", "noConfusion"].contains s || s.startsWith "eq_"
  | _ => false

/-- The theorems of the project, the file's own last ones first. -/
def theorems (self : Option Name) : MetaM (Array Name) := do
  let env ← getEnv
  let isOurs (n : Name) (c : ConstantInfo) := c matches .thmInfo _ && some n != self && !n.isInternalDetail
    && !isForeign env n && !isMadeUp n
  let own := env.constants.map₂.foldl (init := #[]) fun acc n c => if isOurs n c then acc.push n else acc
  let line (n : Name) : MetaM Nat := return ((← findDeclarationRanges? n).map (·.range.pos.line)).getD 0
  let own := (← own.mapM fun n => return (← line n, n)).qsort (·.1 > ·.1) |>.map (·.2)
  let mut imported := #[]
  for i in [0:env.header.moduleNames.size] do
    let i := env.header.moduleNames.size - 1 - i
    if libraries.contains env.header.moduleNames[i]!.getRoot then continue
    if imported.size > mostTheorems then break
    for n in env.header.moduleData[i]!.constNames do
      if let some c := env.find? n then
        if isOurs n c then imported := imported.push n
  -- A library has other means.
  return own ++ (if imported.size > mostTheorems then #[] else imported)

/-- An equation to rewrite with. -/
structure Rule where
  text : String
  proof : MetaM Expr

/-- What the target becomes by a rule. -/
def rewrite (goal : MVarId) (target : Expr) (rule : Rule) : MetaM (Option (Expr × Bool)) := trial do
  let r ← goal.rewrite target (← rule.proof) (rule.text.startsWith "← ")
  let new ← instantiateMVars r.eNew
  if (← instantiateMVars target) == new then throwError "nothing changes"
  if new.hasExprMVar then throwError "it is open what stands there"
  let closed ← withReducible do
    match_expr new with
    | Eq _ a b => isDefEq a b
    | Iff a b => isDefEq a b
    | _ => return false
  return (new, closed)

/-- Chains of rewriting steps: each rule that does something, and the chains that make the target smallest. -/
def chains (goal : MVarId) (target : Expr) (rules : Array Rule) : MetaM (Array String × Array String) := do
  let write (path : List Rule) := "rw [" ++ ", ".intercalate (path.map (·.text)) ++ "]"
  let mut singles := #[]
  let mut long := #[]
  let mut front : Array (List Rule × Expr) := #[]
  let mut seen : Std.HashSet Expr := ({} : Std.HashSet Expr).insert target
  for r in rules do
    if let some (new, closed) ← rewrite goal target r then
      singles := singles.push (write [r])
      unless closed || seen.contains new do front := front.push ([r], new)
      seen := seen.insert new
  let mut tries := 120
  for _ in [0:3] do
    let best := (front.qsort fun a b => a.2.sizeWithoutSharing < b.2.sizeWithoutSharing).take 3
    front := #[]
    for (path, e) in best do
      for r in rules do
        if tries == 0 then break
        tries := tries - 1
        -- Back again.
        if path.any fun p => "← " ++ p.text == r.text || p.text == "← " ++ r.text then continue
        if let some (new, closed) ← rewrite goal e r then
          if seen.contains new then continue
          seen := seen.insert new
          if closed then long := long.push (true, new.sizeWithoutSharing, write (path ++ [r]))
          else
            front := front.push (path ++ [r], new)
            long := long.push (false, new.sizeWithoutSharing, write (path ++ [r]))
  let order := long.qsort fun a b => (a.1 && !b.1) || (a.1 == b.1 && a.2.1 < b.2.1)
  return (singles, order.take 3 |>.map (·.2.2))

/-- Whether a statement, under its binders, is an equation or an equivalence. -/
def isEquation (type : Expr) : Bool :=
  let r := type.getForallBody
  r.isAppOf ``Eq || r.isAppOf ``Iff

/-- `T _ _ h` where a hypothesis is what a theorem asks for last, with what it then says. -/
def forward (all : Array Local) (name : Name) (text : String) : MetaM (Option String) := trial do
  let thm ← mkConstWithFreshMVarLevels name
  let (args, infos, result) ← forallMetaTelescope (← inferType thm)
  let explicit := (args.zip infos).filter (·.2.isExplicit)
  let some (last, _) := explicit.back? | throwError "nothing to give"
  let wanted ← inferType last
  unless ← isProp wanted do throwError "not a premise"
  let premises ← explicit.filterM fun (a, _) => do isProp (← inferType a)
  unless premises.size == 1 do throwError "more than one premise"
  for l in all.reverse do
    if ← isDefEq wanted l.type then
      let term := " ".intercalate (text :: (List.replicate (explicit.size - 1) "_" ++ [l.name]))
      let type ← whnfCore (← instantiateMVars result)
      let taken := all.map (·.name)
      match_expr type with
      | Or _ _ =>
        let h := choose taken ["h", "h1", "h2"]
        return s!"cases {term} with | inl {h} => ?_ | inr {h} => ?_"
      | Exists _ _ => return s!"obtain {(← pattern type [] taken).1} := {term}"
      | And _ _ => return s!"obtain {(← pattern type [] taken).1} := {term}"
      | _ => return s!"have {choose taken ["h1", "h2", "h3", "h4"]} := {term}"
  throwError "no hypothesis fits"

/-- `refine ⟨x, ?_⟩` with variables of the context. -/
def witnesses (target : Expr) (all : Array Local) : MetaM (Array String) := do
  let fitting (α : Expr) := all.filterM fun l => do
    if (← isProp l.type) then return false
    return (← trial (do unless ← isDefEq l.type α do throwError "no")).isSome
  let e ← whnfD target
  match_expr e with
  | Exists α p =>
    let xs := (← fitting α).map (·.name)
    let mut out := xs.take 4 |>.map fun x => s!"refine ⟨{x}, ?_⟩"
    let inner ← withLocalDeclD `x α fun x => do whnfCore (p.beta #[x])
    match_expr inner with
    | Exists β _ =>
      if ← isDefEq α β then
        for x in xs.take 3 do
          for y in xs.take 3 do
            if x != y then out := out.push s!"refine ⟨{x}, {y}, ?_⟩"
      return out
    | _ => return out
  | _ => return #[]

/-- Equations to rewrite with, and what can be applied. -/
structure Lemmas where
  rules : Array Rule := #[]
  /-- Steps that apply something, with the number of goals that they leave. -/
  applied : Array (Nat × String) := #[]
  /-- What theorems say of hypotheses. -/
  said : Array String := #[]
  /-- Theorems that do more than rewrite. -/
  cited : Array String := #[]

def both (text : String) (proof : MetaM Expr) : Array Rule := #[⟨text, proof⟩, ⟨"← " ++ text, proof⟩]

/-- How many goals a proof leaves that is applied to the goal; `none` where it does not fit. -/
def applies (goal : MVarId) (proof : MetaM Expr) : MetaM (Option Nat) :=
  trial do return (← goal.apply (← proof)).length

/-- What hypotheses give. -/
def Lemmas.addHypotheses (found : Lemmas) (goal : MVarId) (all : Array Local) : MetaM Lemmas := do
  let mut found := found
  for l in all.reverse do
    unless ← isProp l.type do continue
    let type ← whnfCore l.type
    if isEquation type then found := { found with rules := found.rules ++ both l.name (pure l.decl.toExpr) }
    if type.isForall then
      if let some n ← applies goal (pure l.decl.toExpr) then
        found := { found with applied := found.applied.push (n, s!"apply {l.name}") }
  return found

/-- What definitions compute to. -/
def Lemmas.addEquations (found : Lemmas) (names : Array Name) : MetaM Lemmas := do
  let mut rules := found.rules
  for c in names do
    if let some eqns ← getEqnsFor? c then
      let n ← shortName c
      for e in eqns do rules := rules.push ⟨n, mkConstWithFreshMVarLevels e⟩
  return { found with rules }

/-- What theorems give that speak of one of these names. -/
def Lemmas.addTheorems (found : Lemmas) (goal : MVarId) (all : Array Local) (spoken : Array Name) (self : Option Name) :
    MetaM Lemmas := do
  let mut found := found
  for t in ← theorems self do
    let type := (← getConstInfo t).type
    unless type.getUsedConstants.any spoken.contains do continue
    let text ← shortName t
    let proof := mkConstWithFreshMVarLevels t
    if isEquation type && found.rules.size < 80 then found := { found with rules := found.rules ++ both text proof }
    if found.applied.size < 8 && type.getForallBody.getAppFn.isConst then
      if let some n ← applies goal proof then
        found := { found with applied := found.applied.push (n, s!"apply {text}"), cited := found.cited.push text }
    if found.said.size < 4 then
      if let some step ← forward all t text then
        found := { found with said := found.said.push step, cited := found.cited.push text }
  return found

/-- The constructors of what the target says, where it is of the project. -/
def Lemmas.addConstructors (found : Lemmas) (goal : MVarId) (target : Expr) : MetaM Lemmas := do
  let mut applied := found.applied
  let env ← getEnv
  if let .const c _ := (← whnfR target).getAppFn then
    if let some (.inductInfo ind) := env.find? c then
      unless isForeign env c || ind.ctors.length > 6 do
        for k in ind.ctors do
          if let some n ← applies goal (mkConstWithFreshMVarLevels k) then
            applied := applied.push (n, s!"apply {← shortName k}")
  return { found with applied }

/-- Definitions of the target to unfold: those that compute something, and those that wait for a variable's case. -/
def unfolds (here stuck : Array Name) : MetaM (Array String × Array String) := do
  let mut soon := #[]
  let mut late := #[]
  for c in here do
    let n ← shortName c
    let ways := #[s!"simp only [{n}]", s!"unfold {n}", s!"rw [{n}]"]
    if stuck.contains c then late := late ++ ways else soon := soon ++ ways
  if here.size > 1 then
    let whole := s!"simp only [{", ".intercalate (← here.mapM shortName).toList}]"
    if stuck.isEmpty then soon := #[whole] ++ soon else late := late.push whole
  return (soon, late)

/-- Definitions that hypotheses speak of, and how they are unfolded there. -/
def inHypotheses (all : Array Local) : MetaM (Array Name × Array String) := do
  let mut names := #[]
  let mut steps := #[]
  for l in all do
    unless ← isProp l.type do continue
    for c in ← definitions l.type do
      unless names.contains c do names := names.push c
      let n ← shortName c
      steps := steps ++ #[s!"simp only [{n}] at {l.name}", s!"unfold {n} at {l.name}"]
  return (names, steps)

/-- What may finish a goal: with definitions that are spoken of, and the lemmas that do something to it. -/
def finishers (definitions lemmas : List String) : Array String :=
  let list (names : List String) := "[" ++ ", ".intercalate names ++ "]"
  let cited := if lemmas.isEmpty then #[] else #[s!"grind {list (definitions ++ lemmas.take 4)}"]
  if definitions.isEmpty then cited
  else cited ++ #[s!"simp_all {list definitions}", s!"grind {list definitions}"]

/-- The first of each list, then the second of each, and so on to the twelfth, without repetition. -/
def inTurn (kinds : List (Array String)) : Array String := Id.run do
  let mut ordered := #[]
  for i in [0:12] do
    for k in kinds do
      if let some s := k[i]? then
        unless ordered.contains s do ordered := ordered.push s
  return ordered

/-- All that the names at a goal offer. -/
def survey (goal : MVarId) (self : Option Name) : MetaM Offer := goal.withContext do
  let env ← getEnv
  let target ← instantiateMVars (← goal.getType)
  let all ← locals
  let splits ← splits target all
  let here ← definitions target
  let stuck := (← recursedOn target).map (·.1)
  let (soon, late) ← unfolds here stuck
  let (inside, unfoldedThere) ← inHypotheses all
  let known := here ++ inside.filter (!here.contains ·)
  let spoken := (target.getUsedConstants ++ known).filter (!isForeign env ·)
  let mut found : Lemmas := {}
  found ← found.addHypotheses goal all
  found ← found.addEquations here
  found ← found.addTheorems goal all spoken self
  found ← found.addConstructors goal target
  let (singles, long) ← chains goal target found.rules
  let short := (found.applied.qsort fun a b => a.1 < b.1).map (·.2)
  -- What finishes.
  let defs := (← (known.take 6).mapM shortName).toList
  let useful := found.rules.filter fun r => !r.text.startsWith "← " && singles.contains s!"rw [{r.text}]"
  let lemmas := ((useful.map (·.text)).toList ++ found.cited.toList).eraseDups
  let finishers := finishers defs (lemmas.filter fun n => !defs.contains n && !all.any (·.name == n))
  let front := if stuck.isEmpty then [long, soon, splits.props, splits.data] else [splits.data, long, soon, splits.props]
  let ordered := inTurn (front ++ [singles, short, found.said, unfoldedThere, ← witnesses target all])
  -- What may take long comes when the likeliest steps are known.
  let first := ordered.take 10 ++ finishers
  let last := (ordered.drop 10 |>.take 15) ++ (splits.late ++ late).filter fun s => !ordered.contains s
  return { steps := (first ++ last).take 32, inductions := splits.bare, finishers }

end LeanCopilotScope
