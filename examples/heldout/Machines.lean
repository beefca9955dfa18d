/-! A small language of counter commands with bounded loops (execution, big steps, an optimizer),
and boolean formulas compiled to decision trees. -/

namespace Machines

abbrev State := Nat → Nat

inductive Cmd where
  | skip : Cmd
  | inc (k : Nat) : Cmd
  | seq (c d : Cmd) : Cmd
  | loop (n : Nat) (c : Cmd) : Cmd
  | test (k : Nat) (c d : Cmd) : Cmd

open Cmd

def bump (k : Nat) (s : State) : State := fun m => if m = k then s m + 1 else s m

def iter (f : State → State) : Nat → State → State
  | 0, s => s
  | n + 1, s => iter f n (f s)

def exec : Cmd → State → State
  | skip, s => s
  | inc k, s => bump k s
  | seq c d, s => exec d (exec c s)
  | loop n c, s => iter (exec c) n s
  | test k c d, s => if s k = 0 then exec c s else exec d s

def join : Cmd → Cmd → Cmd
  | skip, d => d
  | c, skip => c
  | c, d => seq c d

def tidy : Cmd → Cmd
  | skip => skip
  | inc k => inc k
  | seq c d => join (tidy c) (tidy d)
  | loop n c => loop n (tidy c)
  | test k c d => test k (tidy c) (tidy d)

inductive Big : Cmd → State → State → Prop
  | skip (s : State) : Big skip s s
  | inc (k : Nat) (s : State) : Big (inc k) s (bump k s)
  | seq (c d : Cmd) (s t u : State) : Big c s t → Big d t u → Big (seq c d) s u
  | done (c : Cmd) (s : State) : Big (loop 0 c) s s
  | more (n : Nat) (c : Cmd) (s t u : State) :
      Big c s t → Big (loop n c) t u → Big (loop (n + 1) c) s u
  | zero (k : Nat) (c d : Cmd) (s t : State) : s k = 0 → Big c s t → Big (test k c d) s t
  | succ (k : Nat) (c d : Cmd) (s t : State) : s k ≠ 0 → Big d s t → Big (test k c d) s t

inductive Writes (k : Nat) : Cmd → Prop
  | inc : Writes k (inc k)
  | seql (c d : Cmd) : Writes k c → Writes k (seq c d)
  | seqr (c d : Cmd) : Writes k d → Writes k (seq c d)
  | loop (n : Nat) (c : Cmd) : Writes k c → Writes k (loop n c)
  | testl (m : Nat) (c d : Cmd) : Writes k c → Writes k (test m c d)
  | testr (m : Nat) (c d : Cmd) : Writes k d → Writes k (test m c d)

inductive Form where
  | lit (b : Bool) : Form
  | atom (k : Nat) : Form
  | neg (p : Form) : Form
  | conj (p q : Form) : Form

inductive Dec where
  | out (b : Bool) : Dec
  | ask (k : Nat) (l r : Dec) : Dec

open Form Dec

def truth (f : Nat → Bool) : Form → Bool
  | lit b => b
  | atom k => f k
  | neg p => !truth f p
  | conj p q => truth f p && truth f q

def walk (f : Nat → Bool) : Dec → Bool
  | out b => b
  | ask k l r => if f k then walk f l else walk f r

def build : Form → Dec → Dec → Dec
  | lit true, l, _ => l
  | lit false, _, r => r
  | atom k, l, r => ask k l r
  | neg p, l, r => build p r l
  | conj p q, l, r => build p (build q l r) r

def forget (k : Nat) (b : Bool) : Dec → Dec
  | out c => out c
  | ask m l r =>
    if m = k then (if b then forget k b l else forget k b r)
    else ask m (forget k b l) (forget k b r)

