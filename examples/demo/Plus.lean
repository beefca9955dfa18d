/-! The demo's example: addition by recursion on the first number, and a fact about the second. -/

namespace Demo

/-- Addition that takes the first number apart. -/
def plus : Nat → Nat → Nat
  | 0, m => m
  | n + 1, m => plus n m + 1

theorem plus_zero_comm (n : Nat) : plus n 0 = plus 0 n := by
  sorry

end Demo
