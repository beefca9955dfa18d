/-! Ledgers: books of postings with integer balances, transfers and closed accounts; and tries
addressed by binary words with reading and writing. -/

namespace Ledgers

inductive Book where
  | empty : Book
  | post (k : Nat) (z : Int) (b : Book) : Book

open Book

def balance (k : Nat) : Book → Int
  | empty => 0
  | post m z b => (if m = k then z else 0) + balance k b

def total : Book → Int
  | empty => 0
  | post _ z b => z + total b

def merge : Book → Book → Book
  | empty, c => c
  | post k z b, c => post k z (merge b c)

def mergeRev : Book → Book → Book
  | empty, c => c
  | post k z b, c => mergeRev b (post k z c)

def undo : Book → Book
  | empty => empty
  | post k z b => post k (-z) (undo b)

def close (k : Nat) : Book → Book
  | empty => empty
  | post m z b => if m = k then close k b else post m z (close k b)

def reroute (k n : Nat) : Book → Book
  | empty => empty
  | post m z b => post (if m = k then n else m) z (reroute k n b)

def transfer (k m : Nat) (z : Int) (b : Book) : Book := post k (-z) (post m z b)

inductive Touches (k : Nat) : Book → Prop
  | here (z : Int) (b : Book) : Touches k (post k z b)
  | later (m : Nat) (z : Int) (b : Book) : Touches k b → Touches k (post m z b)

inductive Credit : Book → Prop
  | empty : Credit empty
  | post (k : Nat) (z : Int) (b : Book) : 0 ≤ z → Credit b → Credit (post k z b)

inductive Trie (α : Type) where
  | bare : Trie α
  | cell (v : Option α) (l r : Trie α) : Trie α

def Trie.read : Trie α → List Bool → Option α
  | bare, _ => none
  | cell v _ _, [] => v
  | cell _ l _, true :: xs => l.read xs
  | cell _ _ r, false :: xs => r.read xs

def Trie.write (v : Option α) : List Bool → Trie α → Trie α
  | [], bare => cell v bare bare
  | [], cell _ l r => cell v l r
  | true :: xs, bare => cell none (write v xs bare) bare
  | false :: xs, bare => cell none bare (write v xs bare)
  | true :: xs, cell w l r => cell w (write v xs l) r
  | false :: xs, cell w l r => cell w l (write v xs r)

theorem balance_merge (k : Nat) (b c : Book) :
    balance k (merge b c) = balance k c + balance k b := by
  induction b with
  | empty => simp [merge, balance]
  | post m z b ih =>
    simp only [merge, balance]
    rw [ih]
    omega

theorem balance_mergeRev (k : Nat) (b c : Book) :
    balance k (mergeRev b c) = balance k (merge b c) := by
  induction b generalizing c with
  | empty => rfl
  | post m z b ih =>
    simp only [mergeRev, merge, balance]
    rw [ih, balance_merge, balance_merge]
    simp only [balance]
    omega

theorem balance_undo (k : Nat) (b : Book) : balance k (undo b) = -balance k b := by
  induction b with
  | empty => rfl
  | post m z b ih =>
    simp only [undo, balance]
    rw [ih]
    split
    · omega
    · omega

theorem balance_merge_undo (k : Nat) (b : Book) : balance k (merge b (undo b)) = 0 := by
  rw [balance_merge, balance_undo]
  omega

theorem total_transfer (k m : Nat) (z : Int) (b : Book) : total (transfer k m z b) = total b := by
  unfold transfer
  simp only [total]
  omega

theorem balance_transfer (k m : Nat) (z : Int) (b : Book) (h : k ≠ m) :
    balance m (transfer k m z b) = balance m b + z := by
  unfold transfer
  simp only [balance]
  rw [if_neg h, if_pos trivial]
  omega

theorem balance_transfer_self (k m : Nat) (z : Int) (b : Book) :
    balance m (transfer k k z b) = balance m b := by
  unfold transfer
  simp only [balance]
  split
  · omega
  · omega

theorem total_close (k : Nat) (b : Book) : total (close k b) = total b - balance k b := by
  induction b with
  | empty => rfl
  | post m z b ih =>
    simp only [close, balance]
    split
    · simp only [total]
      omega
    · simp only [total]
      omega

theorem not_touches_close (k : Nat) (b : Book) : ¬ Touches k (close k b) := by
  induction b with
  | empty =>
    intro h
    cases h
  | post m z b ih =>
    intro h
    simp only [close] at h
    split at h
    · exact ih h
    · rename_i h1
      cases h with
      | here => exact h1 rfl
      | later _ _ _ h => exact ih h

theorem balance_of_not_touches (k : Nat) (b : Book) (h : ¬ Touches k b) : balance k b = 0 := by
  induction b with
  | empty => rfl
  | post m z b ih =>
    simp only [balance]
    by_cases h1 : m = k
    · subst h1
      exfalso
      exact h (Touches.here z b)
    · rw [if_neg h1, ih (fun h2 => h (Touches.later m z b h2))]
      rfl

theorem balance_close (k : Nat) (b : Book) : balance k (close k b) = 0 := by
  apply balance_of_not_touches
  exact not_touches_close k b

theorem balance_reroute (k n : Nat) (b : Book) (h : k ≠ n) :
    balance n (reroute k n b) = balance n b + balance k b := by
  induction b with
  | empty => rfl
  | post m z b ih =>
    simp only [reroute, balance]
    rw [ih]
    by_cases h1 : m = k
    · subst h1
      simp [h]
      omega
    · simp [h1]
      omega

theorem credit_balance (k : Nat) (b : Book) (h : Credit b) :
    0 ≤ balance k b ∧ balance k b ≤ total b := by
  induction h with
  | empty => exact ⟨Int.le_refl 0, Int.le_refl 0⟩
  | post m z b h1 _ ih =>
    obtain ⟨h2, h3⟩ := ih
    simp only [balance, total]
    split
    · constructor
      · omega
      · omega
    · constructor
      · omega
      · omega

theorem read_bare_write (v : Option α) (xs : List Bool) :
    (Trie.write v xs Trie.bare).read xs = v := by
  induction xs with
  | nil => rfl
  | cons x xs ih =>
    cases x with
    | true => exact ih
    | false => exact ih

theorem read_write_longer (v : Option α) (x : Bool) (xs : List Bool) (t : Trie α) :
    (t.write v xs).read (xs ++ [x]) = t.read (xs ++ [x]) := by
  induction xs generalizing t with
  | nil =>
    cases t with
    | bare =>
      cases x with
      | true => rfl
      | false => rfl
    | cell w l r =>
      cases x with
      | true => rfl
      | false => rfl
  | cons y ys ih =>
    cases t with
    | bare =>
      cases y with
      | true => exact ih Trie.bare
      | false => exact ih Trie.bare
    | cell w l r =>
      cases y with
      | true => exact ih l
      | false => exact ih r

theorem write_write (v w : Option α) (xs : List Bool) (t : Trie α) :
    (t.write v xs).write w xs = t.write w xs := by
  induction xs generalizing t with
  | nil =>
    cases t with
    | bare => rfl
    | cell u l r => rfl
  | cons x xs ih =>
    cases t with
    | bare =>
      cases x with
      | true =>
        simp only [Trie.write]
        rw [ih]
      | false =>
        simp only [Trie.write]
        rw [ih]
    | cell u l r =>
      cases x with
      | true =>
        simp only [Trie.write]
        rw [ih]
      | false =>
        simp only [Trie.write]
        rw [ih]

end Ledgers
