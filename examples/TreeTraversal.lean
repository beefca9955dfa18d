/-! Traversals of binary trees as lists: preorder, inorder and postorder, their versions with
an accumulator, and a tree built by insertion from a list. -/

namespace TreeTraversal

inductive Tree (α : Type) where
  | leaf : Tree α
  | node (l : Tree α) (x : α) (r : Tree α) : Tree α

open Tree

def pre : Tree α → List α
  | leaf => []
  | node l x r => x :: (pre l ++ pre r)

def ino : Tree α → List α
  | leaf => []
  | node l x r => ino l ++ x :: ino r

def post : Tree α → List α
  | leaf => []
  | node l x r => post l ++ (post r ++ [x])

def preAcc : Tree α → List α → List α
  | leaf, ys => ys
  | node l x r, ys => x :: preAcc l (preAcc r ys)

def inoAcc : Tree α → List α → List α
  | leaf, ys => ys
  | node l x r, ys => inoAcc l (x :: inoAcc r ys)

def postAcc : Tree α → List α → List α
  | leaf, ys => ys
  | node l x r, ys => postAcc l (postAcc r (x :: ys))

def flip : Tree α → Tree α
  | leaf => leaf
  | node l x r => node (flip r) x (flip l)

def count : Tree α → Nat
  | leaf => 0
  | node l _ r => count l + 1 + count r

def total : Tree Nat → Nat
  | leaf => 0
  | node l x r => total l + x + total r

def spine : List α → Tree α
  | [] => leaf
  | x :: xs => node leaf x (spine xs)

def insert (a : Nat) : Tree Nat → Tree Nat
  | leaf => node leaf a leaf
  | node l x r => if a ≤ x then node (insert a l) x r else node l x (insert a r)

theorem preAcc_eq (t : Tree α) (ys : List α) : preAcc t ys = pre t ++ ys := by
  induction t generalizing ys with
  | leaf => rfl
  | node l x r ihl ihr =>
    simp only [preAcc, pre, List.cons_append, List.append_assoc]
    rw [ihr, ihl]

theorem inoAcc_eq (t : Tree α) (ys : List α) : inoAcc t ys = ino t ++ ys := by
  induction t generalizing ys with
  | leaf => rfl
  | node l x r ihl ihr =>
    simp only [inoAcc, ino, List.append_assoc, List.cons_append]
    rw [ihr, ihl]

theorem postAcc_eq (t : Tree α) (ys : List α) : postAcc t ys = post t ++ ys := by
  induction t generalizing ys with
  | leaf => rfl
  | node l x r ihl ihr =>
    simp only [postAcc, post]
    rw [ihr, ihl, List.append_assoc, List.append_assoc]
    rfl

theorem inoAcc_nil (t : Tree α) : inoAcc t [] = ino t := by
  rw [inoAcc_eq, List.append_nil]

theorem inoAcc_append (t : Tree α) (ys zs : List α) :
    inoAcc t (ys ++ zs) = inoAcc t ys ++ zs := by
  rw [inoAcc_eq, inoAcc_eq, List.append_assoc]

theorem length_ino (t : Tree α) : (ino t).length = count t := by
  induction t with
  | leaf => rfl
  | node l x r ihl ihr =>
    simp only [ino, count, List.length_append, List.length_cons]
    rw [ihl, ihr]
    omega

theorem length_pre_eq_ino (t : Tree α) : (pre t).length = (ino t).length := by
  induction t with
  | leaf => rfl
  | node l x r ihl ihr =>
    simp only [pre, ino, List.length_append, List.length_cons]
    rw [ihl, ihr]
    omega

theorem length_postAcc (t : Tree α) (ys : List α) :
    (postAcc t ys).length = count t + ys.length := by
  induction t generalizing ys with
  | leaf => simp [postAcc, count]
  | node l x r ihl ihr =>
    simp only [postAcc, count]
    rw [ihl, ihr, List.length_cons]
    omega

