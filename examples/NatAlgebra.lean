/-! Equational reasoning on natural numbers with `rw` and `calc`:
commutativity, associativity and distributivity by name. -/

namespace NatAlgebra

theorem swap_last (a b c : Nat) : a + b + c = a + c + b := by
  rw [Nat.add_assoc, Nat.add_comm b c, ← Nat.add_assoc]

theorem rotate_sum (a b c : Nat) : a + (b + c) = c + (a + b) := by
  rw [← Nat.add_assoc, Nat.add_comm]

theorem swap_inner (a b c k : Nat) : (a + b) + (c + k) = (a + c) + (b + k) := by
  rw [Nat.add_assoc, Nat.add_assoc]
  rw [← Nat.add_assoc b c k, Nat.add_comm b c, Nat.add_assoc c b k]

theorem mul_swap_last (a b c : Nat) : a * b * c = a * c * b := by
  rw [Nat.mul_assoc, Nat.mul_comm b c, ← Nat.mul_assoc]

theorem mul_swap_outer (a b c : Nat) : a * (b * c) = b * (a * c) := by
  rw [← Nat.mul_assoc, Nat.mul_comm a b, Nat.mul_assoc]

theorem two_mul_eq (a : Nat) : 2 * a = a + a := by
  rw [Nat.succ_mul, Nat.one_mul]

theorem mul_succ_eq (a b : Nat) : a * (b + 1) = a + a * b := by
  rw [Nat.left_distrib, Nat.mul_one, Nat.add_comm]

theorem foil (a b c k : Nat) : (a + b) * (c + k) = a * c + a * k + (b * c + b * k) := by
  rw [Nat.right_distrib, Nat.left_distrib, Nat.left_distrib]

theorem square_of_sum (a b : Nat) : (a + b) * (a + b) = a * a + 2 * (a * b) + b * b := by
  rw [foil, Nat.mul_comm b a, two_mul_eq]
  rw [← Nat.add_assoc, Nat.add_assoc (a * a) (a * b) (a * b)]

theorem square_succ (a : Nat) : (a + 1) * (a + 1) = a * a + 2 * a + 1 := by
  rw [square_of_sum, Nat.mul_one, Nat.mul_one]

theorem square_of_product (a b : Nat) : (a * b) * (a * b) = (a * a) * (b * b) := by
  calc (a * b) * (a * b) = a * (b * (a * b)) := by rw [Nat.mul_assoc]
    _ = a * (a * (b * b)) := by rw [mul_swap_outer b a b]
    _ = (a * a) * (b * b) := by rw [Nat.mul_assoc]

theorem distrib_three (a b c k : Nat) : k * (a + b + c) = k * a + k * b + k * c := by
  calc k * (a + b + c) = k * (a + b) + k * c := by rw [Nat.left_distrib]
    _ = k * a + k * b + k * c := by rw [Nat.left_distrib]

theorem subst_in_sum (a b c : Nat) (h : a = b + c) (h1 : b = c) : a = 2 * c := by
  rw [h, h1, two_mul_eq]

theorem rewrite_backwards (a b c : Nat) (h : a + b = c) : c + b = a + 2 * b := by
  rw [← h, Nat.add_assoc, two_mul_eq]

theorem cancel_left (a b c : Nat) (h : a + b = a + c) : b = c := by
  apply Nat.add_left_cancel
  exact h

theorem cancel_mixed (a b c : Nat) (h : a + b = c + a) : b = c := by
  rw [Nat.add_comm c a] at h
  exact Nat.add_left_cancel h

theorem mul_eq_transfer (a b c k : Nat) (h : a * b = k) (h1 : b = c) : c * a = k := by
  rw [h1] at h
  rw [Nat.mul_comm]
  exact h

theorem cross_multiply (a b c k : Nat) (f : Nat) (h1 : a = f * b) (h2 : c = f * k) :
    a * k = c * b := by
  rw [h1, h2, Nat.mul_assoc, Nat.mul_assoc]
  rw [Nat.mul_comm b k]

theorem apply_congr_twice (f : Nat → Nat) (a b : Nat) (h : a + b = b * 2) :
    f (b + a) + 0 = f (2 * b) := by
  rw [Nat.add_zero, Nat.add_comm b a, h, Nat.mul_comm]

theorem additive_double (f : Nat → Nat) (h : ∀ n m, f (n + m) = f n + f m) (a : Nat) :
    f (2 * a) = 2 * f a := by
  rw [two_mul_eq, h, two_mul_eq]

theorem additive_zero (f : Nat → Nat) (h : ∀ n m, f (n + m) = f n + f m) : f 0 = 0 := by
  have h1 : f (0 + 0) = f 0 + f 0 := h 0 0
  rw [Nat.add_zero] at h1
  omega

end NatAlgebra