theorem bump_comm (k m : Nat) (s : State) : bump k (bump m s) = bump m (bump k s) := by
  funext n
  unfold bump
  by_cases h1 : n = k
  · by_cases h2 : n = m
    · rw [if_pos h1, if_pos h2, if_pos h1, if_pos h2]
    · rw [if_pos h1, if_neg h2, if_neg h2, if_pos h1]
  · rw [if_neg h1, if_neg h1]

theorem iter_invariant (f : State → State) (P : State → Prop) (h : ∀ s, P s → P (f s)) (n : Nat)
    (s : State) (hs : P s) : P (iter f n s) := by
  induction n generalizing s with
  | zero => exact hs
  | succ n ih =>
    simp only [iter]
    apply ih
    exact h s hs

theorem iter_bump (k n : Nat) (s : State) : iter (bump k) n s k = s k + n := by
  induction n generalizing s with
  | zero => rfl
  | succ n ih =>
    simp only [iter]
    rw [ih]
    simp only [bump]
    rw [if_pos trivial]
    omega

theorem exec_grows (c : Cmd) (k : Nat) (s : State) : s k ≤ exec c s k := by
  induction c generalizing s with
  | skip => exact Nat.le_refl (s k)
  | inc m =>
    simp only [exec, bump]
    split
    · omega
    · omega
  | seq c d ihc ihd =>
    simp only [exec]
    exact Nat.le_trans (ihc s) (ihd (exec c s))
  | loop n c ih =>
    simp only [exec]
    apply iter_invariant (exec c) (fun t => s k ≤ t k)
    · intro t ht
      exact Nat.le_trans ht (ih t)
    · exact Nat.le_refl (s k)
  | test m c d ihc ihd =>
    simp only [exec]
    split
    · exact ihc s
    · exact ihd s

theorem exec_join (c d : Cmd) (s : State) : exec (join c d) s = exec d (exec c s) := by
  unfold join
  split
  · rfl
  · rfl
  · rfl

theorem exec_tidy (c : Cmd) : exec (tidy c) = exec c := by
  induction c with
  | skip => rfl
  | inc k => rfl
  | seq c d ihc ihd =>
    funext s
    simp only [tidy]
    rw [exec_join, ihc, ihd]
    rfl
  | loop n c ih =>
    funext s
    simp only [tidy, exec]
    rw [ih]
  | test k c d ihc ihd =>
    funext s
    simp only [tidy, exec]
    rw [ihc, ihd]

theorem big_exec (c : Cmd) (s : State) : Big c s (exec c s) := by
  induction c generalizing s with
  | skip => exact Big.skip s
  | inc k => exact Big.inc k s
  | seq c d ihc ihd =>
    apply Big.seq c d s (exec c s)
    · exact ihc s
    · exact ihd (exec c s)
  | loop n c ih =>
    simp only [exec]
    induction n generalizing s with
    | zero => exact Big.done c s
    | succ n ihn =>
      apply Big.more n c s (exec c s)
      · exact ih s
      · exact ihn (exec c s)
  | test k c d ihc ihd =>
    simp only [exec]
    split
    · rename_i h
      exact Big.zero k c d s _ h (ihc s)
    · rename_i h
      exact Big.succ k c d s _ h (ihd s)

theorem exec_of_big (c : Cmd) (s t : State) (h : Big c s t) : exec c s = t := by
  induction h with
  | skip s => rfl
  | inc k s => rfl
  | seq c d s t u _ _ ih1 ih2 =>
    simp only [exec]
    rw [ih1, ih2]
  | done c s => rfl
  | more n c s t u _ _ ih1 ih2 =>
    simp only [exec, iter] at ih2 ⊢
    rw [ih1, ih2]
  | zero k c d s t h _ ih =>
    simp only [exec]
    rw [if_pos h, ih]
  | succ k c d s t h _ ih =>
    simp only [exec]
    rw [if_neg h, ih]

theorem big_join (c d : Cmd) (s t : State) : Big (join c d) s t ↔ Big (seq c d) s t := by
  constructor
  · intro h
    rw [← exec_of_big _ s t h, exec_join]
    exact big_exec (seq c d) s
  · intro h
    rw [← exec_of_big _ s t h]
    have h1 := big_exec (join c d) s
    rw [exec_join] at h1
    exact h1

