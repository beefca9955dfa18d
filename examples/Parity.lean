/-! Parity in three forms: existential, as an inductive predicate, and as mutually dual
recursive Boolean tests. -/

namespace Parity

def Even (n : Nat) : Prop := ∃ k, n = k + k

def Odd (n : Nat) : Prop := ∃ k, n = k + k + 1

inductive Ev : Nat → Prop where
  | zero : Ev 0
  | step (n : Nat) : Ev n → Ev (n + 2)

def isEven : Nat → Bool
  | 0 => true
  | n + 1 => !isEven n

theorem even_zero : Even 0 := by
  exact ⟨0, rfl⟩

theorem not_even_one : ¬ Even 1 := by
  intro h
  obtain ⟨k, hk⟩ := h
  omega

theorem odd_succ (n : Nat) (h : Even n) : Odd (n + 1) := by
  obtain ⟨k, hk⟩ := h
  refine ⟨k, ?_⟩
  rw [hk]

theorem even_succ (n : Nat) (h : Odd n) : Even (n + 1) := by
  obtain ⟨k, hk⟩ := h
  refine ⟨k + 1, ?_⟩
  omega

theorem even_or_odd (n : Nat) : Even n ∨ Odd n := by
  induction n with
  | zero =>
    left
    exact even_zero
  | succ n ih =>
    cases ih with
    | inl h =>
      right
      exact odd_succ n h
    | inr h =>
      left
      exact even_succ n h

theorem not_even_and_odd (n : Nat) (h1 : Even n) (h2 : Odd n) : False := by
  obtain ⟨k, hk⟩ := h1
  obtain ⟨m, hm⟩ := h2
  omega

theorem even_add (n m : Nat) (h1 : Even n) (h2 : Even m) : Even (n + m) := by
  obtain ⟨k, hk⟩ := h1
  obtain ⟨a, ha⟩ := h2
  refine ⟨k + a, ?_⟩
  omega

theorem odd_add_odd (n m : Nat) (h1 : Odd n) (h2 : Odd m) : Even (n + m) := by
  obtain ⟨k, hk⟩ := h1
  obtain ⟨a, ha⟩ := h2
  refine ⟨k + a + 1, ?_⟩
  omega

theorem even_mul (n m : Nat) (h : Even n) : Even (m * n) := by
  obtain ⟨k, hk⟩ := h
  refine ⟨m * k, ?_⟩
  rw [hk, Nat.left_distrib]

theorem even_mul_succ (n : Nat) : Even (n * (n + 1)) := by
  cases even_or_odd n with
  | inl h =>
    rw [Nat.mul_comm]
    exact even_mul n (n + 1) h
  | inr h =>
    have h1 : Even (n + 1) := even_succ n h
    exact even_mul (n + 1) n h1

theorem odd_of_odd_mul (n m : Nat) (h : Odd (m * n)) : Odd n := by
  cases even_or_odd n with
  | inl h1 =>
    exfalso
    exact not_even_and_odd (m * n) (even_mul n m h1) h
  | inr h1 => exact h1

theorem even_of_ev (n : Nat) (h : Ev n) : Even n := by
  induction h with
  | zero => exact even_zero
  | step n h ih =>
    obtain ⟨k, hk⟩ := ih
    refine ⟨k + 1, ?_⟩
    omega

theorem ev_double (k : Nat) : Ev (k + k) := by
  induction k with
  | zero => exact Ev.zero
  | succ k ih =>
    have h : k + 1 + (k + 1) = k + k + 2 := by omega
    rw [h]
    apply Ev.step
    exact ih

theorem ev_iff_even (n : Nat) : Ev n ↔ Even n := by
  constructor
  · intro h
    exact even_of_ev n h
  · intro h
    obtain ⟨k, hk⟩ := h
    rw [hk]
    exact ev_double k

theorem ev_add (n m : Nat) (h1 : Ev n) (h2 : Ev m) : Ev (n + m) := by
  induction h2 with
  | zero => exact h1
  | step m h2 ih =>
    rw [← Nat.add_assoc]
    exact Ev.step (n + m) ih

theorem ev_pred (n : Nat) (h : Ev (n + 2)) : Ev n := by
  cases h with
  | step n h => exact h

theorem not_ev_one : ¬ Ev 1 := by
  intro h
  cases h

theorem isEven_add_two (n : Nat) : isEven (n + 2) = isEven n := by
  simp only [isEven]
  rw [Bool.not_not]

theorem isEven_of_ev (n : Nat) (h : Ev n) : isEven n = true := by
  induction h with
  | zero => rfl
  | step n h ih => rw [isEven_add_two, ih]

theorem isEven_add (n m : Nat) : isEven (n + m) = (isEven n == isEven m) := by
  induction m with
  | zero => simp [isEven]
  | succ m ih =>
    rw [← Nat.add_assoc, isEven, isEven, ih]
    cases isEven n with
    | true => cases isEven m with
      | true => rfl
      | false => rfl
    | false => cases isEven m with
      | true => rfl
      | false => rfl

end Parity
