/-! Equality: rewriting, substitution, congruence and transport along equations,
with functions and operations over arbitrary types. -/

namespace Equality

def Agree {α β : Type} (f g : α → β) (P : α → Prop) : Prop := ∀ x, P x → f x = g x

def update (f : Nat → Nat) (a b : Nat) : Nat → Nat := fun n => if n = a then b else f n

theorem trans_four {α : Type} (a b c d : α) (h1 : a = b) (h2 : c = b) (h3 : c = d) : a = d := by
  rw [h1, ← h2]
  exact h3

theorem congr_two {α β γ : Type} (f : α → β → γ) (a b : α) (c d : β) (h1 : a = b) (h2 : c = d) :
    f a c = f b d := by
  subst h1
  subst h2
  rfl

theorem apply_eq_of_fun_eq {α β : Type} (f g : α → β) (a : α) (b : β) (h1 : f = g) (h2 : g a = b) :
    f a = b := by
  rw [h1]
  exact h2

theorem predicate_transport {α : Type} (P : α → Prop) (a b : α) (h1 : a = b) (h2 : P b) : P a := by
  rw [h1]
  exact h2

theorem five_three_one {α : Type} (f : α → α) (a : α) (h1 : f (f (f a)) = a)
    (h2 : f (f (f (f (f a)))) = a) : f a = a := by
  rw [h1] at h2
  rw [h2] at h1
  exact h1

theorem swap_args {α : Type} (f : α → α → α) (a b c : α) (h : ∀ x y, f x y = f y x) :
    f (f a b) c = f c (f b a) := by
  rw [h (f a b) c, h a b]

theorem ne_of_image_ne {α β : Type} (f : α → β) (a b : α) (h : f a ≠ f b) : a ≠ b := by
  intro h1
  apply h
  rw [h1]

theorem const_of_all_eq {α β : Type} (f : α → β) (a : α) (h : ∀ x y : α, x = y) :
    f = fun _ => f a := by
  funext x
  rw [h x a]

theorem eq_of_common_value {α β : Type} (f g : α → β) (h : α → β) (h1 : ∀ x, f x = h x)
    (h2 : ∀ x, g x = h x) : f = g := by
  funext x
  rw [h1, h2]

theorem mul_zero_of_eq (a b c : Nat) (h1 : a = b) (h2 : b = 0) : a * c = 0 := by
  subst h1
  rw [h2]
  exact Nat.zero_mul c

theorem agree_refl {α β : Type} (f : α → β) (P : α → Prop) : Agree f f P := by
  intro x _
  rfl

theorem agree_trans {α β : Type} (f g k : α → β) (P : α → Prop) (h1 : Agree f g P)
    (h2 : Agree g k P) : Agree f k P := by
  intro x hx
  rw [h1 x hx]
  exact h2 x hx

theorem agree_weaken {α β : Type} (f g : α → β) (P Q : α → Prop) (h1 : Agree f g Q)
    (h2 : ∀ x, P x → Q x) : Agree f g P := by
  intro x hx
  apply h1
  apply h2
  exact hx

theorem agree_everywhere {α β : Type} (f g : α → β) (h : Agree f g (fun _ => True)) : f = g := by
  funext x
  apply h
  trivial

theorem update_same (f : Nat → Nat) (a b : Nat) : update f a b a = b := by
  unfold update
  rw [if_pos rfl]

theorem update_other (f : Nat → Nat) (a b n : Nat) (h : n ≠ a) : update f a b n = f n := by
  unfold update
  rw [if_neg h]

theorem update_self (f : Nat → Nat) (a : Nat) : update f a (f a) = f := by
  funext n
  by_cases h : n = a
  · rw [h, update_same]
  · rw [update_other f a (f a) n h]

theorem update_update (f : Nat → Nat) (a b c : Nat) : update (update f a b) a c = update f a c := by
  funext n
  by_cases h : n = a
  · rw [h, update_same, update_same]
  · rw [update_other _ a c n h, update_other _ a b n h, update_other _ a c n h]

theorem update_comm (f : Nat → Nat) (a b c d : Nat) (h : a ≠ b) :
    update (update f a c) b d = update (update f b d) a c := by
  funext n
  unfold update
  by_cases h1 : n = a
  · subst h1
    simp [h]
  · simp [h1]

end Equality
