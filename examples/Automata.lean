/-! Deterministic automata as transition functions run over words, languages, product automata,
and inductive derivation relations between states. -/

namespace Automata

structure Auto (σ α : Type) where
  start : σ
  step : σ → α → σ
  final : σ → Bool

def run (A : Auto σ α) : σ → List α → σ
  | s, [] => s
  | s, x :: xs => run A (A.step s x) xs

def accepts (A : Auto σ α) (xs : List α) : Bool := A.final (run A A.start xs)

def compl (A : Auto σ α) : Auto σ α := ⟨A.start, A.step, fun s => !A.final s⟩

def prod (A : Auto σ α) (B : Auto τ α) : Auto (σ × τ) α :=
  ⟨(A.start, B.start), fun s x => (A.step s.1 x, B.step s.2 x),
    fun s => A.final s.1 && B.final s.2⟩

inductive Steps (A : Auto σ α) : σ → List α → σ → Prop
  | refl (s : σ) : Steps A s [] s
  | step (s t : σ) (x : α) (xs : List α) : Steps A (A.step s x) xs t → Steps A s (x :: xs) t

inductive Reach (A : Auto σ α) : σ → Prop
  | start : Reach A A.start
  | step (s : σ) (x : α) : Reach A s → Reach A (A.step s x)

inductive Derive (R : σ → σ → Prop) : σ → σ → Prop
  | refl (s : σ) : Derive R s s
  | tail (s t u : σ) : Derive R s t → R t u → Derive R s u

def parity : Auto Bool Bool := ⟨true, fun s x => if x then !s else s, fun s => s⟩

def trues : List Bool → Nat
  | [] => 0
  | x :: xs => (if x then 1 else 0) + trues xs

theorem run_append (A : Auto σ α) (s : σ) (xs ys : List α) :
    run A s (xs ++ ys) = run A (run A s xs) ys := by
  induction xs generalizing s with
  | nil => rfl
  | cons x xs ih =>
    simp only [List.cons_append, run]
    exact ih (A.step s x)

theorem run_snoc (A : Auto σ α) (s : σ) (xs : List α) (x : α) :
    run A s (xs ++ [x]) = A.step (run A s xs) x := by
  rw [run_append]
  rfl

theorem run_compl (A : Auto σ α) (s : σ) (xs : List α) : run (compl A) s xs = run A s xs := by
  induction xs generalizing s with
  | nil => rfl
  | cons x xs ih =>
    simp only [run]
    exact ih (A.step s x)

theorem accepts_compl (A : Auto σ α) (xs : List α) : accepts (compl A) xs = !accepts A xs := by
  unfold accepts
  rw [run_compl]
  rfl

theorem accepts_compl_compl (A : Auto σ α) (xs : List α) :
    accepts (compl (compl A)) xs = accepts A xs := by
  rw [accepts_compl, accepts_compl, Bool.not_not]

theorem run_prod (A : Auto σ α) (B : Auto τ α) (s : σ) (t : τ) (xs : List α) :
    run (prod A B) (s, t) xs = (run A s xs, run B t xs) := by
  induction xs generalizing s t with
  | nil => rfl
  | cons x xs ih =>
    simp only [run]
    exact ih (A.step s x) (B.step t x)

theorem accepts_prod (A : Auto σ α) (B : Auto τ α) (xs : List α) :
    accepts (prod A B) xs = (accepts A xs && accepts B xs) := by
  unfold accepts
  show (prod A B).final (run (prod A B) (A.start, B.start) xs) = _
  rw [run_prod]
  rfl

theorem accepts_prod_iff (A : Auto σ α) (B : Auto τ α) (xs : List α) :
    accepts (prod A B) xs = true ↔ accepts A xs = true ∧ accepts B xs = true := by
  rw [accepts_prod, Bool.and_eq_true]

theorem steps_run (A : Auto σ α) (s : σ) (xs : List α) : Steps A s xs (run A s xs) := by
  induction xs generalizing s with
  | nil => exact Steps.refl s
  | cons x xs ih =>
    apply Steps.step
    exact ih (A.step s x)

