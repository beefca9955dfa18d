/-! Sets as predicates, defined from scratch: membership, union, intersection,
complement, difference, inclusion, image and preimage. -/

namespace Sets

def Pred (α : Type) : Type := α → Prop

def Mem {α : Type} (x : α) (A : Pred α) : Prop := A x

def Sub {α : Type} (A B : Pred α) : Prop := ∀ x, Mem x A → Mem x B

def union {α : Type} (A B : Pred α) : Pred α := fun x => Mem x A ∨ Mem x B

def inter {α : Type} (A B : Pred α) : Pred α := fun x => Mem x A ∧ Mem x B

def compl {α : Type} (A : Pred α) : Pred α := fun x => ¬Mem x A

def diff {α : Type} (A B : Pred α) : Pred α := fun x => Mem x A ∧ ¬Mem x B

def empty (α : Type) : Pred α := fun _ => False

def image {α β : Type} (f : α → β) (A : Pred α) : Pred β := fun y => ∃ x, Mem x A ∧ f x = y

def preimage {α β : Type} (f : α → β) (B : Pred β) : Pred α := fun x => Mem (f x) B

theorem sub_refl {α : Type} (A : Pred α) : Sub A A := by
  intro x hx
  exact hx

theorem sub_trans {α : Type} (A B C : Pred α) (h1 : Sub A B) (h2 : Sub B C) : Sub A C := by
  intro x hx
  apply h2
  apply h1
  exact hx

theorem ext_of_sub {α : Type} (A B : Pred α) (h1 : Sub A B) (h2 : Sub B A) : A = B := by
  funext x
  apply propext
  constructor
  · exact h1 x
  · exact h2 x

theorem union_comm {α : Type} (A B : Pred α) : union A B = union B A := by
  apply ext_of_sub
  · intro x hx
    cases hx with
    | inl h => exact Or.inr h
    | inr h => exact Or.inl h
  · intro x hx
    cases hx with
    | inl h => exact Or.inr h
    | inr h => exact Or.inl h

theorem union_least {α : Type} (A B C : Pred α) (h1 : Sub A C) (h2 : Sub B C) :
    Sub (union A B) C := by
  intro x hx
  cases hx with
  | inl h => exact h1 x h
  | inr h => exact h2 x h

theorem inter_greatest {α : Type} (A B C : Pred α) : Sub C (inter A B) ↔ Sub C A ∧ Sub C B := by
  constructor
  · intro h
    constructor
    · intro x hx
      exact (h x hx).1
    · intro x hx
      exact (h x hx).2
  · intro h x hx
    constructor
    · exact h.1 x hx
    · exact h.2 x hx

theorem inter_union_distrib {α : Type} (A B C : Pred α) :
    inter A (union B C) = union (inter A B) (inter A C) := by
  apply ext_of_sub
  · intro x hx
    obtain ⟨ha, h⟩ := hx
    cases h with
    | inl hb =>
      left
      exact ⟨ha, hb⟩
    | inr hc =>
      right
      exact ⟨ha, hc⟩
  · intro x hx
    cases hx with
    | inl h => exact ⟨h.1, Or.inl h.2⟩
    | inr h => exact ⟨h.1, Or.inr h.2⟩

theorem compl_union {α : Type} (A B : Pred α) :
    compl (union A B) = inter (compl A) (compl B) := by
  apply ext_of_sub
  · intro x hx
    constructor
    · intro ha
      exact hx (Or.inl ha)
    · intro hb
      exact hx (Or.inr hb)
  · intro x hx h
    cases h with
    | inl ha => exact hx.1 ha
    | inr hb => exact hx.2 hb

theorem compl_compl {α : Type} (A : Pred α) : compl (compl A) = A := by
  apply ext_of_sub
  · intro x hx
    by_cases h : Mem x A
    · exact h
    · exfalso
      exact hx h
  · intro x hx h
    exact h hx

theorem compl_anti {α : Type} (A B : Pred α) (h : Sub A B) : Sub (compl B) (compl A) := by
  intro x hx ha
  apply hx
  apply h
  exact ha

theorem diff_eq_empty {α : Type} (A B : Pred α) (h : Sub A B) : diff A B = empty α := by
  apply ext_of_sub
  · intro x hx
    exact hx.2 (h x hx.1)
  · intro x hx
    exfalso
    exact hx

theorem inter_eq_left {α : Type} (A B : Pred α) (h : Sub A B) : inter A B = A := by
  apply ext_of_sub
  · intro x hx
    exact hx.1
  · intro x hx
    exact ⟨hx, h x hx⟩

theorem sub_of_inter_eq {α : Type} (A B : Pred α) (h : inter A B = A) : Sub A B := by
  intro x hx
  rw [← h] at hx
  exact hx.2

theorem image_mono {α β : Type} (f : α → β) (A B : Pred α) (h : Sub A B) :
    Sub (image f A) (image f B) := by
  intro y hy
  obtain ⟨x, hx, h1⟩ := hy
  exists x
  exact ⟨h x hx, h1⟩

theorem image_union {α β : Type} (f : α → β) (A B : Pred α) :
    image f (union A B) = union (image f A) (image f B) := by
  apply ext_of_sub
  · intro y hy
    obtain ⟨x, hx, h⟩ := hy
    cases hx with
    | inl ha =>
      left
      exact ⟨x, ha, h⟩
    | inr hb =>
      right
      exact ⟨x, hb, h⟩
  · apply union_least
    · apply image_mono
      intro x hx
      exact Or.inl hx
    · apply image_mono
      intro x hx
      exact Or.inr hx

theorem image_sub_iff {α β : Type} (f : α → β) (A : Pred α) (B : Pred β) :
    Sub (image f A) B ↔ Sub A (preimage f B) := by
  constructor
  · intro h x hx
    apply h
    exact ⟨x, hx, rfl⟩
  · intro h y hy
    obtain ⟨x, hx, h1⟩ := hy
    rw [← h1]
    exact h x hx

theorem preimage_compl {α β : Type} (f : α → β) (B : Pred β) :
    preimage f (compl B) = compl (preimage f B) := by
  rfl

theorem image_comp {α β γ : Type} (f : α → β) (g : β → γ) (A : Pred α) :
    image g (image f A) = image (fun x => g (f x)) A := by
  apply ext_of_sub
  · intro z hz
    obtain ⟨y, ⟨x, hx, h1⟩, h2⟩ := hz
    exists x
    constructor
    · exact hx
    · show g (f x) = z
      rw [h1]
      exact h2
  · intro z hz
    obtain ⟨x, hx, h⟩ := hz
    exact ⟨f x, ⟨x, hx, rfl⟩, h⟩

end Sets
