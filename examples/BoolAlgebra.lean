/-! Boolean functions, built-in and user-defined, decided by cases on their arguments;
parity and majority over lists of Booleans by induction. -/

namespace BoolAlgebra

def nand (a b : Bool) : Bool := !(a && b)

def xnor (a b : Bool) : Bool :=
  match a with
  | true => b
  | false => !b

def mux (s a b : Bool) : Bool := if s then a else b

def maj (a b c : Bool) : Bool := (a && b) || (a && c) || (b && c)

def imp : Bool → Bool → Bool
  | true, b => b
  | false, _ => true

def parity : List Bool → Bool
  | [] => false
  | b :: bs => b != parity bs

def allTrue : List Bool → Bool
  | [] => true
  | b :: bs => b && allTrue bs

def anyTrue : List Bool → Bool
  | [] => false
  | b :: bs => b || anyTrue bs

theorem not_via_nand (a : Bool) : nand a a = !a := by
  cases a with
  | false => rfl
  | true => rfl

theorem and_via_nand (a b : Bool) : nand (nand a b) (nand a b) = (a && b) := by
  rw [not_via_nand]
  unfold nand
  exact Bool.not_not (a && b)

theorem or_via_nand (a b : Bool) : nand (nand a a) (nand b b) = (a || b) := by
  rw [not_via_nand, not_via_nand]
  cases a with
  | false =>
    cases b with
    | false => rfl
    | true => rfl
  | true => rfl

theorem xnor_comm (a b : Bool) : xnor a b = xnor b a := by
  cases a with
  | false =>
    cases b with
    | false => rfl
    | true => rfl
  | true =>
    cases b with
    | false => rfl
    | true => rfl

theorem xnor_eq_true (a b : Bool) : xnor a b = true ↔ a = b := by
  cases a with
  | false =>
    cases b with
    | false => decide
    | true => decide
  | true =>
    cases b with
    | false => decide
    | true => decide

theorem xnor_assoc (a b c : Bool) : xnor (xnor a b) c = xnor a (xnor b c) := by
  cases a with
  | true => rfl
  | false =>
    cases b with
    | true => rfl
    | false =>
      cases c with
      | false => rfl
      | true => rfl

theorem mux_same (s a : Bool) : mux s a a = a := by
  unfold mux
  split
  · rfl
  · rfl

theorem mux_not (s a b : Bool) : mux (!s) a b = mux s b a := by
  cases s with
  | false => rfl
  | true => rfl

theorem mux_apply (f : Bool → Bool) (s a b : Bool) : f (mux s a b) = mux s (f a) (f b) := by
  unfold mux
  by_cases h : s = true
  · rw [if_pos h, if_pos h]
  · rw [if_neg h, if_neg h]

theorem shannon (f : Bool → Bool) (a : Bool) : f a = mux a (f true) (f false) := by
  cases a with
  | false => rfl
  | true => rfl

theorem maj_swap (a b c : Bool) : maj a b c = maj b a c := by
  unfold maj
  rw [Bool.and_comm a b]
  cases c with
  | false => simp
  | true => cases a <;> simp

theorem maj_not (a b c : Bool) : maj (!a) (!b) (!c) = !(maj a b c) := by
  revert a b c
  decide

theorem imp_eq_or (a b : Bool) : imp a b = (!a || b) := by
  cases a with
  | false => rfl
  | true => rfl

theorem imp_true_iff (a b : Bool) : imp a b = true ↔ (a = true → b = true) := by
  constructor
  · intro h ha
    rw [ha] at h
    exact h
  · intro h
    cases a with
    | false => rfl
    | true => exact h rfl

theorem parity_append (xs ys : List Bool) : parity (xs ++ ys) = (parity xs != parity ys) := by
  induction xs with
  | nil => simp [parity]
  | cons x xs ih =>
    simp only [List.cons_append, parity]
    rw [ih]
    cases x <;> simp

theorem parity_reverse (xs : List Bool) : parity xs.reverse = parity xs := by
  induction xs with
  | nil => rfl
  | cons x xs ih =>
    rw [List.reverse_cons, parity_append, ih]
    simp only [parity]
    cases x <;> simp

theorem allTrue_append (xs ys : List Bool) :
    allTrue (xs ++ ys) = (allTrue xs && allTrue ys) := by
  induction xs with
  | nil => rfl
  | cons x xs ih =>
    simp only [List.cons_append, allTrue]
    rw [ih, Bool.and_assoc]

theorem allTrue_mem (xs : List Bool) (b : Bool) (h1 : allTrue xs = true) (h2 : b ∈ xs) :
    b = true := by
  induction xs with
  | nil => contradiction
  | cons x xs ih =>
    simp only [allTrue, Bool.and_eq_true] at h1
    cases h2 with
    | head => exact h1.1
    | tail _ h => exact ih h1.2 h

theorem not_anyTrue (xs : List Bool) : (!(anyTrue xs)) = allTrue (xs.map (fun b => !b)) := by
  induction xs with
  | nil => rfl
  | cons x xs ih =>
    simp only [anyTrue, List.map_cons, allTrue]
    rw [← ih, Bool.not_or]

end BoolAlgebra
