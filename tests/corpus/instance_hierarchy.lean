/-! A hierarchy of classes with default fields, `outParam`, local and scoped instances. -/
class Semigroup' (α : Type u) extends Mul α where
  mul_assoc : ∀ a b c : α, a * b * c = a * (b * c)

class Monoid' (α : Type u) extends Semigroup' α, One α where
  one_mul : ∀ a : α, 1 * a = a
  mul_one : ∀ a : α, a * 1 = a
  npow : Nat → α → α := fun n a => n.repeat (fun b => b * a) 1

class CommMonoid' (α : Type u) extends Monoid' α where
  mul_comm : ∀ a b : α, a * b = b * a

instance : CommMonoid' Nat where
  mul_assoc := Nat.mul_assoc
  one_mul := Nat.one_mul
  mul_one := Nat.mul_one
  mul_comm := Nat.mul_comm

theorem mul_left_comm' [CommMonoid' α] (a b c : α) : a * (b * c) = b * (a * c) := by
  rw [← Semigroup'.mul_assoc, CommMonoid'.mul_comm a b, Semigroup'.mul_assoc]

instance [Monoid' α] [Monoid' β] : Monoid' (α × β) where
  mul p q := (p.1 * q.1, p.2 * q.2)
  one := (1, 1)
  mul_assoc _ _ _ := Prod.ext (Semigroup'.mul_assoc ..) (Semigroup'.mul_assoc ..)
  one_mul _ := Prod.ext (Monoid'.one_mul _) (Monoid'.one_mul _)
  mul_one _ := Prod.ext (Monoid'.mul_one _) (Monoid'.mul_one _)

#guard Monoid'.npow 3 (2 : Nat) == 8
#guard ((2, 3) * (4, 5) : Nat × Nat) == (8, 15)

class Container (f : Type u) (elem : outParam (Type v)) where
  empty : f
  insert : elem → f → f
  toList : f → List elem

instance : Container (List α) α := ⟨[], List.cons, id⟩
instance : Container (Array α) α := ⟨#[], fun a xs => xs.push a, Array.toList⟩

def fill [Container f e] (xs : List e) : f := xs.foldr Container.insert Container.empty
#guard (fill [1, 2, 3] : Array Nat) == #[3, 2, 1]

namespace Loud
scoped instance : ToString Bool := ⟨fun b => if b then "YES" else "NO"⟩
#guard toString true == "YES"
end Loud
#guard toString true == "true"

instance (priority := low) fallback : Inhabited Nat := ⟨42⟩
example : (default : Nat) = 0 := rfl

abbrev Both (α : Type) := Inhabited α × DecidableEq α
class abbrev Pretty (α : Type) := ToString α, Inhabited α
def pretty [Pretty α] (_ : α) : String := toString (default : α)
#guard pretty (5 : Nat) == "0"