theorem ino_flip (t : Tree α) : ino (flip t) = (ino t).reverse := by
  induction t with
  | leaf => rfl
  | node l x r ihl ihr =>
    simp only [flip, ino, List.reverse_append, List.reverse_cons]
    rw [ihl, ihr, List.append_assoc]
    rfl

theorem pre_flip (t : Tree α) : pre (flip t) = (post t).reverse := by
  induction t with
  | leaf => rfl
  | node l x r ihl ihr =>
    simp only [flip, pre, post, List.reverse_append]
    rw [ihl, ihr]
    rfl

theorem flip_flip (t : Tree α) : flip (flip t) = t := by
  induction t with
  | leaf => rfl
  | node l x r ihl ihr =>
    simp only [flip]
    rw [ihl, ihr]

theorem post_flip (t : Tree α) : post (flip t) = (pre t).reverse := by
  have h := pre_flip (flip t)
  rw [flip_flip] at h
  rw [h, List.reverse_reverse]

theorem ino_spine (xs : List α) : ino (spine xs) = xs := by
  induction xs with
  | nil => rfl
  | cons x xs ih =>
    simp only [spine, ino, List.nil_append]
    rw [ih]

theorem post_spine (xs : List α) : post (spine xs) = xs.reverse := by
  induction xs with
  | nil => rfl
  | cons x xs ih =>
    simp only [spine, post, List.nil_append, List.reverse_cons]
    rw [ih]

theorem exists_tree_with_ino (xs : List α) : ∃ t : Tree α, ino t = xs := by
  exists spine xs
  exact ino_spine xs

theorem ino_eq_nil (t : Tree α) (h : ino t = []) : t = leaf := by
  cases t with
  | leaf => rfl
  | node l x r =>
    simp only [ino] at h
    simp at h

theorem mem_pre_iff_ino (x : α) (t : Tree α) : x ∈ pre t ↔ x ∈ ino t := by
  induction t with
  | leaf => rfl
  | node l y r ihl ihr =>
    simp only [pre, ino, List.mem_cons, List.mem_append]
    rw [ihl, ihr]
    constructor
    · intro h
      rcases h with h | h | h
      · exact Or.inr (Or.inl h)
      · exact Or.inl h
      · exact Or.inr (Or.inr h)
    · intro h
      rcases h with h | h | h
      · exact Or.inr (Or.inl h)
      · exact Or.inl h
      · exact Or.inr (Or.inr h)

theorem count_insert (a : Nat) (t : Tree Nat) : count (insert a t) = count t + 1 := by
  induction t with
  | leaf => rfl
  | node l x r ihl ihr =>
    simp only [insert]
    split
    · simp only [count]
      omega
    · simp only [count]
      omega

theorem total_insert (a : Nat) (t : Tree Nat) : total (insert a t) = a + total t := by
  induction t with
  | leaf => simp [insert, total]
  | node l x r ihl ihr =>
    simp only [insert]
    split
    · simp only [total]
      omega
    · simp only [total]
      omega

theorem mem_insert (a b : Nat) (t : Tree Nat) (h : b ∈ ino (insert a t)) :
    b = a ∨ b ∈ ino t := by
  induction t with
  | leaf =>
    left
    simpa [insert, ino] using h
  | node l x r ihl ihr =>
    simp only [insert] at h
    split at h
    · simp only [ino, List.mem_append, List.mem_cons] at h ⊢
      rcases h with h | h | h
      · cases ihl h with
        | inl h1 => exact Or.inl h1
        | inr h1 => exact Or.inr (Or.inl h1)
      · exact Or.inr (Or.inr (Or.inl h))
      · exact Or.inr (Or.inr (Or.inr h))
    · simp only [ino, List.mem_append, List.mem_cons] at h ⊢
      rcases h with h | h | h
      · exact Or.inr (Or.inl h)
      · exact Or.inr (Or.inr (Or.inl h))
      · cases ihr h with
        | inl h1 => exact Or.inl h1
        | inr h1 => exact Or.inr (Or.inr (Or.inr h1))

end TreeTraversal
