import Lean
/-! Attributes that steer Lean: simp sets, grind annotations, unification hints, default instances, options. -/
register_option my.option : Bool := { defValue := true, descr := "an option" }
def double (n : Nat) := n + n
@[simp, grind =] theorem double_eq (n : Nat) : double n = 2 * n := by unfold double; omega
example (n : Nat) : double (n + 1) = 2 * n + 2 := by grind
example : double 4 = 8 := by simp
@[simp] def isSmall (n : Nat) : Bool := n < 10
example : isSmall 3 := by simp
@[grind] inductive Good : Nat → Prop where
  | zero : Good 0
  | step : Good n → Good (n + 2)
example : Good 4 := by grind
@[elab_as_elim] theorem my_induction {motive : Nat → Prop} (n : Nat) (h0 : motive 0)
    (h : ∀ n, motive n → motive (n + 1)) : motive n := n.rec h0 h
example (n : Nat) : 0 + n = n := by
  induction n using my_induction with
  | h0 => rfl
  | h n ih => rw [← Nat.add_assoc, ih]
@[coe] def toNat' (b : Bool) : Nat := if b then 1 else 0
instance : Coe Bool Nat := ⟨toNat'⟩
example : (true : Nat) = 1 := rfl
@[default_instance] instance : OfScientific Nat := ⟨fun m s e => if s then m / 10 ^ e else m * 10 ^ e⟩
def quick (n : Nat) : Nat := n
@[implemented_by quick] def slow (n : Nat) : Nat := n
#guard slow 3 == 3
def slowId (n : Nat) : Nat := n + 0
@[csimp] theorem slowId_eq : @slowId = @quick := rfl
@[specialize] def mapTwice (f : α → α) (xs : List α) : List α := xs.map (f ∘ f)
#guard mapTwice (· + 1) [1] == [3]
@[match_pattern] abbrev one := Nat.succ Nat.zero
def isOne : Nat → Bool
  | one => true
  | _ => false
#guard isOne 1
theorem three (a b c : Nat) (h : a = b) (h' : b = c) : a = c := by
  have key : a = b := h
  suffices b = c by rw [key, this]
  exact h'
theorem nested (p q r : Prop) : (p → q → r) → (p ∧ q → r) := by
  intro h ⟨hp, hq⟩
  exact h hp hq
theorem structured (n : Nat) : n * 0 = 0 ∧ 0 * n = 0 := by
  and_intros
  · simp
  · simp
theorem with_options : (1 : Nat) + 1 = 2 := by
  set_option maxHeartbeats 400 in
  rfl
