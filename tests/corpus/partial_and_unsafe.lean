/-! Code that leaves the total fragment, and what is proved beside it. -/
unsafe def castTo (α β : Type) [Inhabited β] (a : α) : β := unsafeCast a
@[implemented_by castTo] opaque castSafely (α β : Type) [Inhabited β] (a : α) : β
partial def loop (n : Nat) : Option Nat := if n > 100 then some n else loop (n * 2 + 1)
#guard loop 0 == some 127
def bang (xs : Array Nat) : Nat := xs[0]! + xs.back!
#guard bang #[1, 2] == 3
def opt (xs : Array Nat) : Option Nat := do return (← xs[0]?) + (← xs[1]?)
#guard opt #[1, 2] == some 3 && opt #[1] == none
def lazyVal : Thunk Nat := Thunk.mk fun _ => 3 * 4
#guard lazyVal.get == 12
def dbg (n : Nat) : Nat := if n = 0 then dbg_trace "zero"; 0 else n
def mustSome (o : Option Nat) (h : o.isSome) : Nat := o.get h
#guard mustSome (some 3) rfl == 3
structure Counter where
  private mk ::
  value : Nat
  small : value < 100
def Counter.zero : Counter := ⟨0, by decide⟩
def Counter.bump (c : Counter) : Counter := if h : c.value + 1 < 100 then ⟨_, h⟩ else .zero
theorem Counter.bump_small (c : Counter) : c.bump.value < 100 := c.bump.small
#guard Counter.zero.bump.bump.value == 2
def divmod (a b : Nat) (_h : b > 0 := by decide) : Nat × Nat := (a / b, a % b)
#guard divmod 7 2 == (3, 1)
def named (x : Nat) (y : Nat := x + 1) : Nat := x * y
#guard named (y := 5) 2 == 10 && named 2 == 6
def variadic : (xs : List Nat) → Nat := (·.sum)
#guard (variadic <| [1, 2] |>.map (· + 1)) == 5
def patterns : Nat × Option (List Nat) → Nat
  | (n, some (a :: _ :: _)) => n + a
  | (n, some [a]) => n * a
  | (0, none) => 100
  | (n@(_ + 1), none) => n
  | (_, some []) => 0
#guard patterns (2, some [3, 4]) == 5
