/-! Tail-recursive functions with an accumulator, shown to be equal to the plain recursive ones:
every proof generalizes the accumulator. -/

namespace Accumulators

def addAcc : Nat → Nat → Nat
  | 0, acc => acc
  | n + 1, acc => addAcc n (acc + 1)

def mulAcc (m : Nat) : Nat → Nat → Nat
  | 0, acc => acc
  | n + 1, acc => mulAcc m n (acc + m)

def sum : Nat → Nat
  | 0 => 0
  | n + 1 => n + 1 + sum n

def sumAcc : Nat → Nat → Nat
  | 0, acc => acc
  | n + 1, acc => sumAcc n (acc + (n + 1))

def factorial : Nat → Nat
  | 0 => 1
  | n + 1 => (n + 1) * factorial n

def factAcc : Nat → Nat → Nat
  | 0, acc => acc
  | n + 1, acc => factAcc n (acc * (n + 1))

def power (b : Nat) : Nat → Nat
  | 0 => 1
  | n + 1 => b * power b n

def powAcc (b : Nat) : Nat → Nat → Nat
  | 0, acc => acc
  | n + 1, acc => powAcc b n (acc * b)

def fib : Nat → Nat
  | 0 => 0
  | 1 => 1
  | n + 2 => fib (n + 1) + fib n

def fibAcc : Nat → Nat → Nat → Nat
  | 0, a, _ => a
  | n + 1, a, b => fibAcc n b (a + b)

def count (p : Nat → Bool) : Nat → Nat
  | 0 => 0
  | n + 1 => if p n then count p n + 1 else count p n

def countAcc (p : Nat → Bool) : Nat → Nat → Nat
  | 0, acc => acc
  | n + 1, acc => if p n then countAcc p n (acc + 1) else countAcc p n acc

def iter (f : Nat → Nat) : Nat → Nat → Nat
  | 0, x => x
  | n + 1, x => iter f n (f x)

theorem addAcc_eq (n acc : Nat) : addAcc n acc = n + acc := by
  induction n generalizing acc with
  | zero => rw [addAcc, Nat.zero_add]
  | succ n ih =>
    rw [addAcc, ih]
    omega

theorem addAcc_comm (n m : Nat) : addAcc n m = addAcc m n := by
  rw [addAcc_eq, addAcc_eq, Nat.add_comm]

theorem mulAcc_eq (m n acc : Nat) : mulAcc m n acc = n * m + acc := by
  induction n generalizing acc with
  | zero => simp [mulAcc]
  | succ n ih =>
    rw [mulAcc, ih, Nat.succ_mul]
    omega

theorem mulAcc_zero (m n : Nat) : mulAcc m n 0 = n * m := by
  rw [mulAcc_eq, Nat.add_zero]

theorem sumAcc_eq (n acc : Nat) : sumAcc n acc = sum n + acc := by
  induction n generalizing acc with
  | zero => simp [sumAcc, sum]
  | succ n ih =>
    rw [sumAcc, ih, sum]
    omega

theorem sumAcc_zero (n : Nat) : sumAcc n 0 = sum n := by
  rw [sumAcc_eq, Nat.add_zero]

theorem sumAcc_mono (n a b : Nat) (h : a ≤ b) : sumAcc n a ≤ sumAcc n b := by
  induction n generalizing a b with
  | zero => exact h
  | succ n ih =>
    simp only [sumAcc]
    apply ih
    exact Nat.add_le_add_right h (n + 1)

theorem factAcc_eq (n acc : Nat) : factAcc n acc = acc * factorial n := by
  induction n generalizing acc with
  | zero => rw [factAcc, factorial, Nat.mul_one]
  | succ n ih => rw [factAcc, ih, factorial, Nat.mul_assoc]

theorem factAcc_one (n : Nat) : factAcc n 1 = factorial n := by
  rw [factAcc_eq, Nat.one_mul]

theorem factAcc_pos (n acc : Nat) (h : 0 < acc) : 0 < factAcc n acc := by
  induction n generalizing acc with
  | zero => exact h
  | succ n ih =>
    rw [factAcc]
    apply ih
    exact Nat.mul_pos h (Nat.succ_pos n)

theorem powAcc_eq (b n acc : Nat) : powAcc b n acc = acc * power b n := by
  induction n generalizing acc with
  | zero => rw [powAcc, power, Nat.mul_one]
  | succ n ih => rw [powAcc, ih, power, Nat.mul_assoc]

theorem powAcc_one (b n : Nat) : powAcc b n 1 = power b n := by
  rw [powAcc_eq, Nat.one_mul]

theorem powAcc_zero_acc (b n : Nat) : powAcc b n 0 = 0 := by
  induction n with
  | zero => rfl
  | succ n ih => rw [powAcc, Nat.zero_mul, ih]

theorem fibAcc_eq (n k : Nat) : fibAcc n (fib k) (fib (k + 1)) = fib (n + k) := by
  induction n generalizing k with
  | zero => rw [fibAcc, Nat.zero_add]
  | succ n ih =>
    have h : fib k + fib (k + 1) = fib (k + 1 + 1) := by
      rw [fib, Nat.add_comm]
    rw [fibAcc, h, ih]
    congr 1
    omega

theorem fibAcc_start (n : Nat) : fibAcc n 0 1 = fib n := by
  have h : fibAcc n (fib 0) (fib 1) = fib (n + 0) := fibAcc_eq n 0
  exact h

theorem countAcc_eq (p : Nat → Bool) (n acc : Nat) : countAcc p n acc = count p n + acc := by
  induction n generalizing acc with
  | zero => simp [countAcc, count]
  | succ n ih =>
    rw [countAcc, count]
    split
    · rw [ih]
      omega
    · rw [ih]

theorem count_le (p : Nat → Bool) (n : Nat) : count p n ≤ n := by
  induction n with
  | zero => exact Nat.le_refl 0
  | succ n ih =>
    rw [count]
    split
    · exact Nat.succ_le_succ ih
    · exact Nat.le_succ_of_le ih

theorem iter_succ_right (f : Nat → Nat) (n x : Nat) : iter f (n + 1) x = f (iter f n x) := by
  induction n generalizing x with
  | zero => rfl
  | succ n ih =>
    rw [iter, ih]
    rfl

theorem iter_add (f : Nat → Nat) (n m x : Nat) : iter f (n + m) x = iter f m (iter f n x) := by
  induction n generalizing x with
  | zero => rw [Nat.zero_add, iter]
  | succ n ih =>
    rw [Nat.succ_add, iter, ih]
    rfl

end Accumulators
