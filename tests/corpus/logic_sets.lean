/-! Logic, functions, relations and home-made sets, by terms and by tactics. -/
section
open Classical
theorem not_forall_iff (p : α → Prop) : (¬∀ x, p x) ↔ ∃ x, ¬p x :=
  ⟨fun h => byContradiction fun h' => h fun x => byContradiction fun hx => h' ⟨x, hx⟩,
   fun ⟨x, hx⟩ h => hx (h x)⟩
theorem drinker [Nonempty α] (p : α → Prop) : ∃ x, p x → ∀ y, p y := by
  by_cases h : ∀ y, p y
  · obtain ⟨a⟩ := ‹Nonempty α›
    exact ⟨a, fun _ => h⟩
  · have ⟨x, hx⟩ := (not_forall_iff p).mp h
    exact ⟨x, fun hp => absurd hp hx⟩
end

def MySet (α : Type u) := α → Prop
namespace MySet
variable {α : Type u} {s t r : MySet α}
instance : Membership α (MySet α) := ⟨fun s a => s a⟩
instance : Union (MySet α) := ⟨fun s t a => a ∈ s ∨ a ∈ t⟩
instance : Inter (MySet α) := ⟨fun s t a => a ∈ s ∧ a ∈ t⟩
instance : HasSubset (MySet α) := ⟨fun s t => ∀ ⦃a⦄, a ∈ s → a ∈ t⟩
instance : EmptyCollection (MySet α) := ⟨fun _ => False⟩
@[ext] theorem ext (h : ∀ a, a ∈ s ↔ a ∈ t) : s = t := funext fun a => propext (h a)
@[simp] theorem mem_union : a ∈ s ∪ t ↔ a ∈ s ∨ a ∈ t := Iff.rfl
@[simp] theorem mem_inter : a ∈ s ∩ t ↔ a ∈ s ∧ a ∈ t := Iff.rfl
@[simp] theorem mem_empty : a ∈ (∅ : MySet α) ↔ False := Iff.rfl
theorem inter_union : s ∩ (t ∪ r) = (s ∩ t) ∪ (s ∩ r) := by
  ext a; simp only [mem_inter, mem_union]; grind
theorem union_comm : s ∪ t = t ∪ s := by ext; simp [or_comm]
theorem subset_trans (h : s ⊆ t) (h' : t ⊆ r) : s ⊆ r := fun _ ha => h' (h ha)
theorem inter_subset : s ∩ t ⊆ s := fun _ h => h.1
theorem union_empty : s ∪ ∅ = s := by ext a; simp
end MySet

def Injective (f : α → β) : Prop := ∀ ⦃a b⦄, f a = f b → a = b
def Surjective (f : α → β) : Prop := ∀ b, ∃ a, f a = b
theorem Injective.comp {f : β → γ} {g : α → β} (hf : Injective f) (hg : Injective g) : Injective (f ∘ g) :=
  fun _ _ h => hg (hf h)
theorem Surjective.comp {f : β → γ} {g : α → β} (hf : Surjective f) (hg : Surjective g) :
    Surjective (f ∘ g) := by
  intro c
  obtain ⟨b, rfl⟩ := hf c
  obtain ⟨a, rfl⟩ := hg b
  exact ⟨a, rfl⟩
theorem cantor (f : α → α → Prop) : ¬Surjective f := by
  intro h
  obtain ⟨a, ha⟩ := h fun x => ¬f x x
  have : f a a ↔ ¬f a a := iff_of_eq (congrFun ha a)
  grind
inductive Star (r : α → α → Prop) : α → α → Prop where
  | refl : Star r a a
  | step : r a b → Star r b c → Star r a c
theorem Star.trans {r : α → α → Prop} (h : Star r a b) (h' : Star r b c) : Star r a c := by
  induction h with
  | refl => exact h'
  | step hr _ ih => exact .step hr (ih h')
theorem eqv : Equivalence fun a b : Nat => a % 3 = b % 3 := ⟨fun _ => rfl, Eq.symm, Eq.trans⟩
instance modThree : Setoid Nat := ⟨_, eqv⟩
def Z3 := Quotient modThree
def Z3.mk (n : Nat) : Z3 := Quotient.mk _ n
example : Z3.mk 1 = Z3.mk 4 := Quotient.sound (show 1 % 3 = 4 % 3 from rfl)
def Z3.succ : Z3 → Z3 := Quotient.lift (fun n => mk (n + 1)) fun a b (h : a % 3 = b % 3) =>
  Quotient.sound (show (a + 1) % 3 = (b + 1) % 3 by omega)
theorem exists_unique_quot (x : Z3) : ∃ n, n < 3 ∧ x = Z3.mk n := by
  induction x using Quotient.inductionOn with
  | _ n => exact ⟨n % 3, Nat.mod_lt _ (by decide), Quotient.sound (Nat.mod_mod n 3).symm⟩
theorem wf_example : ∀ n : Nat, n > 0 → ∃ m, n = m + 1 := by
  intro n
  induction n using Nat.strongRecOn with
  | _ n ih => intro h; exact ⟨n - 1, by omega⟩
