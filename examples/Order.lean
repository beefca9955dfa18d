/-! Partial orders, lattices and monotone maps: a user class of orders, bounds,
fixed points of monotone maps and lattices given by equations. -/

namespace Order

class Ord (α : Type) where
  le : α → α → Prop
  refl : ∀ a, le a a
  trans : ∀ a b c, le a b → le b c → le a c
  antisymm : ∀ a b, le a b → le b a → a = b

class Lat (α : Type) extends Ord α where
  sup : α → α → α
  inf : α → α → α
  le_sup_left : ∀ a b, le a (sup a b)
  le_sup_right : ∀ a b, le b (sup a b)
  sup_le : ∀ a b c, le a c → le b c → le (sup a b) c
  inf_le_left : ∀ a b, le (inf a b) a
  inf_le_right : ∀ a b, le (inf a b) b
  le_inf : ∀ a b c, le c a → le c b → le c (inf a b)

open Ord Lat

def lt {α : Type} [Ord α] (a b : α) : Prop := le a b ∧ a ≠ b

def Mono {α β : Type} [Ord α] [Ord β] (f : α → β) : Prop := ∀ a b, le a b → le (f a) (f b)

def Upper {α : Type} [Ord α] (P : α → Prop) (u : α) : Prop := ∀ x, P x → le x u

def Least {α : Type} [Ord α] (P : α → Prop) (u : α) : Prop := P u ∧ ∀ x, P x → le u x

def Closure {α : Type} [Ord α] (f : α → α) : Prop :=
  Mono f ∧ (∀ a, le a (f a)) ∧ ∀ a, f (f a) = f a

theorem lt_irrefl {α : Type} [Ord α] (a : α) : ¬lt a a := by
  intro h
  apply h.2
  rfl

theorem lt_of_lt_le {α : Type} [Ord α] (a b c : α) (h1 : lt a b) (h2 : le b c) : lt a c := by
  constructor
  · exact trans a b c h1.1 h2
  · intro h
    apply h1.2
    apply antisymm
    · exact h1.1
    · rw [h]
      exact h2

theorem lt_asymm {α : Type} [Ord α] (a b : α) (h1 : lt a b) : ¬lt b a := by
  intro h2
  apply h1.2
  exact antisymm a b h1.1 h2.1

theorem eq_of_same_above {α : Type} [Ord α] (a b : α) (h : ∀ c, le a c ↔ le b c) : a = b := by
  apply antisymm
  · rw [h]
    exact refl b
  · rw [← h]
    exact refl a

theorem least_unique {α : Type} [Ord α] (P : α → Prop) (a b : α) (h1 : Least P a)
    (h2 : Least P b) : a = b := by
  apply antisymm
  · apply h1.2
    exact h2.1
  · apply h2.2
    exact h1.1

theorem upper_mono {α : Type} [Ord α] (P : α → Prop) (a b : α) (h1 : Upper P a) (h2 : le a b) :
    Upper P b := by
  intro x hx
  apply trans x a b
  · exact h1 x hx
  · exact h2

theorem mono_comp {α β γ : Type} [Ord α] [Ord β] [Ord γ] (f : α → β) (g : β → γ) (h1 : Mono f)
    (h2 : Mono g) : Mono (fun a => g (f a)) := by
  intro a b h
  apply h2
  apply h1
  exact h

theorem mono_upper {α β : Type} [Ord α] [Ord β] (f : α → β) (h : Mono f) (P : α → Prop) (u : α)
    (h1 : Upper P u) : Upper (fun y => ∃ x, P x ∧ f x = y) (f u) := by
  intro y hy
  obtain ⟨x, hx, h2⟩ := hy
  rw [← h2]
  apply h
  exact h1 x hx

theorem closure_le_iff {α : Type} [Ord α] (f : α → α) (h : Closure f) (a b : α) :
    le (f a) (f b) ↔ le a (f b) := by
  obtain ⟨h1, h2, h3⟩ := h
  constructor
  · intro h
    exact trans a (f a) (f b) (h2 a) h
  · intro h
    rw [← h3 b]
    exact h1 a (f b) h

theorem least_prefixed_fixed {α : Type} [Ord α] (f : α → α) (h1 : Mono f) (a : α)
    (h2 : Least (fun x => le (f x) x) a) : f a = a := by
  apply antisymm
  · exact h2.1
  · apply h2.2
    apply h1
    exact h2.1

theorem adjoint_unit {α β : Type} [Ord α] [Ord β] (f : α → β) (g : β → α)
    (h : ∀ a b, le (f a) b ↔ le a (g b)) (a : α) : le a (g (f a)) := by
  rw [← h]
  exact refl (f a)

theorem adjoint_mono {α β : Type} [Ord α] [Ord β] (f : α → β) (g : β → α)
    (h : ∀ a b, le (f a) b ↔ le a (g b)) : Mono f := by
  intro a b hab
  rw [h]
  apply trans a b (g (f b))
  · exact hab
  · exact adjoint_unit f g h b

theorem sup_comm {α : Type} [Lat α] (a b : α) : sup a b = sup b a := by
  apply antisymm
  · apply sup_le
    · exact le_sup_right b a
    · exact le_sup_left b a
  · apply sup_le
    · exact le_sup_right a b
    · exact le_sup_left a b

theorem sup_absorb {α : Type} [Lat α] (a b : α) : sup a (inf a b) = a := by
  apply antisymm
  · apply sup_le
    · exact refl a
    · exact inf_le_left a b
  · exact le_sup_left a (inf a b)

theorem le_iff_sup {α : Type} [Lat α] (a b : α) : le a b ↔ sup a b = b := by
  constructor
  · intro h
    apply antisymm
    · apply sup_le
      · exact h
      · exact refl b
    · exact le_sup_right a b
  · intro h
    rw [← h]
    exact le_sup_left a b

theorem inf_mono {α : Type} [Lat α] (a b c d : α) (h1 : le a b) (h2 : le c d) :
    le (inf a c) (inf b d) := by
  apply le_inf
  · exact trans (inf a c) a b (inf_le_left a c) h1
  · exact trans (inf a c) c d (inf_le_right a c) h2

theorem mono_sup {α β : Type} [Lat α] [Lat β] (f : α → β) (h : Mono f) (a b : α) :
    le (sup (f a) (f b)) (f (sup a b)) := by
  apply sup_le
  · apply h
    exact le_sup_left a b
  · apply h
    exact le_sup_right a b

theorem semi_distrib {α : Type} [Lat α] (a b c : α) :
    le (sup (inf a b) (inf a c)) (inf a (sup b c)) := by
  apply sup_le
  · apply inf_mono
    · exact refl a
    · exact le_sup_left b c
  · apply inf_mono
    · exact refl a
    · exact le_sup_right b c

end Order
