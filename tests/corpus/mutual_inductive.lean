/-! Mutual, nested and indexed inductive types, with proofs about them. -/
mutual
  inductive Even : Nat → Prop where
    | zero : Even 0
    | succ : Odd n → Even (n + 1)
  inductive Odd : Nat → Prop where
    | succ : Even n → Odd (n + 1)
end

mutual
  theorem Even.two_dvd : Even n → ∃ k, n = 2 * k
    | .zero => ⟨0, rfl⟩
    | .succ h => have ⟨k, hk⟩ := h.one_mod; ⟨k + 1, by omega⟩
  theorem Odd.one_mod : Odd n → ∃ k, n = 2 * k + 1
    | .succ h => have ⟨k, hk⟩ := h.two_dvd; ⟨k, by omega⟩
end

mutual
  inductive Term where
    | var (n : String)
    | app (f : String) (args : Terms)
  deriving Repr
  inductive Terms where
    | nil
    | cons (t : Term) (ts : Terms)
  deriving Repr
end
mutual
  def Term.vars : Term → List String
    | .var n => [n]
    | .app _ ts => ts.vars
  def Terms.vars : Terms → List String
    | .nil => []
    | .cons t ts => t.vars ++ ts.vars
end
#guard (Term.app "f" (.cons (.var "x") (.cons (.var "y") .nil))).vars == ["x", "y"]

inductive Vect (α : Type u) : Nat → Type u where
  | nil : Vect α 0
  | cons : α → Vect α n → Vect α (n + 1)
namespace Vect
def head : Vect α (n + 1) → α
  | cons a _ => a
def map (f : α → β) : Vect α n → Vect β n
  | nil => nil
  | cons a v => cons (f a) (map f v)
def toList : Vect α n → List α
  | nil => []
  | cons a v => a :: toList v
theorem length_toList : (v : Vect α n) → v.toList.length = n
  | nil => rfl
  | cons _ v => by simp [toList, length_toList v]
end Vect

inductive Ty where
  | nat | fn (a b : Ty)
deriving DecidableEq, Repr
@[reducible] def Ty.denote : Ty → Type
  | nat => Nat
  | fn a b => a.denote → b.denote
inductive Lam : List Ty → Ty → Type where
  | var (i : Fin Γ.length) : Lam Γ Γ[i]
  | lit (n : Nat) : Lam Γ .nat
  | abs (b : Lam (a :: Γ) t) : Lam Γ (.fn a t)
  | app (f : Lam Γ (.fn a t)) (x : Lam Γ a) : Lam Γ t
inductive HList (f : ι → Type) : List ι → Type where
  | nil : HList f []
  | cons : f i → HList f is → HList f (i :: is)
def HList.get {is : List ι} {f : ι → Type} : HList f is → (i : Fin is.length) → f is[i]
  | cons x _, ⟨0, _⟩ => x
  | cons _ xs, ⟨i + 1, h⟩ => xs.get ⟨i, Nat.lt_of_succ_lt_succ h⟩
def Lam.eval (env : HList Ty.denote Γ) : Lam Γ t → t.denote
  | var i => env.get i
  | lit n => n
  | abs b => fun x => b.eval (.cons x env)
  | app f x => f.eval env (x.eval env)
#guard Lam.eval .nil (.app (.abs (.var ⟨0, by decide⟩)) (.lit 3) : Lam [] .nat) == 3

structure Point (α : Type u) where
  x : α
  y : α
deriving DecidableEq, Hashable, Ord, Inhabited, Repr
inductive Colour where
  | red | green | blue
deriving Repr, BEq
deriving instance DecidableEq, Hashable, Ord for Colour
#guard compare Colour.red Colour.blue == .lt
example : Colour.red ≠ Colour.blue := by decide
example (c : Colour) : c = .red ∨ c = .green ∨ c = .blue := by cases c <;> simp
