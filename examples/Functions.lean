/-! Functions between arbitrary types: injectivity, surjectivity, one-sided inverses,
composition, involutions and idempotent maps. -/

namespace Functions

def Inj {α β : Type} (f : α → β) : Prop := ∀ x y, f x = f y → x = y

def Surj {α β : Type} (f : α → β) : Prop := ∀ y, ∃ x, f x = y

def LeftInv {α β : Type} (g : β → α) (f : α → β) : Prop := ∀ x, g (f x) = x

def Invol {α : Type} (f : α → α) : Prop := ∀ x, f (f x) = x

def Idem {α : Type} (f : α → α) : Prop := ∀ x, f (f x) = f x

def comp {α β γ : Type} (g : β → γ) (f : α → β) : α → γ := fun x => g (f x)

theorem comp_assoc {α β γ δ : Type} (h : γ → δ) (g : β → γ) (f : α → β) :
    comp h (comp g f) = comp (comp h g) f := by
  funext x
  rfl

theorem inj_comp {α β γ : Type} (g : β → γ) (f : α → β) (h1 : Inj g) (h2 : Inj f) :
    Inj (comp g f) := by
  intro x y h
  apply h2
  apply h1
  exact h

theorem inj_of_comp {α β γ : Type} (g : β → γ) (f : α → β) (h : Inj (comp g f)) : Inj f := by
  intro x y hxy
  apply h
  unfold comp
  rw [hxy]

theorem surj_comp {α β γ : Type} (g : β → γ) (f : α → β) (h1 : Surj g) (h2 : Surj f) :
    Surj (comp g f) := by
  intro z
  obtain ⟨y, hy⟩ := h1 z
  obtain ⟨x, hx⟩ := h2 y
  exists x
  unfold comp
  rw [hx, hy]

theorem surj_of_comp {α β γ : Type} (g : β → γ) (f : α → β) (h : Surj (comp g f)) : Surj g := by
  intro z
  obtain ⟨x, hx⟩ := h z
  exact ⟨f x, hx⟩

theorem inj_of_leftInv {α β : Type} (g : β → α) (f : α → β) (h : LeftInv g f) : Inj f := by
  intro x y hxy
  rw [← h x, ← h y, hxy]

theorem surj_of_leftInv {α β : Type} (g : β → α) (f : α → β) (h : LeftInv g f) : Surj g := by
  intro x
  exists f x
  exact h x

theorem leftInv_comp {α β γ : Type} (f : α → β) (g : β → γ) (k : β → α) (m : γ → β)
    (h1 : LeftInv k f) (h2 : LeftInv m g) : LeftInv (comp k m) (comp g f) := by
  intro x
  unfold comp
  rw [h2, h1]

theorem inverses_agree {α β : Type} (f : α → β) (g k : β → α) (h1 : LeftInv g f)
    (h2 : LeftInv f k) : g = k := by
  funext y
  calc
    g y = g (f (k y)) := by rw [h2]
    _ = k y := by rw [h1]

theorem leftInv_swap {α β : Type} (f : α → β) (g : β → α) (h1 : LeftInv g f) (h2 : Inj g) :
    LeftInv f g := by
  intro y
  apply h2
  rw [h1]

theorem surj_cancel {α β γ : Type} (f : α → β) (g k : β → γ) (h1 : Surj f)
    (h2 : comp g f = comp k f) : g = k := by
  funext y
  obtain ⟨x, hx⟩ := h1 y
  rw [← hx]
  exact congrFun h2 x

theorem inj_cancel {α β γ : Type} (g : β → γ) (f k : α → β) (h1 : Inj g)
    (h2 : comp g f = comp g k) : f = k := by
  funext x
  apply h1
  exact congrFun h2 x

theorem invol_inj {α : Type} (f : α → α) (h : Invol f) : Inj f := by
  intro x y hxy
  rw [← h x, hxy]
  exact h y

theorem invol_surj {α : Type} (f : α → α) (h : Invol f) : Surj f := by
  intro y
  exists f y
  exact h y

theorem invol_conj {α : Type} (f g : α → α) (h1 : Invol f) (h2 : Invol g) :
    Invol (comp f (comp g f)) := by
  intro x
  unfold comp
  rw [h1 (g (f x)), h2, h1]

theorem idem_inj_id {α : Type} (f : α → α) (h1 : Idem f) (h2 : Inj f) (x : α) : f x = x := by
  apply h2
  exact h1 x

theorem idem_surj_id {α : Type} (f : α → α) (h1 : Idem f) (h2 : Surj f) (x : α) : f x = x := by
  obtain ⟨y, hy⟩ := h2 x
  rw [← hy]
  exact h1 y

theorem idem_of_commuting {α : Type} (f g : α → α) (h1 : Idem f) (h2 : Idem g)
    (h : ∀ x, f (g x) = g (f x)) : Idem (comp f g) := by
  intro x
  unfold comp
  rw [← h (g x), h2, h1]

theorem cantor_surj {α : Type} (f : α → α → Bool) : ¬Surj f := by
  intro h
  obtain ⟨x, hx⟩ := h (fun y => !(f y y))
  have h1 : f x x = !(f x x) := by
    exact congrFun hx x
  cases h2 : f x x with
  | false =>
    rw [h2] at h1
    contradiction
  | true =>
    rw [h2] at h1
    contradiction

end Functions
