/-! The demo's example: addition by recursion on the first number, and what takes two inductions. -/

namespace Demo

/-- Addition that takes the first number apart. -/
def plus : Nat → Nat → Nat
  | 0, m => m
  | n + 1, m => plus n m + 1

theorem plus_comm (n m : Nat) : plus n m = plus m n := by
  sorry

end Demo
