/-! Small verified programs, as people write them. -/
namespace BST
inductive Tree where
  | leaf
  | node (l : Tree) (k : Nat) (r : Tree)
deriving Repr
open Tree
def insert (x : Nat) : Tree → Tree
  | leaf => node leaf x leaf
  | node l k r => if x < k then node (insert x l) k r else if k < x then node l k (insert x r) else node l k r
def Mem (x : Nat) : Tree → Prop
  | leaf => False
  | node l k r => x = k ∨ Mem x l ∨ Mem x r
theorem mem_insert (x : Nat) (t : Tree) : Mem x (insert x t) := by
  induction t with
  | leaf => simp [insert, Mem]
  | node l k r ihl ihr =>
    simp only [insert]
    split
    · exact .inr (.inl ihl)
    · split
      · exact .inr (.inr ihr)
      · exact .inl (by omega)
def mirror : Tree → Tree
  | leaf => leaf
  | node l k r => node (mirror r) k (mirror l)
@[simp] theorem mirror_mirror (t : Tree) : mirror (mirror t) = t := by
  induction t <;> simp_all [mirror]
end BST

namespace Compiler
inductive Expr where
  | num (n : Int) | add (a b : Expr) | mul (a b : Expr)
inductive Instr where
  | push (n : Int) | add | mul
def Expr.eval : Expr → Int
  | num n => n
  | add a b => a.eval + b.eval
  | mul a b => a.eval * b.eval
def Expr.compile : Expr → List Instr
  | num n => [.push n]
  | add a b => a.compile ++ b.compile ++ [.add]
  | mul a b => a.compile ++ b.compile ++ [.mul]
def run : List Instr → List Int → List Int
  | [], s => s
  | .push n :: p, s => run p (n :: s)
  | .add :: p, b :: a :: s => run p ((a + b) :: s)
  | .mul :: p, b :: a :: s => run p ((a * b) :: s)
  | _ :: p, s => run p s
theorem run_compile (e : Expr) (p : List Instr) (s : List Int) :
    run (e.compile ++ p) s = run p (e.eval :: s) := by
  induction e generalizing p s with
  | num n => rfl
  | add a b iha ihb => simp [Expr.compile, Expr.eval, List.append_assoc, iha, ihb, run]
  | mul a b iha ihb => simp [Expr.compile, Expr.eval, List.append_assoc, iha, ihb, run]
theorem correct (e : Expr) : run e.compile [] = [e.eval] := by
  have := run_compile e [] []
  simpa [run] using this
end Compiler

namespace Sorting
def insert (x : Nat) : List Nat → List Nat
  | [] => [x]
  | y :: ys => if x ≤ y then x :: y :: ys else y :: insert x ys
def sort : List Nat → List Nat
  | [] => []
  | x :: xs => insert x (sort xs)
inductive Sorted : List Nat → Prop where
  | nil : Sorted []
  | single : Sorted [x]
  | cons : x ≤ y → Sorted (y :: ys) → Sorted (x :: y :: ys)
theorem insert_sorted (x : Nat) (h : Sorted xs) : Sorted (insert x xs) := by
  induction h with
  | nil => exact .single
  | single => simp only [insert]; split <;> constructor <;> first | omega | exact .single
  | cons hxy _ ih =>
    simp only [insert] at *
    repeat' split at *
    all_goals grind [Sorted]
theorem sort_sorted (xs : List Nat) : Sorted (sort xs) := by
  induction xs with
  | nil => exact .nil
  | cons x xs ih => exact insert_sorted x ih
theorem length_insert (x : Nat) (xs : List Nat) : (insert x xs).length = xs.length + 1 := by
  induction xs with
  | nil => rfl
  | cons y ys ih => simp only [insert]; split <;> simp [ih]
#guard sort [3, 1, 2] == [1, 2, 3]
end Sorting

def reverseAcc (xs acc : List α) : List α := match xs with
  | [] => acc
  | x :: xs => reverseAcc xs (x :: acc)
theorem reverseAcc_eq (xs acc : List α) : reverseAcc xs acc = xs.reverse ++ acc := by
  induction xs generalizing acc with
  | nil => rfl
  | cons x xs ih => simp [reverseAcc, ih]
def power (b : Nat) : Nat → Nat
  | 0 => 1
  | n + 1 => b * power b n
theorem power_add (b m n : Nat) : power b (m + n) = power b m * power b n := by
  induction m with
  | zero => simp [power]
  | succ m ih => rw [Nat.succ_add, power, ih, power, Nat.mul_assoc]
