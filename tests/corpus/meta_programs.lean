import Lean
/-! Metaprograms of the kind that projects carry: tactics, linters, environment queries, delaborators. -/
open Lean Meta Elab Tactic Term Command

elab "swap_goals" : tactic => do
  match ← getGoals with
  | a :: b :: rest => setGoals (b :: a :: rest)
  | _ => throwError "two goals needed"
example (p q : Prop) (hp : p) (hq : q) : p ∧ q := by
  constructor
  swap_goals
  · exact hq
  · exact hp

elab "close_by_assumption" : tactic => withMainContext do
  for d in ← getLCtx do
    if d.isImplementationDetail then continue
    if ← isDefEq d.type (← getMainTarget) then
      closeMainGoal `close_by_assumption d.toExpr
      return
  throwError "none fits"
example (a b : Nat) (h : a = b) : a = b := by close_by_assumption

syntax "count_args " ident : term
elab_rules : term
  | `(count_args $f) => do
    let c ← realizeGlobalConstNoOverloadWithInfo f
    let info ← getConstInfo c
    forallTelescope info.type fun xs _ => return mkNatLit xs.size
#guard count_args Nat.add == 2

def countConsts (e : Expr) : Nat := (e.foldConsts 0 fun _ n => n + 1)
run_meta do
  let e ← mkAppM ``Nat.add #[mkNatLit 1, mkNatLit 2]
  unless countConsts e > 0 do throwError "none"
  let r ← whnf e
  unless r.nat? == some 3 || r.rawNatLit? == some 3 do throwError "whnf: {r}"
  let t ← inferType e
  unless t.isConstOf ``Nat do throwError "type: {t}"

elab "#count_theorems " n:ident : command => do
  let env ← getEnv
  let mut k : Nat := 0
  for (c, i) in env.constants.map₂.toList do
    if n.getId.isPrefixOf c && i matches .thmInfo _ then k := k + 1
  logInfo s!"{k}"
namespace Mine
theorem a : True := trivial
theorem b : True := trivial
end Mine
/-- info: 2 -/
#guard_msgs in
#count_theorems Mine

initialize myExt : SimpleScopedEnvExtension Name (Array Name) ←
  registerSimpleScopedEnvExtension { initial := #[], addEntry := Array.push }
