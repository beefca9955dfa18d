/-! Arithmetic expressions: evaluation, constant folding, substitution of a variable, and a
compiler to a stack machine which is proved correct. -/

namespace Expressions

inductive Expr where
  | num (n : Nat) : Expr
  | var (k : Nat) : Expr
  | add (a b : Expr) : Expr
  | mul (a b : Expr) : Expr

open Expr

def eval (f : Nat → Nat) : Expr → Nat
  | num n => n
  | var k => f k
  | add a b => eval f a + eval f b
  | mul a b => eval f a * eval f b

def size : Expr → Nat
  | num _ => 1
  | var _ => 1
  | add a b => size a + size b + 1
  | mul a b => size a + size b + 1

def swap : Expr → Expr
  | num n => num n
  | var k => var k
  | add a b => add (swap b) (swap a)
  | mul a b => mul (swap b) (swap a)

def addS : Expr → Expr → Expr
  | num 0, b => b
  | num n, num m => num (n + m)
  | a, b => add a b

def simp1 : Expr → Expr
  | num n => num n
  | var k => var k
  | add a b => addS (simp1 a) (simp1 b)
  | mul a b => mul (simp1 a) (simp1 b)

def subst (k : Nat) (c : Expr) : Expr → Expr
  | num n => num n
  | var m => if m = k then c else var m
  | add a b => add (subst k c a) (subst k c b)
  | mul a b => mul (subst k c a) (subst k c b)

def update (f : Nat → Nat) (k n : Nat) : Nat → Nat :=
  fun m => if m = k then n else f m

inductive Occurs (k : Nat) : Expr → Prop
  | var : Occurs k (var k)
  | addl (a b : Expr) : Occurs k a → Occurs k (add a b)
  | addr (a b : Expr) : Occurs k b → Occurs k (add a b)
  | mull (a b : Expr) : Occurs k a → Occurs k (mul a b)
  | mulr (a b : Expr) : Occurs k b → Occurs k (mul a b)

inductive Instr where
  | push (n : Nat) : Instr
  | load (k : Nat) : Instr
  | plus : Instr
  | times : Instr

open Instr

def step (f : Nat → Nat) : Instr → List Nat → List Nat
  | push n, xs => n :: xs
  | load k, xs => f k :: xs
  | plus, y :: x :: xs => (x + y) :: xs
  | times, y :: x :: xs => (x * y) :: xs
  | _, xs => xs

def run (f : Nat → Nat) : List Instr → List Nat → List Nat
  | [], xs => xs
  | c :: cs, xs => run f cs (step f c xs)

def compile : Expr → List Instr
  | num n => [push n]
  | var k => [load k]
  | add a b => compile a ++ (compile b ++ [plus])
  | mul a b => compile a ++ (compile b ++ [times])

theorem eval_swap (f : Nat → Nat) (e : Expr) : eval f (swap e) = eval f e := by
  induction e with
  | num n => rfl
  | var k => rfl
  | add a b iha ihb =>
    simp only [swap, eval]
    rw [iha, ihb, Nat.add_comm]
  | mul a b iha ihb =>
    simp only [swap, eval]
    rw [iha, ihb, Nat.mul_comm]

theorem swap_swap (e : Expr) : swap (swap e) = e := by
  induction e with
  | num n => rfl
  | var k => rfl
  | add a b iha ihb =>
    simp only [swap]
    rw [iha, ihb]
  | mul a b iha ihb =>
    simp only [swap]
    rw [iha, ihb]

theorem size_pos (e : Expr) : 0 < size e := by
  cases e with
  | num n => exact Nat.one_pos
  | var k => exact Nat.one_pos
  | add a b => exact Nat.succ_pos (size a + size b)
  | mul a b => exact Nat.succ_pos (size a + size b)

theorem eval_addS (f : Nat → Nat) (a b : Expr) : eval f (addS a b) = eval f a + eval f b := by
  unfold addS
  split
  · simp only [eval]
    omega
  · rfl
  · rfl

theorem eval_simp1 (f : Nat → Nat) (e : Expr) : eval f (simp1 e) = eval f e := by
  induction e with
  | num n => rfl
  | var k => rfl
  | add a b iha ihb =>
    simp only [simp1, eval]
    rw [eval_addS, iha, ihb]
  | mul a b iha ihb =>
    simp only [simp1, eval]
    rw [iha, ihb]

