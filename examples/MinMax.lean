/-! Minimum, maximum and clamping on natural numbers, defined by `if … then … else`, with proofs
by `split`, `by_cases` and `omega`. -/

namespace MinMax

def mini (a b : Nat) : Nat := if a ≤ b then a else b

def maxi (a b : Nat) : Nat := if a ≤ b then b else a

def clamp (a b n : Nat) : Nat := maxi a (mini b n)

def maxTo (f : Nat → Nat) : Nat → Nat
  | 0 => 0
  | n + 1 => maxi (maxTo f n) (f n)

theorem mini_self (a : Nat) : mini a a = a := by
  unfold mini
  rw [if_pos (Nat.le_refl a)]

theorem mini_le_left (a b : Nat) : mini a b ≤ a := by
  unfold mini
  split
  · exact Nat.le_refl a
  · omega

theorem mini_le_right (a b : Nat) : mini a b ≤ b := by
  unfold mini
  split
  · assumption
  · exact Nat.le_refl b

theorem le_mini (a b c : Nat) (h1 : c ≤ a) (h2 : c ≤ b) : c ≤ mini a b := by
  unfold mini
  split
  · exact h1
  · exact h2

theorem le_mini_iff (a b c : Nat) : c ≤ mini a b ↔ c ≤ a ∧ c ≤ b := by
  constructor
  · intro h
    constructor
    · exact Nat.le_trans h (mini_le_left a b)
    · exact Nat.le_trans h (mini_le_right a b)
  · intro h
    exact le_mini a b c h.1 h.2

theorem mini_choice (a b : Nat) : mini a b = a ∨ mini a b = b := by
  unfold mini
  split
  · left
    rfl
  · right
    rfl

theorem mini_comm (a b : Nat) : mini a b = mini b a := by
  apply Nat.le_antisymm
  · exact le_mini b a (mini a b) (mini_le_right a b) (mini_le_left a b)
  · exact le_mini a b (mini b a) (mini_le_right b a) (mini_le_left b a)

theorem left_le_maxi (a b : Nat) : a ≤ maxi a b := by
  unfold maxi
  split
  · assumption
  · exact Nat.le_refl a

theorem right_le_maxi (a b : Nat) : b ≤ maxi a b := by
  unfold maxi
  split
  · exact Nat.le_refl b
  · omega

theorem maxi_le (a b c : Nat) (h1 : a ≤ c) (h2 : b ≤ c) : maxi a b ≤ c := by
  unfold maxi
  split
  · exact h2
  · exact h1

theorem maxi_assoc (a b c : Nat) : maxi (maxi a b) c = maxi a (maxi b c) := by
  apply Nat.le_antisymm
  · apply maxi_le
    · apply maxi_le
      · exact left_le_maxi a (maxi b c)
      · exact Nat.le_trans (left_le_maxi b c) (right_le_maxi a (maxi b c))
    · exact Nat.le_trans (right_le_maxi b c) (right_le_maxi a (maxi b c))
  · apply maxi_le
    · exact Nat.le_trans (left_le_maxi a b) (left_le_maxi (maxi a b) c)
    · apply maxi_le
      · exact Nat.le_trans (right_le_maxi a b) (left_le_maxi (maxi a b) c)
      · exact right_le_maxi (maxi a b) c

theorem maxi_add_mini (a b : Nat) : maxi a b + mini a b = a + b := by
  unfold maxi mini
  split
  · rw [Nat.add_comm]
  · rfl

theorem add_mini (a b c : Nat) : c + mini a b = mini (c + a) (c + b) := by
  unfold mini
  by_cases h : a ≤ b
  · rw [if_pos h, if_pos (Nat.add_le_add_left h c)]
  · have h1 : ¬ c + a ≤ c + b := by omega
    rw [if_neg h, if_neg h1]

theorem mini_maxi_absorb (a b : Nat) : mini a (maxi a b) = a := by
  have h : a ≤ maxi a b := left_le_maxi a b
  rw [mini, if_pos h]

theorem maxi_mini_distrib (a b c : Nat) : maxi a (mini b c) = mini (maxi a b) (maxi a c) := by
  simp only [maxi, mini]
  repeat' split
  all_goals omega

theorem maxi_mono_fun (f : Nat → Nat) (h : ∀ a b, a ≤ b → f a ≤ f b) (a b : Nat) :
    maxi (f a) (f b) = f (maxi a b) := by
  by_cases h1 : a ≤ b
  · rw [maxi, if_pos (h a b h1), maxi, if_pos h1]
  · have h2 : f b ≤ f a := h b a (by omega)
    rw [maxi, maxi, if_neg h1]
    split
    · omega
    · rfl

theorem le_clamp (a b n : Nat) : a ≤ clamp a b n := by
  unfold clamp
  exact left_le_maxi a (mini b n)

theorem clamp_le (a b n : Nat) (h : a ≤ b) : clamp a b n ≤ b := by
  unfold clamp
  apply maxi_le
  · exact h
  · exact mini_le_left b n

theorem clamp_of_between (a b n : Nat) (h1 : a ≤ n) (h2 : n ≤ b) : clamp a b n = n := by
  have h : mini b n = n := by
    unfold mini
    split
    · omega
    · rfl
  rw [clamp, h, maxi, if_pos h1]

theorem clamp_idem (a b n : Nat) (h : a ≤ b) : clamp a b (clamp a b n) = clamp a b n := by
  apply clamp_of_between
  · exact le_clamp a b n
  · exact clamp_le a b n h

theorem le_maxTo (f : Nat → Nat) (n k : Nat) (h : k < n) : f k ≤ maxTo f n := by
  induction n with
  | zero => exact absurd h (Nat.not_lt_zero k)
  | succ n ih =>
    rw [maxTo]
    by_cases h1 : k = n
    · rw [h1]
      exact right_le_maxi (maxTo f n) (f n)
    · have h2 : f k ≤ maxTo f n := ih (by omega)
      exact Nat.le_trans h2 (left_le_maxi (maxTo f n) (f n))

theorem maxTo_le (f : Nat → Nat) (n c : Nat) (h : ∀ k, f k ≤ c) : maxTo f n ≤ c := by
  induction n with
  | zero => exact Nat.zero_le c
  | succ n ih =>
    rw [maxTo]
    apply maxi_le
    · exact ih
    · exact h n

end MinMax
