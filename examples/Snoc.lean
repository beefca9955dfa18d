/-! Snoc lists, zippers and queues made of two lists, with their conversions to lists. -/

namespace Snoc

inductive Snoc (α : Type) where
  | lin : Snoc α
  | snoc (s : Snoc α) (x : α) : Snoc α

open Snoc

def toList : Snoc α → List α
  | lin => []
  | snoc s x => toList s ++ [x]

def toListAcc : Snoc α → List α → List α
  | lin, ys => ys
  | snoc s x, ys => toListAcc s (x :: ys)

def extend : Snoc α → List α → Snoc α
  | s, [] => s
  | s, x :: xs => extend (snoc s x) xs

def ofList (xs : List α) : Snoc α := extend lin xs

def app (s : Snoc α) : Snoc α → Snoc α
  | lin => s
  | snoc t x => snoc (app s t) x

def len : Snoc α → Nat
  | lin => 0
  | snoc s _ => len s + 1

structure Zipper (α : Type) where
  before : Snoc α
  after : List α

def Zipper.list (z : Zipper α) : List α := toList z.before ++ z.after

def Zipper.next : Zipper α → Zipper α
  | ⟨s, []⟩ => ⟨s, []⟩
  | ⟨s, x :: xs⟩ => ⟨snoc s x, xs⟩

def Zipper.prev : Zipper α → Zipper α
  | ⟨lin, xs⟩ => ⟨lin, xs⟩
  | ⟨snoc s x, xs⟩ => ⟨s, x :: xs⟩

structure Queue (α : Type) where
  front : List α
  back : List α

def Queue.list (q : Queue α) : List α := q.front ++ q.back.reverse

def Queue.push (q : Queue α) (x : α) : Queue α := ⟨q.front, x :: q.back⟩

def Queue.norm (q : Queue α) : Queue α := ⟨q.front ++ q.back.reverse, []⟩

theorem toListAcc_eq (s : Snoc α) (ys : List α) : toListAcc s ys = toList s ++ ys := by
  induction s generalizing ys with
  | lin => rfl
  | snoc s x ih =>
    simp only [toListAcc, toList]
    rw [ih, List.append_assoc]
    rfl

theorem toList_extend (s : Snoc α) (xs : List α) : toList (extend s xs) = toList s ++ xs := by
  induction xs generalizing s with
  | nil => simp [extend]
  | cons x xs ih =>
    simp only [extend]
    rw [ih]
    simp only [toList]
    rw [List.append_assoc]
    rfl

theorem toList_ofList (xs : List α) : toList (ofList xs) = xs := by
  unfold ofList
  rw [toList_extend]
  rfl

theorem extend_append (s : Snoc α) (xs ys : List α) :
    extend s (xs ++ ys) = extend (extend s xs) ys := by
  induction xs generalizing s with
  | nil => rfl
  | cons x xs ih =>
    simp only [List.cons_append, extend]
    exact ih (snoc s x)

theorem ofList_toList (s : Snoc α) : ofList (toList s) = s := by
  induction s with
  | lin => rfl
  | snoc s x ih =>
    unfold ofList at ih ⊢
    simp only [toList]
    rw [extend_append, ih]
    rfl

theorem toList_injective (s t : Snoc α) (h : toList s = toList t) : s = t := by
  rw [← ofList_toList s, ← ofList_toList t, h]

theorem len_eq_length (s : Snoc α) : len s = (toList s).length := by
  induction s with
  | lin => rfl
  | snoc s x ih =>
    simp only [len, toList, List.length_append]
    rw [ih]
    rfl

theorem toList_app (s t : Snoc α) : toList (app s t) = toList s ++ toList t := by
  induction t with
  | lin => simp [app, toList]
  | snoc t x ih =>
    simp only [app, toList]
    rw [ih, List.append_assoc]

theorem app_assoc (s t u : Snoc α) : app (app s t) u = app s (app t u) := by
  apply toList_injective
  rw [toList_app, toList_app, toList_app, toList_app, List.append_assoc]

theorem lin_app (s : Snoc α) : app lin s = s := by
  induction s with
  | lin => rfl
  | snoc s x ih =>
    simp only [app]
    rw [ih]

theorem snoc_ne_lin (s : Snoc α) (x : α) : toList (snoc s x) ≠ [] := by
  intro h
  simp only [toList] at h
  simp at h

theorem exists_snoc_of_list (xs : List α) : ∃ s : Snoc α, toList s = xs ∧ len s = xs.length := by
  refine ⟨ofList xs, ?_, ?_⟩
  · exact toList_ofList xs
  · rw [len_eq_length, toList_ofList]

theorem list_next (z : Zipper α) : z.next.list = z.list := by
  obtain ⟨s, xs⟩ := z
  cases xs with
  | nil => rfl
  | cons x xs =>
    simp only [Zipper.next, Zipper.list, toList]
    rw [List.append_assoc]
    rfl

theorem list_prev (z : Zipper α) : z.prev.list = z.list := by
  obtain ⟨s, xs⟩ := z
  cases s with
  | lin => rfl
  | snoc s x =>
    simp only [Zipper.prev, Zipper.list, toList]
    rw [List.append_assoc]
    rfl

theorem prev_next (z : Zipper α) (h : z.after ≠ []) : z.next.prev = z := by
  obtain ⟨s, xs⟩ := z
  cases xs with
  | nil => contradiction
  | cons x xs => rfl

theorem queue_list_push (q : Queue α) (x : α) : (q.push x).list = q.list ++ [x] := by
  unfold Queue.push Queue.list
  simp only [List.reverse_cons]
  rw [List.append_assoc]

theorem queue_list_norm (q : Queue α) : q.norm.list = q.list := by
  unfold Queue.norm Queue.list
  simp only [List.reverse_nil]
  rw [List.append_nil]

theorem queue_norm_norm (q : Queue α) : q.norm.norm = q.norm := by
  unfold Queue.norm
  simp only [List.reverse_nil, List.append_nil]

theorem queue_list_foldl_push (q : Queue α) (xs : List α) :
    (xs.foldl Queue.push q).list = q.list ++ xs := by
  induction xs generalizing q with
  | nil => simp
  | cons x xs ih =>
    rw [List.foldl_cons, ih, queue_list_push, List.append_assoc]
    rfl

end Snoc
