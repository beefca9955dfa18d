/-! An inductive membership predicate on lists, subset, and the predicates
"all elements" and "some element". -/

namespace ListMembership

inductive Mem (x : α) : List α → Prop
  | head (xs : List α) : Mem x (x :: xs)
  | tail (y : α) (xs : List α) : Mem x xs → Mem x (y :: xs)

inductive All (P : α → Prop) : List α → Prop
  | nil : All P []
  | cons (x : α) (xs : List α) : P x → All P xs → All P (x :: xs)

inductive Any (P : α → Prop) : List α → Prop
  | here (x : α) (xs : List α) : P x → Any P (x :: xs)
  | there (x : α) (xs : List α) : Any P xs → Any P (x :: xs)

def Subset (xs ys : List α) : Prop := ∀ x, Mem x xs → Mem x ys

theorem not_mem_nil (x : α) : ¬ Mem x [] := by
  intro h
  cases h

theorem mem_cons (x y : α) (xs : List α) : Mem x (y :: xs) ↔ x = y ∨ Mem x xs := by
  constructor
  · intro h
    cases h with
    | head => exact Or.inl rfl
    | tail _ _ h => exact Or.inr h
  · intro h
    cases h with
    | inl h =>
      subst h
      exact Mem.head xs
    | inr h => exact Mem.tail y xs h

theorem mem_append_left (x : α) (xs ys : List α) (h : Mem x xs) : Mem x (xs ++ ys) := by
  induction h with
  | head zs => exact Mem.head (zs ++ ys)
  | tail y zs _ ih => exact Mem.tail y (zs ++ ys) ih

theorem mem_append_right (x : α) (xs ys : List α) (h : Mem x ys) : Mem x (xs ++ ys) := by
  induction xs with
  | nil => exact h
  | cons y xs ih => exact Mem.tail y (xs ++ ys) ih

theorem mem_append_cases (x : α) (xs ys : List α) (h : Mem x (xs ++ ys)) :
    Mem x xs ∨ Mem x ys := by
  induction xs with
  | nil =>
    right
    exact h
  | cons y xs ih =>
    rw [List.cons_append, mem_cons] at h
    cases h with
    | inl h =>
      left
      subst h
      exact Mem.head xs
    | inr h =>
      cases ih h with
      | inl h1 =>
        left
        exact Mem.tail y xs h1
      | inr h2 =>
        right
        exact h2

theorem mem_append_comm (x : α) (xs ys : List α) (h : Mem x (xs ++ ys)) :
    Mem x (ys ++ xs) := by
  cases mem_append_cases x xs ys h with
  | inl h => exact mem_append_right x ys xs h
  | inr h => exact mem_append_left x ys xs h

theorem mem_split (x : α) (xs : List α) (h : Mem x xs) :
    ∃ ys zs, xs = ys ++ x :: zs := by
  induction h with
  | head zs => exact ⟨[], zs, rfl⟩
  | tail y zs _ ih =>
    obtain ⟨as, bs, h1⟩ := ih
    refine ⟨y :: as, bs, ?_⟩
    rw [h1, List.cons_append]

theorem mem_map (f : α → β) (x : α) (xs : List α) (h : Mem x xs) :
    Mem (f x) (xs.map f) := by
  induction h with
  | head zs => exact Mem.head (zs.map f)
  | tail y zs _ ih => exact Mem.tail (f y) (zs.map f) ih

theorem exists_of_mem_map (f : α → β) (y : β) (xs : List α) (h : Mem y (xs.map f)) :
    ∃ x, Mem x xs ∧ f x = y := by
  induction xs with
  | nil =>
    exfalso
    exact not_mem_nil y h
  | cons x xs ih =>
    rw [List.map_cons, mem_cons] at h
    cases h with
    | inl h => exact ⟨x, Mem.head xs, h.symm⟩
    | inr h =>
      obtain ⟨z, hz, h1⟩ := ih h
      exact ⟨z, Mem.tail x xs hz, h1⟩

theorem subset_refl (xs : List α) : Subset xs xs := by
  intro x hx
  exact hx

theorem subset_trans (xs ys zs : List α) (h1 : Subset xs ys) (h2 : Subset ys zs) :
    Subset xs zs := by
  intro x hx
  apply h2
  apply h1
  exact hx

theorem cons_subset_cons (x : α) (xs ys : List α) (h : Subset xs ys) :
    Subset (x :: xs) (x :: ys) := by
  intro y hy
  cases hy with
  | head => exact Mem.head ys
  | tail _ _ hy =>
    apply Mem.tail
    exact h y hy

theorem append_subset (xs ys zs : List α) (h1 : Subset xs zs) (h2 : Subset ys zs) :
    Subset (xs ++ ys) zs := by
  intro x hx
  cases mem_append_cases x xs ys hx with
  | inl h => exact h1 x h
  | inr h => exact h2 x h

theorem subset_nil (xs : List α) (h : Subset xs []) : xs = [] := by
  cases xs with
  | nil => rfl
  | cons x xs =>
    exfalso
    apply not_mem_nil x
    apply h
    exact Mem.head xs

theorem all_iff_forall (P : α → Prop) (xs : List α) : All P xs ↔ ∀ x, Mem x xs → P x := by
  constructor
  · intro h x hx
    induction h with
    | nil => cases hx
    | cons y ys hy _ ih =>
      cases hx with
      | head => exact hy
      | tail _ _ hx => exact ih hx
  · intro h
    induction xs with
    | nil => exact All.nil
    | cons y ys ih =>
      apply All.cons
      · exact h y (Mem.head ys)
      · apply ih
        intro x hx
        exact h x (Mem.tail y ys hx)

theorem all_append (P : α → Prop) (xs ys : List α) (h1 : All P xs) (h2 : All P ys) :
    All P (xs ++ ys) := by
  induction h1 with
  | nil => exact h2
  | cons x xs hx _ ih =>
    apply All.cons
    · exact hx
    · exact ih

theorem all_of_subset (P : α → Prop) (xs ys : List α) (h : Subset xs ys) (h1 : All P ys) :
    All P xs := by
  rw [all_iff_forall] at h1 ⊢
  intro x hx
  apply h1
  exact h x hx

theorem any_iff_exists (P : α → Prop) (xs : List α) : Any P xs ↔ ∃ x, Mem x xs ∧ P x := by
  constructor
  · intro h
    induction h with
    | here x xs hx => exact ⟨x, Mem.head xs, hx⟩
    | there y ys _ ih =>
      obtain ⟨x, hx, h1⟩ := ih
      exact ⟨x, Mem.tail y ys hx, h1⟩
  · intro h
    obtain ⟨x, hx, h1⟩ := h
    induction hx with
    | head ys => exact Any.here x ys h1
    | tail y ys _ ih => exact Any.there y ys ih

theorem not_any_and_all_not (P : α → Prop) (xs : List α) (h1 : Any P xs)
    (h2 : All (fun x => ¬ P x) xs) : False := by
  induction h1 with
  | here x xs hx =>
    cases h2 with
    | cons _ _ h3 _ => exact h3 hx
  | there x xs _ ih =>
    cases h2 with
    | cons _ _ _ h4 => exact ih h4

theorem all_and (P Q : α → Prop) (xs : List α) (h1 : All P xs) (h2 : All Q xs) :
    All (fun x => P x ∧ Q x) xs := by
  induction h1 with
  | nil => exact All.nil
  | cons x xs hx _ ih =>
    cases h2 with
    | cons _ _ hq h3 =>
      apply All.cons
      · exact ⟨hx, hq⟩
      · exact ih h3

end ListMembership
