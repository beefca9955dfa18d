/-! Environments as association lists from natural numbers to values: lookup, update, shadowing,
removal and domains, with case splits on equality of keys. -/

namespace Environments

abbrev Env (α : Type) := List (Nat × α)

def lookup (k : Nat) : Env α → Option α
  | [] => none
  | (m, x) :: e => if k = m then some x else lookup k e

def bind (k : Nat) (x : α) (e : Env α) : Env α := (k, x) :: e

def remove (k : Nat) : Env α → Env α
  | [] => []
  | (m, x) :: e => if k = m then remove k e else (m, x) :: remove k e

def set (k : Nat) (x : α) : Env α → Env α
  | [] => [(k, x)]
  | (m, y) :: e => if k = m then (k, x) :: e else (m, y) :: set k x e

def dom : Env α → List Nat
  | [] => []
  | (m, _) :: e => m :: dom e

def mapVal (f : α → β) : Env α → Env β
  | [] => []
  | (m, x) :: e => (m, f x) :: mapVal f e

def Same (e d : Env α) : Prop := ∀ k, lookup k e = lookup k d

theorem lookup_bind_self (k : Nat) (x : α) (e : Env α) : lookup k (bind k x e) = some x := by
  unfold bind lookup
  rw [if_pos rfl]

theorem lookup_bind_ne (k m : Nat) (x : α) (e : Env α) (h : k ≠ m) :
    lookup k (bind m x e) = lookup k e := by
  unfold bind
  simp only [lookup]
  rw [if_neg h]

theorem bind_shadow (k : Nat) (x y : α) (e : Env α) :
    Same (bind k x (bind k y e)) (bind k x e) := by
  intro m
  by_cases h : m = k
  · rw [h, lookup_bind_self, lookup_bind_self]
  · rw [lookup_bind_ne m k x _ h, lookup_bind_ne m k y _ h, lookup_bind_ne m k x _ h]

theorem bind_comm (k m : Nat) (x y : α) (e : Env α) (h : k ≠ m) :
    Same (bind k x (bind m y e)) (bind m y (bind k x e)) := by
  intro n
  by_cases h1 : n = k
  · subst h1
    rw [lookup_bind_self, lookup_bind_ne n m y _ h, lookup_bind_self]
  · rw [lookup_bind_ne n k x _ h1]
    by_cases h2 : n = m
    · subst h2
      rw [lookup_bind_self, lookup_bind_self]
    · rw [lookup_bind_ne n m y _ h2, lookup_bind_ne n m y _ h2, lookup_bind_ne n k x _ h1]

theorem same_refl (e : Env α) : Same e e := by
  intro k
  rfl

theorem same_trans (e d c : Env α) (h1 : Same e d) (h2 : Same d c) : Same e c := by
  intro k
  rw [h1 k]
  exact h2 k

theorem same_bind (k : Nat) (x : α) (e d : Env α) (h : Same e d) :
    Same (bind k x e) (bind k x d) := by
  intro m
  by_cases h1 : m = k
  · rw [h1, lookup_bind_self, lookup_bind_self]
  · rw [lookup_bind_ne m k x e h1, lookup_bind_ne m k x d h1]
    exact h m

theorem lookup_append (k : Nat) (e d : Env α) (h : lookup k e = none) :
    lookup k (e ++ d) = lookup k d := by
  induction e with
  | nil => rfl
  | cons p e ih =>
    obtain ⟨m, x⟩ := p
    simp only [lookup] at h
    simp only [List.cons_append, lookup]
    split at h
    · contradiction
    · rename_i h1
      rw [if_neg h1]
      exact ih h

theorem lookup_append_some (k : Nat) (x : α) (e d : Env α) (h : lookup k e = some x) :
    lookup k (e ++ d) = some x := by
  induction e with
  | nil => contradiction
  | cons p e ih =>
    obtain ⟨m, y⟩ := p
    simp only [List.cons_append, lookup] at h ⊢
    by_cases h1 : k = m
    · rw [if_pos h1] at h ⊢
      exact h
    · rw [if_neg h1] at h ⊢
      exact ih h

