/-! Recursive functions on `Nat` which climb by unequal steps: alternating sums, a truncated
distance, a rectangle filled row by row, and a two-register loop. -/

namespace Staircase

def climb (a : Nat) : Nat → Nat
  | 0 => a
  | n + 1 => climb a n + a + n

def climbLoop (a : Nat) : Nat → Nat → Nat → Nat
  | 0, _, acc => acc
  | n + 1, k, acc => climbLoop a n (k + 1) (acc + a + k)

def gap : Nat → Nat → Nat
  | 0, m => m
  | n + 1, 0 => n + 1
  | n + 1, m + 1 => gap n m

def twist : Nat → Nat → Nat → Nat
  | 0, a, b => a + 2 * b
  | n + 1, a, b => twist n (a + 2) (b + 1)

def swapLoop : Nat → Nat × Nat → Nat × Nat
  | 0, p => p
  | n + 1, (a, b) => swapLoop n (b, a)

def pentagon : Nat → Nat
  | 0 => 0
  | n + 1 => pentagon n + (3 * n + 1)

def spread (f : Nat → Nat) : Nat → Nat → Nat
  | 0, acc => acc
  | n + 1, acc => spread f n (f (acc + n))

theorem climb_ge (a n : Nat) : (n + 1) * a ≤ climb a n := by
  induction n with
  | zero =>
    rw [climb]
    omega
  | succ n ih =>
    rw [climb, Nat.succ_mul]
    omega

theorem climb_lower_start (a b n : Nat) (h : a ≤ b) : climb a n ≤ climb b n := by
  induction n with
  | zero => exact h
  | succ n ih =>
    rw [climb, climb]
    omega

theorem climbLoop_last (a n k acc : Nat) :
    climbLoop a (n + 1) k acc = climbLoop a n k acc + a + (k + n) := by
  induction n generalizing k acc with
  | zero => rfl
  | succ n ih =>
    rw [climbLoop, ih, climbLoop]
    omega

theorem climbLoop_eq (a n : Nat) : climbLoop a n 0 a = climb a n := by
  induction n with
  | zero => rfl
  | succ n ih => rw [climbLoop_last, ih, climb, Nat.zero_add]

theorem gap_self (n : Nat) : gap n n = 0 := by
  induction n with
  | zero => rfl
  | succ n ih => rw [gap, ih]

theorem gap_symm (n m : Nat) : gap n m = gap m n := by
  induction n generalizing m with
  | zero =>
    cases m with
    | zero => rfl
    | succ m => rfl
  | succ n ih =>
    cases m with
    | zero => rfl
    | succ m => rw [gap, gap, ih]

theorem gap_shift (n m k : Nat) : gap (n + k) (m + k) = gap n m := by
  induction k with
  | zero => rfl
  | succ k ih => rw [← Nat.add_assoc, ← Nat.add_assoc, gap, ih]

theorem eq_of_gap_zero (n m : Nat) (h : gap n m = 0) : n = m := by
  induction n generalizing m with
  | zero =>
    rw [gap] at h
    exact h.symm
  | succ n ih =>
    cases m with
    | zero =>
      rw [gap] at h
      contradiction
    | succ m =>
      rw [gap] at h
      rw [ih m h]

theorem gap_bound (n m : Nat) : gap n m ≤ n + m := by
  induction n generalizing m with
  | zero =>
    rw [gap]
    exact Nat.le_add_left m 0
  | succ n ih =>
    cases m with
    | zero => exact Nat.le_refl (n + 1)
    | succ m =>
      have h : gap n m ≤ n + m := ih m
      rw [gap]
      omega

theorem twist_eq (n a b : Nat) : twist n a b = a + 2 * b + 4 * n := by
  induction n generalizing a b with
  | zero => rfl
  | succ n ih =>
    rw [twist, ih]
    omega

theorem twist_trade (n a b : Nat) : twist n (a + 2) b = twist n a (b + 1) := by
  rw [twist_eq, twist_eq]
  omega

theorem swapLoop_even (n a b : Nat) : swapLoop (2 * n) (a, b) = (a, b) := by
  induction n with
  | zero => rfl
  | succ n ih => rw [Nat.mul_succ, swapLoop, swapLoop, ih]

theorem pentagon_closed (n : Nat) : 2 * pentagon n + n = 3 * (n * n) := by
  induction n with
  | zero => rfl
  | succ n ih =>
    have h : (n + 1) * (n + 1) = n * n + n + (n + 1) := by
      rw [Nat.succ_mul, Nat.mul_succ]
    rw [pentagon, h]
    omega

theorem spread_const (f : Nat → Nat) (c n acc : Nat) (h : ∀ k, f k = c) :
    spread f (n + 1) acc = c := by
  induction n generalizing acc with
  | zero => rw [spread, spread, h]
  | succ n ih => rw [spread, ih]

theorem spread_grows (f : Nat → Nat) (h : ∀ k, k ≤ f k) (n acc : Nat) : acc ≤ spread f n acc := by
  induction n generalizing acc with
  | zero => exact Nat.le_refl acc
  | succ n ih =>
    rw [spread]
    have h1 : acc + n ≤ f (acc + n) := h (acc + n)
    have h2 : f (acc + n) ≤ spread f n (f (acc + n)) := ih (f (acc + n))
    omega

end Staircase
