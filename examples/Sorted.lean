/-! Sorted lists of natural numbers and insertion sort: insertion keeps a list sorted, and
sorting keeps the length, the elements and the number of occurrences. -/

namespace Sorted

inductive LeAll (a : Nat) : List Nat → Prop
  | nil : LeAll a []
  | cons (x : Nat) (xs : List Nat) : a ≤ x → LeAll a xs → LeAll a (x :: xs)

inductive Sorted : List Nat → Prop
  | nil : Sorted []
  | cons (x : Nat) (xs : List Nat) : LeAll x xs → Sorted xs → Sorted (x :: xs)

def insert (a : Nat) : List Nat → List Nat
  | [] => [a]
  | x :: xs => if a ≤ x then a :: x :: xs else x :: insert a xs

def sort : List Nat → List Nat
  | [] => []
  | x :: xs => insert x (sort xs)

def sortAcc : List Nat → List Nat → List Nat
  | [], ys => ys
  | x :: xs, ys => sortAcc xs (insert x ys)

def count (a : Nat) : List Nat → Nat
  | [] => 0
  | x :: xs => (if x = a then 1 else 0) + count a xs

def from_ (a : Nat) : Nat → List Nat
  | 0 => []
  | n + 1 => a :: from_ (a + 1) n

theorem leAll_trans (a b : Nat) (xs : List Nat) (h : a ≤ b) (h1 : LeAll b xs) : LeAll a xs := by
  induction h1 with
  | nil => exact LeAll.nil
  | cons x xs hx _ ih =>
    apply LeAll.cons
    · exact Nat.le_trans h hx
    · exact ih

theorem leAll_iff (a : Nat) (xs : List Nat) : LeAll a xs ↔ ∀ x, x ∈ xs → a ≤ x := by
  constructor
  · intro h x hx
    induction h with
    | nil => contradiction
    | cons y ys hy _ ih =>
      rw [List.mem_cons] at hx
      cases hx with
      | inl hx =>
        rw [hx]
        exact hy
      | inr hx => exact ih hx
  · intro h
    induction xs with
    | nil => exact LeAll.nil
    | cons y ys ih =>
      apply LeAll.cons
      · exact h y (List.mem_cons_self)
      · apply ih
        intro x hx
        exact h x (List.mem_cons_of_mem y hx)

theorem leAll_insert (a b : Nat) (xs : List Nat) (h : a ≤ b) (h1 : LeAll a xs) :
    LeAll a (insert b xs) := by
  induction h1 with
  | nil => exact LeAll.cons b [] h LeAll.nil
  | cons x xs hx h2 ih =>
    simp only [insert]
    split
    · apply LeAll.cons
      · exact h
      · exact LeAll.cons x xs hx h2
    · exact LeAll.cons x (insert b xs) hx ih

theorem sorted_insert (a : Nat) (xs : List Nat) (h : Sorted xs) : Sorted (insert a xs) := by
  induction h with
  | nil => exact Sorted.cons a [] LeAll.nil Sorted.nil
  | cons x xs hx h1 ih =>
    simp only [insert]
    split
    · rename_i h2
      apply Sorted.cons
      · exact LeAll.cons x xs h2 (leAll_trans a x xs h2 hx)
      · exact Sorted.cons x xs hx h1
    · rename_i h2
      apply Sorted.cons
      · apply leAll_insert
        · omega
        · exact hx
      · exact ih

theorem sorted_sort (xs : List Nat) : Sorted (sort xs) := by
  induction xs with
  | nil => exact Sorted.nil
  | cons x xs ih =>
    simp only [sort]
    apply sorted_insert
    exact ih

theorem sorted_sortAcc (xs ys : List Nat) (h : Sorted ys) : Sorted (sortAcc xs ys) := by
  induction xs generalizing ys with
  | nil => exact h
  | cons x xs ih =>
    simp only [sortAcc]
    apply ih
    exact sorted_insert x ys h

theorem length_insert (a : Nat) (xs : List Nat) : (insert a xs).length = xs.length + 1 := by
  induction xs with
  | nil => rfl
  | cons x xs ih =>
    simp only [insert]
    split
    · rfl
    · simp only [List.length_cons]
      rw [ih]