theorem lookup_remove_self (k : Nat) (e : Env α) : lookup k (remove k e) = none := by
  induction e with
  | nil => rfl
  | cons p e ih =>
    obtain ⟨m, x⟩ := p
    simp only [remove]
    split
    · exact ih
    · rename_i h
      simp only [lookup]
      rw [if_neg h]
      exact ih

theorem lookup_remove_ne (k m : Nat) (e : Env α) (h : k ≠ m) :
    lookup k (remove m e) = lookup k e := by
  induction e with
  | nil => rfl
  | cons p e ih =>
    obtain ⟨n, x⟩ := p
    simp only [remove, lookup]
    by_cases h1 : m = n
    · subst h1
      rw [if_pos rfl, if_neg h]
      exact ih
    · rw [if_neg h1]
      simp only [lookup]
      rw [ih]

theorem lookup_set_self (k : Nat) (x : α) (e : Env α) : lookup k (set k x e) = some x := by
  induction e with
  | nil => simp [set, lookup]
  | cons p e ih =>
    obtain ⟨m, y⟩ := p
    simp only [set]
    split
    · simp [lookup]
    · rename_i h
      simp only [lookup]
      rw [if_neg h]
      exact ih

theorem lookup_set_ne (k m : Nat) (x : α) (e : Env α) (h : k ≠ m) :
    lookup k (set m x e) = lookup k e := by
  induction e with
  | nil =>
    simp only [set, lookup]
    rw [if_neg h]
  | cons p e ih =>
    obtain ⟨n, y⟩ := p
    simp only [set]
    split
    · rename_i h1
      subst h1
      simp only [lookup]
      rw [if_neg h, if_neg h]
    · simp only [lookup]
      rw [ih]

theorem set_same_bind (k : Nat) (x : α) (e : Env α) : Same (set k x e) (bind k x e) := by
  intro m
  by_cases h : m = k
  · rw [h, lookup_set_self, lookup_bind_self]
  · rw [lookup_set_ne m k x e h, lookup_bind_ne m k x e h]

theorem dom_append (e d : Env α) : dom (e ++ d) = dom e ++ dom d := by
  induction e with
  | nil => rfl
  | cons p e ih =>
    simp only [List.cons_append, dom]
    rw [ih]

theorem exists_lookup_of_mem_dom (k : Nat) (e : Env α) (h : k ∈ dom e) :
    ∃ x, lookup k e = some x := by
  induction e with
  | nil => contradiction
  | cons p e ih =>
    obtain ⟨m, x⟩ := p
    simp only [dom, List.mem_cons] at h
    simp only [lookup]
    by_cases h1 : k = m
    · exact ⟨x, if_pos h1⟩
    · rw [if_neg h1]
      cases h with
      | inl h => contradiction
      | inr h => exact ih h

theorem lookup_not_mem_dom (k : Nat) (e : Env α) (h : k ∉ dom e) : lookup k e = none := by
  induction e with
  | nil => rfl
  | cons p e ih =>
    obtain ⟨m, x⟩ := p
    simp only [dom, List.mem_cons, not_or] at h
    obtain ⟨h1, h2⟩ := h
    simp only [lookup]
    rw [if_neg h1]
    exact ih h2

theorem dom_mapVal (f : α → β) (e : Env α) : dom (mapVal f e) = dom e := by
  induction e with
  | nil => rfl
  | cons p e ih =>
    simp only [mapVal, dom]
    rw [ih]

theorem lookup_mapVal (f : α → β) (k : Nat) (e : Env α) :
    lookup k (mapVal f e) = (lookup k e).map f := by
  induction e with
  | nil => rfl
  | cons p e ih =>
    obtain ⟨m, x⟩ := p
    simp only [mapVal, lookup]
    split
    · rfl
    · exact ih

end Environments
