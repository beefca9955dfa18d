/-! Propositional puzzles: islanders who always lie or always tell the truth, suspects,
exclusive choices and a small pigeonhole argument. -/

namespace PropPuzzles

inductive Kind where
  | knight
  | knave

open Kind

def tells : Kind → Prop → Prop
  | knight, p => p
  | knave, p => ¬p

def Says (a q : Prop) : Prop := a ↔ q

def Xor (p q : Prop) : Prop := (p ∧ ¬q) ∨ (¬p ∧ q)

def One (p q r : Prop) : Prop := (p ∧ ¬q ∧ ¬r) ∨ (¬p ∧ q ∧ ¬r) ∨ (¬p ∧ ¬q ∧ r)

theorem never_admits_knave (k : Kind) : ¬tells k (k = knave) := by
  intro h
  cases k with
  | knight =>
    simp only [tells] at h
    contradiction
  | knave =>
    apply h
    rfl

theorem ask_twice (k : Kind) (p : Prop) : tells k (tells k p) ↔ p := by
  cases k with
  | knight => exact Iff.rfl
  | knave =>
    constructor
    · intro h
      by_cases hp : p
      · exact hp
      · exfalso
        exact h hp
    · intro hp h
      exact h hp

theorem same_kind_claim (k m : Kind) (h : tells k (k = m)) : m = knight := by
  cases m with
  | knight => rfl
  | knave =>
    exfalso
    exact never_admits_knave k h

theorem some_liar (k m : Kind) (p : Prop) (h1 : tells k p) (h2 : tells m (¬p)) :
    k = knave ∨ m = knave := by
  cases k with
  | knave =>
    left
    rfl
  | knight =>
    right
    cases m with
    | knave => rfl
    | knight =>
      exfalso
      exact h2 h1

theorem both_knaves_claim (p q : Prop) (h : Says p (¬p ∧ ¬q)) : ¬p ∧ q := by
  have hp : ¬p := by
    intro h1
    exact (h.mp h1).1 h1
  constructor
  · exact hp
  · by_cases hq : q
    · exact hq
    · exfalso
      apply hp
      exact h.mpr ⟨hp, hq⟩

theorem conditional_claim (p q : Prop) (h : Says p (p → q)) : q := by
  have hp : p := by
    apply h.mpr
    intro h1
    exact h.mp h1 h1
  exact h.mp hp hp

theorem mutual_accusation (p q : Prop) (h : Says p (¬q)) : Xor p q := by
  by_cases hp : p
  · left
    constructor
    · exact hp
    · exact h.mp hp
  · right
    constructor
    · exact hp
    · by_cases hq : q
      · exact hq
      · exfalso
        apply hp
        exact h.mpr hq

theorem xor_not_iff (p q : Prop) (h : Xor p q) : ¬(p ↔ q) := by
  intro h1
  cases h with
  | inl h =>
    apply h.2
    exact h1.mp h.1
  | inr h =>
    apply h.1
    exact h1.mpr h.2

theorem one_rotate (p q r : Prop) (h : One p q r) : One q r p := by
  rcases h with h | h | h
  · right
    right
    exact ⟨h.2.1, h.2.2, h.1⟩
  · left
    exact ⟨h.2.1, h.2.2, h.1⟩
  · right
    left
    exact ⟨h.2.1, h.2.2, h.1⟩

theorem three_caskets (p q r : Prop) (h1 : One p q r) (h2 : p → r) (h3 : ¬r ∨ q) : q := by
  rcases h1 with h | h | h
  · exfalso
    apply h.2.2
    apply h2
    exact h.1
  · exact h.2.1
  · cases h3 with
    | inl hr =>
      exfalso
      exact hr h.2.2
    | inr hq => exact hq

theorem guilty_suspect (p q r : Prop) (h1 : p ∨ q ∨ r) (h2 : p → q ∨ r) (h3 : q → r) : r := by
  rcases h1 with hp | hq | hr
  · cases h2 hp with
    | inl hq => exact h3 hq
    | inr hr => exact hr
  · exact h3 hq
  · exact hr

theorem destructive_dilemma (p q r s : Prop) (h1 : p → r) (h2 : q → s) (h3 : ¬r ∨ ¬s) :
    ¬p ∨ ¬q := by
  cases h3 with
  | inl hr =>
    left
    intro hp
    exact hr (h1 hp)
  | inr hs =>
    right
    intro hq
    exact hs (h2 hq)

theorem one_implies_other (p q : Prop) : (p → q) ∨ (q → p) := by
  by_cases hp : p
  · right
    intro _
    exact hp
  · left
    intro h
    contradiction

theorem three_in_two_rooms (p q r : Prop) : ¬(Xor p q ∧ Xor q r ∧ Xor p r) := by
  intro h
  obtain ⟨h1, h2, h3⟩ := h
  apply xor_not_iff p r h3
  constructor
  · intro hp
    rcases h1 with h | h
    · rcases h2 with h4 | h4
      · exfalso
        exact h.2 h4.1
      · exact h4.2
    · exfalso
      exact h.1 hp
  · intro hr
    rcases h2 with h | h
    · exfalso
      exact h.2 hr
    · rcases h1 with h4 | h4
      · exact h4.1
      · exfalso
        exact h.1 h4.2

end PropPuzzles
