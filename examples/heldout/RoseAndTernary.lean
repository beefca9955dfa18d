/-! Other tree shapes: rose forests (first child, next sibling), ternary trees, and binary trees
with labelled tips which can be grafted. -/

namespace RoseAndTernary

inductive Rose (α : Type) where
  | none : Rose α
  | item (x : α) (l r : Rose α) : Rose α

inductive Three where
  | tip : Three
  | three (l m r : Three) : Three

inductive Fork (α : Type) where
  | tip (x : α) : Fork α
  | fork (l r : Fork α) : Fork α

def Rose.size : Rose α → Nat
  | none => 0
  | item _ l r => l.size + r.size + 1

def Rose.beside : Rose α → Rose α → Rose α
  | none, u => u
  | item x l r, u => item x l (r.beside u)

def Rose.height : Rose α → Nat
  | none => 0
  | item _ l r => max (l.height + 1) r.height

def Rose.path (k : Nat) : Rose α → Nat
  | none => 0
  | item _ l r => k + l.path (k + 1) + r.path k

def Rose.brackets : Rose α → List Bool
  | none => []
  | item _ l r => true :: (l.brackets ++ false :: r.brackets)

def check : Nat → List Bool → Bool
  | n, [] => n == 0
  | n, true :: xs => check (n + 1) xs
  | 0, false :: _ => false
  | n + 1, false :: xs => check n xs

def Three.tips : Three → Nat
  | tip => 1
  | three l m r => l.tips + m.tips + r.tips

def Three.knots : Three → Nat
  | tip => 0
  | three l m r => l.knots + m.knots + r.knots + 1

def Three.turn : Three → Three
  | tip => tip
  | three l m r => three m.turn r.turn l.turn

def Fork.graft (f : α → Fork β) : Fork α → Fork β
  | tip x => f x
  | fork l r => fork (l.graft f) (r.graft f)

def Fork.fringe : Fork α → List α
  | tip x => [x]
  | fork l r => l.fringe ++ r.fringe

def Fork.least : Fork Nat → Nat
  | tip x => x
  | fork l r => min l.least r.least

def Fork.at : Fork α → List Bool → Option (Fork α)
  | t, [] => some t
  | tip _, _ :: _ => none
  | fork l _, true :: xs => l.at xs
  | fork _ r, false :: xs => r.at xs

inductive Alike : Fork α → Fork β → Prop
  | tip (x : α) (y : β) : Alike (Fork.tip x) (Fork.tip y)
  | fork (l r : Fork α) (l' r' : Fork β) :
      Alike l l' → Alike r r' → Alike (Fork.fork l r) (Fork.fork l' r')

theorem size_beside (t u : Rose α) : (t.beside u).size = u.size + t.size := by
  induction t with
  | none => rfl
  | item x l r ihl ihr =>
    simp only [Rose.beside, Rose.size]
    rw [ihr]
    omega

theorem height_beside (t u : Rose α) : (t.beside u).height = max t.height u.height := by
  induction t with
  | none => simp [Rose.beside, Rose.height]
  | item x l r ihl ihr =>
    simp only [Rose.beside, Rose.height]
    rw [ihr, Nat.max_assoc]

theorem path_add (k n : Nat) (t : Rose α) : t.path (k + n) = t.path k + n * t.size := by
  induction t generalizing k with
  | none => rfl
  | item x l r ihl ihr =>
    simp only [Rose.path, Rose.size]
    have h : k + n + 1 = k + 1 + n := by omega
    rw [h, ihl, ihr, Nat.mul_add, Nat.mul_add, Nat.mul_one]
    omega

theorem path_le_height (k : Nat) (t : Rose α) : t.path k ≤ (k + t.height) * t.size := by
  induction t generalizing k with
  | none => exact Nat.le_refl 0
  | item x l r ihl ihr =>
    simp only [Rose.path, Rose.height, Rose.size]
    have h1 := ihl (k + 1)
    have h2 := ihr k
    have h3 : (k + 1 + l.height) * l.size ≤ (k + max (l.height + 1) r.height) * l.size := by
      apply Nat.mul_le_mul_right
      omega
    have h4 : (k + r.height) * r.size ≤ (k + max (l.height + 1) r.height) * r.size := by
      apply Nat.mul_le_mul_right
      omega
    rw [Nat.mul_add, Nat.mul_add, Nat.mul_one]
    omega

theorem check_brackets (n : Nat) (t : Rose α) (xs : List Bool) :
    check n (t.brackets ++ xs) = check n xs := by
  induction t generalizing n xs with
  | none => rfl
  | item x l r ihl ihr =>
    simp only [Rose.brackets, List.cons_append, List.append_assoc, check]
    rw [ihl]
    simp only [check]
    exact ihr n xs

