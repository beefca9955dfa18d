/-! State machines with counters: step functions, runs of several steps, reachability, and
invariants proved by induction on the number of steps. -/

namespace Counters

structure State where
  left : Nat
  right : Nat

def move (s : State) : State :=
  match s.left with
  | 0 => s
  | n + 1 => { left := n, right := s.right + 1 }

def run : Nat → State → State
  | 0, s => s
  | n + 1, s => run n (move s)

inductive Light where
  | red : Light
  | green : Light
  | yellow : Light

def next : Light → Light
  | Light.red => Light.green
  | Light.green => Light.yellow
  | Light.yellow => Light.red

def after : Nat → Light → Light
  | 0, l => l
  | n + 1, l => next (after n l)

inductive Action where
  | up : Action
  | down : Action
  | reset : Action

def act : Action → Nat → Nat
  | Action.up, n => n + 1
  | Action.down, n => n - 1
  | Action.reset, _ => 0

def exec : List Action → Nat → Nat
  | [], n => n
  | a :: as, n => exec as (act a n)

inductive Reach : Nat → Nat → Prop where
  | here (n : Nat) : Reach n n
  | add3 (n m : Nat) : Reach n m → Reach n (m + 3)
  | add5 (n m : Nat) : Reach n m → Reach n (m + 5)

theorem move_total (s : State) : (move s).left + (move s).right = s.left + s.right := by
  cases s with
  | mk a b =>
    cases a with
    | zero => rfl
    | succ a =>
      simp only [move]
      omega

theorem run_total (n : Nat) (s : State) : (run n s).left + (run n s).right = s.left + s.right := by
  induction n generalizing s with
  | zero => rfl
  | succ n ih => rw [run, ih, move_total]

theorem move_right_le (s : State) : s.right ≤ (move s).right := by
  cases s with
  | mk a b =>
    cases a with
    | zero => exact Nat.le_refl b
    | succ a => exact Nat.le_succ b

theorem run_right_le (n : Nat) (s : State) : s.right ≤ (run n s).right := by
  induction n generalizing s with
  | zero => exact Nat.le_refl s.right
  | succ n ih =>
    rw [run]
    exact Nat.le_trans (move_right_le s) (ih (move s))

theorem run_left (n a b : Nat) : (run n ⟨a, b⟩).left = a - n := by
  induction n generalizing a b with
  | zero => rfl
  | succ n ih =>
    cases a with
    | zero =>
      rw [run, move, ih]
      omega
    | succ a =>
      rw [run, move, ih]
      omega

theorem run_finishes (a b : Nat) : (run a ⟨a, b⟩).left = 0 := by
  rw [run_left, Nat.sub_self]

theorem run_result (a b : Nat) : (run a ⟨a, b⟩).right = a + b := by
  have h1 : (run a ⟨a, b⟩).left + (run a ⟨a, b⟩).right = a + b := run_total a ⟨a, b⟩
  rw [run_finishes, Nat.zero_add] at h1
  exact h1

theorem next_ne (l : Light) : next l ≠ l := by
  cases l with
  | red =>
    intro h
    contradiction
  | green =>
    intro h
    contradiction
  | yellow =>
    intro h
    contradiction

theorem next_three (l : Light) : next (next (next l)) = l := by
  cases l with
  | red => rfl
  | green => rfl
  | yellow => rfl

theorem next_injective (l r : Light) (h : next l = next r) : l = r := by
  have h1 : next (next (next l)) = next (next (next r)) := by rw [h]
  rw [next_three, next_three] at h1
  exact h1

theorem next_surjective (l : Light) : ∃ x, next x = l := by
  refine ⟨next (next l), ?_⟩
  rw [next_three]

theorem after_add (n m : Nat) (l : Light) : after (n + m) l = after m (after n l) := by
  induction m with
  | zero => rfl
  | succ m ih =>
    rw [← Nat.add_assoc, after, after, ih]

theorem after_period (n : Nat) (l : Light) : after (n + 3) l = after n l := by
  simp only [after]
  rw [next_three]

theorem after_multiple (n : Nat) (l : Light) : after (3 * n) l = l := by
  induction n with
  | zero => rfl
  | succ n ih => rw [Nat.mul_succ, after_period, ih]

theorem act_le (x : Action) (n : Nat) : act x n ≤ n + 1 := by
  cases x with
  | up => exact Nat.le_refl (n + 1)
  | down =>
    rw [act]
    omega
  | reset => exact Nat.zero_le (n + 1)

theorem exec_append (xs ys : List Action) (n : Nat) :
    exec (xs ++ ys) n = exec ys (exec xs n) := by
  induction xs generalizing n with
  | nil => rfl
  | cons x xs ih => rw [List.cons_append, exec, exec, ih]

theorem exec_le (xs : List Action) (n : Nat) : exec xs n ≤ n + xs.length := by
  induction xs generalizing n with
  | nil => exact Nat.le_refl n
  | cons x xs ih =>
    have h1 : exec xs (act x n) ≤ act x n + xs.length := ih (act x n)
    have h2 : act x n ≤ n + 1 := act_le x n
    rw [exec, List.length_cons]
    omega

theorem exec_mono (xs : List Action) (n m : Nat) (h : n ≤ m) : exec xs n ≤ exec xs m := by
  induction xs generalizing n m with
  | nil => exact h
  | cons x xs ih =>
    rw [exec, exec]
    apply ih
    cases x with
    | up => exact Nat.succ_le_succ h
    | down => exact Nat.sub_le_sub_right h 1
    | reset => exact Nat.le_refl 0

theorem reach_le (n m : Nat) (h : Reach n m) : n ≤ m := by
  induction h with
  | here => exact Nat.le_refl n
  | add3 m h ih => omega
  | add5 m h ih => omega

theorem reach_trans (n m k : Nat) (h1 : Reach n m) (h2 : Reach m k) : Reach n k := by
  induction h2 with
  | here => exact h1
  | add3 k h2 ih => exact Reach.add3 n k ih
  | add5 k h2 ih => exact Reach.add5 n k ih

theorem reach_form (n m : Nat) (h : Reach n m) : ∃ a b, m = n + 3 * a + 5 * b := by
  induction h with
  | here => exact ⟨0, 0, rfl⟩
  | add3 m h ih =>
    obtain ⟨a, b, hab⟩ := ih
    refine ⟨a + 1, b, ?_⟩
    omega
  | add5 m h ih =>
    obtain ⟨a, b, hab⟩ := ih
    refine ⟨a, b + 1, ?_⟩
    omega

end Counters
