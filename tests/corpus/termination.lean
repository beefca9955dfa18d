/-! Every way to say why a recursion ends. -/
def gcd' (a b : Nat) : Nat := if b = 0 then a else gcd' b (a % b)
termination_by b
decreasing_by exact Nat.mod_lt _ (Nat.pos_of_ne_zero ‹_›)
#guard gcd' 48 36 == 12

def ack : Nat → Nat → Nat
  | 0, n => n + 1
  | m + 1, 0 => ack m 1
  | m + 1, n + 1 => ack m (ack (m + 1) n)
termination_by m n => (m, n)
#guard ack 2 3 == 9

def log2' (n : Nat) : Nat := if h : n ≤ 1 then 0 else 1 + log2' (n / 2)
termination_by n
decreasing_by all_goals (simp_wf; omega)
theorem log2'_le (n : Nat) : log2' n ≤ n := by
  induction n using log2'.induct with
  | case1 n h => unfold log2'; simp [h]
  | case2 n h ih => unfold log2'; simp [h]; omega

def interleave : List α → List α → List α
  | [], ys => ys
  | x :: xs, ys => x :: interleave ys xs
termination_by xs ys => xs.length + ys.length
#guard interleave [1, 3] [2, 4] == [1, 2, 3, 4]

def sumTo (n : Nat) : Nat := match n with
  | 0 => 0
  | n + 1 => (n + 1) + sumTo n
termination_by structural n
theorem sumTo_eq (n : Nat) : 2 * sumTo n = n * (n + 1) := by
  induction n with
  | zero => rfl
  | succ n ih => rw [sumTo, Nat.mul_add, ih]; grind

mutual
  inductive Tree (α : Type) where
    | node : α → Forest α → Tree α
  inductive Forest (α : Type) where
    | nil : Forest α
    | cons : Tree α → Forest α → Forest α
end
mutual
  def Tree.size : Tree α → Nat
    | .node _ f => 1 + f.size
  termination_by structural t => t
  def Forest.size : Forest α → Nat
    | .nil => 0
    | .cons t f => t.size + f.size
  termination_by structural f => f
end
#guard (Tree.node 1 (.cons (.node 2 .nil) .nil)).size == 2

inductive Rose (α : Type) where
  | mk : α → List (Rose α) → Rose α
def Rose.sum : Rose Nat → Nat
  | .mk a rs => a + (rs.attach.map fun ⟨r, _⟩ => r.sum).sum
#guard (Rose.mk 1 [.mk 2 [], .mk 3 [.mk 4 []]]).sum == 10

def collatz (fuel n : Nat) : Nat := go fuel n 0
where
  go : Nat → Nat → Nat → Nat
    | 0, _, k => k
    | _, 1, k => k
    | fuel + 1, n, k => go fuel (if n % 2 = 0 then n / 2 else 3 * n + 1) (k + 1)
#guard collatz 100 6 == 8

partial def find (p : Nat → Bool) (n : Nat) : Nat := if p n then n else find p (n + 1)
#guard find (· * 7 > 50) 0 == 8

def whileLoop (p : α → Bool) (f : α → α) (a : α) : Option α :=
  if p a then whileLoop p f (f a) else some a
partial_fixpoint
