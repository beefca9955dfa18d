/-! Divisibility with explicit witnesses (a `Dvd`-like relation of our own), and some facts about
remainders. -/

namespace Divides

def Div (a b : Nat) : Prop := ∃ k, b = a * k

def Common (a b c : Nat) : Prop := Div a b ∧ Div a c

theorem div_refl (a : Nat) : Div a a := by
  refine ⟨1, ?_⟩
  rw [Nat.mul_one]

theorem one_div (a : Nat) : Div 1 a := by
  refine ⟨a, ?_⟩
  rw [Nat.one_mul]

theorem div_zero (a : Nat) : Div a 0 := by
  exact ⟨0, rfl⟩

theorem zero_div (a : Nat) (h : Div 0 a) : a = 0 := by
  obtain ⟨k, hk⟩ := h
  rw [Nat.zero_mul] at hk
  exact hk

theorem div_trans (a b c : Nat) (h1 : Div a b) (h2 : Div b c) : Div a c := by
  obtain ⟨k, hk⟩ := h1
  obtain ⟨m, hm⟩ := h2
  refine ⟨k * m, ?_⟩
  rw [hm, hk, Nat.mul_assoc]

theorem div_add (a b c : Nat) (h1 : Div a b) (h2 : Div a c) : Div a (b + c) := by
  obtain ⟨k, hk⟩ := h1
  obtain ⟨m, hm⟩ := h2
  refine ⟨k + m, ?_⟩
  rw [hk, hm, Nat.left_distrib]

theorem div_sub (a b c : Nat) (h1 : Div a b) (h2 : Div a c) : Div a (b - c) := by
  obtain ⟨k, hk⟩ := h1
  obtain ⟨m, hm⟩ := h2
  refine ⟨k - m, ?_⟩
  rw [hk, hm, Nat.mul_sub]

theorem div_mul_right (a b c : Nat) (h : Div a b) : Div a (b * c) := by
  obtain ⟨k, hk⟩ := h
  refine ⟨k * c, ?_⟩
  rw [hk, Nat.mul_assoc]

theorem div_mul_left (a b c : Nat) (h : Div a b) : Div a (c * b) := by
  rw [Nat.mul_comm]
  exact div_mul_right a b c h

theorem div_mul_both (a b c k : Nat) (h1 : Div a b) (h2 : Div c k) : Div (a * c) (b * k) := by
  obtain ⟨n, hn⟩ := h1
  obtain ⟨m, hm⟩ := h2
  refine ⟨n * m, ?_⟩
  rw [hn, hm, Nat.mul_assoc, Nat.mul_assoc, Nat.mul_left_comm n c m]

theorem div_combination (a b c n m : Nat) (h : Common a b c) : Div a (n * b + m * c) := by
  obtain ⟨h1, h2⟩ := h
  apply div_add
  · exact div_mul_left a b n h1
  · exact div_mul_left a c m h2

theorem div_of_div_add (a b c : Nat) (h1 : Div a (b + c)) (h2 : Div a b) : Div a c := by
  have h3 : Div a (b + c - b) := div_sub a (b + c) b h1 h2
  rw [Nat.add_sub_cancel_left] at h3
  exact h3

theorem div_le (a b : Nat) (h : Div a b) (hb : 0 < b) : a ≤ b := by
  obtain ⟨k, hk⟩ := h
  cases k with
  | zero =>
    exfalso
    rw [Nat.mul_zero] at hk
    omega
  | succ k =>
    rw [hk, Nat.mul_succ]
    exact Nat.le_add_left a (a * k)

theorem div_antisymm (a b : Nat) (ha : 0 < a) (hb : 0 < b) (h1 : Div a b) (h2 : Div b a) :
    a = b := by
  apply Nat.le_antisymm
  · exact div_le a b h1 hb
  · exact div_le b a h2 ha

theorem div_of_mod_zero (a b : Nat) (h : b % a = 0) : Div a b := by
  refine ⟨b / a, ?_⟩
  have h1 : a * (b / a) + b % a = b := Nat.div_add_mod b a
  rw [h, Nat.add_zero] at h1
  exact h1.symm

theorem mod_zero_of_div (a b : Nat) (h : Div a b) : b % a = 0 := by
  obtain ⟨k, hk⟩ := h
  rw [hk]
  exact Nat.mul_mod_right a k

theorem div_iff_mod_zero (a b : Nat) : Div a b ↔ b % a = 0 := by
  constructor
  · intro h
    exact mod_zero_of_div a b h
  · intro h
    exact div_of_mod_zero a b h

theorem not_div_two_odd (n : Nat) : ¬ Div 2 (2 * n + 1) := by
  intro h
  obtain ⟨k, hk⟩ := h
  omega

theorem div_three_consecutive (n : Nat) : Div 3 (n + (n + 1) + (n + 2)) := by
  refine ⟨n + 1, ?_⟩
  omega

theorem mod_five_of_square (n : Nat) (h : n % 5 = 2) : (n * n) % 5 = 4 := by
  rw [Nat.mul_mod, h]

theorem square_mod_three (n : Nat) : (n * n) % 3 = 0 ∨ (n * n) % 3 = 1 := by
  rw [Nat.mul_mod]
  have h : n % 3 = 0 ∨ n % 3 = 1 ∨ n % 3 = 2 := by omega
  rcases h with h | h | h
  · left
    rw [h]
  · right
    rw [h]
  · right
    rw [h]

end Divides
