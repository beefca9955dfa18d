/-!
Variants of a theorem's statement, made on its expression, so that they typecheck. Whether one is true is for the
search to find out. What follows `play.lean` in the program.
-/

namespace LeanCopilotSynth
open LeanCopilotPlay

/-- A statement of which nobody knows yet whether it is true. -/
structure Variant where
  /-- How it was made. -/
  kind : String
  type : Expr

/-- Operations that stand in for each other: the result is as long, and often as true. Applied to their last arguments. -/
def siblings : List (Name × Name × Nat) := [
  (``HAdd.hAdd, ``HMul.hMul, 2), (``HMul.hMul, ``HAdd.hAdd, 2), (``LE.le, ``LT.lt, 2), (``LT.lt, ``LE.le, 2),
  (``And, ``Or, 2), (``Or, ``And, 2), (``Min.min, ``Max.max, 2), (``Max.max, ``Min.min, 2),
  (``List.take, ``List.drop, 2), (``List.drop, ``List.take, 2), (``List.all, ``List.any, 2),
  (``List.any, ``List.all, 2), (``Bool.and, ``Bool.or, 2), (``Bool.or, ``Bool.and, 2)]

/-- The statement that a goal stands for, closed; none where it is not a proposition or not yet determined. -/
def closedStatement (goal : MVarId) : MetaM (Option Expr) := goal.withContext do
  let type ← instantiateMVars (← goal.getType)
  unless ← isProp type do return none
  let fvars := (← getLCtx).decls.toList.filterMap fun d? => do
    let d ← d?
    guard !d.isAuxDecl
    return d.toExpr
  let closed ← instantiateMVars (← mkForallFVars fvars.toArray type)
  return if closed.hasExprMVar || closed.hasLevelMVar || closed.hasFVar then none else some closed

def isProof (x : Expr) : MetaM Bool := do isProp (← inferType x)

/-- Whether one of these depends on `x`. -/
def isUsed (x : Expr) (xs : Array Expr) (body : Expr) : MetaM Bool := do
  if body.containsFVar x.fvarId! then return true
  xs.anyM fun y => return y != x && (← instantiateMVars (← inferType y)).containsFVar x.fvarId!

