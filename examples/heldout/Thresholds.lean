/-! Functions with a threshold, defined by `if … then … else` on `Nat` and `Int`: tariffs,
saturating counters, grades, dead zones; monotonicity and bounds. -/

namespace Thresholds

def fare (d : Nat) : Nat := if d ≤ 10 then 2 * d else d + 10

def bump (c n : Nat) : Nat := if n < c then n + 1 else n

def bumps (c : Nat) : Nat → Nat → Nat
  | 0, n => n
  | k + 1, n => bumps c k (bump c n)

def grade (n : Nat) : Nat := if n < 50 then 0 else if n < 75 then 1 else 2

def deadZone (x : Int) : Int := if x < -5 then x + 5 else if 5 < x then x - 5 else 0

def relay (i j x : Int) : Int := if x < i then -1 else if j < x then 1 else 0

def passed (t : Nat) (f : Nat → Nat) : Nat → Bool
  | 0 => false
  | n + 1 => if t ≤ f n then true else passed t f n

theorem fare_mono (a b : Nat) (h : a ≤ b) : fare a ≤ fare b := by
  unfold fare
  split
  · split
    · omega
    · omega
  · split
    · omega
    · omega

theorem fare_subadditive (a b : Nat) : fare (a + b) ≤ fare a + fare b := by
  unfold fare
  by_cases h : a + b ≤ 10
  · have h1 : a ≤ 10 := by omega
    have h2 : b ≤ 10 := by omega
    rw [if_pos h, if_pos h1, if_pos h2]
    omega
  · rw [if_neg h]
    split
    · split
      · omega
      · omega
    · split
      · omega
      · omega

theorem bump_le (c n : Nat) (h : n ≤ c) : bump c n ≤ c := by
  unfold bump
  split
  · assumption
  · exact h

theorem bump_keeps (c : Nat) : bump c c = c := by
  rw [bump, if_neg (Nat.lt_irrefl c)]

theorem bump_order (c n m : Nat) (h : n ≤ m) : bump c n ≤ bump c m := by
  unfold bump
  split
  · split
    · omega
    · omega
  · split
    · omega
    · exact h

theorem bumps_le (c k n : Nat) (h : n ≤ c) : bumps c k n ≤ c := by
  induction k generalizing n with
  | zero => exact h
  | succ k ih =>
    rw [bumps]
    apply ih
    exact bump_le c n h

theorem bumps_saturated (c k : Nat) : bumps c k c = c := by
  induction k with
  | zero => rfl
  | succ k ih => rw [bumps, bump_keeps, ih]

theorem bumps_free (c k n : Nat) (h : n + k ≤ c) : bumps c k n = n + k := by
  induction k generalizing n with
  | zero => rfl
  | succ k ih =>
    have h1 : n < c := by omega
    rw [bumps, bump, if_pos h1, ih (n + 1) (by omega)]
    omega

theorem bumps_reaches (c k n : Nat) (h1 : n ≤ c) (h2 : c ≤ n + k) : bumps c k n = c := by
  induction k generalizing n with
  | zero =>
    rw [bumps]
    omega
  | succ k ih =>
    rw [bumps]
    apply ih
    · exact bump_le c n h1
    · unfold bump
      split
      · omega
      · omega

theorem grade_rises (n m : Nat) (h : grade n < grade m) : n < m := by
  unfold grade at h
  split at h
  · split at h
    · omega
    · omega
  · split at h
    · split at h
      · omega
      · split at h
        · omega
        · omega
    · split at h
      · omega
      · split at h
        · omega
        · omega

theorem grade_every_value (k : Nat) (h : k ≤ 2) : ∃ n, grade n = k := by
  by_cases h1 : k = 0
  · subst h1
    exact ⟨0, rfl⟩
  · by_cases h2 : k = 1
    · subst h2
      exact ⟨60, rfl⟩
    · have h3 : k = 2 := by omega
      subst h3
      exact ⟨90, rfl⟩

theorem deadZone_zero (x : Int) (h1 : -5 ≤ x) (h2 : x ≤ 5) : deadZone x = 0 := by
  unfold deadZone
  split
  · omega
  · split
    · omega
    · rfl

theorem deadZone_odd (x : Int) : deadZone (-x) = -deadZone x := by
  unfold deadZone
  by_cases h1 : x < -5
  · have h2 : ¬ -x < -5 := by omega
    have h3 : 5 < -x := by omega
    rw [if_pos h1, if_neg h2, if_pos h3]
    omega
  · rw [if_neg h1]
    by_cases h2 : 5 < x
    · have h3 : -x < -5 := by omega
      rw [if_pos h2, if_pos h3]
      omega
    · have h3 : ¬ -x < -5 := by omega
      have h4 : ¬ 5 < -x := by omega
      rw [if_neg h2, if_neg h3, if_neg h4]
      rfl

theorem relay_zero_iff (i j x : Int) : relay i j x = 0 ↔ i ≤ x ∧ x ≤ j := by
  unfold relay
  constructor
  · intro h1
    split at h1
    · contradiction
    · split at h1
      · contradiction
      · constructor
        · omega
        · omega
  · intro h1
    obtain ⟨h2, h3⟩ := h1
    rw [if_neg (by omega), if_neg (by omega)]

theorem passed_of_hit (t : Nat) (f : Nat → Nat) (n k : Nat) (h1 : k < n) (h2 : t ≤ f k) :
    passed t f n = true := by
  induction n with
  | zero => exact absurd h1 (Nat.not_lt_zero k)
  | succ n ih =>
    rw [passed]
    split
    · rfl
    · apply ih
      by_cases h3 : k = n
      · subst h3
        contradiction
      · omega

theorem hit_of_passed (t : Nat) (f : Nat → Nat) (n : Nat) (h : passed t f n = true) :
    ∃ k, k < n ∧ t ≤ f k := by
  induction n with
  | zero =>
    rw [passed] at h
    contradiction
  | succ n ih =>
    rw [passed] at h
    split at h
    · refine ⟨n, Nat.lt_succ_self n, ?_⟩
      assumption
    · obtain ⟨k, hk, hf⟩ := ih h
      exact ⟨k, Nat.lt_succ_of_lt hk, hf⟩

end Thresholds
