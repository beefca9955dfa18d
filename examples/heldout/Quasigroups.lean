/-! Algebra from hypotheses: quasigroups with two divisions, medial and distributive
operations, bands, two operations with a common unit, and actions of words. -/

namespace Quasigroups

structure Quasi {α : Type} (op ld rd : α → α → α) : Prop where
  ld_op : ∀ a b, ld a (op a b) = b
  op_ld : ∀ a b, op a (ld a b) = b
  rd_op : ∀ a b, rd (op a b) b = a
  op_rd : ∀ a b, op (rd a b) b = a

def Medial {α : Type} (op : α → α → α) : Prop :=
  ∀ a b c d, op (op a b) (op c d) = op (op a c) (op b d)

def SelfDistrib {α : Type} (op : α → α → α) : Prop :=
  ∀ a b c, op a (op b c) = op (op a b) (op a c)

def acts {α : Type} (op : α → α → α) : List α → α → α
  | [], b => b
  | x :: xs, b => op x (acts op xs b)

theorem unique_solution {α : Type} (op ld rd : α → α → α) (h : Quasi op ld rd) (a b : α) :
    ∃ x, op a x = b ∧ ∀ y, op a y = b → y = x := by
  exists ld a b
  constructor
  · exact h.op_ld a b
  · intro y hy
    rw [← hy, h.ld_op]

theorem rd_ld {α : Type} (op ld rd : α → α → α) (h : Quasi op ld rd) (a b : α) :
    rd a (ld b a) = b := by
  calc
    rd a (ld b a) = rd (op b (ld b a)) (ld b a) := by rw [h.op_ld]
    _ = b := by rw [h.rd_op]

theorem ld_injective {α : Type} (op ld rd : α → α → α) (h : Quasi op ld rd) (a b c : α)
    (h1 : ld a c = ld b c) : a = b := by
  rw [← rd_ld op ld rd h c a, h1]
  exact rd_ld op ld rd h c b

theorem ld_hom {α β : Type} (op ld rd : α → α → α) (op2 ld2 rd2 : β → β → β)
    (h1 : Quasi op ld rd) (h2 : Quasi op2 ld2 rd2) (f : α → β)
    (h : ∀ a b, f (op a b) = op2 (f a) (f b)) (a b : α) : f (ld a b) = ld2 (f a) (f b) := by
  have h3 : op2 (f a) (f (ld a b)) = f b := by
    rw [← h, h1.op_ld]
  rw [← h3, h2.ld_op]

theorem idem_division {α : Type} (op ld rd : α → α → α) (h : Quasi op ld rd)
    (h1 : ∀ a, op a a = a) (a : α) : ld a a = a ∧ rd a a = a := by
  constructor
  · calc
      ld a a = ld a (op a a) := by rw [h1]
      _ = a := by rw [h.ld_op]
  · calc
      rd a a = rd (op a a) a := by rw [h1]
      _ = a := by rw [h.rd_op]

theorem medial_idem_distrib {α : Type} (op : α → α → α) (h1 : Medial op)
    (h2 : ∀ a, op a a = a) : SelfDistrib op := by
  intro a b c
  rw [h1 a b a c, h2]

theorem medial_unit_comm {α : Type} (op : α → α → α) (u : α) (h : Medial op)
    (h1 : ∀ a, op u a = a) (h2 : ∀ a, op a u = a) (a b : α) : op a b = op b a := by
  have h3 : op (op u a) (op b u) = op (op u b) (op a u) := by
    exact h u a b u
  rw [h1, h1, h2, h2] at h3
  exact h3

theorem medial_unit_assoc {α : Type} (op : α → α → α) (u : α) (h : Medial op)
    (h1 : ∀ a, op u a = a) (h2 : ∀ a, op a u = a) (a b c : α) :
    op (op a b) c = op a (op b c) := by
  have h3 : op (op a b) (op u c) = op (op a u) (op b c) := by
    exact h a b u c
  rw [h1, h2] at h3
  exact h3

theorem two_operations_agree {α : Type} (f g : α → α → α) (u : α) (h1 : ∀ a, f u a = a)
    (h2 : ∀ a, f a u = a) (h3 : ∀ a, g u a = a) (h4 : ∀ a, g a u = a)
    (h : ∀ a b c d, f (g a b) (g c d) = g (f a c) (f b d)) (a b : α) : f a b = g a b := by
  have h5 : f (g a u) (g u b) = g (f a u) (f u b) := by
    exact h a u u b
  rw [h4, h3, h2, h1] at h5
  exact h5

theorem absorbing_unique {α : Type} (op : α → α → α) (u v : α) (h1 : ∀ a, op u a = u)
    (h2 : ∀ a, op a v = v) : u = v := by
  rw [← h1 v]
  exact h2 u

theorem steiner_sandwich {α : Type} (op : α → α → α) (h1 : ∀ a b, op a b = op b a)
    (h2 : ∀ a b, op a (op a b) = b) (a b : α) : op (op a b) a = b := by
  rw [h1 (op a b) a]
  exact h2 a b

theorem steiner_third {α : Type} (op : α → α → α) (h1 : ∀ a b, op a b = op b a)
    (h2 : ∀ a b, op a (op a b) = b) (a b c : α) (h : op a b = c) : op c b = a := by
  rw [← h, h1 a b, h1 (op b a) b]
  exact h2 b a

theorem band_idem {α : Type} (op : α → α → α) (h1 : ∀ a b c, op (op a b) c = op a (op b c))
    (h2 : ∀ a b, op (op a b) a = a) (a : α) : op a a = a := by
  have h3 : op (op a (op a a)) a = a := by
    exact h2 a (op a a)
  rw [← h1, h2] at h3
  exact h3

theorem band_middle {α : Type} (op : α → α → α) (h1 : ∀ a b c, op (op a b) c = op a (op b c))
    (h2 : ∀ a b, op (op a b) a = a) (a b c : α) : op (op a b) c = op a c := by
  calc
    op (op a b) c = op (op a b) (op (op c a) c) := by rw [h2]
    _ = op (op (op a (op b c)) a) c := by simp only [h1]
    _ = op a c := by rw [h2]

theorem acts_distrib {α : Type} (op : α → α → α) (h : SelfDistrib op) (c b : α) (xs : List α) :
    op c (acts op xs b) = acts op (xs.map (op c)) (op c b) := by
  induction xs with
  | nil => rfl
  | cons x xs ih =>
    simp only [acts, List.map_cons]
    rw [h, ih]

theorem acts_fixed {α : Type} (op : α → α → α) (b : α) (xs : List α)
    (h : ∀ x ∈ xs, op x b = b) : acts op xs b = b := by
  induction xs with
  | nil => rfl
  | cons x xs ih =>
    simp only [acts]
    rw [ih]
    · apply h
      exact List.mem_cons_self
    · intro y hy
      apply h
      exact List.mem_cons_of_mem x hy

end Quasigroups