/-- `a = b` as `b = a`, and so on. -/
def swapped? (body : Expr) : MetaM (Option Expr) := do
  match body.getAppFnArgs with
  | (``Eq, #[_, a, b]) => if a == b then return none else some <$> mkEq b a
  | (``Ne, #[_, a, b]) => some <$> mkAppM ``Ne #[b, a]
  | (``Iff, #[a, b]) => return mkApp2 (.const ``Iff []) b a
  | (``And, #[a, b]) => return mkApp2 (.const ``And []) b a
  | (``Or, #[a, b]) => return mkApp2 (.const ``Or []) b a
  | _ => return none

/-- The values that a variable of an inductive type takes, each with the new variables that it speaks of. -/
def valuesOf (x : Expr) (k : Array Expr → Expr → MetaM Unit) : MetaM Unit := do
  let type ← whnf (← inferType x)
  let .const name levels := type.getAppFn | return
  let some (.inductInfo info) := (← getEnv).find? name | return
  if info.numIndices > 0 || info.ctors.length > 4 || isClass (← getEnv) name || (← isProp type) then return
  if name == ``Nat then
    k #[] (mkNatLit 0)
    withLocalDeclD ((← getLCtx).getUnusedName `n) type fun n => do k #[n] (← mkAppM ``HAdd.hAdd #[n, mkNatLit 1])
    return
  for c in info.ctors do
    let app := mkAppN (.const c levels) (type.getAppArgs.extract 0 info.numParams)
    forallTelescope (← inferType app) fun ys _ => do
      if ← ys.allM fun y => return !(← isProof y) then k ys (mkAppN app ys)

/-- Numerals and nullary constructors in a term. -/
def constantsIn (env : Environment) (e : Expr) : Array Expr := Id.run do
  let mut found := #[]
  let mut todo := #[e]
  let mut fuel := 400
  while !todo.isEmpty && fuel > 0 do
    fuel := fuel - 1
    let t := todo.back!
    todo := todo.pop
    let isValue := t.isAppOfArity ``OfNat.ofNat 3 || t.isAppOfArity ``List.nil 1 || match t with
      | .const c _ => match env.find? c with
        | some (.ctorInfo i) => i.numFields == 0 && i.numParams == 0
        | _ => false
      | _ => false
    if isValue && !t.hasLooseBVars then
      unless found.contains t do found := found.push t
    else match t with
      | .app f a => todo := (todo.push f).push a
      | .lam _ d b _ | .forallE _ d b _ => todo := (todo.push d).push b
      | .mdata _ b | .proj _ _ b => todo := todo.push b
      | _ => pure ()
  return found

/-- An operation replaced by its sibling everywhere. -/
def withSibling (body : Expr) (op to : Name) (args : Nat) : MetaM (Option Expr) := do
  unless body.getUsedConstants.contains op do return none
  let changed ← Meta.transform body (post := fun e => do
    unless e.getAppFn.isConstOf op && e.getAppNumArgs ≥ args do return .continue
    let all := e.getAppArgs
    return .done (← mkAppM to (all.extract (all.size - args) all.size)))
  return some changed

/-- The file's own definitions in a term, each with others of the file that have the same type. -/
def ownSiblings (env : Environment) (own : Array Name) (body : Expr) : Array (Name × Name) := Id.run do
  let mut out := #[]
  for c in body.getUsedConstants do
    if let some info := env.find? c then
      if own.contains c then
        for d in own do
          if d != c then if let some other := env.find? d then
            if other.type == info.type && other.levelParams == info.levelParams then out := out.push (c, d)
  return out

/-- What follows from this statement together with another theorem of the file: its conclusion for one of the
other's hypotheses, or two equations one behind the other. -/
def chained (xs : Array Expr) (body : Expr) (other : Name) : MetaM (Option Expr) := do
  let (ms, _, conclusion) ← forallMetaTelescope (← inferType (← mkConstWithFreshMVarLevels other))
  let finish (result : Expr) : MetaM (Option Expr) := do
    let rest ← ms.filterM fun m => return !(← m.mvarId!.isAssigned)
    let e ← instantiateMVars (← mkForallFVars (xs ++ rest) (← instantiateMVars result))
    return if e.hasExprMVar || e.hasLevelMVar then none else some e
  if let (some (α, a, b), some (_, c, d)) := (body.eq?, conclusion.eq?) then
    -- a pattern that matches everything chains with everything and says nothing
    unless c.getAppFn.isMVar do
      if ← isDefEq b c then return ← finish (← mkEq a d)
      if ← isDefEq a c then return ← finish (mkApp3 (.const ``Eq [← getLevel α]) α b d)
  for m in ms do
    let hypothesis ← instantiateMVars (← inferType m)
    if (← isProp hypothesis) && !hypothesis.getAppFn.isMVar then
      if ← isDefEq hypothesis body then
        if conclusion.getAppFn.isMVar then return none
        m.mvarId!.assign (← mkSorry hypothesis true)
        let e? ← finish conclusion
        return e?.filter (!·.hasSorry)
  return none

/--
Variants of a closed statement. `own` are the definitions of its file so far, `theorems` its theorems. What does not
typecheck is left out, and so is what was there before.
-/
def variantsOf (statement : Expr) (own theorems : Array Name) : MetaM (Array Variant) := do
  let out ← IO.mkRef (#[] : Array Variant)
  let add (kind : String) (make : MetaM (Option Expr)) : MetaM Unit := do
    -- One that cannot be made is none.
    let made ← try withoutModifyingMCtx make catch _ => pure none
    let some type := made | return
    let type := type.eta
    if type == statement || type.hasExprMVar || type.hasFVar || type.hasSorry || (← out.get).any (·.type == type) then return
    try
      Meta.check type
      if ← isProp type then out.modify (·.push { kind, type })
    catch _ => pure ()
  forallTelescope statement fun xs body => do
    let close (zs : Array Expr) (e : Expr) : MetaM (Option Expr) := some <$> mkForallFVars zs e
    add "swapped" do (← swapped? body).bindM (close xs)
    for x in xs do
      if ← isProof x then
        add "dropped" do
          if ← isUsed x xs body then return none
          close (xs.filter (· != x)) body
    for x in xs do
      unless (← isProof x) do
        valuesOf x fun ys value =>
          add "specialised" do
            let others := xs.filter (· != x)
            -- What stands before it may be spoken of by the value, what stands behind it may speak of it.
            let general ← mkForallFVars (xs.extract ((xs.idxOf x) + 1) xs.size) body
            close (others.extract 0 (xs.idxOf x) ++ ys) (general.replaceFVar x value)
    for t in constantsIn (← getEnv) body do
      add "generalised" do
        withLocalDeclD ((← getLCtx).getUnusedName `k) (← inferType t) fun k => do
          let general ← kabstract body t
          close (xs.push k) (general.instantiate1 k)
    if let some h := xs.back? then
      if (← isProof h) && !(← isUsed h xs body) then
        let type ← inferType h
        add "contrapositive" (close xs.pop (← mkArrow (mkNot body) (mkNot type)))
        add "converse" (close xs.pop (← mkArrow body type))
    for (op, to, n) in siblings do
      add "sibling" do (← withSibling body op to n).bindM (close xs)
    for (c, d) in ownSiblings (← getEnv) own body do
      add "sibling" (close xs (body.replace fun e => match e with
        | .const n us => if n == c then some (.const d us) else none
        | _ => none))
    for other in theorems do
      add "chained" (chained xs body other)
  out.get

/-- At most `most` of them, of each kind in turn, so that none crowds out the others. -/
def chosen (all : Array Variant) (most : Nat) : Array Variant := Id.run do
  let mut left := all
  let mut out := #[]
  while out.size < most && !left.isEmpty do
    let mut kinds : List String := []
    let mut rest := #[]
    for v in left do
      if kinds.contains v.kind || out.size ≥ most then rest := rest.push v
      else
        kinds := v.kind :: kinds
        out := out.push v
    left := rest
  return out

end LeanCopilotSynth
