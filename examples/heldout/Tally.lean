/-! Numerals of our own: binary numerals with a doubling and an odd constructor, and tally marks
grouped in fives. -/

namespace Tally

inductive Bin where
  | nil : Bin
  | twice : Bin → Bin
  | twiceOne : Bin → Bin

def value : Bin → Nat
  | Bin.nil => 0
  | Bin.twice b => value b + value b
  | Bin.twiceOne b => value b + value b + 1

def inc : Bin → Bin
  | Bin.nil => Bin.twiceOne Bin.nil
  | Bin.twice b => Bin.twiceOne b
  | Bin.twiceOne b => Bin.twice (inc b)

def ofNat : Nat → Bin
  | 0 => Bin.nil
  | n + 1 => inc (ofNat n)

def digits : Bin → Nat
  | Bin.nil => 0
  | Bin.twice b => digits b + 1
  | Bin.twiceOne b => digits b + 1

def ones : Bin → Nat
  | Bin.nil => 0
  | Bin.twice b => ones b
  | Bin.twiceOne b => ones b + 1

def flip : Bin → Bin
  | Bin.nil => Bin.nil
  | Bin.twice b => Bin.twiceOne (flip b)
  | Bin.twiceOne b => Bin.twice (flip b)

inductive Marks where
  | none : Marks
  | stroke : Marks → Marks
  | bundle : Marks → Marks

def worth : Marks → Nat
  | Marks.none => 0
  | Marks.stroke t => worth t + 1
  | Marks.bundle t => worth t + 5

inductive Plain : Marks → Prop where
  | none : Plain Marks.none
  | stroke (t : Marks) : Plain t → Plain (Marks.stroke t)

def unbundle : Marks → Marks
  | Marks.none => Marks.none
  | Marks.stroke t => Marks.stroke (unbundle t)
  | Marks.bundle t =>
    Marks.stroke (Marks.stroke (Marks.stroke (Marks.stroke (Marks.stroke (unbundle t)))))

theorem value_inc (b : Bin) : value (inc b) = value b + 1 := by
  induction b with
  | nil => rfl
  | twice b ih => rfl
  | twiceOne b ih =>
    rw [inc, value, ih, value]
    omega

theorem value_ofNat (n : Nat) : value (ofNat n) = n := by
  induction n with
  | zero => rfl
  | succ n ih => rw [ofNat, value_inc, ih]

theorem ofNat_distinct (n m : Nat) (h : ofNat n = ofNat m) : n = m := by
  rw [← value_ofNat n, h, value_ofNat]

theorem inc_ne_nil (b : Bin) : inc b ≠ Bin.nil := by
  intro h
  cases b with
  | nil => contradiction
  | twice b => contradiction
  | twiceOne b => contradiction

theorem value_not_one_to_one : ∃ b c, b ≠ c ∧ value b = value c := by
  refine ⟨Bin.nil, Bin.twice Bin.nil, ?_, ?_⟩
  · intro h
    contradiction
  · rfl

theorem digits_inc (b : Bin) : digits b ≤ digits (inc b) := by
  induction b with
  | nil => exact Nat.zero_le 1
  | twice b ih => exact Nat.le_refl (digits b + 1)
  | twiceOne b ih =>
    rw [inc, digits, digits]
    exact Nat.succ_le_succ ih

theorem ones_le_value (b : Bin) : ones b ≤ value b := by
  induction b with
  | nil => exact Nat.le_refl 0
  | twice b ih =>
    rw [ones, value]
    omega
  | twiceOne b ih =>
    rw [ones, value]
    omega

theorem value_bound (b : Bin) : value b < 2 ^ digits b := by
  induction b with
  | nil => exact Nat.zero_lt_one
  | twice b ih =>
    rw [value, digits, Nat.pow_succ]
    omega
  | twiceOne b ih =>
    rw [value, digits, Nat.pow_succ]
    omega

theorem ones_flip (b : Bin) : ones b + ones (flip b) = digits b := by
  induction b with
  | nil => rfl
  | twice b ih =>
    rw [flip, ones, ones, digits, ← ih]
    omega
  | twiceOne b ih =>
    rw [flip, ones, ones, digits, ← ih]
    omega

theorem value_flip (b : Bin) : value b + value (flip b) + 1 = 2 ^ digits b := by
  induction b with
  | nil => rfl
  | twice b ih =>
    rw [flip, value, value, digits, Nat.pow_succ]
    omega
  | twiceOne b ih =>
    rw [flip, value, value, digits, Nat.pow_succ]
    omega

theorem worth_unbundle (t : Marks) : worth (unbundle t) = worth t := by
  induction t with
  | none => rfl
  | stroke t ih => rw [unbundle, worth, worth, ih]
  | bundle t ih =>
    simp only [unbundle, worth]
    rw [ih]

theorem plain_unbundle (t : Marks) : Plain (unbundle t) := by
  induction t with
  | none => exact Plain.none
  | stroke t ih =>
    rw [unbundle]
    exact Plain.stroke (unbundle t) ih
  | bundle t ih =>
    rw [unbundle]
    repeat apply Plain.stroke
    exact ih

theorem plain_unique (t u : Marks) (h1 : Plain t) (h2 : Plain u) (h : worth t = worth u) :
    t = u := by
  induction h1 generalizing u with
  | none =>
    cases h2 with
    | none => rfl
    | stroke u h2 => contradiction
  | stroke t h1 ih =>
    cases h2 with
    | none => contradiction
    | stroke u h2 =>
      rw [worth, worth] at h
      have h3 : worth t = worth u := by omega
      rw [ih u h2 h3]

end Tally
