/-! User enumerations with transition functions: compass directions, days of the week,
suits and colours, decided by cases; walks along lists of moves by induction. -/

namespace Enums

inductive Dir where
  | north
  | east
  | south
  | west
  deriving DecidableEq

inductive Turn where
  | keep
  | right
  | left
  | back
  deriving DecidableEq

inductive Day where
  | mon
  | tue
  | wed
  | thu
  | fri
  | sat
  | sun
  deriving DecidableEq

open Dir Turn Day

def Dir.cw : Dir → Dir
  | north => east
  | east => south
  | south => west
  | west => north

def Dir.ccw : Dir → Dir
  | north => west
  | west => south
  | south => east
  | east => north

def Dir.opp : Dir → Dir
  | north => south
  | south => north
  | east => west
  | west => east

def apply : Turn → Dir → Dir
  | keep, d => d
  | Turn.right, d => d.cw
  | Turn.left, d => d.ccw
  | back, d => d.opp

def mirror : Turn → Turn
  | keep => keep
  | Turn.right => Turn.left
  | Turn.left => Turn.right
  | back => back

def walk (d : Dir) : List Turn → Dir
  | [] => d
  | t :: ts => walk (apply t d) ts

def Day.next : Day → Day
  | mon => tue
  | tue => wed
  | wed => thu
  | thu => fri
  | fri => sat
  | sat => sun
  | sun => mon

def Day.prev : Day → Day
  | mon => sun
  | tue => mon
  | wed => tue
  | thu => wed
  | fri => thu
  | sat => fri
  | sun => sat

def Day.weekend : Day → Bool
  | sat => true
  | sun => true
  | _ => false

def after : Nat → Day → Day
  | 0, d => d
  | n + 1, d => after n d.next

theorem cw_ccw (d : Dir) : d.cw.ccw = d := by
  cases d with
  | north => rfl
  | east => rfl
  | south => rfl
  | west => rfl

theorem ccw_cw (d : Dir) : d.ccw.cw = d := by
  cases d <;> rfl

theorem opp_eq_cw_cw (d : Dir) : d.opp = d.cw.cw := by
  cases d <;> rfl

theorem cw_injective (a b : Dir) (h : a.cw = b.cw) : a = b := by
  rw [← cw_ccw a, h, cw_ccw]

theorem cw_ne_self (d : Dir) : d.cw ≠ d := by
  cases d with
  | north => decide
  | east => decide
  | south => decide
  | west => decide

theorem dir_exhaust (a b : Dir) : b = a ∨ b = a.cw ∨ b = a.opp ∨ b = a.ccw := by
  cases a <;> cases b <;> decide

theorem turn_exists (a b : Dir) : ∃ t, apply t a = b := by
  rcases dir_exhaust a b with h | h | h | h
  · exists keep
    exact h.symm
  · exists Turn.right
    exact h.symm
  · exists back
    exact h.symm
  · exists Turn.left
    exact h.symm

theorem mirror_undo (t : Turn) (d : Dir) : apply (mirror t) (apply t d) = d := by
  cases t with
  | keep => rfl
  | right => exact cw_ccw d
  | left => exact ccw_cw d
  | back =>
    cases d <;> rfl

theorem apply_comm (t u : Turn) (d : Dir) : apply t (apply u d) = apply u (apply t d) := by
  cases t <;> cases u <;> cases d <;> rfl

theorem walk_append (d : Dir) (ts us : List Turn) : walk d (ts ++ us) = walk (walk d ts) us := by
  induction ts generalizing d with
  | nil => rfl
  | cons t ts ih =>
    simp only [List.cons_append, walk]
    exact ih (apply t d)

theorem walk_apply (t : Turn) (d : Dir) (ts : List Turn) :
    walk (apply t d) ts = apply t (walk d ts) := by
  induction ts generalizing d with
  | nil => rfl
  | cons u ts ih =>
    simp only [walk]
    rw [apply_comm, ih]

theorem walk_mirror (d : Dir) (ts : List Turn) : walk (walk d ts) (ts.map mirror) = d := by
  induction ts generalizing d with
  | nil => rfl
  | cons t ts ih =>
    simp only [List.map_cons, walk]
    rw [walk_apply (mirror t), ih, mirror_undo]

theorem next_prev (d : Day) : d.next.prev = d := by
  cases d <;> rfl

theorem weekend_next (d : Day) (h : d.weekend = true) : d = sat ∨ d.next.weekend = false := by
  cases d with
  | sat =>
    left
    rfl
  | sun =>
    right
    rfl
  | _ => contradiction

theorem after_add (n m : Nat) (d : Day) : after (n + m) d = after m (after n d) := by
  induction n generalizing d with
  | zero =>
    rw [Nat.zero_add]
    rfl
  | succ n ih =>
    rw [Nat.succ_add]
    simp only [after]
    exact ih d.next

theorem after_seven (d : Day) : after 7 d = d := by
  cases d <;> rfl

theorem after_weeks (k : Nat) (d : Day) : after (7 * k) d = d := by
  induction k with
  | zero => rfl
  | succ k ih =>
    rw [Nat.mul_succ, after_add, ih, after_seven]

theorem day_reachable (d : Day) : ∃ n, n < 7 ∧ after n mon = d := by
  cases d with
  | mon => exact ⟨0, by decide, rfl⟩
  | tue => exact ⟨1, by decide, rfl⟩
  | wed => exact ⟨2, by decide, rfl⟩
  | thu => exact ⟨3, by decide, rfl⟩
  | fri => exact ⟨4, by decide, rfl⟩
  | sat => exact ⟨5, by decide, rfl⟩
  | sun => exact ⟨6, by decide, rfl⟩

theorem weekend_soon (d : Day) : ∃ n, (after n d).weekend = true := by
  cases d with
  | mon => exact ⟨5, rfl⟩
  | tue => exact ⟨4, rfl⟩
  | wed => exact ⟨3, rfl⟩
  | thu => exact ⟨2, rfl⟩
  | fri => exact ⟨1, rfl⟩
  | sat => exact ⟨0, rfl⟩
  | sun => exact ⟨0, rfl⟩

end Enums
