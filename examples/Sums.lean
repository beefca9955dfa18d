/-! Finite sums and products by recursion on the upper bound, with closed forms and the laws of
linearity, splitting and comparison. -/

namespace Sums

def sumTo : Nat → Nat
  | 0 => 0
  | n + 1 => sumTo n + (n + 1)

def sumOf (f : Nat → Nat) : Nat → Nat
  | 0 => 0
  | n + 1 => sumOf f n + f n

def prodOf (f : Nat → Nat) : Nat → Nat
  | 0 => 1
  | n + 1 => prodOf f n * f n

def sumOdd : Nat → Nat
  | 0 => 0
  | n + 1 => sumOdd n + (2 * n + 1)

theorem sumTo_closed (n : Nat) : 2 * sumTo n = n * (n + 1) := by
  induction n with
  | zero => rfl
  | succ n ih =>
    rw [sumTo, Nat.left_distrib, ih]
    rw [← Nat.right_distrib, Nat.mul_comm]

theorem sumOdd_square (n : Nat) : sumOdd n = n * n := by
  induction n with
  | zero => rfl
  | succ n ih =>
    rw [sumOdd, ih, Nat.left_distrib, Nat.right_distrib]
    omega

theorem le_sumTo (n : Nat) : n ≤ sumTo n := by
  cases n with
  | zero => exact Nat.zero_le (sumTo 0)
  | succ n =>
    rw [sumTo]
    exact Nat.le_add_left (n + 1) (sumTo n)

theorem sumTo_lt_succ (n : Nat) : sumTo n < sumTo (n + 1) := by
  rw [sumTo]
  omega

theorem sumTo_add (n m : Nat) : sumTo (n + m) = sumTo n + sumTo m + n * m := by
  induction m with
  | zero => rfl
  | succ m ih =>
    rw [← Nat.add_assoc, sumTo, sumTo, ih, Nat.mul_succ]
    omega

theorem sumOf_zero (n : Nat) : sumOf (fun _ => 0) n = 0 := by
  induction n with
  | zero => rfl
  | succ n ih => rw [sumOf, ih]

theorem sumOf_const (c n : Nat) : sumOf (fun _ => c) n = n * c := by
  induction n with
  | zero => rw [sumOf, Nat.zero_mul]
  | succ n ih => rw [sumOf, ih, Nat.succ_mul]

theorem sumOf_add (f g : Nat → Nat) (n : Nat) :
    sumOf (fun k => f k + g k) n = sumOf f n + sumOf g n := by
  induction n with
  | zero => rfl
  | succ n ih =>
    simp only [sumOf]
    rw [ih]
    omega

theorem sumOf_mul_left (c : Nat) (f : Nat → Nat) (n : Nat) :
    sumOf (fun k => c * f k) n = c * sumOf f n := by
  induction n with
  | zero => rfl
  | succ n ih =>
    simp only [sumOf]
    rw [ih, Nat.left_distrib]

theorem sumOf_split (f : Nat → Nat) (n m : Nat) :
    sumOf f (n + m) = sumOf f n + sumOf (fun k => f (n + k)) m := by
  induction m with
  | zero => rfl
  | succ m ih =>
    rw [← Nat.add_assoc]
    simp only [sumOf]
    rw [ih, Nat.add_assoc]

theorem sumOf_first (f : Nat → Nat) (n : Nat) :
    sumOf f (n + 1) = f 0 + sumOf (fun k => f (k + 1)) n := by
  induction n with
  | zero => simp [sumOf]
  | succ n ih =>
    rw [sumOf, ih, Nat.add_assoc]
    rfl

theorem sumOf_congr (f g : Nat → Nat) (n : Nat) (h : ∀ k, k < n → f k = g k) :
    sumOf f n = sumOf g n := by
  induction n with
  | zero => rfl
  | succ n ih =>
    have h1 : sumOf f n = sumOf g n := by
      apply ih
      intro k hk
      exact h k (Nat.lt_succ_of_lt hk)
    rw [sumOf, sumOf, h1, h n (Nat.lt_succ_self n)]

theorem sumOf_le (f g : Nat → Nat) (n : Nat) (h : ∀ k, f k ≤ g k) : sumOf f n ≤ sumOf g n := by
  induction n with
  | zero => exact Nat.le_refl 0
  | succ n ih =>
    simp only [sumOf]
    exact Nat.add_le_add ih (h n)

theorem term_le_sumOf (f : Nat → Nat) (n k : Nat) (h : k < n) : f k ≤ sumOf f n := by
  induction n with
  | zero => exact absurd h (Nat.not_lt_zero k)
  | succ n ih =>
    rw [sumOf]
    by_cases h1 : k = n
    · rw [h1]
      exact Nat.le_add_left (f n) (sumOf f n)
    · have h2 : f k ≤ sumOf f n := ih (by omega)
      omega

theorem sumOf_telescope (f : Nat → Nat) (n : Nat) (h : ∀ k, f k ≤ f (k + 1)) :
    f 0 + sumOf (fun k => f (k + 1) - f k) n = f n := by
  induction n with
  | zero => rfl
  | succ n ih =>
    have h1 : f n ≤ f (n + 1) := h n
    simp only [sumOf]
    omega

theorem sumOf_succ_eq_sumTo (n : Nat) : sumOf (fun k => k + 1) n = sumTo n := by
  induction n with
  | zero => rfl
  | succ n ih => rw [sumOf, sumTo, ih]

theorem prodOf_one (n : Nat) : prodOf (fun _ => 1) n = 1 := by
  induction n with
  | zero => rfl
  | succ n ih => rw [prodOf, ih]

theorem prodOf_pos (f : Nat → Nat) (n : Nat) (h : ∀ k, 0 < f k) : 0 < prodOf f n := by
  induction n with
  | zero => exact Nat.zero_lt_one
  | succ n ih =>
    rw [prodOf]
    exact Nat.mul_pos ih (h n)

theorem prodOf_eq_zero (f : Nat → Nat) (n k : Nat) (h : k < n) (hk : f k = 0) :
    prodOf f n = 0 := by
  induction n with
  | zero => exact absurd h (Nat.not_lt_zero k)
  | succ n ih =>
    rw [prodOf]
    by_cases h1 : k < n
    · rw [ih h1, Nat.zero_mul]
    · have h2 : k = n := by omega
      rw [← h2, hk, Nat.mul_zero]

end Sums
