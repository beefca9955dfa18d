/-! Permutations of lists as an inductive relation: it is an equivalence, it is compatible with
append, map and reverse, and it preserves length, membership and sums. -/

namespace Permutation

inductive Perm : List α → List α → Prop
  | nil : Perm [] []
  | cons (x : α) (xs ys : List α) : Perm xs ys → Perm (x :: xs) (x :: ys)
  | swap (x y : α) (xs : List α) : Perm (x :: y :: xs) (y :: x :: xs)
  | trans (xs ys zs : List α) : Perm xs ys → Perm ys zs → Perm xs zs

def sum : List Nat → Nat
  | [] => 0
  | x :: xs => x + sum xs

theorem perm_refl (xs : List α) : Perm xs xs := by
  induction xs with
  | nil => exact Perm.nil
  | cons x xs ih => exact Perm.cons x xs xs ih

theorem perm_symm (xs ys : List α) (h : Perm xs ys) : Perm ys xs := by
  induction h with
  | nil => exact Perm.nil
  | cons x xs ys _ ih => exact Perm.cons x ys xs ih
  | swap x y xs => exact Perm.swap y x xs
  | trans xs ys zs _ _ ih1 ih2 => exact Perm.trans zs ys xs ih2 ih1

theorem perm_length (xs ys : List α) (h : Perm xs ys) : xs.length = ys.length := by
  induction h with
  | nil => rfl
  | cons x xs ys _ ih =>
    simp only [List.length_cons]
    rw [ih]
  | swap x y xs => rfl
  | trans xs ys zs _ _ ih1 ih2 => rw [ih1, ih2]

theorem perm_nil (xs : List α) (h : Perm xs []) : xs = [] := by
  have h1 := perm_length xs [] h
  cases xs with
  | nil => rfl
  | cons x xs =>
    rw [List.length_cons] at h1
    contradiction

theorem perm_mem (x : α) (xs ys : List α) (h : Perm xs ys) (hx : x ∈ xs) : x ∈ ys := by
  induction h with
  | nil => exact hx
  | cons y xs ys _ ih =>
    rw [List.mem_cons] at hx ⊢
    cases hx with
    | inl hx => exact Or.inl hx
    | inr hx => exact Or.inr (ih hx)
  | swap y z xs =>
    simp only [List.mem_cons] at hx ⊢
    rcases hx with hx | hx | hx
    · exact Or.inr (Or.inl hx)
    · exact Or.inl hx
    · exact Or.inr (Or.inr hx)
  | trans xs ys zs _ _ ih1 ih2 => exact ih2 (ih1 hx)

theorem perm_mem_iff (x : α) (xs ys : List α) (h : Perm xs ys) : x ∈ xs ↔ x ∈ ys := by
  constructor
  · exact perm_mem x xs ys h
  · exact perm_mem x ys xs (perm_symm xs ys h)

theorem perm_sum (xs ys : List Nat) (h : Perm xs ys) : sum xs = sum ys := by
  induction h with
  | nil => rfl
  | cons x xs ys _ ih =>
    simp only [sum]
    rw [ih]
  | swap x y xs =>
    simp only [sum]
    omega
  | trans xs ys zs _ _ ih1 ih2 => rw [ih1, ih2]

theorem perm_map (f : α → β) (xs ys : List α) (h : Perm xs ys) :
    Perm (xs.map f) (ys.map f) := by
  induction h with
  | nil => exact Perm.nil
  | cons x xs ys _ ih => exact Perm.cons (f x) (xs.map f) (ys.map f) ih
  | swap x y xs => exact Perm.swap (f x) (f y) (xs.map f)
  | trans xs ys zs _ _ ih1 ih2 =>
    apply Perm.trans
    · exact ih1
    · exact ih2

theorem perm_append_left (xs ys zs : List α) (h : Perm ys zs) :
    Perm (xs ++ ys) (xs ++ zs) := by
  induction xs with
  | nil => exact h
  | cons x xs ih =>
    simp only [List.cons_append]
    apply Perm.cons
    exact ih

theorem perm_append_right (xs ys zs : List α) (h : Perm xs ys) :
    Perm (xs ++ zs) (ys ++ zs) := by
  induction h with
  | nil => exact perm_refl zs
  | cons x xs ys _ ih =>
    apply Perm.cons
    exact ih
  | swap x y xs => exact Perm.swap x y (xs ++ zs)
  | trans xs ys _ _ _ ih1 ih2 =>
    apply Perm.trans
    · exact ih1
    · exact ih2

theorem perm_append (xs ys xs' ys' : List α) (h1 : Perm xs xs') (h2 : Perm ys ys') :
    Perm (xs ++ ys) (xs' ++ ys') := by
  apply Perm.trans _ (xs' ++ ys) _
  · exact perm_append_right xs xs' ys h1
  · exact perm_append_left xs' ys ys' h2

theorem perm_middle (x : α) (xs ys : List α) : Perm (xs ++ x :: ys) (x :: (xs ++ ys)) := by
  induction xs with
  | nil => exact perm_refl (x :: ys)
  | cons y xs ih =>
    simp only [List.cons_append]
    apply Perm.trans _ (y :: x :: (xs ++ ys)) _
    · exact Perm.cons y _ _ ih
    · exact Perm.swap y x (xs ++ ys)

theorem perm_append_comm (xs ys : List α) : Perm (xs ++ ys) (ys ++ xs) := by
  induction xs with
  | nil =>
    rw [List.nil_append, List.append_nil]
    exact perm_refl ys
  | cons x xs ih =>
    apply Perm.trans _ (x :: (ys ++ xs)) _
    · exact Perm.cons x _ _ ih
    · apply perm_symm
      exact perm_middle x ys xs

theorem perm_reverse (xs : List α) : Perm xs.reverse xs := by
  induction xs with
  | nil => exact Perm.nil
  | cons x xs ih =>
    rw [List.reverse_cons]
    apply Perm.trans _ ([x] ++ xs.reverse) _
    · exact perm_append_comm xs.reverse [x]
    · exact Perm.cons x _ _ ih

theorem perm_filter (P : α → Bool) (xs : List α) :
    Perm (xs.filter P ++ xs.filter (fun x => !P x)) xs := by
  induction xs with
  | nil => exact Perm.nil
  | cons x xs ih =>
    by_cases h : P x
    · simp only [List.filter_cons, h]
      exact Perm.cons x _ _ ih
    · simp only [List.filter_cons, h]
      apply Perm.trans _ (x :: (xs.filter P ++ xs.filter (fun x => !P x))) _
      · exact perm_middle x _ _
      · exact Perm.cons x _ _ ih

theorem perm_singleton (x y : α) (h : Perm [x] [y]) : x = y := by
  have h1 := perm_mem x [x] [y] h (by simp)
  rw [List.mem_singleton] at h1
  exact h1

end Permutation
