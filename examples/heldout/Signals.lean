/-! State machines on enumerations: a turnstile with a jam state, two traffic lights
with an interlock, and a machine that remembers the last signal. -/

namespace Signals

inductive Gate where
  | locked
  | opened
  | jammed
  deriving DecidableEq

inductive Input where
  | coin
  | push
  | kick
  deriving DecidableEq

inductive Light where
  | red
  | amber
  | green
  deriving DecidableEq

inductive Phase where
  | idle
  | busy

open Gate Input Light Phase

def step : Gate → Input → Gate
  | jammed, _ => jammed
  | _, kick => jammed
  | _, coin => opened
  | _, push => locked

def run : Gate → List Input → Gate
  | s, [] => s
  | s, i :: is => run (step s i) is

def passed : Gate → List Input → Nat
  | _, [] => 0
  | opened, push :: is => passed locked is + 1
  | s, i :: is => passed (step s i) is

def coins : List Input → Nat
  | [] => 0
  | coin :: is => coins is + 1
  | _ :: is => coins is

def credit : Gate → Nat
  | opened => 1
  | _ => 0

inductive Reach : Light → Light → Prop where
  | start : Reach red red
  | goLeft (b : Light) : Reach red b → b = red → Reach green b
  | goRight (a : Light) : Reach a red → a = red → Reach a green
  | slowLeft (b : Light) : Reach green b → Reach amber b
  | slowRight (a : Light) : Reach a green → Reach a amber
  | stopLeft (b : Light) : Reach amber b → Reach red b
  | stopRight (a : Light) : Reach a amber → Reach a red

def flips : Phase → Nat → Phase
  | s, 0 => s
  | idle, n + 1 => flips busy n
  | busy, n + 1 => flips idle n

theorem jammed_forever (is : List Input) : run jammed is = jammed := by
  induction is with
  | nil => rfl
  | cons i is ih =>
    simp only [run, step]
    exact ih

theorem kick_jams (s : Gate) : step s kick = jammed := by
  cases s with
  | locked => rfl
  | opened => rfl
  | jammed => rfl

theorem kicked_jams (s : Gate) (is : List Input) (h : kick ∈ is) : run s is = jammed := by
  induction is generalizing s with
  | nil => contradiction
  | cons i is ih =>
    simp only [run]
    cases h with
    | head =>
      rw [kick_jams]
      exact jammed_forever is
    | tail _ h => exact ih (step s i) h

theorem working_not_kicked (s : Gate) (is : List Input) (h : run s is ≠ jammed) : kick ∉ is := by
  intro h1
  apply h
  exact kicked_jams s is h1

theorem jam_has_cause (s : Gate) (is : List Input) (h : run s is = jammed) :
    s = jammed ∨ kick ∈ is := by
  induction is generalizing s with
  | nil =>
    left
    exact h
  | cons i is ih =>
    simp only [run] at h
    cases ih (step s i) h with
    | inl h1 =>
      cases i with
      | kick =>
        right
        exact List.mem_cons_self
      | coin =>
        left
        cases s with
        | jammed => rfl
        | locked => contradiction
        | opened => contradiction
      | push =>
        left
        cases s with
        | jammed => rfl
        | locked => contradiction
        | opened => contradiction
    | inr h1 =>
      right
      exact List.mem_cons_of_mem i h1

theorem coins_open (n : Nat) : run opened (List.replicate n coin) = opened := by
  induction n with
  | zero => rfl
  | succ n ih =>
    simp only [List.replicate_succ, run, step]
    exact ih

theorem passed_le_coins (s : Gate) (is : List Input) : passed s is ≤ coins is + credit s := by
  induction is generalizing s with
  | nil =>
    simp only [passed]
    exact Nat.zero_le _
  | cons i is ih =>
    cases i with
    | coin =>
      have h : passed s (coin :: is) = passed (step s coin) is := by
        cases s <;> rfl
      have h1 : credit (step s coin) ≤ 1 := by
        cases s <;> decide
      have h2 := ih (step s coin)
      simp only [h, coins]
      omega
    | push =>
      cases s with
      | opened =>
        simp only [passed, coins, credit]
        have h := ih locked
        simp only [credit] at h
        omega
      | locked => exact ih locked
      | jammed => exact ih jammed
    | kick =>
      have h : passed s (kick :: is) = passed (step s kick) is := by
        cases s <;> rfl
      rw [h, kick_jams]
      have h1 := ih jammed
      simp only [credit] at h1
      simp only [coins]
      omega

theorem locked_needs_coin (is : List Input) (h : coins is = 0) : passed locked is = 0 := by
  have h1 := passed_le_coins locked is
  simp only [credit] at h1
  omega

theorem one_is_red (a b : Light) (h : Reach a b) : a = red ∨ b = red := by
  induction h with
  | start =>
    left
    rfl
  | goLeft b _ hb _ =>
    right
    exact hb
  | goRight a _ ha _ =>
    left
    exact ha
  | slowLeft b _ ih =>
    cases ih with
    | inl h => contradiction
    | inr h =>
      right
      exact h
  | slowRight a _ ih =>
    cases ih with
    | inl h =>
      left
      exact h
    | inr h => contradiction
  | stopLeft b _ _ =>
    left
    rfl
  | stopRight a _ _ =>
    right
    rfl

theorem never_both_green : ¬Reach green green := by
  intro h
  cases one_is_red green green h with
  | inl h => contradiction
  | inr h => contradiction

theorem reach_all_left (a : Light) : Reach a red := by
  have h : Reach green red := by
    apply Reach.goLeft
    · exact Reach.start
    · rfl
  cases a with
  | red => exact Reach.start
  | green => exact h
  | amber =>
    apply Reach.slowLeft
    exact h

theorem reach_symm (a b : Light) (h : Reach a b) : Reach b a := by
  induction h with
  | start => exact Reach.start
  | goLeft b _ hb ih => exact Reach.goRight b ih hb
  | goRight a _ ha ih => exact Reach.goLeft a ih ha
  | slowLeft b _ ih => exact Reach.slowRight b ih
  | slowRight a _ ih => exact Reach.slowLeft a ih
  | stopLeft b _ ih => exact Reach.stopRight b ih
  | stopRight a _ ih => exact Reach.stopLeft a ih

theorem flips_ne (n : Nat) : flips idle n ≠ flips busy n := by
  induction n with
  | zero =>
    intro h
    contradiction
  | succ n ih =>
    simp only [flips]
    intro h
    apply ih
    exact h.symm

theorem flips_parity (n : Nat) :
    (flips idle n = idle ↔ n % 2 = 0) ∧ (flips busy n = idle ↔ n % 2 = 1) := by
  induction n with
  | zero =>
    constructor
    · simp [flips]
    · simp [flips]
  | succ n ih =>
    obtain ⟨h1, h2⟩ := ih
    simp only [flips]
    constructor
    · rw [h2]
      omega
    · rw [h1]
      omega

end Signals