theorem length_sort (xs : List Nat) : (sort xs).length = xs.length := by
  induction xs with
  | nil => rfl
  | cons x xs ih =>
    simp only [sort]
    rw [length_insert, ih, List.length_cons]

theorem mem_insert (a b : Nat) (xs : List Nat) : b ∈ insert a xs ↔ b = a ∨ b ∈ xs := by
  induction xs with
  | nil => simp [insert]
  | cons x xs ih =>
    simp only [insert]
    split
    · rw [List.mem_cons]
    · rw [List.mem_cons, ih, List.mem_cons]
      constructor
      · intro h
        rcases h with h | h | h
        · exact Or.inr (Or.inl h)
        · exact Or.inl h
        · exact Or.inr (Or.inr h)
      · intro h
        rcases h with h | h | h
        · exact Or.inr (Or.inl h)
        · exact Or.inl h
        · exact Or.inr (Or.inr h)

theorem mem_sort (a : Nat) (xs : List Nat) : a ∈ sort xs ↔ a ∈ xs := by
  induction xs with
  | nil => rfl
  | cons x xs ih =>
    simp only [sort]
    rw [mem_insert, ih, List.mem_cons]

theorem count_insert (a b : Nat) (xs : List Nat) :
    count b (insert a xs) = (if a = b then 1 else 0) + count b xs := by
  induction xs with
  | nil => rfl
  | cons x xs ih =>
    simp only [insert]
    split
    · rfl
    · simp only [count]
      rw [ih]
      omega

theorem count_sort (a : Nat) (xs : List Nat) : count a (sort xs) = count a xs := by
  induction xs with
  | nil => rfl
  | cons x xs ih =>
    simp only [sort, count]
    rw [count_insert, ih]

theorem insert_of_leAll (a : Nat) (xs : List Nat) (h : LeAll a xs) : insert a xs = a :: xs := by
  cases h with
  | nil => rfl
  | cons x xs hx _ =>
    simp only [insert]
    rw [if_pos hx]

theorem sort_of_sorted (xs : List Nat) (h : Sorted xs) : sort xs = xs := by
  induction h with
  | nil => rfl
  | cons x xs hx _ ih =>
    simp only [sort]
    rw [ih, insert_of_leAll x xs hx]

theorem sort_sort (xs : List Nat) : sort (sort xs) = sort xs := by
  apply sort_of_sorted
  exact sorted_sort xs

theorem insert_comm (a b : Nat) (xs : List Nat) :
    insert a (insert b xs) = insert b (insert a xs) := by
  induction xs with
  | nil =>
    simp only [insert]
    split
    · split
      · have h : a = b := by omega
        rw [h]
      · rfl
    · split
      · rfl
      · omega
  | cons x xs ih =>
    by_cases h1 : a ≤ x
    · by_cases h2 : b ≤ x
      · by_cases h3 : a ≤ b
        · by_cases h4 : b ≤ a
          · have h : a = b := by omega
            rw [h]
          · simp [insert, h1, h2, h3, h4]
        · have h4 : b ≤ a := by omega
          simp [insert, h1, h2, h3, h4]
      · have h3 : ¬ b ≤ a := by omega
        simp [insert, h1, h2, h3]
    · by_cases h2 : b ≤ x
      · have h3 : ¬ a ≤ b := by omega
        simp [insert, h1, h2, h3]
      · simp [insert, h1, h2, ih]

theorem sorted_tail (x : Nat) (xs : List Nat) (h : Sorted (x :: xs)) : Sorted xs := by
  cases h with
  | cons _ _ _ h1 => exact h1

theorem sorted_head_le (x y : Nat) (xs : List Nat) (h : Sorted (x :: xs)) (hy : y ∈ xs) :
    x ≤ y := by
  cases h with
  | cons _ _ h1 _ =>
    rw [leAll_iff] at h1
    exact h1 y hy

theorem leAll_from (a b n : Nat) (h : a ≤ b) : LeAll a (from_ b n) := by
  induction n generalizing b with
  | zero => exact LeAll.nil
  | succ n ih =>
    apply LeAll.cons
    · exact h
    · apply ih
      omega

theorem sorted_from (a n : Nat) : Sorted (from_ a n) := by
  induction n generalizing a with
  | zero => exact Sorted.nil
  | succ n ih =>
    apply Sorted.cons
    · apply leAll_from
      omega
    · exact ih (a + 1)

end Sorted
