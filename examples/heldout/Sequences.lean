/-! Sequences: stuttering, interleaving and dealing, running sums, rotation, and the inductive
subsequence relation. -/

namespace Sequences

def stutter : List α → List α
  | [] => []
  | x :: xs => x :: x :: stutter xs

def inter : List α → List α → List α
  | [], ys => ys
  | x :: xs, [] => x :: xs
  | x :: xs, y :: ys => x :: y :: inter xs ys

def deal : List α → List α × List α
  | [] => ([], [])
  | x :: xs => (x :: (deal xs).2, (deal xs).1)

def scan (n : Nat) : List Nat → List Nat
  | [] => [n]
  | x :: xs => n :: scan (n + x) xs

def rot : Nat → List α → List α
  | 0, xs => xs
  | _ + 1, [] => []
  | n + 1, x :: xs => rot n (xs ++ [x])

def before (x : α) : List α → List α
  | [] => []
  | y :: ys => x :: y :: before x ys

inductive Sub : List α → List α → Prop
  | nil : Sub [] []
  | skip (x : α) (xs ys : List α) : Sub xs ys → Sub xs (x :: ys)
  | keep (x : α) (xs ys : List α) : Sub xs ys → Sub (x :: xs) (x :: ys)

theorem length_stutter (xs : List α) : (stutter xs).length = 2 * xs.length := by
  induction xs with
  | nil => rfl
  | cons x xs ih =>
    simp only [stutter, List.length_cons]
    rw [ih]
    omega

theorem stutter_snoc (xs : List α) (x : α) : stutter (xs ++ [x]) = stutter xs ++ [x, x] := by
  induction xs with
  | nil => rfl
  | cons y ys ih =>
    simp only [List.cons_append, stutter]
    rw [ih]

theorem stutter_reverse (xs : List α) : stutter xs.reverse = (stutter xs).reverse := by
  induction xs with
  | nil => rfl
  | cons x xs ih =>
    simp only [stutter, List.reverse_cons]
    rw [stutter_snoc, ih, List.append_assoc]
    rfl

theorem inter_self (xs : List α) : inter xs xs = stutter xs := by
  induction xs with
  | nil => rfl
  | cons x xs ih =>
    simp only [inter, stutter]
    rw [ih]

theorem inter_cons (x : α) (xs ys : List α) : inter (x :: xs) ys = x :: inter ys xs := by
  induction xs generalizing x ys with
  | nil =>
    cases ys with
    | nil => rfl
    | cons y ys => rfl
  | cons z xs ih =>
    cases ys with
    | nil => rfl
    | cons y ys =>
      simp only [inter]
      rw [ih]

theorem inter_deal (xs : List α) : inter (deal xs).1 (deal xs).2 = xs := by
  induction xs with
  | nil => rfl
  | cons x xs ih =>
    simp only [deal]
    rw [inter_cons, ih]

theorem deal_balanced (xs : List α) :
    (deal xs).2.length ≤ (deal xs).1.length ∧
      (deal xs).1.length ≤ (deal xs).2.length + 1 := by
  induction xs with
  | nil => simp [deal]
  | cons x xs ih =>
    obtain ⟨h1, h2⟩ := ih
    simp only [deal, List.length_cons]
    constructor
    · exact h2
    · omega

theorem deal_stutter (xs : List α) : deal (stutter xs) = (xs, xs) := by
  induction xs with
  | nil => rfl
  | cons x xs ih =>
    simp only [stutter, deal]
    rw [ih]

theorem scan_shift (n m : Nat) (xs : List Nat) :
    scan (n + m) xs = (scan n xs).map (fun k => k + m) := by
  induction xs generalizing n with
  | nil => rfl
  | cons x xs ih =>
    simp only [scan, List.map_cons]
    rw [← ih]
    have h : n + m + x = n + x + m := by omega
    rw [h]

theorem le_of_mem_scan (n m : Nat) (xs : List Nat) (h : m ∈ scan n xs) : n ≤ m := by
  induction xs generalizing n with
  | nil =>
    simp only [scan, List.mem_singleton] at h
    omega
  | cons x xs ih =>
    simp only [scan, List.mem_cons] at h
    cases h with
    | inl h => omega
    | inr h =>
      have h1 := ih (n + x) h
      omega

theorem rot_append (xs ys : List α) : rot xs.length (xs ++ ys) = ys ++ xs := by
  induction xs generalizing ys with
  | nil =>
    simp only [List.length_nil, List.nil_append, List.append_nil]
    rfl
  | cons x xs ih =>
    simp only [List.length_cons, List.cons_append, rot]
    rw [List.append_assoc, ih, List.append_assoc]
    rfl

theorem rot_full (xs : List α) : rot xs.length xs = xs := by
  have h := rot_append xs []
  rw [List.append_nil] at h
  exact h

theorem before_eq_inter (x : α) (xs : List α) :
    before x xs = inter (List.replicate xs.length x) xs := by
  induction xs with
  | nil => rfl
  | cons y ys ih =>
    simp only [before, List.length_cons, List.replicate_succ, inter]
    rw [ih]

theorem sub_stutter (xs : List α) : Sub xs (stutter xs) := by
  induction xs with
  | nil => exact Sub.nil
  | cons x xs ih =>
    simp only [stutter]
    apply Sub.skip
    apply Sub.keep
    exact ih

theorem sub_inter_left (xs ys : List α) : Sub xs (inter xs ys) := by
  have h : ∀ zs : List α, Sub zs zs := by
    intro zs
    induction zs with
    | nil => exact Sub.nil
    | cons z zs ih => exact Sub.keep z zs zs ih
  induction xs generalizing ys with
  | nil =>
    simp only [inter]
    induction ys with
    | nil => exact Sub.nil
    | cons y ys ih => exact Sub.skip y [] ys ih
  | cons x xs ih =>
    cases ys with
    | nil => exact h (x :: xs)
    | cons y ys =>
      simp only [inter]
      apply Sub.keep
      apply Sub.skip
      exact ih ys

theorem sub_filter (P : α → Bool) (xs : List α) : Sub (xs.filter P) xs := by
  induction xs with
  | nil => exact Sub.nil
  | cons x xs ih =>
    rw [List.filter_cons]
    split
    · exact Sub.keep x _ xs ih
    · exact Sub.skip x _ xs ih

theorem sub_length_eq (xs ys : List α) (h : Sub xs ys) (h1 : ys.length ≤ xs.length) :
    xs = ys := by
  have h2 : ∀ as bs : List α, Sub as bs → as.length ≤ bs.length := by
    intro as bs h3
    induction h3 with
    | nil => exact Nat.le_refl _
    | skip x as bs _ ih => exact Nat.le_succ_of_le ih
    | keep x as bs _ ih => exact Nat.succ_le_succ ih
  induction h with
  | nil => rfl
  | skip x xs ys h3 _ =>
    have h4 := h2 xs ys h3
    rw [List.length_cons] at h1
    omega
  | keep x xs ys _ ih =>
    simp only [List.length_cons] at h1
    rw [ih (by omega)]

end Sequences