theorem run_of_steps (A : Auto σ α) (s t : σ) (xs : List α) (h : Steps A s xs t) :
    run A s xs = t := by
  induction h with
  | refl s => rfl
  | step s t x xs _ ih =>
    simp only [run]
    exact ih

theorem steps_deterministic (A : Auto σ α) (s t u : σ) (xs : List α) (h1 : Steps A s xs t)
    (h2 : Steps A s xs u) : t = u := by
  rw [← run_of_steps A s t xs h1]
  exact run_of_steps A s u xs h2

theorem steps_append (A : Auto σ α) (s t u : σ) (xs ys : List α) (h1 : Steps A s xs t)
    (h2 : Steps A t ys u) : Steps A s (xs ++ ys) u := by
  induction h1 with
  | refl s => exact h2
  | step s t x xs _ ih =>
    apply Steps.step
    exact ih h2

theorem steps_split (A : Auto σ α) (s u : σ) (xs ys : List α) (h : Steps A s (xs ++ ys) u) :
    ∃ t, Steps A s xs t ∧ Steps A t ys u := by
  refine ⟨run A s xs, ?_, ?_⟩
  · exact steps_run A s xs
  · have h1 := run_of_steps A s u (xs ++ ys) h
    rw [run_append] at h1
    rw [← h1]
    exact steps_run A (run A s xs) ys

theorem reach_run (A : Auto σ α) (s : σ) (h : Reach A s) (xs : List α) :
    Reach A (run A s xs) := by
  induction xs generalizing s with
  | nil => exact h
  | cons x xs ih =>
    simp only [run]
    apply ih
    exact Reach.step s x h

theorem word_of_reach (A : Auto σ α) (s : σ) (h : Reach A s) : ∃ xs, run A A.start xs = s := by
  induction h with
  | start => exact ⟨[], rfl⟩
  | step s x _ ih =>
    obtain ⟨xs, hx⟩ := ih
    refine ⟨xs ++ [x], ?_⟩
    rw [run_snoc, hx]

theorem reach_invariant (A : Auto σ α) (P : σ → Prop) (h1 : P A.start)
    (h2 : ∀ s x, P s → P (A.step s x)) (s : σ) (h : Reach A s) : P s := by
  induction h with
  | start => exact h1
  | step s x _ ih =>
    apply h2
    exact ih

theorem derive_trans (R : σ → σ → Prop) (s t u : σ) (h1 : Derive R s t) (h2 : Derive R t u) :
    Derive R s u := by
  induction h2 with
  | refl => exact h1
  | tail u v _ h ih => exact Derive.tail s u v ih h

theorem derive_single (R : σ → σ → Prop) (s t : σ) (h : R s t) : Derive R s t := by
  apply Derive.tail s s t
  · exact Derive.refl s
  · exact h

theorem derive_mono (R S : σ → σ → Prop) (h : ∀ s t, R s t → S s t) (s t : σ)
    (h1 : Derive R s t) : Derive S s t := by
  induction h1 with
  | refl => exact Derive.refl s
  | tail t u _ h2 ih =>
    apply Derive.tail s t u
    · exact ih
    · exact h t u h2

theorem derive_of_steps (A : Auto σ α) (s t : σ) (xs : List α) (h : Steps A s xs t) :
    Derive (fun s t => ∃ x, A.step s x = t) s t := by
  induction h with
  | refl s => exact Derive.refl s
  | step s t x xs _ ih =>
    apply derive_trans _ s (A.step s x) t
    · apply derive_single
      exact ⟨x, rfl⟩
    · exact ih

theorem run_parity (s : Bool) (xs : List Bool) :
    run parity s xs = (s == (trues xs % 2 == 0)) := by
  induction xs generalizing s with
  | nil => cases s <;> rfl
  | cons x xs ih =>
    simp only [run, trues]
    rw [ih]
    cases x with
    | false => simp [parity]
    | true =>
      have h : (1 + trues xs) % 2 = 1 - trues xs % 2 := by omega
      have h1 : trues xs % 2 = 0 ∨ trues xs % 2 = 1 := by omega
      cases h1 with
      | inl h1 => cases s <;> simp [parity, h, h1]
      | inr h1 => cases s <;> simp [parity, h, h1]

end Automata
