/-! Partial results: operations on Option and a user-defined Result type with errors,
sequencing, fallback and traversal of lists. -/

namespace Options

inductive Result (ε α : Type) where
  | ok : α → Result ε α
  | error : ε → Result ε α

namespace Result

def map {ε α β : Type} (f : α → β) : Result ε α → Result ε β
  | ok a => ok (f a)
  | error e => error e

def bind {ε α β : Type} (r : Result ε α) (f : α → Result ε β) : Result ε β :=
  match r with
  | ok a => f a
  | error e => error e

def orElse {ε α : Type} : Result ε α → Result ε α → Result ε α
  | ok a, _ => ok a
  | error _, r => r

def toOption {ε α : Type} : Result ε α → Option α
  | ok a => some a
  | error _ => none

def isOk {ε α : Type} : Result ε α → Bool
  | ok _ => true
  | error _ => false

end Result

open Result

def orDefault {α : Type} (o : Option α) (d : α) : α :=
  match o with
  | none => d
  | some a => a

def first {α : Type} : Option α → Option α → Option α
  | some a, _ => some a
  | none, o => o

def zipWith {α β γ : Type} (f : α → β → γ) : Option α → Option β → Option γ
  | some a, some b => some (f a b)
  | _, _ => none

def findFirst {α : Type} (t : α → Bool) : List α → Option α
  | [] => none
  | x :: xs => if t x then some x else findFirst t xs

def halve (n : Nat) : Option Nat := if n % 2 = 0 then some (n / 2) else none

theorem first_assoc {α : Type} (a b c : Option α) :
    first (first a b) c = first a (first b c) := by
  cases a with
  | none => rfl
  | some x => rfl

theorem first_none {α : Type} (a : Option α) : first a none = a := by
  cases a with
  | none => rfl
  | some x => rfl

theorem first_eq_none {α : Type} (a b : Option α) (h : first a b = none) : a = none ∧ b = none := by
  cases a with
  | none => exact ⟨rfl, h⟩
  | some x =>
    simp only [first] at h
    contradiction

theorem orDefault_first {α : Type} (a b : Option α) (d : α) :
    orDefault (first a b) d = orDefault a (orDefault b d) := by
  cases a with
  | none => rfl
  | some x => rfl

theorem zipWith_comm {α β : Type} (f : α → α → β) (h : ∀ x y, f x y = f y x) (a b : Option α) :
    zipWith f a b = zipWith f b a := by
  cases a with
  | none =>
    cases b with
    | none => rfl
    | some y => rfl
  | some x =>
    cases b with
    | none => rfl
    | some y =>
      simp only [zipWith]
      rw [h]

theorem zipWith_some {α β γ : Type} (f : α → β → γ) (a : Option α) (b : Option β) (c : γ)
    (h : zipWith f a b = some c) : ∃ x y, a = some x ∧ b = some y ∧ f x y = c := by
  cases a with
  | none =>
    simp only [zipWith] at h
    contradiction
  | some x =>
    cases b with
    | none =>
      simp only [zipWith] at h
      contradiction
    | some y =>
      simp only [zipWith] at h
      injection h with h
      exact ⟨x, y, rfl, rfl, h⟩

theorem some_of_ne_none {α : Type} (o : Option α) (h : o ≠ none) : ∃ a, o = some a := by
  cases o with
  | none => contradiction
  | some a => exact ⟨a, rfl⟩

theorem halve_double (n : Nat) : halve (n + n) = some n := by
  unfold halve
  have h : (n + n) % 2 = 0 := by omega
  rw [if_pos h]
  congr 1
  omega

theorem halve_some (n k : Nat) (h : halve n = some k) : n = 2 * k := by
  unfold halve at h
  split at h
  · injection h with h
    omega
  · contradiction

theorem findFirst_test {α : Type} (t : α → Bool) (xs : List α) (a : α)
    (h : findFirst t xs = some a) : t a = true := by
  induction xs with
  | nil =>
    simp only [findFirst] at h
    contradiction
  | cons x xs ih =>
    simp only [findFirst] at h
    split at h
    · injection h with h
      subst h
      assumption
    · exact ih h

theorem findFirst_append {α : Type} (t : α → Bool) (xs ys : List α) :
    findFirst t (xs ++ ys) = first (findFirst t xs) (findFirst t ys) := by
  induction xs with
  | nil => rfl
  | cons x xs ih =>
    simp only [List.cons_append, findFirst]
    split
    · rfl
    · exact ih

theorem findFirst_none {α : Type} (t : α → Bool) (xs : List α) (h : ∀ x ∈ xs, t x = false) :
    findFirst t xs = none := by
  induction xs with
  | nil => rfl
  | cons x xs ih =>
    have hx : t x = false := by
      apply h
      exact List.mem_cons_self
    simp only [findFirst, hx]
    apply ih
    intro y hy
    apply h
    exact List.mem_cons_of_mem x hy

theorem result_map_map {ε α β γ : Type} (f : α → β) (g : β → γ) (r : Result ε α) :
    map g (map f r) = map (fun a => g (f a)) r := by
  cases r with
  | ok a => rfl
  | error e => rfl

theorem bind_ok {ε α : Type} (r : Result ε α) : bind r ok = r := by
  cases r with
  | ok a => rfl
  | error e => rfl

theorem bind_assoc {ε α β γ : Type} (r : Result ε α) (f : α → Result ε β) (g : β → Result ε γ) :
    bind (bind r f) g = bind r (fun a => bind (f a) g) := by
  cases r with
  | ok a => rfl
  | error e => rfl

theorem bind_isOk {ε α β : Type} (r : Result ε α) (f : α → Result ε β)
    (h : isOk (bind r f) = true) : ∃ a, r = ok a ∧ isOk (f a) = true := by
  cases r with
  | ok a =>
    exists a
  | error e =>
    simp only [Result.bind, isOk] at h
    contradiction

theorem toOption_orElse {ε α : Type} (r s : Result ε α) :
    toOption (orElse r s) = first (toOption r) (toOption s) := by
  cases r with
  | ok a => rfl
  | error e => rfl

theorem toOption_bind {ε α β : Type} (r : Result ε α) (f : α → Result ε β) :
    toOption (bind r f) = (toOption r).bind (fun a => toOption (f a)) := by
  cases r with
  | ok a => rfl
  | error e => rfl

theorem isOk_iff_toOption {ε α : Type} (r : Result ε α) : isOk r = true ↔ toOption r ≠ none := by
  cases r with
  | ok a =>
    constructor
    · intro _ h
      contradiction
    · intro _
      rfl
  | error e =>
    constructor
    · intro h
      contradiction
    · intro h
      exfalso
      exact h rfl

end Options
