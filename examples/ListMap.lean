/-! Own versions of map, filter, fold, all and any on lists, and how they interact. -/

namespace ListMap

def map (f : α → β) : List α → List β
  | [] => []
  | x :: xs => f x :: map f xs

def filter (P : α → Bool) : List α → List α
  | [] => []
  | x :: xs => if P x then x :: filter P xs else filter P xs

def fold (f : α → β → β) (y : β) : List α → β
  | [] => y
  | x :: xs => f x (fold f y xs)

def all (P : α → Bool) : List α → Bool
  | [] => true
  | x :: xs => P x && all P xs

def any (P : α → Bool) : List α → Bool
  | [] => false
  | x :: xs => P x || any P xs

theorem map_id (xs : List α) : map (fun x => x) xs = xs := by
  induction xs with
  | nil => rfl
  | cons x xs ih =>
    simp only [map]
    rw [ih]

theorem map_map (f : α → β) (g : β → γ) (xs : List α) :
    map g (map f xs) = map (fun x => g (f x)) xs := by
  induction xs with
  | nil => rfl
  | cons x xs ih =>
    simp only [map]
    rw [ih]

theorem map_append (f : α → β) (xs ys : List α) :
    map f (xs ++ ys) = map f xs ++ map f ys := by
  induction xs with
  | nil => rfl
  | cons x xs ih =>
    simp only [List.cons_append, map]
    rw [ih]

theorem length_map (f : α → β) (xs : List α) : (map f xs).length = xs.length := by
  induction xs with
  | nil => rfl
  | cons x xs ih =>
    simp only [map, List.length_cons]
    rw [ih]

theorem map_congr (f g : α → β) (h : ∀ x, f x = g x) (xs : List α) :
    map f xs = map g xs := by
  induction xs with
  | nil => rfl
  | cons x xs ih =>
    simp only [map]
    rw [h x, ih]

theorem map_injective (f : α → β) (hf : ∀ x y, f x = f y → x = y) (xs ys : List α)
    (h : map f xs = map f ys) : xs = ys := by
  induction xs generalizing ys with
  | nil =>
    cases ys with
    | nil => rfl
    | cons y ys =>
      simp only [map] at h
      contradiction
  | cons x xs ih =>
    cases ys with
    | nil =>
      simp only [map] at h
      contradiction
    | cons y ys =>
      simp only [map] at h
      injection h with h1 h2
      rw [hf x y h1, ih ys h2]

theorem filter_append (P : α → Bool) (xs ys : List α) :
    filter P (xs ++ ys) = filter P xs ++ filter P ys := by
  induction xs with
  | nil => rfl
  | cons x xs ih =>
    simp only [List.cons_append, filter]
    split
    · rw [ih, List.cons_append]
    · exact ih

theorem filter_filter (P : α → Bool) (xs : List α) :
    filter P (filter P xs) = filter P xs := by
  induction xs with
  | nil => rfl
  | cons x xs ih =>
    by_cases h : P x
    · simp [filter, h, ih]
    · simp [filter, h, ih]

theorem filter_comm (P Q : α → Bool) (xs : List α) :
    filter P (filter Q xs) = filter Q (filter P xs) := by
  induction xs with
  | nil => rfl
  | cons x xs ih =>
    by_cases hp : P x
    · by_cases hq : Q x
      · simp [filter, hp, hq, ih]
      · simp [filter, hp, hq, ih]
    · by_cases hq : Q x
      · simp [filter, hp, hq, ih]
      · simp [filter, hp, hq, ih]

theorem length_filter_le (P : α → Bool) (xs : List α) :
    (filter P xs).length ≤ xs.length := by
  induction xs with
  | nil => simp [filter]
  | cons x xs ih =>
    simp only [filter]
    split
    · simp only [List.length_cons]
      omega
    · simp only [List.length_cons]
      omega

theorem filter_map (f : α → β) (P : β → Bool) (xs : List α) :
    filter P (map f xs) = map f (filter (fun x => P (f x)) xs) := by
  induction xs with
  | nil => rfl
  | cons x xs ih =>
    simp only [map, filter]
    split
    · simp only [map]
      rw [ih]
    · exact ih

theorem all_filter (P : α → Bool) (xs : List α) : all P (filter P xs) = true := by
  induction xs with
  | nil => rfl
  | cons x xs ih =>
    simp only [filter]
    split
    · simp only [all]
      simp_all
    · exact ih

theorem filter_of_all (P : α → Bool) (xs : List α) (h : all P xs = true) :
    filter P xs = xs := by
  induction xs with
  | nil => rfl
  | cons x xs ih =>
    simp only [all, Bool.and_eq_true] at h
    obtain ⟨h1, h2⟩ := h
    simp only [filter]
    rw [if_pos h1, ih h2]

theorem filter_of_not_any (P : α → Bool) (xs : List α) (h : any P xs = false) :
    filter P xs = [] := by
  induction xs with
  | nil => rfl
  | cons x xs ih =>
    simp only [any, Bool.or_eq_false_iff] at h
    obtain ⟨h1, h2⟩ := h
    simp only [filter, h1]
    exact ih h2

theorem not_all (P : α → Bool) (xs : List α) : (!all P xs) = any (fun x => !P x) xs := by
  induction xs with
  | nil => rfl
  | cons x xs ih =>
    simp only [all, any]
    rw [← ih]
    cases P x with
    | false => rfl
    | true => rfl

theorem any_append (P : α → Bool) (xs ys : List α) :
    any P (xs ++ ys) = (any P xs || any P ys) := by
  induction xs with
  | nil => rfl
  | cons x xs ih =>
    simp only [List.cons_append, any]
    rw [ih, Bool.or_assoc]

theorem any_map (f : α → β) (P : β → Bool) (xs : List α) :
    any P (map f xs) = any (fun x => P (f x)) xs := by
  induction xs with
  | nil => rfl
  | cons x xs ih =>
    simp only [map, any]
    rw [ih]

theorem fold_append (f : α → β → β) (y : β) (xs ys : List α) :
    fold f y (xs ++ ys) = fold f (fold f y ys) xs := by
  induction xs with
  | nil => rfl
  | cons x xs ih =>
    simp only [List.cons_append, fold]
    rw [ih]

theorem fold_map (f : β → γ → γ) (g : α → β) (z : γ) (xs : List α) :
    fold f z (map g xs) = fold (fun x z => f (g x) z) z xs := by
  induction xs with
  | nil => rfl
  | cons x xs ih =>
    simp only [map, fold]
    rw [ih]

theorem map_as_fold (f : α → β) (xs : List α) :
    map f xs = fold (fun x ys => f x :: ys) [] xs := by
  induction xs with
  | nil => rfl
  | cons x xs ih =>
    simp only [map, fold]
    rw [ih]

theorem all_of_imp (P Q : α → Bool) (h : ∀ x, P x = true → Q x = true) (xs : List α)
    (h1 : all P xs = true) : all Q xs = true := by
  induction xs with
  | nil => rfl
  | cons x xs ih =>
    simp only [all, Bool.and_eq_true] at h1 ⊢
    constructor
    · exact h x h1.left
    · exact ih h1.right

end ListMap