theorem brackets_balanced (t : Rose α) : check 0 t.brackets = true := by
  have h := check_brackets 0 t []
  rw [List.append_nil] at h
  rw [h]
  rfl

theorem brackets_beside (t u : Rose α) :
    (t.beside u).brackets = t.brackets ++ u.brackets := by
  induction t with
  | none => rfl
  | item x l r ihl ihr =>
    simp only [Rose.beside, Rose.brackets, List.cons_append, List.append_assoc]
    rw [ihr]

theorem tips_eq (t : Three) : t.tips = 2 * t.knots + 1 := by
  induction t with
  | tip => rfl
  | three l m r ihl ihm ihr =>
    simp only [Three.tips, Three.knots]
    rw [ihl, ihm, ihr]
    omega

theorem turn_turn_turn (t : Three) : t.turn.turn.turn = t := by
  induction t with
  | tip => rfl
  | three l m r ihl ihm ihr =>
    simp only [Three.turn]
    rw [ihl, ihm, ihr]

theorem turn_surjective (t : Three) : ∃ u : Three, u.turn = t := by
  exists t.turn.turn
  exact turn_turn_turn t

theorem graft_graft (f : α → Fork β) (g : β → Fork γ) (t : Fork α) :
    (t.graft f).graft g = t.graft (fun x => (f x).graft g) := by
  induction t with
  | tip x => rfl
  | fork l r ihl ihr =>
    simp only [Fork.graft]
    rw [ihl, ihr]

theorem fringe_graft (f : α → Fork β) (t : Fork α) :
    (t.graft f).fringe = t.fringe.flatMap (fun x => (f x).fringe) := by
  induction t with
  | tip x => simp [Fork.graft, Fork.fringe]
  | fork l r ihl ihr =>
    simp only [Fork.graft, Fork.fringe]
    rw [ihl, ihr, List.flatMap_append]

theorem fringe_ne_nil (t : Fork α) : t.fringe ≠ [] := by
  induction t with
  | tip x => simp [Fork.fringe]
  | fork l r ihl ihr =>
    intro h
    simp only [Fork.fringe, List.append_eq_nil_iff] at h
    exact ihl h.left

theorem least_le (t : Fork Nat) (a : Nat) (h : a ∈ t.fringe) : t.least ≤ a := by
  induction t with
  | tip x =>
    simp only [Fork.fringe, List.mem_singleton] at h
    rw [h]
    exact Nat.le_refl x
  | fork l r ihl ihr =>
    simp only [Fork.fringe, List.mem_append] at h
    simp only [Fork.least]
    cases h with
    | inl h =>
      have h1 := ihl h
      omega
    | inr h =>
      have h1 := ihr h
      omega

theorem least_mem (t : Fork Nat) : t.least ∈ t.fringe := by
  induction t with
  | tip x => exact List.mem_singleton.mpr rfl
  | fork l r ihl ihr =>
    simp only [Fork.least, Fork.fringe, List.mem_append]
    by_cases h : l.least ≤ r.least
    · left
      rw [Nat.min_eq_left h]
      exact ihl
    · right
      rw [Nat.min_eq_right (by omega)]
      exact ihr

theorem at_append (t u : Fork α) (xs ys : List Bool) (h : t.at xs = some u) :
    t.at (xs ++ ys) = u.at ys := by
  induction xs generalizing t with
  | nil =>
    simp only [Fork.at] at h
    injection h with h
    rw [h]
    rfl
  | cons x xs ih =>
    cases t with
    | tip z => contradiction
    | fork l r =>
      cases x with
      | true => exact ih l h
      | false => exact ih r h

theorem alike_length (t : Fork α) (u : Fork β) (h : Alike t u) :
    t.fringe.length = u.fringe.length := by
  induction h with
  | tip x y => rfl
  | fork l r l' r' _ _ ihl ihr =>
    simp only [Fork.fringe, List.length_append]
    rw [ihl, ihr]

theorem alike_fringe_eq (t u : Fork α) (h : Alike t u) (h1 : t.fringe = u.fringe) : t = u := by
  induction h with
  | tip x y =>
    simp only [Fork.fringe] at h1
    injection h1 with h2 _
    rw [h2]
  | fork l r l' r' h2 _ ihl ihr =>
    simp only [Fork.fringe] at h1
    have h3 := List.append_inj h1 (alike_length l l' h2)
    rw [ihl h3.left, ihr h3.right]

end RoseAndTernary
