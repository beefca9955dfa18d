/-! An inductive type of natural numbers of our own, with addition, multiplication and an
inductive order relation. -/

namespace MyNat

inductive N where
  | zero : N
  | succ : N → N

def plus : N → N → N
  | n, N.zero => n
  | n, N.succ m => N.succ (plus n m)

def times : N → N → N
  | _, N.zero => N.zero
  | n, N.succ m => plus (times n m) n

inductive Le : N → N → Prop where
  | refl (n : N) : Le n n
  | step (n m : N) : Le n m → Le n (N.succ m)

def toNat : N → Nat
  | N.zero => 0
  | N.succ n => toNat n + 1

theorem zero_ne_succ (n : N) : N.zero ≠ N.succ n := by
  intro h
  contradiction

theorem succ_inj (n m : N) (h : N.succ n = N.succ m) : n = m := by
  injection h

theorem zero_or_succ (n : N) : n = N.zero ∨ ∃ m, n = N.succ m := by
  cases n with
  | zero =>
    left
    rfl
  | succ n =>
    right
    exact ⟨n, rfl⟩

theorem succ_ne_self (n : N) : N.succ n ≠ n := by
  induction n with
  | zero =>
    intro h
    contradiction
  | succ n ih =>
    intro h
    injection h with h1
    exact ih h1

theorem zero_plus (n : N) : plus N.zero n = n := by
  induction n with
  | zero => rfl
  | succ n ih => rw [plus, ih]

theorem succ_plus (n m : N) : plus (N.succ n) m = N.succ (plus n m) := by
  induction m with
  | zero => rfl
  | succ m ih => rw [plus, plus, ih]

theorem plus_comm (n m : N) : plus n m = plus m n := by
  induction m with
  | zero => rw [zero_plus, plus]
  | succ m ih => rw [plus, succ_plus, ih]

theorem plus_assoc (n m k : N) : plus (plus n m) k = plus n (plus m k) := by
  induction k with
  | zero => rfl
  | succ k ih =>
    simp only [plus]
    rw [ih]

theorem plus_right_cancel (n m k : N) (h : plus n k = plus m k) : n = m := by
  induction k with
  | zero => exact h
  | succ k ih =>
    simp only [plus] at h
    injection h with h1
    exact ih h1

theorem plus_eq_zero (n m : N) (h : plus n m = N.zero) : n = N.zero ∧ m = N.zero := by
  cases m with
  | zero => exact ⟨h, rfl⟩
  | succ m =>
    simp only [plus] at h
    contradiction

theorem zero_times (n : N) : times N.zero n = N.zero := by
  induction n with
  | zero => rfl
  | succ n ih => rw [times, ih, plus]

theorem one_times (n : N) : times (N.succ N.zero) n = n := by
  induction n with
  | zero => rfl
  | succ n ih => rw [times, ih, plus, plus]

theorem times_plus (n m k : N) : times n (plus m k) = plus (times n m) (times n k) := by
  induction k with
  | zero => rfl
  | succ k ih => rw [plus, times, times, ih, plus_assoc]

theorem zero_le (n : N) : Le N.zero n := by
  induction n with
  | zero => exact Le.refl N.zero
  | succ n ih =>
    apply Le.step
    exact ih

theorem le_trans (n m k : N) (h1 : Le n m) (h2 : Le m k) : Le n k := by
  induction h2 with
  | refl => exact h1
  | step k h2 ih =>
    apply Le.step
    exact ih

theorem succ_le_succ (n m : N) (h : Le n m) : Le (N.succ n) (N.succ m) := by
  induction h with
  | refl => exact Le.refl (N.succ n)
  | step m h ih =>
    apply Le.step
    exact ih

theorem le_plus (n m : N) : Le n (plus n m) := by
  induction m with
  | zero => exact Le.refl n
  | succ m ih =>
    rw [plus]
    apply Le.step
    exact ih

theorem le_witness (n m : N) (h : Le n m) : ∃ k, plus n k = m := by
  induction h with
  | refl => exact ⟨N.zero, rfl⟩
  | step m h ih =>
    obtain ⟨k, hk⟩ := ih
    refine ⟨N.succ k, ?_⟩
    rw [plus, hk]

theorem toNat_plus (n m : N) : toNat (plus n m) = toNat n + toNat m := by
  induction m with
  | zero => rfl
  | succ m ih =>
    simp only [plus, toNat]
    rw [ih, Nat.add_assoc]

theorem toNat_injective (n m : N) (h : toNat n = toNat m) : n = m := by
  induction n generalizing m with
  | zero =>
    cases m with
    | zero => rfl
    | succ m => simp [toNat] at h
  | succ n ih =>
    cases m with
    | zero => simp [toNat] at h
    | succ m =>
      simp only [toNat] at h
      have h1 : toNat n = toNat m := by omega
      rw [ih m h1]

end MyNat
