/-! The demo's example: a queue made of two lists, and a fact that takes a lemma-free induction. -/

namespace Demo

/-- Adds the elements to the accumulator, one after the other. -/
def sumAcc : List Nat → Nat → Nat
  | [], acc => acc
  | x :: xs, acc => sumAcc xs (x + acc)

theorem sumAcc_add (xs : List Nat) (a b : Nat) : sumAcc xs (a + b) = sumAcc xs a + b := by
  sorry

end Demo
