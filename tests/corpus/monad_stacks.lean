/-! Stacks of monad transformers, exceptions, and what runs in them. -/
inductive Err where
  | notFound (key : String)
  | divByZero
deriving Repr, BEq

structure Config where
  verbose : Bool := false
  limit : Nat := 10

abbrev App := ReaderT Config (StateT Nat (ExceptT Err Id))

def tick : App Unit := modify (· + 1)
def divide (a b : Nat) : App Nat := do
  tick
  if b == 0 then throw .divByZero
  return a / b
def safely (x : App Nat) : App Nat := do
  try x catch
    | .divByZero => return 0
    | e => throw e
def program : App Nat := do
  let a ← divide 10 2
  let b ← safely (divide 1 0)
  unless a + b < (← read).limit do throw (.notFound "limit")
  for i in [1, 2, 3] do
    if i == 2 then continue
    tick
  return a + b
#guard match (program.run {}).run 0 with
  | .ok (v, n) => v == 5 && n == 3
  | .error _ => false
#guard match (program.run { limit := 1 }).run 0 with
  | .error e => e == .notFound "limit"
  | .ok _ => false

def lookup (m : List (String × Nat)) (k : String) : Except Err Nat := do
  let some (_, v) := m.find? (·.1 == k) | throw (.notFound k)
  pure v
#guard (lookup [("a", 1)] "a").toOption == some 1
#guard (lookup [] "a" |>.toOption) == none

def sumEvens (xs : Array Nat) : StateM Nat Unit := do
  for h : i in [0:xs.size] do
    if xs[i] % 2 != 0 then continue
    modify (· + xs[i])
#guard ((sumEvens #[1, 2, 3, 4]).run 0).2 == 6

def firstBig (xs : List Nat) : Option Nat := do
  for x in xs do
    if x > 100 then return x
  none
#guard firstBig [1, 200, 300] == some 200

def early : ExceptT String (StateM Nat) Nat := do
  set 1
  tryCatch (do set 2; throw "no") fun _ => return (← get)
#guard (early.run.run 0).1.toOption == some 2

def withFinally : IO Nat := do
  let r ← IO.mkRef 0
  try
    r.set 1
    throw <| IO.userError "stop"
  catch _ => r.modify (· + 10)
  finally r.modify (· + 100)
  r.get
#eval show IO Unit from do
  unless (← withFinally) == 111 do throw <| IO.userError "wrong"

instance : MonadLift (Except Err) App := ⟨fun | .ok a => pure a | .error e => throw e⟩
def lifted : App Nat := do return (← lookup [("k", 3)] "k") + 1
#guard match (lifted.run {}).run 0 with | .ok (v, _) => v == 4 | _ => false

theorem state_get_set (s : σ) : (do set (← get) : StateM σ PUnit).run s = (pure ((), s) : Id _) := rfl