theorem size_addS (a b : Expr) : size (addS a b) ≤ size a + size b + 1 := by
  unfold addS
  split
  · omega
  · simp [size]
  · exact Nat.le_refl _

theorem size_simp1 (e : Expr) : size (simp1 e) ≤ size e := by
  induction e with
  | num n => exact Nat.le_refl _
  | var k => exact Nat.le_refl _
  | add a b iha ihb =>
    simp only [simp1, size]
    have h := size_addS (simp1 a) (simp1 b)
    omega
  | mul a b iha ihb =>
    simp only [simp1, size]
    omega

theorem eval_congr (f g : Nat → Nat) (h : ∀ k, f k = g k) (e : Expr) :
    eval f e = eval g e := by
  have h1 : f = g := by
    funext k
    exact h k
  rw [h1]

theorem eval_subst (f : Nat → Nat) (k : Nat) (c e : Expr) :
    eval f (subst k c e) = eval (update f k (eval f c)) e := by
  induction e with
  | num n => rfl
  | var m =>
    simp only [subst, eval, update]
    split
    · rfl
    · rfl
  | add a b iha ihb =>
    simp only [subst, eval]
    rw [iha, ihb]
  | mul a b iha ihb =>
    simp only [subst, eval]
    rw [iha, ihb]

theorem subst_var_self (k : Nat) (e : Expr) : subst k (var k) e = e := by
  induction e with
  | num n => rfl
  | var m =>
    simp only [subst]
    split
    · rename_i h
      rw [h]
    · rfl
  | add a b iha ihb =>
    simp only [subst]
    rw [iha, ihb]
  | mul a b iha ihb =>
    simp only [subst]
    rw [iha, ihb]

theorem subst_of_not_occurs (k : Nat) (c e : Expr) (h : ¬ Occurs k e) : subst k c e = e := by
  induction e with
  | num n => rfl
  | var m =>
    simp only [subst]
    by_cases h1 : m = k
    · subst h1
      exfalso
      exact h Occurs.var
    · rw [if_neg h1]
  | add a b iha ihb =>
    simp only [subst]
    rw [iha (fun h1 => h (Occurs.addl a b h1)), ihb (fun h1 => h (Occurs.addr a b h1))]
  | mul a b iha ihb =>
    simp only [subst]
    rw [iha (fun h1 => h (Occurs.mull a b h1)), ihb (fun h1 => h (Occurs.mulr a b h1))]

theorem occurs_swap (k : Nat) (e : Expr) (h : Occurs k e) : Occurs k (swap e) := by
  induction h with
  | var => exact Occurs.var
  | addl a b _ ih => exact Occurs.addr (swap b) (swap a) ih
  | addr a b _ ih => exact Occurs.addl (swap b) (swap a) ih
  | mull a b _ ih => exact Occurs.mulr (swap b) (swap a) ih
  | mulr a b _ ih => exact Occurs.mull (swap b) (swap a) ih

theorem run_append (f : Nat → Nat) (cs ds : List Instr) (xs : List Nat) :
    run f (cs ++ ds) xs = run f ds (run f cs xs) := by
  induction cs generalizing xs with
  | nil => rfl
  | cons c cs ih =>
    simp only [List.cons_append, run]
    exact ih (step f c xs)

theorem run_compile (f : Nat → Nat) (e : Expr) (xs : List Nat) :
    run f (compile e) xs = eval f e :: xs := by
  induction e generalizing xs with
  | num n => rfl
  | var k => rfl
  | add a b iha ihb =>
    simp only [compile, eval]
    rw [run_append, iha, run_append, ihb]
    rfl
  | mul a b iha ihb =>
    simp only [compile, eval]
    rw [run_append, iha, run_append, ihb]
    rfl

theorem compile_correct (f : Nat → Nat) (e : Expr) : run f (compile e) [] = [eval f e] := by
  rw [run_compile]

theorem run_compile_append (f : Nat → Nat) (e : Expr) (cs : List Instr) (xs : List Nat) :
    run f (compile e ++ cs) xs = run f cs (eval f e :: xs) := by
  rw [run_append, run_compile]

theorem length_compile (e : Expr) : (compile e).length = size e := by
  induction e with
  | num n => rfl
  | var k => rfl
  | add a b iha ihb =>
    simp only [compile, size, List.length_append, List.length_cons, List.length_nil]
    omega
  | mul a b iha ihb =>
    simp only [compile, size, List.length_append, List.length_cons, List.length_nil]
    omega

end Expressions
