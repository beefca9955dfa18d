/-! The order relations `≤` and `<` on natural numbers: witnesses, transitivity,
case splits, and arguments by induction. -/

namespace NatOrder

theorem le_witness (n m : Nat) (h : n ≤ m) : ∃ k, m = n + k := by
  refine ⟨m - n, ?_⟩
  omega

theorem le_of_witness (n m : Nat) (h : ∃ k, m = n + k) : n ≤ m := by
  obtain ⟨k, hk⟩ := h
  subst hk
  exact Nat.le_add_right n k

theorem lt_witness (n m : Nat) (h : n < m) : ∃ k, m = n + (k + 1) := by
  obtain ⟨k, hk⟩ := Nat.exists_eq_add_of_lt h
  refine ⟨k, ?_⟩
  rw [hk, Nat.add_assoc]

theorem chain_of_three (a b c k : Nat) (h1 : a ≤ b) (h2 : b < c) (h3 : c ≤ k) : a < k := by
  have h4 : a < c := Nat.lt_of_le_of_lt h1 h2
  exact Nat.lt_of_lt_of_le h4 h3

theorem le_antisymm_witness (n m k a : Nat) (h1 : m = n + k) (h2 : n = m + a) : n = m := by
  apply Nat.le_antisymm
  · rw [h1]
    exact Nat.le_add_right n k
  · rw [h2]
    exact Nat.le_add_right m a

theorem zero_or_pos (n : Nat) : n = 0 ∨ 0 < n := by
  cases n with
  | zero =>
    left
    rfl
  | succ n =>
    right
    exact Nat.succ_pos n

theorem trichotomy (n m : Nat) : n < m ∨ n = m ∨ m < n := by
  by_cases h : n < m
  · left
    exact h
  · right
    have h1 : m ≤ n := Nat.le_of_not_lt h
    cases Nat.lt_or_eq_of_le h1 with
    | inl h2 =>
      right
      exact h2
    | inr h2 =>
      left
      exact h2.symm

theorem no_number_between (n m : Nat) : ¬ (n < m ∧ m < n + 1) := by
  intro h
  obtain ⟨h1, h2⟩ := h
  have h3 : m ≤ n := Nat.le_of_lt_succ h2
  have h4 : n < n := Nat.lt_of_lt_of_le h1 h3
  exact Nat.lt_irrefl n h4

theorem exists_larger_than_both (n m : Nat) : ∃ k, n < k ∧ m < k := by
  refine ⟨n + m + 1, ?_, ?_⟩
  · omega
  · omega

theorem no_largest : ¬ ∃ n : Nat, ∀ m, m ≤ n := by
  intro h
  obtain ⟨n, hn⟩ := h
  have h1 : n + 1 ≤ n := hn (n + 1)
  exact Nat.not_succ_le_self n h1

theorem le_of_all_below (n m : Nat) (h : ∀ k, k < n → k < m) : n ≤ m := by
  cases n with
  | zero => exact Nat.zero_le m
  | succ n =>
    have h1 : n < m := h n (Nat.lt_succ_self n)
    exact h1

theorem eq_of_same_bounds (n m : Nat) (h : ∀ k, n ≤ k ↔ m ≤ k) : n = m := by
  apply Nat.le_antisymm
  · exact (h m).mpr (Nat.le_refl m)
  · exact (h n).mp (Nat.le_refl n)

theorem step_mono (f : Nat → Nat) (h : ∀ n, f n ≤ f (n + 1)) (n k : Nat) : f n ≤ f (n + k) := by
  induction k with
  | zero => exact Nat.le_refl (f n)
  | succ k ih => exact Nat.le_trans ih (h (n + k))

theorem step_mono_le (f : Nat → Nat) (h : ∀ n, f n ≤ f (n + 1)) (n m : Nat) (h1 : n ≤ m) :
    f n ≤ f m := by
  obtain ⟨k, hk⟩ := le_witness n m h1
  rw [hk]
  exact step_mono f h n k

theorem strict_grows (f : Nat → Nat) (h : ∀ n, f n < f (n + 1)) (n : Nat) : n ≤ f n := by
  induction n with
  | zero => exact Nat.zero_le (f 0)
  | succ n ih =>
    have h1 : f n < f (n + 1) := h n
    omega

theorem mul_self_mono (n m : Nat) (h : n ≤ m) : n * n ≤ m * m := by
  exact Nat.mul_le_mul h h

theorem lt_of_mul_self_lt (n m : Nat) (h : n * n < m * m) : n < m := by
  by_cases h1 : n < m
  · exact h1
  · exfalso
    have h2 : m ≤ n := Nat.le_of_not_lt h1
    have h3 : m * m ≤ n * n := mul_self_mono m n h2
    omega

theorem strong_induction (P : Nat → Prop) (h : ∀ n, (∀ m, m < n → P m) → P n) (n : Nat) :
    ∀ m, m < n → P m := by
  induction n with
  | zero =>
    intro m hm
    exact absurd hm (Nat.not_lt_zero m)
  | succ n ih =>
    intro m hm
    apply h m
    intro k hk
    apply ih k
    omega

end NatOrder