theorem exec_of_not_writes (k : Nat) (c : Cmd) (h : ¬ Writes k c) (s : State) :
    exec c s k = s k := by
  induction c generalizing s with
  | skip => rfl
  | inc m =>
    simp only [exec, bump]
    by_cases h1 : k = m
    · subst h1
      exfalso
      exact h Writes.inc
    · rw [if_neg h1]
  | seq c d ihc ihd =>
    simp only [exec]
    rw [ihd (fun hd => h (Writes.seqr c d hd)), ihc (fun hc => h (Writes.seql c d hc))]
  | loop n c ih =>
    simp only [exec]
    apply iter_invariant (exec c) (fun t => t k = s k)
    · intro t ht
      rw [ih (fun hc => h (Writes.loop n c hc)), ht]
    · rfl
  | test m c d ihc ihd =>
    simp only [exec]
    split
    · exact ihc (fun hc => h (Writes.testl m c d hc)) s
    · exact ihd (fun hd => h (Writes.testr m c d hd)) s

theorem exec_inc_test (k : Nat) (c d : Cmd) (s : State) :
    exec (seq (inc k) (test k c d)) s = exec d (bump k s) := by
  have h : bump k s k ≠ 0 := by
    unfold bump
    rw [if_pos rfl]
    exact Nat.succ_ne_zero (s k)
  simp only [exec]
  rw [if_neg h]

theorem writes_join (k : Nat) (c d : Cmd) (h : Writes k (join c d)) :
    Writes k c ∨ Writes k d := by
  unfold join at h
  split at h
  · right
    exact h
  · left
    exact h
  · cases h with
    | seql _ _ h => exact Or.inl h
    | seqr _ _ h => exact Or.inr h

theorem writes_of_tidy (k : Nat) (c : Cmd) (h : Writes k (tidy c)) : Writes k c := by
  induction c with
  | skip => exact h
  | inc m => exact h
  | seq c d ihc ihd =>
    cases writes_join k (tidy c) (tidy d) h with
    | inl h => exact Writes.seql c d (ihc h)
    | inr h => exact Writes.seqr c d (ihd h)
  | loop n c ih =>
    cases h with
    | loop _ _ h => exact Writes.loop n c (ih h)
  | test m c d ihc ihd =>
    cases h with
    | testl _ _ _ h => exact Writes.testl m c d (ihc h)
    | testr _ _ _ h => exact Writes.testr m c d (ihd h)

theorem walk_build (f : Nat → Bool) (p : Form) (l r : Dec) :
    walk f (build p l r) = if truth f p then walk f l else walk f r := by
  induction p generalizing l r with
  | lit b =>
    cases b with
    | true => rfl
    | false => rfl
  | atom k => rfl
  | neg p ih =>
    simp only [build, truth]
    rw [ih]
    by_cases h : truth f p
    · simp [h]
    · simp [h]
  | conj p q ihp ihq =>
    simp only [build, truth]
    rw [ihp, ihq]
    by_cases h : truth f p
    · simp [h]
    · simp [h]

theorem build_correct (f : Nat → Bool) (p : Form) :
    walk f (build p (out true) (out false)) = truth f p := by
  rw [walk_build]
  cases truth f p with
  | true => rfl
  | false => rfl

theorem walk_forget (f : Nat → Bool) (k : Nat) (t : Dec) :
    walk f (forget k (f k) t) = walk f t := by
  induction t with
  | out b => rfl
  | ask m l r ihl ihr =>
    simp only [forget]
    split
    · rename_i h
      subst h
      simp only [walk]
      by_cases h1 : f m
      · rw [if_pos h1, if_pos h1]
        exact ihl
      · rw [if_neg h1, if_neg h1]
        exact ihr
    · simp only [walk]
      rw [ihl, ihr]

end Machines
