/-! Iterating a function: fixed points, periods, orbits that settle, and maps which
carry one orbit to another. -/

namespace Orbits

def iter {α : Type} (f : α → α) : Nat → α → α
  | 0, x => x
  | n + 1, x => f (iter f n x)

def Settles {α : Type} (f : α → α) (x : α) : Prop := ∃ n, f (iter f n x) = iter f n x

def Meet {α : Type} (f : α → α) (x y : α) : Prop := ∃ n m, iter f n x = iter f m y

inductive Halts {α : Type} (f : α → α) : α → Prop where
  | stop (x : α) : f x = x → Halts f x
  | go (x : α) : Halts f (f x) → Halts f x

theorem iter_fixed {α : Type} (f : α → α) (x : α) (h : f x = x) (n : Nat) : iter f n x = x := by
  induction n with
  | zero => rfl
  | succ n ih =>
    simp only [iter]
    rw [ih, h]

theorem iter_carry {α β : Type} (f : α → α) (g : β → β) (k : α → β)
    (h : ∀ x, k (f x) = g (k x)) (n : Nat) (x : α) : k (iter f n x) = iter g n (k x) := by
  induction n with
  | zero => rfl
  | succ n ih =>
    simp only [iter]
    rw [h, ih]

theorem iter_step {α : Type} (f : α → α) (n : Nat) (x : α) : iter f n (f x) = f (iter f n x) := by
  rw [iter_carry f f f]
  intro y
  rfl

theorem iter_undo {α : Type} (f g : α → α) (h : ∀ x, g (f x) = x) (n : Nat) (x : α) :
    iter g n (iter f n x) = x := by
  induction n with
  | zero => rfl
  | succ n ih =>
    simp only [iter]
    rw [← iter_step g, h, ih]

theorem period_shift {α : Type} (f : α → α) (m : Nat) (x : α) (h : iter f m x = x) (n : Nat) :
    iter f (n + m) x = iter f n x := by
  induction n with
  | zero =>
    rw [Nat.zero_add, h]
    rfl
  | succ n ih =>
    rw [Nat.succ_add]
    simp only [iter]
    rw [ih]

theorem period_along {α : Type} (f : α → α) (m : Nat) (x : α) (h : iter f m x = x) :
    iter f m (f x) = f x := by
  rw [iter_step, h]

theorem fixed_of_consecutive {α : Type} (f : α → α) (n : Nat) (x : α) (h1 : iter f n x = x)
    (h2 : iter f (n + 1) x = x) : f x = x := by
  simp only [iter] at h2
  rw [h1] at h2
  exact h2

theorem grows {f : Nat → Nat} (h : ∀ n, n < f n) (n k : Nat) : n + k ≤ iter f k n := by
  induction k with
  | zero => exact Nat.le_refl n
  | succ k ih =>
    simp only [iter]
    have h1 : iter f k n < f (iter f k n) := h (iter f k n)
    omega

theorem never_settles (f : Nat → Nat) (h : ∀ n, n < f n) (n : Nat) : ¬Settles f n := by
  intro h1
  obtain ⟨k, hk⟩ := h1
  have h2 : iter f k n < f (iter f k n) := h (iter f k n)
  omega

theorem descends_to_zero (f : Nat → Nat) (h : ∀ n, n ≠ 0 → f n < n) (n : Nat) :
    ∃ k, iter f k n = 0 := by
  induction n using Nat.strongRecOn with
  | ind n ih =>
    by_cases h1 : n = 0
    · exists 0
    · obtain ⟨k, hk⟩ := ih (f n) (h n h1)
      exists k + 1
      simp only [iter]
      rw [← iter_step f]
      exact hk

theorem settles_back {α : Type} (f : α → α) (x : α) (h : Settles f (f x)) : Settles f x := by
  obtain ⟨n, hn⟩ := h
  exists n + 1
  simp only [iter]
  rw [← iter_step f]
  exact hn

theorem settles_step {α : Type} (f : α → α) (x : α) (h : Settles f x) : Settles f (f x) := by
  obtain ⟨n, hn⟩ := h
  exists n
  rw [iter_step, hn]
  exact hn

theorem halts_fixed {α : Type} (f : α → α) (x : α) (h : Halts f x) : ∃ y, f y = y := by
  induction h with
  | stop x hx => exact ⟨x, hx⟩
  | go x _ ih => exact ih

theorem halts_settles {α : Type} (f : α → α) (x : α) (h : Halts f x) : Settles f x := by
  induction h with
  | stop x hx => exact ⟨0, hx⟩
  | go x _ ih =>
    apply settles_back
    exact ih

theorem settles_halts {α : Type} (f : α → α) (x : α) (h : Settles f x) : Halts f x := by
  obtain ⟨n, hn⟩ := h
  induction n generalizing x with
  | zero => exact Halts.stop x hn
  | succ n ih =>
    apply Halts.go
    apply ih
    rw [iter_step]
    exact hn

theorem meet_step {α : Type} (f : α → α) (x y : α) (h : Meet f x y) : Meet f (f x) y := by
  obtain ⟨n, m, h⟩ := h
  exists n, m + 1
  simp only [iter]
  rw [iter_step, h]

end Orbits
