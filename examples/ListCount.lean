/-! Counting and measuring: occurrences in a list of natural numbers, sums, constant lists,
and taking or dropping a prefix. -/

namespace ListCount

def count (a : Nat) : List Nat → Nat
  | [] => 0
  | x :: xs => if x = a then count a xs + 1 else count a xs

def sum : List Nat → Nat
  | [] => 0
  | x :: xs => x + sum xs

def sumAcc : List Nat → Nat → Nat
  | [], n => n
  | x :: xs, n => sumAcc xs (x + n)

def rep : Nat → α → List α
  | 0, _ => []
  | n + 1, x => x :: rep n x

def take : Nat → List α → List α
  | 0, _ => []
  | _ + 1, [] => []
  | n + 1, x :: xs => x :: take n xs

def drop : Nat → List α → List α
  | 0, xs => xs
  | _ + 1, [] => []
  | n + 1, _ :: xs => drop n xs

theorem count_append (a : Nat) (xs ys : List Nat) :
    count a (xs ++ ys) = count a xs + count a ys := by
  induction xs with
  | nil => simp [count]
  | cons x xs ih =>
    simp only [List.cons_append, count]
    rw [ih]
    split
    · omega
    · rfl

theorem count_le_length (a : Nat) (xs : List Nat) : count a xs ≤ xs.length := by
  induction xs with
  | nil => simp [count]
  | cons x xs ih =>
    simp only [count, List.length_cons]
    split
    · omega
    · omega

theorem count_of_not_mem (a : Nat) (xs : List Nat) (h : a ∉ xs) : count a xs = 0 := by
  induction xs with
  | nil => rfl
  | cons x xs ih =>
    rw [List.mem_cons] at h
    have h1 : x ≠ a := by
      intro hx
      exact h (Or.inl hx.symm)
    simp only [count]
    rw [if_neg h1]
    apply ih
    intro h2
    exact h (Or.inr h2)

theorem mem_of_count_pos (a : Nat) (xs : List Nat) (h : 0 < count a xs) : a ∈ xs := by
  by_cases h1 : a ∈ xs
  · exact h1
  · rw [count_of_not_mem a xs h1] at h
    contradiction

theorem sum_append (xs ys : List Nat) : sum (xs ++ ys) = sum xs + sum ys := by
  induction xs with
  | nil => simp [sum]
  | cons x xs ih =>
    simp only [List.cons_append, sum]
    rw [ih, Nat.add_assoc]

theorem sumAcc_eq (xs : List Nat) (n : Nat) : sumAcc xs n = sum xs + n := by
  induction xs generalizing n with
  | nil => simp [sumAcc, sum]
  | cons x xs ih =>
    simp only [sumAcc, sum]
    rw [ih]
    omega

theorem sum_reverse (xs : List Nat) : sum xs.reverse = sum xs := by
  induction xs with
  | nil => rfl
  | cons x xs ih =>
    rw [List.reverse_cons, sum_append, ih]
    simp only [sum]
    omega

theorem length_rep (n : Nat) (x : α) : (rep n x).length = n := by
  induction n with
  | zero => rfl
  | succ n ih =>
    simp only [rep, List.length_cons]
    rw [ih]

theorem rep_add (n m : Nat) (x : α) : rep (n + m) x = rep n x ++ rep m x := by
  induction n with
  | zero => simp [rep]
  | succ n ih =>
    rw [Nat.succ_add]
    simp only [rep, List.cons_append]
    rw [ih]

theorem sum_rep (n a : Nat) : sum (rep n a) = n * a := by
  induction n with
  | zero => simp [rep, sum]
  | succ n ih =>
    simp only [rep, sum]
    rw [ih, Nat.succ_mul, Nat.add_comm]

theorem count_rep_self (n a : Nat) : count a (rep n a) = n := by
  induction n with
  | zero => rfl
  | succ n ih =>
    simp only [rep, count]
    simp [ih]

theorem eq_of_mem_rep (n : Nat) (x y : α) (h : y ∈ rep n x) : y = x := by
  induction n with
  | zero =>
    simp only [rep] at h
    contradiction
  | succ n ih =>
    simp only [rep, List.mem_cons] at h
    cases h with
    | inl h => exact h
    | inr h => exact ih h

theorem take_append_drop (n : Nat) (xs : List α) : take n xs ++ drop n xs = xs := by
  induction n generalizing xs with
  | zero => rfl
  | succ n ih =>
    cases xs with
    | nil => rfl
    | cons x xs =>
      simp only [take, drop, List.cons_append]
      rw [ih]

theorem length_take (n : Nat) (xs : List α) (h : n ≤ xs.length) :
    (take n xs).length = n := by
  induction n generalizing xs with
  | zero => rfl
  | succ n ih =>
    cases xs with
    | nil => contradiction
    | cons x xs =>
      simp only [take, List.length_cons] at h ⊢
      rw [ih xs (by omega)]

theorem length_drop (n : Nat) (xs : List α) : (drop n xs).length = xs.length - n := by
  induction n generalizing xs with
  | zero => rfl
  | succ n ih =>
    cases xs with
    | nil => simp [drop]
    | cons x xs =>
      simp only [drop, List.length_cons]
      rw [ih]
      omega

theorem drop_drop (n m : Nat) (xs : List α) : drop n (drop m xs) = drop (m + n) xs := by
  induction m generalizing xs with
  | zero =>
    rw [Nat.zero_add]
    rfl
  | succ m ih =>
    rw [Nat.succ_add]
    cases xs with
    | nil =>
      cases n with
      | zero => rfl
      | succ n => rfl
    | cons x xs =>
      simp only [drop]
      exact ih xs

theorem sum_take_le (n : Nat) (xs : List Nat) : sum (take n xs) ≤ sum xs := by
  have h : sum (take n xs ++ drop n xs) = sum xs := by rw [take_append_drop]
  rw [sum_append] at h
  omega

theorem le_sum_of_mem (a : Nat) (xs : List Nat) (h : a ∈ xs) : a ≤ sum xs := by
  induction xs with
  | nil => contradiction
  | cons x xs ih =>
    simp only [sum]
    rw [List.mem_cons] at h
    cases h with
    | inl h =>
      subst h
      omega
    | inr h =>
      have h1 := ih h
      omega

end ListCount
