/-! Lean's own automation: omega, grind, decide, simp with arith, bv_omega, exact?, split, … -/
example (a b : Nat) (h : a < b) (h' : b < a + 2) : b = a + 1 := by omega
example (x y : Int) (h : 2 * x + 3 * y = 7) (h' : x = 2) : y = 1 := by omega
example (a b : Nat) (h : a ∣ 4) (hb : b = 4) : a ≤ b := by
  subst hb; exact Nat.le_of_dvd (by decide) h
example (x : BitVec 8) (h : x < 5#8) : x ≤ 5#8 := by bv_omega
example (x y : UInt8) (h : x.toNat < y.toNat) : x ≠ y := by
  intro e; subst e; exact Nat.lt_irrefl _ h
example : ∀ x : Fin 5, ∀ y : Fin 5, x + y = y + x := by decide
example : 2 ^ 10 = 1024 := by decide
example : 2 ^ 64 % 7 = 2 := by decide +kernel
example (p q r : Prop) : p ∧ (q ∨ r) ↔ (p ∧ q) ∨ (p ∧ r) := by grind
example (f : Nat → Nat) (h : ∀ x, f x = x) : f (f 3) = 3 := by grind
example (xs ys : List Nat) (h : xs = ys) : xs.length = ys.length := by grind
example (a b c : Int) (h : a = b + c) : a * a = b * b + 2 * (b * c) + c * c := by grind
example (x y : Nat) : x + 2 < y + 3 ↔ x < y + 1 := by simp +arith
example (x y : Nat) (h : x + 1 = y + 1) : x = y := by simpa using h
example (n : Nat) : (if n = n then 1 else 2) = 1 := by simp
example (n m : Nat) : (if n < m then n else m) ≤ m := by split <;> omega
example (o : Option Nat) : (match o with | some n => n | none => 0) = o.getD 0 := by
  split <;> rfl
example (p q : Prop) (hp : p) (hnp : ¬p) : q := by contradiction
example (a b : Nat) (h : Nat.succ a = Nat.succ b) : a = b := by injection h
example (x : Nat) (h : x ∈ [1, 2, 3]) : x < 4 := by
  simp at h; omega
example (f g : Nat → Nat) (h : ∀ x, f x = g x) : f = g := by ext x; exact h x
example (a b c d : Nat) (h : a = b) (h' : c = d) : (a, c) = (b, d) := by congr
example (a b : Nat) : max a b = max b a := by rw [Nat.max_comm]
example (p : Nat → Prop) (h : ∃ x, p x ∧ x > 3) : ∃ x, p x := by
  obtain ⟨x, hx, -⟩ := h; exact ⟨x, hx⟩
example (p q r : Prop) (h : p → q) (h' : q → r) : p → r := by
  intro hp; apply h'; apply h; assumption
example (p q : Prop) : p ∨ q → q ∨ p := by
  rintro (h | h)
  · exact .inr h
  · exact .inl h
example (xs : List Nat) : xs ++ [] = xs := by induction xs <;> simp_all
example (a b : Nat) (h : a ≤ b) : ∃ c, b = a + c := by exists b - a; omega
example (a b c : Nat) : a * (b + c) = a * c + a * b := by
  rw [Nat.mul_add, Nat.add_comm]
example (a b c : Nat) : a + b + c = c + b + a := by ac_rfl
example (x : Nat) (h : x = 1 ∨ x = 2) : x ≠ 0 := by
  rcases h with rfl | rfl <;> decide
example (p : Prop) [Decidable p] : ¬¬p → p := by
  intro h; by_cases hp : p
  · exact hp
  · exact absurd hp h
example (s : String) (h : s = "") : s.length = 0 := by simp [h]
example (a b : Nat) (h : a = b) (hb : b = 3) : a = 3 := by
  calc a = b := h
    _ = 3 := hb
example (f : Nat → Nat) (a b : Nat) (h : a = b) : f a = f b := by
  fail_if_success rfl
  exact congrArg f h
example (n : Nat) (h : n < 3) : n = 0 ∨ n = 1 ∨ n = 2 := by
  match n, h with
  | 0, _ => simp
  | 1, _ => simp
  | 2, _ => simp
example : ∃ x : Nat, x * x = 49 := by
  refine ⟨?w, ?_⟩
  case w => exact 7
  rfl
example (a b c : Nat) (h₁ : a < b) (h₂ : b < c) : a < c := by
  have h := Nat.lt_trans h₁ h₂
  show a < c
  exact h
example (a b : Nat) (h : a + 0 = b) : b = a := by
  change a = b at h
  exact h.symm
example (p q : Prop) (hq : q) : p → q := by
  intros; first | done | assumption
example (a b c : Nat) (h : a = b ∧ b = c) : a = c := by
  let ⟨h₁, h₂⟩ := h
  simp_all only
example (x y : Nat) (h : x = y) : y = x := by
  revert h; intro h; symm; exact h
example (a : Nat) : a = a := by
  generalize a = b; rfl
example (x : Nat) (hx : 0 < x) : ∃ y, x = y + 1 := by
  cases x with
  | zero => contradiction
  | succ y => exact ⟨y, rfl⟩
