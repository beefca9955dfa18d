/-! Powers, factorials and Fibonacci numbers by recursion: laws of exponents, positivity, growth
and sum identities, all by induction. -/

namespace Powers

def pow (b : Nat) : Nat → Nat
  | 0 => 1
  | n + 1 => pow b n * b

def fact : Nat → Nat
  | 0 => 1
  | n + 1 => (n + 1) * fact n

def fib : Nat → Nat
  | 0 => 0
  | 1 => 1
  | n + 2 => fib (n + 1) + fib n

def sumFib : Nat → Nat
  | 0 => 0
  | n + 1 => sumFib n + fib (n + 1)

def sumPow (b : Nat) : Nat → Nat
  | 0 => 0
  | n + 1 => sumPow b n + pow b n

theorem pow_one (b : Nat) : pow b 1 = b := by
  rw [pow, pow, Nat.one_mul]

theorem one_pow (n : Nat) : pow 1 n = 1 := by
  induction n with
  | zero => rfl
  | succ n ih => rw [pow, ih]

theorem zero_pow (n : Nat) : pow 0 (n + 1) = 0 := by
  rw [pow, Nat.mul_zero]

theorem pow_add (b n m : Nat) : pow b (n + m) = pow b n * pow b m := by
  induction m with
  | zero => rw [Nat.add_zero, pow, Nat.mul_one]
  | succ m ih => rw [← Nat.add_assoc, pow, pow, ih, Nat.mul_assoc]

theorem pow_mul (b n m : Nat) : pow b (n * m) = pow (pow b n) m := by
  induction m with
  | zero => rfl
  | succ m ih => rw [Nat.mul_succ, pow_add, ih, pow]

theorem mul_pow (a b n : Nat) : pow (a * b) n = pow a n * pow b n := by
  induction n with
  | zero => rfl
  | succ n ih =>
    rw [pow, pow, pow, ih]
    rw [Nat.mul_assoc, Nat.mul_assoc, Nat.mul_left_comm (pow b n) a b]

theorem pow_comm (b n m : Nat) : pow (pow b n) m = pow (pow b m) n := by
  rw [← pow_mul, ← pow_mul, Nat.mul_comm]

theorem pow_pos (b n : Nat) (h : 0 < b) : 0 < pow b n := by
  induction n with
  | zero => exact Nat.zero_lt_one
  | succ n ih =>
    rw [pow]
    exact Nat.mul_pos ih h

theorem lt_two_pow (n : Nat) : n < pow 2 n := by
  induction n with
  | zero => exact Nat.zero_lt_one
  | succ n ih =>
    rw [pow]
    omega

theorem pow_base_mono (a b n : Nat) (h : a ≤ b) : pow a n ≤ pow b n := by
  induction n with
  | zero => exact Nat.le_refl 1
  | succ n ih =>
    rw [pow, pow]
    exact Nat.mul_le_mul ih h

theorem pow_exp_mono (b n m : Nat) (hb : 0 < b) (h : n ≤ m) : pow b n ≤ pow b m := by
  induction h with
  | refl => exact Nat.le_refl (pow b n)
  | step h ih =>
    rw [pow]
    exact Nat.le_trans ih (Nat.le_mul_of_pos_right _ hb)

theorem pow_eq_builtin (b n : Nat) : pow b n = b ^ n := by
  induction n with
  | zero => rfl
  | succ n ih => rw [pow, ih, Nat.pow_succ]

theorem fact_pos (n : Nat) : 0 < fact n := by
  induction n with
  | zero => exact Nat.zero_lt_one
  | succ n ih =>
    rw [fact]
    exact Nat.mul_pos (Nat.succ_pos n) ih

theorem fact_le_succ (n : Nat) : fact n ≤ fact (n + 1) := by
  rw [fact]
  exact Nat.le_mul_of_pos_left (fact n) (Nat.succ_pos n)

theorem self_le_fact (n : Nat) : n ≤ fact n := by
  cases n with
  | zero => exact Nat.zero_le (fact 0)
  | succ n =>
    rw [fact]
    exact Nat.le_mul_of_pos_right (n + 1) (fact_pos n)

theorem dvd_fact (n k : Nat) (h1 : 0 < k) (h2 : k ≤ n) : ∃ c, fact n = k * c := by
  induction n with
  | zero => omega
  | succ n ih =>
    rw [fact]
    by_cases h : k = n + 1
    · rw [h]
      exact ⟨fact n, rfl⟩
    · have h3 : k ≤ n := by omega
      obtain ⟨c, hc⟩ := ih h3
      refine ⟨(n + 1) * c, ?_⟩
      rw [hc, Nat.mul_left_comm]

theorem pow_two_le_fact (n : Nat) : pow 2 n ≤ fact (n + 1) := by
  induction n with
  | zero => exact Nat.le_refl 1
  | succ n ih =>
    rw [pow, fact, Nat.mul_comm]
    apply Nat.mul_le_mul
    · omega
    · exact ih

theorem fib_pos (n : Nat) : 0 < fib (n + 1) := by
  induction n with
  | zero => exact Nat.zero_lt_one
  | succ n ih =>
    rw [fib]
    exact Nat.add_pos_left ih (fib n)

theorem fib_le_succ (n : Nat) : fib n ≤ fib (n + 1) := by
  cases n with
  | zero => exact Nat.zero_le 1
  | succ n =>
    rw [fib]
    exact Nat.le_add_right (fib (n + 1)) (fib n)

theorem sumFib_eq (n : Nat) : sumFib n + 1 = fib (n + 2) := by
  induction n with
  | zero => rfl
  | succ n ih =>
    rw [sumFib, fib, ← ih]
    omega

theorem fib_lt_two_pow (n : Nat) : fib n < pow 2 n ∧ fib (n + 1) ≤ pow 2 n := by
  induction n with
  | zero => decide
  | succ n ih =>
    obtain ⟨h1, h2⟩ := ih
    rw [fib, pow]
    constructor
    · have h3 : 0 < pow 2 n := pow_pos 2 n (by decide)
      omega
    · omega

theorem sumPow_two (n : Nat) : sumPow 2 n + 1 = pow 2 n := by
  induction n with
  | zero => rfl
  | succ n ih =>
    rw [sumPow, pow]
    omega

end Powers
