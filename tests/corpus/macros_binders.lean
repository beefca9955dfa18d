/-! Notation with binders, unexpanders, macro rules that recurse, categories of one's own. -/
syntax "exists_one " ident " : " term ", " term : term
macro_rules
  | `(exists_one $x:ident : $t, $p) =>
    `(Exists fun $x : $t => $p ∧ ∀ y : $t, (fun $x : $t => $p) y → y = $x)
example : exists_one n : Nat, n + 1 = 3 := ⟨2, rfl, fun y h => by simp at h; omega⟩

macro "sum_of " x:ident " in " xs:term " => " b:term : term => `(List.foldl (fun s $x => s + $b) 0 $xs)
#guard (sum_of k in [1, 2, 3] => k * k) == 14

notation:65 "‖" x "‖" => Int.natAbs x
#guard ‖(-3 : Int)‖ == 3
infixr:67 " ⊕⊕ " => fun (a b : List Nat) => a ++ b
prefix:max "♯" => List.length
def factorial (n : Nat) : Nat := (List.range n).foldl (fun a k => a * (k + 1)) 1
postfix:max "!" => factorial
#guard 5 ! == 120
#guard ♯[1, 2] == 2

declare_syntax_cat arith
syntax num : arith
syntax ident : arith
syntax arith " + " arith : arith
syntax arith " * " arith : arith
syntax "(" arith ")" : arith
syntax "[arith|" arith "]" : term
inductive Arith where
  | num (n : Nat) | var (s : String) | add (a b : Arith) | mul (a b : Arith)
deriving Repr, BEq
macro_rules
  | `([arith| $n:num]) => `(Arith.num $n)
  | `([arith| $x:ident]) => `(Arith.var $(Lean.quote (toString x.getId)))
  | `([arith| $a + $b]) => `(Arith.add [arith| $a] [arith| $b])
  | `([arith| $a * $b]) => `(Arith.mul [arith| $a] [arith| $b])
  | `([arith| ($a)]) => `([arith| $a])
#guard [arith| (x + 1) * 2] == .mul (.add (.var "x") (.num 1)) (.num 2)

@[app_unexpander Arith.num] def unexpandNum : Lean.PrettyPrinter.Unexpander
  | `($_ $n:num) => `([arith| $n:num])
  | _ => throw ()

macro "solve" : tactic => `(tactic| first | rfl | assumption | omega | simp_all)
example (a b : Nat) (h : a = b) : b = a := by solve
syntax "repeat_n " num tacticSeq : tactic
macro_rules
  | `(tactic| repeat_n $n $t) => match n.getNat with
    | 0 => `(tactic| skip)
    | k + 1 => `(tactic| ($t); repeat_n $(Lean.quote k) $t)
example (p q : Prop) (hp : p) (hq : q) : p ∧ q ∧ p := by
  repeat_n 2 constructor <;> try assumption
  all_goals assumption

macro "def_pair " n:ident " := " a:term " and " b:term : command => `(def $n := ($a, $b))
def_pair couple := 1 and "one"
#guard couple == (1, "one")
syntax "assert! " term : command
macro_rules | `(assert! $t) => `(#guard $t)
assert! couple.1 == 1

syntax (name := listOf) "⟦" term,* "⟧" : term
macro_rules
  | `(⟦⟧) => `([])
  | `(⟦$x⟧) => `([$x])
  | `(⟦$x, $xs,*⟧) => `($x :: ⟦$xs,*⟧)
#guard ⟦1, 2, 3⟧ == [1, 2, 3]
#guard s!"{1 + 1} and {[1, 2].map (· + 1)}" == "2 and [2, 3]"
