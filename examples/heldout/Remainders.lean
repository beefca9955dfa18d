/-! Notions close to divisibility: congruence with explicit witnesses, remainders with a
quotient as witness, and reduction by repeated subtraction. -/

namespace Remainders

def Cong (m a b : Nat) : Prop := ∃ x y, a + m * x = b + m * y

inductive Reduces (m : Nat) : Nat → Nat → Prop where
  | stop (r : Nat) : r < m → Reduces m r r
  | back (n r : Nat) : Reduces m n r → Reduces m (n + m) r

def Leaves (m r n : Nat) : Prop := ∃ k, n = m * k + r ∧ r < m

def cycle (m : Nat) : Nat → Nat
  | 0 => 0
  | n + 1 => if cycle m n + 1 = m then 0 else cycle m n + 1

theorem cong_refl (m a : Nat) : Cong m a a := by
  exact ⟨0, 0, rfl⟩

theorem cong_trans (m a b c : Nat) (h1 : Cong m a b) (h2 : Cong m b c) : Cong m a c := by
  obtain ⟨x, y, hxy⟩ := h1
  obtain ⟨k, n, hkn⟩ := h2
  refine ⟨x + k, y + n, ?_⟩
  rw [Nat.left_distrib, Nat.left_distrib]
  omega

theorem cong_add (m a b c n : Nat) (h1 : Cong m a b) (h2 : Cong m c n) :
    Cong m (a + c) (b + n) := by
  obtain ⟨x, y, hxy⟩ := h1
  obtain ⟨k, l, hkl⟩ := h2
  refine ⟨x + k, y + l, ?_⟩
  rw [Nat.left_distrib, Nat.left_distrib]
  omega

theorem cong_scale (m a b c : Nat) (h : Cong m a b) : Cong (c * m) (c * a) (c * b) := by
  obtain ⟨x, y, hxy⟩ := h
  refine ⟨x, y, ?_⟩
  rw [Nat.mul_assoc, Nat.mul_assoc, ← Nat.left_distrib, ← Nat.left_distrib, hxy]

theorem cong_zero_iff (a b : Nat) : Cong 0 a b ↔ a = b := by
  constructor
  · intro h
    obtain ⟨x, y, hxy⟩ := h
    rw [Nat.zero_mul, Nat.zero_mul] at hxy
    exact hxy
  · intro h
    rw [h]
    exact cong_refl 0 b

theorem cong_one (a b : Nat) : Cong 1 a b := by
  refine ⟨b, a, ?_⟩
  omega

theorem leaves_small (m r : Nat) (h : r < m) : Leaves m r r := by
  refine ⟨0, ?_, h⟩
  rw [Nat.mul_zero, Nat.zero_add]

theorem leaves_step (m r n : Nat) (h : Leaves m r n) : Leaves m r (n + m) := by
  obtain ⟨k, hk, hr⟩ := h
  refine ⟨k + 1, ?_, hr⟩
  rw [hk, Nat.mul_succ]
  omega

theorem reduces_lt (m n r : Nat) (h : Reduces m n r) : r < m := by
  induction h with
  | stop r hr => exact hr
  | back n r h ih => exact ih

theorem reduces_leaves (m n r : Nat) (h : Reduces m n r) : Leaves m r n := by
  induction h with
  | stop r hr => exact leaves_small m r hr
  | back n r h ih => exact leaves_step m r n ih

theorem reduces_many (m n r k : Nat) (h : Reduces m n r) : Reduces m (n + m * k) r := by
  induction k with
  | zero => exact h
  | succ k ih =>
    rw [Nat.mul_succ, ← Nat.add_assoc]
    apply Reduces.back
    exact ih

theorem leaves_iff_reduces (m r n : Nat) : Leaves m r n ↔ Reduces m n r := by
  constructor
  · intro h
    obtain ⟨k, hk, hr⟩ := h
    rw [hk, Nat.add_comm]
    apply reduces_many
    exact Reduces.stop r hr
  · intro h
    exact reduces_leaves m n r h

theorem leaves_zero (m r : Nat) (h : Leaves m r 0) : r = 0 := by
  obtain ⟨k, hk, _⟩ := h
  omega

theorem leaves_exists (m n : Nat) (h : 0 < m) : ∃ r, Leaves m r n := by
  induction n with
  | zero => exact ⟨0, leaves_small m 0 h⟩
  | succ n ih =>
    obtain ⟨r, k, hk, hr⟩ := ih
    by_cases h1 : r + 1 = m
    · refine ⟨0, k + 1, ?_, h⟩
      rw [hk, Nat.mul_succ]
      omega
    · refine ⟨r + 1, k, ?_, ?_⟩
      · omega
      · omega

theorem leaves_cong (m r a b : Nat) (h1 : Leaves m r a) (h2 : Leaves m r b) : Cong m a b := by
  obtain ⟨k, hk, hr⟩ := h1
  obtain ⟨n, hn, _⟩ := h2
  refine ⟨n, k, ?_⟩
  omega

theorem cycle_lt (m n : Nat) (h : 0 < m) : cycle m n < m := by
  induction n with
  | zero => exact h
  | succ n ih =>
    rw [cycle]
    split
    · exact h
    · omega

theorem cycle_leaves (m n : Nat) (h : 0 < m) : Leaves m (cycle m n) n := by
  induction n with
  | zero => exact leaves_small m 0 h
  | succ n ih =>
    obtain ⟨k, hk, hr⟩ := ih
    rw [cycle]
    split
    · refine ⟨k + 1, ?_, h⟩
      rw [Nat.mul_succ]
      omega
    · refine ⟨k, ?_, ?_⟩
      · omega
      · omega

end Remainders
