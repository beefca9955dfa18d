/-! Sections, namespaces, variables, visibility, options, attributes in a scope, unicode names. -/
universe u v
namespace Ὅμηρος
/-- A name in Greek. -/
def ἀριθμός : Nat := 7
def «two words» : Nat := ἀριθμός + 1
#guard «two words» == 8
def x₁' := 1
def 𝒜 (α : Type u) : Type u := α → α
end Ὅμηρος
#guard Ὅμηρος.«two words» == 8
open Ὅμηρος in
#guard ἀριθμός == 7

section
variable {α : Type u} [BEq α] (x y : α)
def same : Bool := x == y
variable (α) in
def allSame (xs : List α) : Bool := match xs with
  | [] => true
  | a :: as => as.all (same a)
include x in
omit [BEq α] in
theorem inhabited_of : Nonempty α := ⟨x⟩
end
#guard allSame Nat [1, 1]

namespace Outer
private def secret := 3
protected def add (a b : Nat) := a + b + secret
namespace Inner
export Nat (succ)
def deep := Outer.add 1 2
end Inner
open Inner (deep)
open Inner renaming deep → shallow
#guard shallow == 6 && deep == 6
end Outer
export Outer.Inner (deep)
#guard deep == 6

set_option maxRecDepth 2000 in
example : (List.range 300).length = 300 := by simp
set_option linter.unusedVariables false in
def ignores (n : Nat) : Nat := 3
set_option pp.all true in
#guard_msgs (drop info) in
#check Nat.succ (Nat.succ Nat.zero)

/-- info: 4 -/
#guard_msgs in
#eval 2 + 2
/--
error: Unknown identifier `nowhere`
-/
#guard_msgs in
#check nowhere
#guard_msgs (drop warning) in
theorem unproved : 1 = 2 := sorry

local notation "⟪" a "⟫" => [a, a]
#guard ⟪3⟫ == [3, 3]
attribute [local simp] Nat.add_comm in
example (a b : Nat) : a + b = b + a := by simp
@[simp] theorem same_self (n : Nat) : same n n = true := by simp [same]
example : same 3 3 := by simp
@[deprecated same_self (since := "2025-01-01")] theorem old_self (n : Nat) : same n n = true := same_self n
@[inline, always_inline] def fast (n : Nat) := n + 1
@[irreducible] def hidden := 5
@[ext] structure P where (a b : Nat)
example (p q : P) (h : p.a = q.a) (h' : p.b = q.b) : p = q := P.ext h h'
opaque mystery : Nat
theorem mystery_self : mystery = mystery := rfl
opaque chosen (n : Nat) : { m : Nat // m > n } := ⟨n + 1, Nat.lt_succ_self n⟩
example : (chosen 3).1 > 3 := (chosen 3).2
axiom choiceOfMine : ∃ n : Nat, n > 5
example : ∃ n : Nat, n > 4 := choiceOfMine.imp fun _ h => Nat.lt_of_succ_lt h
noncomputable def pick : Nat := Classical.choose choiceOfMine
abbrev Pair := Nat × Nat
instance : HAdd Pair Pair Pair := ⟨fun a b => (a.1 + b.1, a.2 + b.2)⟩
#guard ((1, 2) : Pair) + ((3, 4) : Pair) == (4, 6)
