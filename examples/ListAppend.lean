/-! Appending and measuring lists: an own append function, its unit laws, associativity,
length, and injectivity, all by induction on the first list. -/

namespace ListAppend

def app : List α → List α → List α
  | [], ys => ys
  | x :: xs, ys => x :: app xs ys

def len : List α → Nat
  | [] => 0
  | _ :: xs => len xs + 1

def lenAcc : List α → Nat → Nat
  | [], n => n
  | _ :: xs, n => lenAcc xs (n + 1)

def concat : List (List α) → List α
  | [] => []
  | xs :: xss => app xs (concat xss)

def lens : List (List α) → Nat
  | [] => 0
  | xs :: xss => len xs + lens xss

theorem app_nil (xs : List α) : app xs [] = xs := by
  induction xs with
  | nil => rfl
  | cons x xs ih =>
    unfold app
    rw [ih]

theorem app_assoc (xs ys zs : List α) : app (app xs ys) zs = app xs (app ys zs) := by
  induction xs with
  | nil => rfl
  | cons x xs ih =>
    simp only [app]
    rw [ih]

theorem app_eq_append (xs ys : List α) : app xs ys = xs ++ ys := by
  induction xs with
  | nil => rfl
  | cons x xs ih =>
    show x :: app xs ys = x :: (xs ++ ys)
    rw [ih]

theorem len_app (xs ys : List α) : len (app xs ys) = len xs + len ys := by
  induction xs with
  | nil => simp [app, len]
  | cons x xs ih =>
    simp only [app, len]
    rw [ih]
    omega

theorem len_app_comm (xs ys : List α) : len (app xs ys) = len (app ys xs) := by
  rw [len_app, len_app]
  omega

theorem lenAcc_eq (xs : List α) (n : Nat) : lenAcc xs n = len xs + n := by
  induction xs generalizing n with
  | nil => simp [lenAcc, len]
  | cons x xs ih =>
    simp only [lenAcc, len]
    rw [ih]
    omega

theorem lenAcc_app (xs ys : List α) (n : Nat) :
    lenAcc (app xs ys) n = lenAcc ys (lenAcc xs n) := by
  induction xs generalizing n with
  | nil => rfl
  | cons x xs ih =>
    simp only [app, lenAcc]
    exact ih (n + 1)

theorem len_eq_zero (xs : List α) (h : len xs = 0) : xs = [] := by
  cases xs with
  | nil => rfl
  | cons x xs =>
    simp only [len] at h
    contradiction

theorem len_pos (xs : List α) (h : xs ≠ []) : 0 < len xs := by
  cases xs with
  | nil => contradiction
  | cons x xs =>
    simp only [len]
    omega

theorem app_left_cancel (xs ys zs : List α) (h : app xs ys = app xs zs) : ys = zs := by
  induction xs with
  | nil => exact h
  | cons x xs ih =>
    simp only [app] at h
    injection h with h1 h2
    exact ih h2

theorem app_eq_nil (xs ys : List α) (h : app xs ys = []) : xs = [] ∧ ys = [] := by
  cases xs with
  | nil =>
    constructor
    · rfl
    · exact h
  | cons x xs =>
    simp only [app] at h
    contradiction

theorem app_cons_ne_nil (xs ys : List α) (x : α) : app xs (x :: ys) ≠ [] := by
  intro h
  have h1 := app_eq_nil xs (x :: ys) h
  obtain ⟨_, h2⟩ := h1
  contradiction

theorem app_self_nil (xs ys : List α) (h : app xs ys = ys) : xs = [] := by
  apply len_eq_zero
  have h1 : len (app xs ys) = len ys := by rw [h]
  rw [len_app] at h1
  omega

theorem app_cons_middle (xs ys : List α) (x : α) :
    app (app xs [x]) ys = app xs (x :: ys) := by
  rw [app_assoc]
  rfl

theorem concat_app (xss yss : List (List α)) :
    concat (app xss yss) = app (concat xss) (concat yss) := by
  induction xss with
  | nil => rfl
  | cons xs xss ih =>
    simp only [app, concat]
    rw [ih, app_assoc]

theorem len_concat (xss : List (List α)) : len (concat xss) = lens xss := by
  induction xss with
  | nil => rfl
  | cons xs xss ih =>
    simp only [concat, lens]
    rw [len_app, ih]

theorem exists_split (xs : List α) (n : Nat) (h : n ≤ len xs) :
    ∃ ys zs, xs = app ys zs ∧ len ys = n := by
  induction xs generalizing n with
  | nil =>
    refine ⟨[], [], rfl, ?_⟩
    simp only [len] at h ⊢
    omega
  | cons x xs ih =>
    cases n with
    | zero => exact ⟨[], x :: xs, rfl, rfl⟩
    | succ n =>
      simp only [len] at h
      have h1 : n ≤ len xs := by omega
      obtain ⟨ys, zs, h2, h3⟩ := ih n h1
      refine ⟨x :: ys, zs, ?_, ?_⟩
      · simp only [app]
        rw [h2]
      · simp only [len]
        rw [h3]

theorem exists_last (xs : List α) (h : xs ≠ []) : ∃ ys y, xs = app ys [y] := by
  induction xs with
  | nil => contradiction
  | cons x xs ih =>
    cases xs with
    | nil => exact ⟨[], x, rfl⟩
    | cons y ys =>
      obtain ⟨zs, z, hz⟩ := ih (by simp)
      refine ⟨x :: zs, z, ?_⟩
      rw [hz]
      rfl

end ListAppend
