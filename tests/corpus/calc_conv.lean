/-! `calc` over several relations, `conv` in many forms, `Trans`. -/
example (a b c d : Nat) (h₁ : a = b) (h₂ : b ≤ c) (h₃ : c < d) : a < d :=
  calc
    a = b := h₁
    _ ≤ c := h₂
    _ < d := h₃
def Divides (a b : Nat) : Prop := ∃ k, b = a * k
theorem Divides.trans (h : Divides a b) (h' : Divides b c) : Divides a c := by
  obtain ⟨k, rfl⟩ := h; obtain ⟨l, rfl⟩ := h'
  exact ⟨k * l, Nat.mul_assoc ..⟩
instance : Trans Divides Divides Divides := ⟨Divides.trans⟩
infix:50 " ∣' " => Divides
theorem Divides.mul_right (a b : Nat) : a ∣' a * b := ⟨b, rfl⟩
example (a b c d : Nat) (h : b = c) : a ∣' (a * b) * d :=
  calc
    a ∣' a * b := .mul_right ..
    _ = a * c := by rw [h]
    _ ∣' a * c * d := .mul_right ..
    _ = a * b * d := by rw [h]
instance : Trans (α := Nat) (β := Nat) (γ := Nat) (· ∣' ·) (· = ·) (· ∣' ·) := ⟨fun h e => e ▸ h⟩

example (a b c : Nat) : (a + b) * c = (b + a) * c := by
  conv => lhs; arg 1; rw [Nat.add_comm]
example (a b c : Nat) : a * b * c = a * (c * b) := by
  conv =>
    rhs
    rw [Nat.mul_comm c b]
  exact Nat.mul_assoc ..
example (f : Nat → Nat) (h : ∀ x, f x = x) : (fun x => f x + 0) = fun x => x := by
  conv => lhs; ext x; rw [h, Nat.add_zero]
example (a b : Nat) (h : a + b = 7) : b + a = 7 := by
  conv at h => lhs; rw [Nat.add_comm]
  exact h
example (a b c : Nat) (h : b = c) : a + b = a + c := by
  conv in b => rw [h]
example (a b : Nat) : a + b + 0 = b + a := by
  conv =>
    enter [1]
    simp only [Nat.add_zero]
    tactic => exact Nat.add_comm a b
example (x y : Nat) : (x + y) * (x + y) = x * x + y * x + (x * y + y * y) := by
  conv => lhs; rw [Nat.mul_add, Nat.add_mul, Nat.add_mul]
example (a b c : Nat) (h : a = b) (h' : b = c) : c = a := calc
  c = b := h'.symm
  _ = a := h.symm
example (p q : Prop) (h : p → q) (h' : q → p) : p ↔ q :=
  calc p
    _ ↔ q := ⟨h, h'⟩
