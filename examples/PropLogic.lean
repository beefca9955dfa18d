/-! Propositional logic: conjunction, disjunction, implication, negation and equivalence,
constructively where possible and by cases on a proposition elsewhere. -/

namespace PropLogic

theorem and_swap_mid (p q r : Prop) (h : p ∧ q ∧ r) : q ∧ p ∧ r := by
  obtain ⟨hp, hq, hr⟩ := h
  constructor
  · exact hq
  · constructor
    · exact hp
    · exact hr

theorem or_rotate (p q r : Prop) (h : p ∨ q ∨ r) : q ∨ r ∨ p := by
  cases h with
  | inl hp =>
    right
    right
    exact hp
  | inr h =>
    cases h with
    | inl hq =>
      left
      exact hq
    | inr hr =>
      right
      left
      exact hr

theorem imp_trans_three (p q r s : Prop) (h1 : p → q) (h2 : q → r) (h3 : r → s) : p → s := by
  intro hp
  apply h3
  apply h2
  apply h1
  exact hp

theorem and_or_distrib (p q r : Prop) : p ∧ (q ∨ r) ↔ (p ∧ q) ∨ (p ∧ r) := by
  constructor
  · intro h
    obtain ⟨hp, h⟩ := h
    cases h with
    | inl hq =>
      left
      exact ⟨hp, hq⟩
    | inr hr =>
      right
      exact ⟨hp, hr⟩
  · intro h
    cases h with
    | inl h => exact ⟨h.1, Or.inl h.2⟩
    | inr h => exact ⟨h.1, Or.inr h.2⟩

theorem or_and_distrib (p q r : Prop) : p ∨ (q ∧ r) ↔ (p ∨ q) ∧ (p ∨ r) := by
  constructor
  · intro h
    cases h with
    | inl hp =>
      constructor
      · left
        exact hp
      · left
        exact hp
    | inr h =>
      constructor
      · right
        exact h.1
      · right
        exact h.2
  · intro h
    obtain ⟨h1, h2⟩ := h
    cases h1 with
    | inl hp =>
      left
      exact hp
    | inr hq =>
      cases h2 with
      | inl hp =>
        left
        exact hp
      | inr hr =>
        right
        exact ⟨hq, hr⟩

theorem or_elim_imp (p q r : Prop) : (p ∨ q → r) ↔ (p → r) ∧ (q → r) := by
  constructor
  · intro h
    constructor
    · intro hp
      apply h
      left
      exact hp
    · intro hq
      apply h
      right
      exact hq
  · intro h hpq
    cases hpq with
    | inl hp => exact h.1 hp
    | inr hq => exact h.2 hq

theorem curry_iff (p q r : Prop) : (p ∧ q → r) ↔ (p → q → r) := by
  constructor
  · intro h hp hq
    apply h
    exact ⟨hp, hq⟩
  · intro h hpq
    exact h hpq.1 hpq.2

theorem contrapositive (p q : Prop) (h : p → q) : ¬q → ¬p := by
  intro hq hp
  apply hq
  apply h
  exact hp

theorem not_or_intro (p q : Prop) (h1 : ¬p) (h2 : ¬q) : ¬(p ∨ q) := by
  intro h
  cases h with
  | inl hp => exact h1 hp
  | inr hq => exact h2 hq

theorem triple_not (p : Prop) (h : ¬¬¬p) : ¬p := by
  intro hp
  apply h
  intro hn
  exact hn hp

theorem not_not_em (p : Prop) : ¬¬(p ∨ ¬p) := by
  intro h
  apply h
  right
  intro hp
  apply h
  left
  exact hp

theorem disj_syllogism (p q : Prop) (h : p ∨ q) (hp : ¬p) : q := by
  cases h with
  | inl h1 => contradiction
  | inr hq => exact hq

theorem peirce (p q : Prop) (h : (p → q) → p) : p := by
  by_cases hp : p
  · exact hp
  · apply h
    intro h1
    exfalso
    exact hp h1

theorem imp_to_or (p q : Prop) (h : p → q) : ¬p ∨ q := by
  by_cases hp : p
  · right
    exact h hp
  · left
    exact hp

theorem not_imp_split (p q : Prop) (h : ¬(p → q)) : p ∧ ¬q := by
  constructor
  · by_cases hp : p
    · exact hp
    · exfalso
      apply h
      intro h1
      contradiction
  · intro hq
    apply h
    intro _
    exact hq

theorem iff_chain (p q r : Prop) (h1 : p ↔ q) (h2 : q ↔ r) : p ↔ r := by
  constructor
  · intro hp
    rw [h1, h2] at hp
    exact hp
  · intro hr
    rw [h1, h2]
    exact hr

theorem iff_and_congr (p q r s : Prop) (h1 : p ↔ q) (h2 : r ↔ s) : p ∧ r ↔ q ∧ s := by
  rw [h1, h2]

theorem no_self_negation (p : Prop) : ¬(p ↔ ¬p) := by
  intro h
  have hn : ¬p := by
    intro hp
    exact h.mp hp hp
  apply hn
  exact h.mpr hn

end PropLogic
