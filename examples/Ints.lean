/-! Integer arithmetic: equations by rewriting, inequalities, and functions defined by
`if … then … else` (absolute value, sign, positive part). -/

namespace Ints

def absVal (x : Int) : Int := if x < 0 then -x else x

def sign (x : Int) : Int := if x < 0 then -1 else if x = 0 then 0 else 1

def posPart (x : Int) : Int := if 0 ≤ x then x else 0

def dist (x y : Int) : Int := if x ≤ y then y - x else x - y

theorem neg_sub_swap (x y : Int) : -(x - y) = y - x := by
  rw [Int.neg_sub]

theorem sub_as_add (x y z : Int) : x - (y - z) = x + z - y := by
  rw [Int.sub_eq_add_neg, Int.neg_sub, ← Int.add_sub_assoc]

theorem difference_of_squares (x y : Int) : (x + y) * (x - y) = x * x - y * y := by
  rw [Int.mul_sub, Int.add_mul, Int.add_mul, Int.mul_comm y x]
  omega

theorem neg_mul_neg_self (x : Int) : (-x) * (-x) = x * x := by
  rw [Int.neg_mul, Int.mul_neg, Int.neg_neg]

theorem add_cancel_right (x y z : Int) (h : x + z = y + z) : x = y := by
  have h1 : x + z - z = y + z - z := by rw [h]
  rw [Int.add_sub_cancel, Int.add_sub_cancel] at h1
  exact h1

theorem neg_reverses (x y : Int) (h : x ≤ y) : -y ≤ -x := by
  apply Int.neg_le_neg
  exact h

theorem int_cases (x : Int) : (∃ n : Nat, x = n) ∨ (∃ n : Nat, x = -n) := by
  by_cases h : 0 ≤ x
  · left
    exact ⟨x.toNat, by omega⟩
  · right
    exact ⟨(-x).toNat, by omega⟩

theorem exists_sum (x y : Int) : ∃ z, x + z = y := by
  refine ⟨y - x, ?_⟩
  omega

theorem no_smallest (x : Int) : ∃ y, y < x := by
  refine ⟨x - 1, ?_⟩
  omega

theorem square_nonneg (x : Int) : 0 ≤ x * x := by
  by_cases h : 0 ≤ x
  · exact Int.mul_nonneg h h
  · have h1 : 0 ≤ -x := by omega
    rw [← neg_mul_neg_self]
    exact Int.mul_nonneg h1 h1

theorem absVal_nonneg (x : Int) : 0 ≤ absVal x := by
  unfold absVal
  split
  · omega
  · omega

theorem absVal_neg (x : Int) : absVal (-x) = absVal x := by
  unfold absVal
  split
  · split
    · omega
    · omega
  · split
    · omega
    · omega

theorem absVal_triangle (x y : Int) : absVal (x + y) ≤ absVal x + absVal y := by
  simp only [absVal]
  split <;> split <;> split <;> omega

theorem absVal_eq_zero (x : Int) : absVal x = 0 ↔ x = 0 := by
  unfold absVal
  constructor
  · intro h
    split at h
    · omega
    · exact h
  · intro h
    subst h
    rfl

theorem absVal_idem (x : Int) : absVal (absVal x) = absVal x := by
  have h : ¬ absVal x < 0 := by
    have h1 : 0 ≤ absVal x := absVal_nonneg x
    omega
  rw [absVal, if_neg h]

theorem absVal_square (x : Int) : absVal x * absVal x = x * x := by
  unfold absVal
  split
  · exact neg_mul_neg_self x
  · rfl

theorem sign_mul_absVal (x : Int) : sign x * absVal x = x := by
  unfold sign absVal
  split
  · omega
  · split
    · omega
    · omega

theorem sign_range (x : Int) : sign x = -1 ∨ sign x = 0 ∨ sign x = 1 := by
  unfold sign
  split
  · left
    rfl
  · right
    split
    · left
      rfl
    · right
      rfl

theorem posPart_sub (x : Int) : posPart x - posPart (-x) = x := by
  unfold posPart
  split
  · split
    · omega
    · omega
  · split
    · omega
    · omega

theorem dist_comm (x y : Int) : dist x y = dist y x := by
  unfold dist
  split
  · split
    · omega
    · omega
  · split
    · omega
    · omega

theorem dist_eq_absVal (x y : Int) : dist x y = absVal (x - y) := by
  unfold dist absVal
  by_cases h : x ≤ y
  · rw [if_pos h]
    split
    · omega
    · omega
  · rw [if_neg h]
    split
    · omega
    · rfl

theorem dist_triangle (x y z : Int) : dist x z ≤ dist x y + dist y z := by
  rw [dist_eq_absVal, dist_eq_absVal, dist_eq_absVal]
  have h : x - z = (x - y) + (y - z) := by omega
  rw [h]
  exact absVal_triangle (x - y) (y - z)

end Ints
