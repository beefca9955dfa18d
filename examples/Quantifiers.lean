/-! Universal and existential quantifiers over arbitrary types, with predicates and relations. -/

namespace Quantifiers

theorem forall_and_split {α : Type} (P Q : α → Prop) :
    (∀ x, P x ∧ Q x) ↔ (∀ x, P x) ∧ (∀ x, Q x) := by
  constructor
  · intro h
    constructor
    · intro x
      exact (h x).1
    · intro x
      exact (h x).2
  · intro h x
    exact ⟨h.1 x, h.2 x⟩

theorem exists_or_split {α : Type} (P Q : α → Prop) :
    (∃ x, P x ∨ Q x) ↔ (∃ x, P x) ∨ (∃ x, Q x) := by
  constructor
  · intro h
    obtain ⟨x, hx⟩ := h
    cases hx with
    | inl hp =>
      left
      exact ⟨x, hp⟩
    | inr hq =>
      right
      exact ⟨x, hq⟩
  · intro h
    cases h with
    | inl h =>
      obtain ⟨x, hx⟩ := h
      exact ⟨x, Or.inl hx⟩
    | inr h =>
      obtain ⟨x, hx⟩ := h
      exact ⟨x, Or.inr hx⟩

theorem exists_and_left {α : Type} (P Q : α → Prop) (h : ∃ x, P x ∧ Q x) :
    (∃ x, P x) ∧ (∃ x, Q x) := by
  obtain ⟨x, hp, hq⟩ := h
  constructor
  · exact ⟨x, hp⟩
  · exact ⟨x, hq⟩

theorem exists_mono {α : Type} (P Q : α → Prop) (h : ∀ x, P x → Q x) (h1 : ∃ x, P x) :
    ∃ x, Q x := by
  obtain ⟨x, hx⟩ := h1
  exists x
  apply h
  exact hx

theorem not_exists_to_forall {α : Type} (P : α → Prop) (h : ¬∃ x, P x) : ∀ x, ¬P x := by
  intro x hx
  apply h
  exact ⟨x, hx⟩

theorem forall_not_to_not_exists {α : Type} (P : α → Prop) (h : ∀ x, ¬P x) : ¬∃ x, P x := by
  intro h1
  obtain ⟨x, hx⟩ := h1
  exact h x hx

theorem not_forall_to_exists {α : Type} (P : α → Prop) (h : ¬∀ x, P x) : ∃ x, ¬P x := by
  by_cases h1 : ∃ x, ¬P x
  · exact h1
  · exfalso
    apply h
    intro x
    by_cases hx : P x
    · exact hx
    · exfalso
      apply h1
      exact ⟨x, hx⟩

theorem exists_forall_swap {α β : Type} (R : α → β → Prop) (h : ∃ x, ∀ y, R x y) :
    ∀ y, ∃ x, R x y := by
  intro y
  obtain ⟨x, hx⟩ := h
  exists x
  exact hx y

theorem exists_imp_iff {α : Type} (P : α → Prop) (q : Prop) :
    ((∃ x, P x) → q) ↔ ∀ x, P x → q := by
  constructor
  · intro h x hx
    apply h
    exact ⟨x, hx⟩
  · intro h h1
    obtain ⟨x, hx⟩ := h1
    exact h x hx

theorem exists_comm_two {α β : Type} (R : α → β → Prop) :
    (∃ x, ∃ y, R x y) ↔ ∃ y, ∃ x, R x y := by
  constructor
  · intro h
    obtain ⟨x, y, hxy⟩ := h
    exact ⟨y, x, hxy⟩
  · intro h
    obtain ⟨y, x, hxy⟩ := h
    exact ⟨x, y, hxy⟩

theorem syllogism {α : Type} (P Q S : α → Prop) (h1 : ∀ x, P x → Q x) (h2 : ∃ x, P x ∧ S x) :
    ∃ x, Q x ∧ S x := by
  obtain ⟨x, hp, hs⟩ := h2
  exists x
  constructor
  · apply h1
    exact hp
  · exact hs

theorem forall_or_const {α : Type} (P : α → Prop) (q : Prop) :
    (∀ x, P x ∨ q) ↔ (∀ x, P x) ∨ q := by
  constructor
  · intro h
    by_cases hq : q
    · right
      exact hq
    · left
      intro x
      cases h x with
      | inl hx => exact hx
      | inr h1 => contradiction
  · intro h x
    cases h with
    | inl h1 =>
      left
      exact h1 x
    | inr hq =>
      right
      exact hq

theorem drinker {α : Type} (P : α → Prop) (a : α) : ∃ x, P x → ∀ y, P y := by
  by_cases h : ∃ x, ¬P x
  · obtain ⟨x, hx⟩ := h
    exists x
    intro h1
    contradiction
  · exists a
    intro _ y
    by_cases hy : P y
    · exact hy
    · exfalso
      exact h ⟨y, hy⟩

theorem no_barber {α : Type} (R : α → α → Prop) : ¬∃ x, ∀ y, R x y ↔ ¬R y y := by
  intro h
  obtain ⟨x, hx⟩ := h
  specialize hx x
  have hn : ¬R x x := by
    intro h1
    exact hx.mp h1 h1
  apply hn
  exact hx.mpr hn

theorem no_onto_predicates {α : Type} (f : α → α → Prop) : ∃ P : α → Prop, ∀ x, f x ≠ P := by
  exists fun x => ¬f x x
  intro x h
  have h1 : f x x ↔ ¬f x x := by
    exact iff_of_eq (congrFun h x)
  have hn : ¬f x x := by
    intro h2
    exact h1.mp h2 h2
  exact hn (h1.mpr hn)

theorem unique_witness_eq {α : Type} (P : α → Prop) (a b : α) (ha : P a) (hb : P b)
    (h : ∃ x, P x ∧ ∀ y, P y → y = x) : a = b := by
  obtain ⟨x, _, hx⟩ := h
  rw [hx a ha, hx b hb]

theorem exists_eq_and {α : Type} (P : α → Prop) (a : α) : (∃ x, x = a ∧ P x) ↔ P a := by
  constructor
  · intro h
    obtain ⟨x, hx, h1⟩ := h
    rw [← hx]
    exact h1
  · intro h
    exists a

theorem infinite_chain_step {α : Type} (R : α → α → Prop) (P : α → Prop)
    (h1 : ∀ x, P x → ∃ y, R x y ∧ P y) (a : α) (h2 : P a) : ∃ x y, R a x ∧ R x y := by
  obtain ⟨x, hx, h3⟩ := h1 a h2
  obtain ⟨y, hy, _⟩ := h1 x h3
  exact ⟨x, y, hx, hy⟩

end Quantifiers
