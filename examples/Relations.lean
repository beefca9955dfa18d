/-! Binary relations: reflexivity, symmetry, transitivity, composition, converse,
and closures given as inductive predicates. -/

namespace Relations

def Refl {α : Type} (R : α → α → Prop) : Prop := ∀ x, R x x

def Symm {α : Type} (R : α → α → Prop) : Prop := ∀ x y, R x y → R y x

def Trans {α : Type} (R : α → α → Prop) : Prop := ∀ x y z, R x y → R y z → R x z

def Euclid {α : Type} (R : α → α → Prop) : Prop := ∀ x y z, R x y → R x z → R y z

def Conv {α : Type} (R : α → α → Prop) : α → α → Prop := fun x y => R y x

def Comp {α : Type} (R S : α → α → Prop) : α → α → Prop := fun x z => ∃ y, R x y ∧ S y z

inductive Star {α : Type} (R : α → α → Prop) : α → α → Prop where
  | refl (x : α) : Star R x x
  | step (x y z : α) : R x y → Star R y z → Star R x z

inductive Plus {α : Type} (R : α → α → Prop) : α → α → Prop where
  | one (x y : α) : R x y → Plus R x y
  | more (x y z : α) : R x y → Plus R y z → Plus R x z

inductive SymClos {α : Type} (R : α → α → Prop) : α → α → Prop where
  | fwd (x y : α) : R x y → SymClos R x y
  | bwd (x y : α) : R y x → SymClos R x y

theorem conv_conv {α : Type} (R : α → α → Prop) : Conv (Conv R) = R := by
  rfl

theorem conv_trans {α : Type} (R : α → α → Prop) (h : Trans R) : Trans (Conv R) := by
  intro x y z h1 h2
  exact h z y x h2 h1

theorem euclid_refl_symm {α : Type} (R : α → α → Prop) (h1 : Euclid R) (h2 : Refl R) : Symm R := by
  intro x y hxy
  apply h1 x y x
  · exact hxy
  · exact h2 x

theorem euclid_refl_trans {α : Type} (R : α → α → Prop) (h1 : Euclid R) (h2 : Refl R) :
    Trans R := by
  intro x y z hxy hyz
  have hyx : R y x := by
    exact euclid_refl_symm R h1 h2 x y hxy
  exact h1 y x z hyx hyz

theorem symm_trans_refl {α : Type} (R : α → α → Prop) (h1 : Symm R) (h2 : Trans R)
    (h3 : ∀ x, ∃ y, R x y) : Refl R := by
  intro x
  obtain ⟨y, hy⟩ := h3 x
  apply h2 x y x
  · exact hy
  · apply h1
    exact hy

theorem comp_assoc {α : Type} (R S T : α → α → Prop) (x y : α) :
    Comp (Comp R S) T x y ↔ Comp R (Comp S T) x y := by
  constructor
  · intro h
    obtain ⟨b, ⟨a, h1, h2⟩, h3⟩ := h
    exact ⟨a, h1, b, h2, h3⟩
  · intro h
    obtain ⟨a, h1, b, h2, h3⟩ := h
    exact ⟨b, ⟨a, h1, h2⟩, h3⟩

theorem conv_comp {α : Type} (R S : α → α → Prop) (x y : α) :
    Conv (Comp R S) x y ↔ Comp (Conv S) (Conv R) x y := by
  constructor
  · intro h
    obtain ⟨a, h1, h2⟩ := h
    exact ⟨a, h2, h1⟩
  · intro h
    obtain ⟨a, h1, h2⟩ := h
    exact ⟨a, h2, h1⟩

theorem trans_iff_comp_sub {α : Type} (R : α → α → Prop) :
    Trans R ↔ ∀ x y, Comp R R x y → R x y := by
  constructor
  · intro h x y hxy
    obtain ⟨a, h1, h2⟩ := hxy
    exact h x a y h1 h2
  · intro h x y z h1 h2
    apply h
    exact ⟨y, h1, h2⟩

theorem star_single {α : Type} (R : α → α → Prop) (x y : α) (h : R x y) : Star R x y := by
  apply Star.step x y y
  · exact h
  · exact Star.refl y

theorem star_trans {α : Type} (R : α → α → Prop) (x y z : α) (h1 : Star R x y)
    (h2 : Star R y z) : Star R x z := by
  induction h1 with
  | refl a => exact h2
  | step a b c hab _ ih =>
    apply Star.step a b z
    · exact hab
    · exact ih h2

theorem star_snoc {α : Type} (R : α → α → Prop) (x y z : α) (h1 : Star R x y) (h2 : R y z) :
    Star R x z := by
  apply star_trans R x y z h1
  exact star_single R y z h2

theorem star_mono {α : Type} (R S : α → α → Prop) (h : ∀ x y, R x y → S x y) (x y : α)
    (h1 : Star R x y) : Star S x y := by
  induction h1 with
  | refl a => exact Star.refl a
  | step a b c hab _ ih =>
    apply Star.step a b c
    · exact h a b hab
    · exact ih

theorem star_least {α : Type} (R S : α → α → Prop) (h1 : Refl S) (h2 : Trans S)
    (h3 : ∀ x y, R x y → S x y) (x y : α) (h : Star R x y) : S x y := by
  induction h with
  | refl a => exact h1 a
  | step a b c hab _ ih =>
    apply h2 a b c
    · exact h3 a b hab
    · exact ih

theorem star_idem {α : Type} (R : α → α → Prop) (x y : α) (h : Star (Star R) x y) :
    Star R x y := by
  induction h with
  | refl a => exact Star.refl a
  | step a b c hab _ ih => exact star_trans R a b c hab ih

theorem star_invariant {α : Type} (R : α → α → Prop) (P : α → Prop)
    (h : ∀ x y, R x y → P x → P y) (x y : α) (h1 : Star R x y) (hx : P x) : P y := by
  induction h1 with
  | refl a => exact hx
  | step a b c hab _ ih =>
    apply ih
    exact h a b hab hx

theorem star_conv {α : Type} (R : α → α → Prop) (x y : α) (h : Star R x y) :
    Star (Conv R) y x := by
  induction h with
  | refl a => exact Star.refl a
  | step a b c hab _ ih =>
    apply star_snoc (Conv R) c b a ih
    exact hab

theorem plus_to_star {α : Type} (R : α → α → Prop) (x y : α) (h : Plus R x y) : Star R x y := by
  induction h with
  | one a b hab => exact star_single R a b hab
  | more a b c hab _ ih => exact Star.step a b c hab ih

theorem star_cases_plus {α : Type} (R : α → α → Prop) (x y : α) (h : Star R x y) :
    x = y ∨ Plus R x y := by
  induction h with
  | refl a =>
    left
    rfl
  | step a b c hab _ ih =>
    right
    cases ih with
    | inl h =>
      subst h
      exact Plus.one a b hab
    | inr h => exact Plus.more a b c hab h

theorem symClos_symm {α : Type} (R : α → α → Prop) : Symm (SymClos R) := by
  intro x y h
  cases h with
  | fwd h => exact SymClos.bwd y x h
  | bwd h => exact SymClos.fwd y x h

end Relations
