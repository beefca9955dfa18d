/-! Monoids and groups as user classes: consequences of the laws by rewriting,
powers by induction, homomorphisms and products of lists. -/

namespace Monoids

class Mon (M : Type) where
  op : M → M → M
  e : M
  assoc : ∀ a b c : M, op (op a b) c = op a (op b c)
  e_left : ∀ a : M, op e a = a
  e_right : ∀ a : M, op a e = a

class Grp (G : Type) extends Mon G where
  inv : G → G
  inv_left : ∀ a : G, op (inv a) a = e

open Mon Grp

def pow {M : Type} [Mon M] (a : M) : Nat → M
  | 0 => e
  | n + 1 => op a (pow a n)

def prod {M : Type} [Mon M] : List M → M
  | [] => e
  | x :: xs => op x (prod xs)

def Hom {M N : Type} [Mon M] [Mon N] (f : M → N) : Prop :=
  f e = e ∧ ∀ a b, f (op a b) = op (f a) (f b)

def Central {M : Type} [Mon M] (c : M) : Prop := ∀ a, op c a = op a c

theorem unit_unique {M : Type} [Mon M] (u : M) (h : ∀ a : M, op u a = a) : u = e := by
  rw [← e_right u]
  exact h e

theorem inverse_unique {M : Type} [Mon M] (a b c : M) (h1 : op b a = e) (h2 : op a c = e) :
    b = c := by
  calc
    b = op b e := by rw [e_right]
    _ = op b (op a c) := by rw [h2]
    _ = op (op b a) c := by rw [assoc]
    _ = c := by rw [h1, e_left]

theorem pow_one {M : Type} [Mon M] (a : M) : pow a 1 = a := by
  simp only [pow]
  exact e_right a

theorem pow_add {M : Type} [Mon M] (a : M) (n m : Nat) :
    pow a (n + m) = op (pow a n) (pow a m) := by
  induction n with
  | zero =>
    rw [Nat.zero_add]
    simp only [pow]
    rw [e_left]
  | succ n ih =>
    rw [Nat.succ_add]
    simp only [pow]
    rw [ih, assoc]

theorem pow_e {M : Type} [Mon M] (n : Nat) : pow (e : M) n = e := by
  induction n with
  | zero => rfl
  | succ n ih =>
    simp only [pow]
    rw [ih, e_left]

theorem pow_comm_base {M : Type} [Mon M] (a b : M) (h : op a b = op b a) (n : Nat) :
    op (pow a n) b = op b (pow a n) := by
  induction n with
  | zero =>
    simp only [pow]
    rw [e_left, e_right]
  | succ n ih =>
    simp only [pow]
    rw [assoc, ih, ← assoc, h, assoc]

theorem pow_mul {M : Type} [Mon M] (a : M) (n m : Nat) : pow a (n * m) = pow (pow a n) m := by
  induction m with
  | zero => rfl
  | succ m ih =>
    rw [Nat.mul_succ, Nat.add_comm, pow_add, ih]
    rfl

theorem prod_append {M : Type} [Mon M] (xs ys : List M) :
    prod (xs ++ ys) = op (prod xs) (prod ys) := by
  induction xs with
  | nil =>
    simp only [List.nil_append, prod]
    rw [e_left]
  | cons x xs ih =>
    simp only [List.cons_append, prod]
    rw [ih, assoc]

theorem prod_replicate {M : Type} [Mon M] (a : M) (n : Nat) :
    prod (List.replicate n a) = pow a n := by
  induction n with
  | zero => rfl
  | succ n ih =>
    simp only [List.replicate_succ, prod, pow]
    rw [ih]

theorem hom_pow {M N : Type} [Mon M] [Mon N] (f : M → N) (h : Hom f) (a : M) (n : Nat) :
    f (pow a n) = pow (f a) n := by
  induction n with
  | zero => exact h.1
  | succ n ih =>
    simp only [pow]
    rw [h.2, ih]

theorem hom_prod {M N : Type} [Mon M] [Mon N] (f : M → N) (h : Hom f) (xs : List M) :
    f (prod xs) = prod (xs.map f) := by
  induction xs with
  | nil => exact h.1
  | cons x xs ih =>
    simp only [prod, List.map_cons]
    rw [h.2, ih]

theorem central_op {M : Type} [Mon M] (a b : M) (h1 : Central a) (h2 : Central b) :
    Central (op a b) := by
  intro c
  rw [assoc, h2, ← assoc, h1, assoc]

theorem inv_cancel_left {G : Type} [Grp G] (a b : G) : op (inv a) (op a b) = b := by
  rw [← assoc, inv_left, e_left]

theorem left_cancel {G : Type} [Grp G] (a b c : G) (h : op a b = op a c) : b = c := by
  rw [← inv_cancel_left a b, h]
  exact inv_cancel_left a c

theorem idempotent_eq_e {G : Type} [Grp G] (a : G) (h : op a a = a) : a = e := by
  apply left_cancel a
  rw [h, e_right]

theorem inv_right {G : Type} [Grp G] (a : G) : op a (inv a) = e := by
  apply left_cancel (inv a)
  rw [inv_cancel_left, e_right]

theorem inv_inv {G : Type} [Grp G] (a : G) : inv (inv a) = a := by
  apply left_cancel (inv a)
  rw [inv_right, inv_left]

theorem inv_op {G : Type} [Grp G] (a b : G) : inv (op a b) = op (inv b) (inv a) := by
  apply left_cancel (op a b)
  rw [inv_right, assoc, ← assoc b, inv_right, e_left, inv_right]

theorem comm_of_square {G : Type} [Grp G] (h : ∀ a : G, op a a = e) (a b : G) :
    op a b = op b a := by
  have h1 : ∀ c : G, inv c = c := by
    intro c
    apply left_cancel c
    rw [inv_right, h]
  calc
    op a b = inv (op a b) := by rw [h1]
    _ = op (inv b) (inv a) := by rw [inv_op]
    _ = op b a := by rw [h1, h1]

end Monoids
