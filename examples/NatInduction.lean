/-! Functions on `Nat` defined by recursion (addition, multiplication, doubling, predecessor-like
subtraction) and their basic laws, all by induction. -/

namespace NatInduction

def add (n : Nat) : Nat → Nat
  | 0 => n
  | m + 1 => add n m + 1

def mul (n : Nat) : Nat → Nat
  | 0 => 0
  | m + 1 => add (mul n m) n

def double : Nat → Nat
  | 0 => 0
  | n + 1 => double n + 2

def half : Nat → Nat
  | 0 => 0
  | 1 => 0
  | n + 2 => half n + 1

theorem add_zero (n : Nat) : add n 0 = n := by
  rfl

theorem add_succ (n m : Nat) : add n (m + 1) = add n m + 1 := by
  rfl

theorem zero_add (n : Nat) : add 0 n = n := by
  induction n with
  | zero => rfl
  | succ n ih => rw [add_succ, ih]

theorem succ_add (n m : Nat) : add (n + 1) m = add n m + 1 := by
  induction m with
  | zero => rfl
  | succ m ih => rw [add_succ, add_succ, ih]

theorem add_comm (n m : Nat) : add n m = add m n := by
  induction m with
  | zero => rw [add_zero, zero_add]
  | succ m ih => rw [add_succ, succ_add, ih]

theorem add_assoc (n m k : Nat) : add (add n m) k = add n (add m k) := by
  induction k with
  | zero => rfl
  | succ k ih => rw [add_succ, add_succ, add_succ, ih]

theorem add_eq_plus (n m : Nat) : add n m = n + m := by
  induction m with
  | zero => rfl
  | succ m ih =>
    rw [add_succ, ih]
    rfl

theorem add_left_cancel (n m k : Nat) (h : add n m = add n k) : m = k := by
  rw [add_eq_plus, add_eq_plus] at h
  omega

theorem mul_zero (n : Nat) : mul n 0 = 0 := by
  rfl

theorem mul_succ (n m : Nat) : mul n (m + 1) = add (mul n m) n := by
  rfl

theorem zero_mul (n : Nat) : mul 0 n = 0 := by
  induction n with
  | zero => rfl
  | succ n ih => rw [mul_succ, ih, add_zero]

theorem succ_mul (n m : Nat) : mul (n + 1) m = add (mul n m) m := by
  induction m with
  | zero => rfl
  | succ m ih =>
    rw [mul_succ, mul_succ, ih, add_succ, add_succ]
    rw [add_assoc, add_assoc, add_comm m n]

theorem mul_comm (n m : Nat) : mul n m = mul m n := by
  induction m with
  | zero => rw [mul_zero, zero_mul]
  | succ m ih => rw [mul_succ, succ_mul, ih]

theorem mul_add (n m k : Nat) : mul n (add m k) = add (mul n m) (mul n k) := by
  induction k with
  | zero => rfl
  | succ k ih => rw [add_succ, mul_succ, mul_succ, ih, add_assoc]

theorem mul_assoc (n m k : Nat) : mul (mul n m) k = mul n (mul m k) := by
  induction k with
  | zero => rfl
  | succ k ih => rw [mul_succ, mul_succ, mul_add, ih]

theorem double_eq_add (n : Nat) : double n = add n n := by
  induction n with
  | zero => rfl
  | succ n ih => rw [double, ih, add_succ, succ_add]

theorem double_add (n m : Nat) : double (n + m) = double n + double m := by
  induction m with
  | zero => rfl
  | succ m ih =>
    rw [← Nat.add_assoc, double, double, ih]
    omega

theorem half_double (n : Nat) : half (double n) = n := by
  induction n with
  | zero => rfl
  | succ n ih => rw [double, half, ih]

theorem double_injective (n m : Nat) (h : double n = double m) : n = m := by
  have h1 : half (double n) = half (double m) := by rw [h]
  rw [half_double, half_double] at h1
  exact h1

theorem half_le (n : Nat) : half n ≤ n := by
  induction n using half.induct with
  | case1 => exact Nat.le_refl 0
  | case2 => exact Nat.zero_le 1
  | case3 n ih =>
    rw [half]
    omega

end NatInduction
