/-! Reversing lists: a naive reverse through append, a reverse with an accumulator, and
the palindromes; the accumulator lemmas generalize over the accumulator. -/

namespace ListReverse

def rev : List α → List α
  | [] => []
  | x :: xs => rev xs ++ [x]

def revAcc : List α → List α → List α
  | [], ys => ys
  | x :: xs, ys => revAcc xs (x :: ys)

def fastRev (xs : List α) : List α := revAcc xs []

inductive Pal : List α → Prop
  | nil : Pal []
  | single (x : α) : Pal [x]
  | wrap (x : α) (xs : List α) : Pal xs → Pal (x :: (xs ++ [x]))

theorem rev_append (xs ys : List α) : rev (xs ++ ys) = rev ys ++ rev xs := by
  induction xs with
  | nil => simp [rev]
  | cons x xs ih =>
    simp only [List.cons_append, rev]
    rw [ih, List.append_assoc]

theorem rev_snoc (xs : List α) (x : α) : rev (xs ++ [x]) = x :: rev xs := by
  rw [rev_append]
  rfl

theorem rev_rev (xs : List α) : rev (rev xs) = xs := by
  induction xs with
  | nil => rfl
  | cons x xs ih =>
    simp only [rev]
    rw [rev_snoc, ih]

theorem length_rev (xs : List α) : (rev xs).length = xs.length := by
  induction xs with
  | nil => rfl
  | cons x xs ih =>
    simp only [rev, List.length_append, List.length_cons, List.length_nil]
    rw [ih]

theorem rev_injective (xs ys : List α) (h : rev xs = rev ys) : xs = ys := by
  have h1 : rev (rev xs) = rev (rev ys) := by rw [h]
  rw [rev_rev, rev_rev] at h1
  exact h1

theorem rev_eq_iff (xs ys : List α) : rev xs = ys ↔ xs = rev ys := by
  constructor
  · intro h
    rw [← h, rev_rev]
  · intro h
    rw [h, rev_rev]

theorem revAcc_eq (xs ys : List α) : revAcc xs ys = rev xs ++ ys := by
  induction xs generalizing ys with
  | nil => rfl
  | cons x xs ih =>
    simp only [revAcc, rev]
    rw [ih, List.append_assoc]
    rfl

theorem fastRev_eq_rev (xs : List α) : fastRev xs = rev xs := by
  unfold fastRev
  rw [revAcc_eq, List.append_nil]

theorem fastRev_fastRev (xs : List α) : fastRev (fastRev xs) = xs := by
  rw [fastRev_eq_rev, fastRev_eq_rev, rev_rev]

theorem revAcc_append_acc (xs ys zs : List α) :
    revAcc xs (ys ++ zs) = revAcc xs ys ++ zs := by
  induction xs generalizing ys with
  | nil => rfl
  | cons x xs ih =>
    simp only [revAcc]
    exact ih (x :: ys)

theorem revAcc_append (xs ys zs : List α) :
    revAcc (xs ++ ys) zs = revAcc ys (revAcc xs zs) := by
  induction xs generalizing zs with
  | nil => rfl
  | cons x xs ih =>
    simp only [List.cons_append, revAcc]
    exact ih (x :: zs)

theorem length_revAcc (xs ys : List α) :
    (revAcc xs ys).length = xs.length + ys.length := by
  induction xs generalizing ys with
  | nil => simp [revAcc]
  | cons x xs ih =>
    simp only [revAcc]
    rw [ih]
    simp only [List.length_cons]
    omega

theorem rev_eq_reverse (xs : List α) : rev xs = xs.reverse := by
  induction xs with
  | nil => rfl
  | cons x xs ih =>
    simp only [rev]
    rw [ih, List.reverse_cons]

theorem rev_map (f : α → β) (xs : List α) : rev (xs.map f) = (rev xs).map f := by
  induction xs with
  | nil => rfl
  | cons x xs ih =>
    simp only [List.map_cons, rev, List.map_append]
    rw [ih]
    rfl

theorem revAcc_map (f : α → β) (xs ys : List α) :
    revAcc (xs.map f) (ys.map f) = (revAcc xs ys).map f := by
  induction xs generalizing ys with
  | nil => rfl
  | cons x xs ih =>
    simp only [List.map_cons, revAcc]
    rw [← ih]
    rfl

theorem rev_eq_nil (xs : List α) (h : rev xs = []) : xs = [] := by
  apply rev_injective
  rw [h]
  rfl

theorem mem_rev (x : α) (xs : List α) : x ∈ rev xs ↔ x ∈ xs := by
  induction xs with
  | nil => rfl
  | cons y ys ih =>
    simp only [rev, List.mem_append, List.mem_cons]
    rw [ih]
    constructor
    · intro h
      cases h with
      | inl h => exact Or.inr h
      | inr h =>
        left
        simpa using h
    · intro h
      cases h with
      | inl h =>
        right
        exact Or.inl h
      | inr h =>
        left
        exact h

theorem snoc_induction (P : List α → Prop) (h1 : P [])
    (h2 : ∀ xs x, P xs → P (xs ++ [x])) (xs : List α) : P xs := by
  have h : ∀ ys, P (rev ys) := by
    intro ys
    induction ys with
    | nil => exact h1
    | cons y ys ih => exact h2 (rev ys) y ih
  rw [← rev_rev xs]
  exact h (rev xs)

theorem pal_rev (xs : List α) (h : Pal xs) : rev xs = xs := by
  induction h with
  | nil => rfl
  | single x => rfl
  | wrap x xs _ ih =>
    simp only [rev]
    rw [rev_snoc, ih]
    rfl

theorem pal_append_rev (xs : List α) : Pal (xs ++ rev xs) := by
  induction xs with
  | nil => exact Pal.nil
  | cons x xs ih =>
    simp only [rev, List.cons_append]
    rw [← List.append_assoc]
    exact Pal.wrap x (xs ++ rev xs) ih

end ListReverse
