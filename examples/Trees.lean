/-! Binary trees: size, number of leaves, depth, mirror image, mapping, and membership. -/

namespace Trees

inductive Tree (α : Type) where
  | leaf : Tree α
  | node (l : Tree α) (x : α) (r : Tree α) : Tree α

open Tree

def size : Tree α → Nat
  | leaf => 0
  | node l _ r => size l + size r + 1

def leaves : Tree α → Nat
  | leaf => 1
  | node l _ r => leaves l + leaves r

def depth : Tree α → Nat
  | leaf => 0
  | node l _ r => max (depth l) (depth r) + 1

def mirror : Tree α → Tree α
  | leaf => leaf
  | node l x r => node (mirror r) x (mirror l)

def map (f : α → β) : Tree α → Tree β
  | leaf => leaf
  | node l x r => node (map f l) (f x) (map f r)

def full (x : α) : Nat → Tree α
  | 0 => leaf
  | n + 1 => node (full x n) x (full x n)

inductive Mem (x : α) : Tree α → Prop
  | root (l r : Tree α) : Mem x (node l x r)
  | left (l r : Tree α) (y : α) : Mem x l → Mem x (node l y r)
  | right (l r : Tree α) (y : α) : Mem x r → Mem x (node l y r)

theorem mirror_mirror (t : Tree α) : mirror (mirror t) = t := by
  induction t with
  | leaf => rfl
  | node l x r ihl ihr =>
    simp only [mirror]
    rw [ihl, ihr]

theorem size_mirror (t : Tree α) : size (mirror t) = size t := by
  induction t with
  | leaf => rfl
  | node l x r ihl ihr =>
    simp only [mirror, size]
    rw [ihl, ihr]
    omega

theorem depth_mirror (t : Tree α) : depth (mirror t) = depth t := by
  induction t with
  | leaf => rfl
  | node l x r ihl ihr =>
    simp only [mirror, depth]
    rw [ihl, ihr, Nat.max_comm]

theorem mirror_injective (t u : Tree α) (h : mirror t = mirror u) : t = u := by
  rw [← mirror_mirror t, ← mirror_mirror u, h]

theorem map_mirror (f : α → β) (t : Tree α) : map f (mirror t) = mirror (map f t) := by
  induction t with
  | leaf => rfl
  | node l x r ihl ihr =>
    simp only [mirror, map]
    rw [ihl, ihr]

theorem map_map (f : α → β) (g : β → γ) (t : Tree α) :
    map g (map f t) = map (g ∘ f) t := by
  induction t with
  | leaf => rfl
  | node l x r ihl ihr =>
    simp only [map]
    rw [ihl, ihr]
    rfl

theorem size_map (f : α → β) (t : Tree α) : size (map f t) = size t := by
  induction t with
  | leaf => rfl
  | node l x r ihl ihr =>
    simp only [map, size]
    rw [ihl, ihr]

theorem map_eq_leaf (f : α → β) (t : Tree α) (h : map f t = leaf) : t = leaf := by
  cases t with
  | leaf => rfl
  | node l x r =>
    simp only [map] at h
    contradiction

theorem leaves_eq (t : Tree α) : leaves t = size t + 1 := by
  induction t with
  | leaf => rfl
  | node l x r ihl ihr =>
    simp only [leaves, size]
    rw [ihl, ihr]
    omega

theorem leaves_pos (t : Tree α) : 0 < leaves t := by
  rw [leaves_eq]
  exact Nat.succ_pos (size t)

theorem depth_le_size (t : Tree α) : depth t ≤ size t := by
  induction t with
  | leaf => exact Nat.le_refl 0
  | node l x r ihl ihr =>
    simp only [depth, size]
    omega

theorem size_lt_pow_depth (t : Tree α) : size t < 2 ^ depth t := by
  induction t with
  | leaf => simp [size, depth]
  | node l x r ihl ihr =>
    simp only [depth, size]
    have hl : 2 ^ depth l ≤ 2 ^ max (depth l) (depth r) := by
      apply Nat.pow_le_pow_right
      · decide
      · exact Nat.le_max_left (depth l) (depth r)
    have hr : 2 ^ depth r ≤ 2 ^ max (depth l) (depth r) := by
      apply Nat.pow_le_pow_right
      · decide
      · exact Nat.le_max_right (depth l) (depth r)
    rw [Nat.pow_succ]
    omega

theorem depth_full (x : α) (n : Nat) : depth (full x n) = n := by
  induction n with
  | zero => rfl
  | succ n ih =>
    simp only [full, depth]
    rw [ih, Nat.max_self]

theorem leaves_full (x : α) (n : Nat) : leaves (full x n) = 2 ^ n := by
  induction n with
  | zero => rfl
  | succ n ih =>
    simp only [full, leaves]
    rw [ih, Nat.pow_succ]
    omega

theorem mirror_full (x : α) (n : Nat) : mirror (full x n) = full x n := by
  induction n with
  | zero => rfl
  | succ n ih =>
    simp only [full, mirror]
    rw [ih]

theorem mem_mirror (x : α) (t : Tree α) (h : Mem x t) : Mem x (mirror t) := by
  induction h with
  | root l r => exact Mem.root (mirror r) (mirror l)
  | left l r y _ ih =>
    apply Mem.right
    exact ih
  | right l r y _ ih =>
    apply Mem.left
    exact ih

theorem mem_map (f : α → β) (x : α) (t : Tree α) (h : Mem x t) : Mem (f x) (map f t) := by
  induction h with
  | root l r => exact Mem.root (map f l) (map f r)
  | left l r y _ ih => exact Mem.left (map f l) (map f r) (f y) ih
  | right l r y _ ih => exact Mem.right (map f l) (map f r) (f y) ih

theorem mem_full (x y : α) (n : Nat) (h : Mem y (full x n)) : y = x := by
  induction n with
  | zero => cases h
  | succ n ih =>
    simp only [full] at h
    cases h with
    | root => rfl
    | left _ _ _ h => exact ih h
    | right _ _ _ h => exact ih h

theorem exists_mem (t : Tree α) (h : t ≠ leaf) : ∃ x, Mem x t := by
  cases t with
  | leaf => contradiction
  | node l x r => exact ⟨x, Mem.root l r⟩

end Trees
