/-! User structures and the built-in pairs: extensionality, projections, swapping,
updating, subtypes, dependent pairs and equivalences between types. -/

namespace Structures

structure Point where
  x : Nat
  y : Nat

namespace Point

def swap (p : Point) : Point := ⟨p.y, p.x⟩

def add (p q : Point) : Point := ⟨p.x + q.x, p.y + q.y⟩

def scale (k : Nat) (p : Point) : Point := ⟨k * p.x, k * p.y⟩

def norm (p : Point) : Nat := p.x + p.y

end Point

structure Interval where
  lo : Nat
  hi : Nat
  le : lo ≤ hi

structure Equivalent (α β : Type) where
  to : α → β
  back : β → α
  left : ∀ a, back (to a) = a
  right : ∀ b, to (back b) = b

def Interval.has (i : Interval) (n : Nat) : Prop := i.lo ≤ n ∧ n ≤ i.hi

def Interval.hull (i j : Interval) : Interval :=
  ⟨min i.lo j.lo, max i.hi j.hi, by have := i.le; omega⟩

def flip {α β : Type} (u : α × β) : β × α := (u.2, u.1)

def mapPair {α β γ δ : Type} (f : α → γ) (g : β → δ) (u : α × β) : γ × δ := (f u.1, g u.2)

theorem point_ext (p q : Point) (h1 : p.x = q.x) (h2 : p.y = q.y) : p = q := by
  cases p with
  | mk a b =>
    cases q with
    | mk c d =>
      simp only at h1 h2
      rw [h1, h2]

theorem swap_swap (p : Point) : p.swap.swap = p := by
  rfl

theorem add_comm (p q : Point) : p.add q = q.add p := by
  apply point_ext
  · exact Nat.add_comm p.x q.x
  · exact Nat.add_comm p.y q.y

theorem swap_add (p q : Point) : (p.add q).swap = p.swap.add q.swap := by
  rfl

theorem scale_add (k : Nat) (p q : Point) :
    Point.scale k (p.add q) = (Point.scale k p).add (Point.scale k q) := by
  apply point_ext
  · exact Nat.mul_add k p.x q.x
  · exact Nat.mul_add k p.y q.y

theorem norm_swap (p : Point) : p.swap.norm = p.norm := by
  simp only [Point.norm, Point.swap]
  exact Nat.add_comm p.y p.x

theorem norm_add (p q : Point) : (p.add q).norm = p.norm + q.norm := by
  simp only [Point.norm, Point.add]
  omega

theorem norm_zero (p : Point) (h : p.norm = 0) : p = ⟨0, 0⟩ := by
  unfold Point.norm at h
  apply point_ext
  · show p.x = 0
    omega
  · show p.y = 0
    omega

theorem interval_nonempty (i : Interval) : ∃ n, i.has n := by
  exists i.lo
  constructor
  · exact Nat.le_refl i.lo
  · exact i.le

theorem interval_eq (i j : Interval) (h1 : i.lo = j.lo) (h2 : i.hi = j.hi) : i = j := by
  cases i
  cases j
  simp only at h1 h2
  subst h1
  subst h2
  rfl

theorem hull_has_left (i j : Interval) (n : Nat) (h : i.has n) : (i.hull j).has n := by
  obtain ⟨h1, h2⟩ := h
  constructor
  · show min i.lo j.lo ≤ n
    omega
  · show n ≤ max i.hi j.hi
    omega

theorem hull_comm (i j : Interval) : i.hull j = j.hull i := by
  apply interval_eq
  · exact Nat.min_comm i.lo j.lo
  · exact Nat.max_comm i.hi j.hi

theorem pair_eta {α β : Type} (u : α × β) (a : α) (b : β) (h1 : u.1 = a) (h2 : u.2 = b) :
    u = (a, b) := by
  rw [← h1, ← h2]

theorem flip_injective {α β : Type} (u v : α × β) (h : flip u = flip v) : u = v := by
  unfold flip at h
  injection h with h1 h2
  apply Prod.ext
  · exact h2
  · exact h1

theorem mapPair_flip {α β γ δ : Type} (f : α → γ) (g : β → δ) (u : α × β) :
    flip (mapPair f g u) = mapPair g f (flip u) := by
  obtain ⟨a, b⟩ := u
  rfl

theorem mapPair_id {α β : Type} (f : α → α) (g : β → β) (h1 : ∀ a, f a = a) (h2 : ∀ b, g b = b)
    (u : α × β) : mapPair f g u = u := by
  unfold mapPair
  rw [h1, h2]

theorem subtype_eq {α : Type} (P : α → Prop) (u v : { a // P a }) (h : u.val = v.val) : u = v := by
  obtain ⟨a, ha⟩ := u
  obtain ⟨b, hb⟩ := v
  simp only at h
  subst h
  rfl

theorem sigma_fst {α : Type} (f : α → Type) (a b : α) (c : f a) (d : f b)
    (h : (⟨a, c⟩ : Sigma f) = ⟨b, d⟩) : a = b := by
  injection h

theorem exists_of_subtype {α : Type} (P Q : α → Prop) (h : ∀ u : { a // P a }, Q u.val) :
    ∀ a, P a → Q a := by
  intro a ha
  exact h ⟨a, ha⟩

theorem equivalent_injective {α β : Type} (e : Equivalent α β) (a b : α) (h : e.to a = e.to b) :
    a = b := by
  rw [← e.left a, h, e.left]

theorem equivalent_solve {α β : Type} (e : Equivalent α β) (a : α) (b : β) :
    e.to a = b ↔ a = e.back b := by
  constructor
  · intro h
    rw [← h, e.left]
  · intro h
    rw [h, e.right]

end Structures
