//! The same step under other names: with a few thousand steps a model would learn names by heart, and
//! what it has to learn is to copy them from the goal.
//!
//! Names bound in the goal's context are renamed (goal and tactic together, whole identifiers only), and,
//! with a probability of its own, constants that look user-defined. Both renamings are injective and
//! never hit a name that the step already uses, so the step stays the same proof step.

use std::collections::{BTreeMap, BTreeSet};

use rand::seq::{IndexedRandom, SliceRandom};
use rand::{Rng, RngExt};
use serde::{Deserialize, Serialize};

use crate::proof::Goal;

/// How much is renamed.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct RenameKnobs {
    /// Probability that a step's context gets other names.
    pub locals: f64,
    /// Probability that a step's user-defined constants get other names.
    pub constants: f64,
}

impl Default for RenameKnobs {
    fn default() -> RenameKnobs {
        RenameKnobs { locals: 0.7, constants: 0.8 }
    }
}

/// Names that people give, by the kind of thing named; a new name is mostly drawn from the old one's kind.
const KINDS: [&str; 8] = [
    "n m k a b c d i j x y z u v w t e",
    "h h1 h2 h3 h' hp hq hr hs ha hb hc hn hm hk hx hy hi hab hbc hle hlt heq hne h₁ h₂ H",
    "ih ihn ih1 ih2 ihl ihr IH hi ih'",
    "xs ys zs l l1 l2 as bs ts us ws L l'",
    "p q r s a b c t",
    "f g k φ F op h",
    "α β γ δ σ τ A B C S T",
    "P Q R p q S",
];

/// New names of constants: capitalised ones for types and namespaces, small ones for functions.
const TYPES: &str = "Tree Shape Color Stack Queue Term Expr Node Grid Token State Walk Chain Road Ring Box Light Dial \
    Tape Move Coin Card Lamp Gate Path Word Pile Rope Bag Step Cell Plan Turn Mark Unary Seq Wheel Bank";
const FUNCTIONS: &str = "size depth double total flip join step eval count weight swap twist merge grow fold rank span gather \
    push walk score shift build repeat trim pick value sumUp rotate mirror half next prev norm level \
    cost scan pack spread climb drain stamp blend stack pour carry tally fill";

/// Roots of Lean's own names as goals over core Lean show them; everything else may be a user's.
const CORE: &str = "Nat Int List Option Bool Prop Type Sort Array String Char Fin Sum Prod And Or Not Iff Eq HEq Ne True \
    False Exists Function Subtype Sigma Unit PUnit Empty PEmpty Decidable Nonempty Inhabited BEq Ord \
    Ordering Id Except StateM Monad Functor Membership GetElem HAdd HMul HSub Add Mul Sub Neg Zero One \
    LE LT Max Min Std Lean Classical Acc WellFounded Equivalence Setoid Quot Quotient UInt8 UInt32 \
    UInt64 BitVec Float Rat Vector Iterator true false none some nil cons zero succ inl inr id max min \
    fun match with let have if then else show from do by in at fst snd not and or decide dite ite absurd \
    rfl default compare instDecidableEqNat cast motive mk toNat natAbs xor forall exists using \
    generalizing only this left right";

/// A piece of Lean text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Piece<'a> {
    /// A whole identifier, dots included (`Nat.succ`, `h.1`, `x✝`).
    Name(&'a str),
    /// Anything else.
    Other(&'a str),
}

fn is_start(c: char) -> bool {
    c.is_alphabetic() && !matches!(c, 'λ' | 'Π' | 'Σ') || c == '_'
}

fn is_rest(c: char) -> bool {
    c.is_alphanumeric()
        || matches!(c, '_' | '\'' | '!' | '?' | '✝' | '₀'..='₉' | '¹' | '²' | '³' | '⁰' | '⁴'..='⁹')
}

/// Cuts a text into identifiers and the rest; the pieces together are the text.
fn pieces(text: &str) -> Vec<Piece<'_>> {
    let mut out = Vec::new();
    let mut rest = text;
    let mut after_dot = false;
    while let Some(c) = rest.chars().next() {
        let (len, name) = if is_start(c) && !after_dot {
            let mut len = 0;
            let mut chars = rest.char_indices().peekable();
            while let Some((i, c)) = chars.next() {
                let dotted =
                    c == '.' && chars.peek().is_some_and(|(_, n)| is_start(*n) || n.is_ascii_digit());
                if !is_rest(c) && !dotted {
                    break;
                }
                len = i + c.len_utf8();
            }
            (len, true)
        } else if is_start(c) || c.is_numeric() {
            // A field after `)` or a constructor after a dot, or a number: no name of the context.
            (rest.find(|c| !is_rest(c)).unwrap_or(rest.len()).max(c.len_utf8()), false)
        } else {
            (c.len_utf8(), false)
        };
        let (piece, tail) = rest.split_at(len);
        after_dot = piece == ".";
        out.push(if name { Piece::Name(piece) } else { Piece::Other(piece) });
        rest = tail;
    }
    out
}

fn root(name: &str) -> &str {
    name.split_once('.').map_or(name, |(r, _)| r)
}

/// Replaces the root of every identifier that the map knows.
fn rename(text: &str, map: &BTreeMap<String, String>) -> String {
    let mut out = String::with_capacity(text.len());
    for piece in pieces(text) {
        match piece {
            Piece::Name(name) => {
                let r = root(name);
                out.push_str(map.get(r).map_or(r, String::as_str));
                out.push_str(&name[r.len()..]);
            }
            Piece::Other(other) => out.push_str(other),
        }
    }
    out
}

fn names(text: &str) -> impl Iterator<Item = &str> {
    pieces(text).into_iter().filter_map(|p| if let Piece::Name(n) = p { Some(n) } else { None })
}

/// The same goal with the names of a map replaced.
fn rename_goal(goal: &Goal, map: &BTreeMap<String, String>) -> Goal {
    let mut g = goal.clone();
    for h in &mut g.hypotheses {
        h.names.iter_mut().for_each(|n| *n = rename(n, map));
        h.type_ = rename(&h.type_, map);
        h.value = h.value.as_deref().map(|v| rename(v, map));
    }
    g.target = rename(&g.target, map);
    g.text = rename(&g.text, map);
    g
}

fn all_texts<'a>(goal: &'a Goal, tactic: &'a str) -> Vec<&'a str> {
    let mut all = vec![goal.target.as_str(), tactic];
    for h in &goal.hypotheses {
        all.push(&h.type_);
        all.extend(h.value.as_deref());
        all.extend(h.names.iter().map(String::as_str));
    }
    all
}

/// A step under other names, drawn from `rng`.
pub fn augment(goal: &Goal, tactic: &str, knobs: RenameKnobs, rng: &mut impl Rng) -> (Goal, String) {
    let mut map = BTreeMap::new();
    let mut used: BTreeSet<String> =
        all_texts(goal, tactic).into_iter().flat_map(names).map(|n| root(n).to_owned()).collect();
    if rng.random_bool(knobs.locals) {
        for old in movable_locals(goal, tactic) {
            // Some keep their name, so that combinations of old and new are seen as well.
            if rng.random_bool(0.7) {
                give(&mut map, &mut used, &old, local_name(&old, rng));
            }
        }
    }
    if rng.random_bool(knobs.constants) {
        for old in constants(goal) {
            let pool = if old.starts_with(char::is_uppercase) { TYPES } else { FUNCTIONS };
            let mut fresh: Vec<String> = words(pool).map(str::to_owned).collect();
            fresh.shuffle(rng);
            // Names that no list holds, so that nothing is known by heart and long names are copied too.
            if rng.random_bool(0.5) {
                fresh.insert(0, invented(old.starts_with(char::is_uppercase), rng));
            }
            give(&mut map, &mut used, &old, fresh);
        }
    }
    (rename_goal(goal, &map), rename(tactic, &map))
}

/// Assigns the first proposal that nothing else in the step is called.
fn give(map: &mut BTreeMap<String, String>, used: &mut BTreeSet<String>, old: &str, proposals: Vec<String>) {
    if let Some(new) = proposals.into_iter().find(|n| !used.contains(n) && !is_core(n.as_str())) {
        used.insert(new.clone());
        map.insert(old.to_owned(), new);
    }
}

/// Proposals in the old name's kind, then in any kind.
fn local_name(old: &str, rng: &mut impl Rng) -> Vec<String> {
    let kinds: Vec<&str> = KINDS.iter().copied().filter(|k| words(k).any(|w| w == old)).collect();
    let fallback = KINDS[if old.starts_with("ih") {
        2
    } else if old.starts_with('h') {
        1
    } else {
        0
    }];
    let mut near: Vec<&str> = words(kinds.choose(rng).copied().unwrap_or(fallback)).collect();
    near.shuffle(rng);
    let mut far: Vec<&str> = KINDS.iter().copied().flat_map(words).collect();
    far.shuffle(rng);
    let proposals = if rng.random_bool(0.1) { far } else { near.into_iter().chain(far).collect() };
    proposals.into_iter().map(str::to_owned).collect()
}

/// A pronounceable name of two or three syllables.
fn invented(capital: bool, rng: &mut impl Rng) -> String {
    const SYLLABLES: &str = "ba be bi bo ca co cu da de di do fa fi fo ga ge go ha hi jo ka ke ki la le li lo lu ma me mi \
        mo na ne ni no nu pa pe po ra re ri ro ru sa se si so su ta te ti to tu va ve vi wa we zo er in on an al ed ing";
    let syllables: Vec<&str> = words(SYLLABLES).collect();
    let name: String = (0..rng.random_range(2..=3)).filter_map(|_| syllables.choose(rng).copied()).collect();
    match capital {
        true => name[..1].to_uppercase() + &name[1..],
        false => name,
    }
}

fn words(list: &'static str) -> impl Iterator<Item = &'static str> {
    list.split_ascii_whitespace()
}

fn is_core(name: &str) -> bool {
    words(CORE).any(|w| w == name)
}

/// Names of the context that can change without changing what the tactic does.
fn movable_locals(goal: &Goal, tactic: &str) -> Vec<String> {
    let mut out = Vec::new();
    for name in goal.hypotheses.iter().flat_map(|h| &h.names) {
        let keyword = is_core(name) || used_as_word(tactic, name);
        let plain = name.chars().next().is_some_and(is_start) && !name.contains(['✝', '.', '«']);
        if plain && !keyword && !out.contains(name) {
            out.push(name.clone());
        }
    }
    out
}

/// Whether the tactic uses the word as something other than a variable: a named argument `(n := …)`, a
/// case tag `case n =>` or `| n => `, or the head of a tactic.
fn used_as_word(tactic: &str, name: &str) -> bool {
    let tagged =
        [format!("({name} :="), format!("case {name} "), format!("| {name} "), format!("{{ {name} :=")];
    tagged.iter().any(|t| tactic.contains(t.as_str()))
        || tactic.split(['\n', ';', '·', '<', '>']).any(|t| names(t.trim()).next() == Some(name))
}

/// Roots of identifiers in the goal that are neither bound in it nor known to be Lean's own.
fn constants(goal: &Goal) -> Vec<String> {
    let locals: BTreeSet<&str> = goal.hypotheses.iter().flat_map(|h| &h.names).map(String::as_str).collect();
    let mut out: Vec<String> = Vec::new();
    for text in all_texts(goal, "") {
        let bound = bound_names(text);
        for name in names(text) {
            let r = root(name);
            // One or two letters are a bound variable or a user's notation: left alone.
            let long = r.chars().count() > 2;
            let free = !locals.contains(r) && !bound.contains(r) && !is_core(r);
            if long && free && !r.contains('✝') && !r.starts_with(['_', '?']) && !out.iter().any(|o| o == r)
            {
                out.push(r.to_owned());
            }
        }
    }
    out
}

/// Names that a binder of the text introduces.
fn bound_names(text: &str) -> BTreeSet<&str> {
    let mut bound = BTreeSet::new();
    let mut binding = false;
    for piece in pieces(text) {
        match piece {
            Piece::Name("fun") => binding = true,
            Piece::Other("∀" | "∃" | "λ") => binding = true,
            Piece::Other("," | "↦" | ":" | "=") => binding = false,
            Piece::Name(n) if binding => {
                bound.insert(n);
            }
            _ => {}
        }
    }
    bound
}

/// The goal with its context numbered in order: equal for goals that differ only in these names.
pub fn alpha_form(goal: &Goal) -> String {
    let mut map = BTreeMap::new();
    for name in goal.hypotheses.iter().flat_map(|h| &h.names) {
        let number = map.len();
        map.entry(name.clone()).or_insert_with(|| format!("v{number}"));
    }
    let mut renamed = rename_goal(goal, &map);
    renamed.case = None;
    renamed.normal_form()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    const STEPS: [(&str, &str); 5] = [
        (
            "n m : Nat\nh : n ≤ m\nih : double n = n + n\n⊢ double (n + 1) = n + 1 + (n + 1)",
            "rw [double, ih]",
        ),
        ("p q : Prop\nh : p ∧ q\n⊢ q ∧ p", "exact ⟨h.2, h.1⟩"),
        ("xs ys : List Nat\n⊢ ∀ x, x ∈ xs → Walk.total xs x", "intro x hx"),
        (
            "α : Type\nt : Tree α\n⊢ mirror (mirror t) = t",
            "induction t with\n| leaf => ?_\n| node l x r ihl ihr => ?_",
        ),
        ("n : Nat\nleft : n = 1\n⊢ f n = 1", "simp (n := n) [f, left]"),
    ];

    fn rng(seed: u64) -> ChaCha8Rng {
        ChaCha8Rng::seed_from_u64(seed)
    }

    #[test]
    fn pieces_make_up_the_text_again() {
        for (goal, tactic) in STEPS {
            for text in [goal, tactic, "⟨.inl h, (f x).2⟩", "1.5 x✝¹ ‹p›"] {
                let again: String = pieces(text)
                    .iter()
                    .map(|p| match p {
                        Piece::Name(s) | Piece::Other(s) => *s,
                    })
                    .collect();
                assert_eq!(again, text);
            }
        }
        assert_eq!(
            names("h.1 Nat.succ (f x).left .inl h").collect::<Vec<_>>(),
            ["h.1", "Nat.succ", "f", "x", "h"]
        );
    }

    #[test]
    fn a_renamed_step_is_the_same_step() {
        let knobs = RenameKnobs { locals: 1.0, constants: 0.0 };
        for seed in 0..200 {
            for (goal, tactic) in STEPS {
                let goal = Goal::parse(goal);
                let (g, t) = augment(&goal, tactic, knobs, &mut rng(seed));
                // The same up to the context's names, which still differ from one another.
                assert_eq!(alpha_form(&g), alpha_form(&goal), "{}", g.text);
                // Renaming back gives the tactic.
                let back: BTreeMap<String, String> = g
                    .hypotheses
                    .iter()
                    .zip(&goal.hypotheses)
                    .flat_map(|(a, b)| a.names.iter().cloned().zip(b.names.iter().cloned()))
                    .collect();
                assert_eq!(rename(&t, &back), tactic);
                assert_eq!(Goal::parse(&g.text).target, g.target);
            }
        }
    }

    #[test]
    fn constants_change_together_with_the_tactic_and_core_names_never() {
        let (goal, tactic) = (Goal::parse(STEPS[0].0), STEPS[0].1);
        let (g, t) = augment(&goal, tactic, RenameKnobs { locals: 0.0, constants: 1.0 }, &mut rng(1));
        let new = g.target.split(' ').next().unwrap();
        assert_ne!(new, "double");
        assert_eq!(t, format!("rw [{new}, ih]"));
        assert!(g.hypotheses[0].type_ == "Nat" && g.hypotheses[2].type_.starts_with(new));
    }

    #[test]
    fn what_the_tactic_uses_as_a_word_keeps_its_name() {
        let (goal, tactic) = (Goal::parse(STEPS[4].0), STEPS[4].1);
        for seed in 0..50 {
            let (_, t) = augment(&goal, tactic, RenameKnobs { locals: 1.0, constants: 1.0 }, &mut rng(seed));
            assert!(t.starts_with("simp (n := n) ["), "{t}");
        }
    }

    #[test]
    fn the_same_seed_gives_the_same_names() {
        let goal = Goal::parse(STEPS[3].0);
        let once = augment(&goal, STEPS[3].1, RenameKnobs::default(), &mut rng(5));
        assert_eq!(once, augment(&goal, STEPS[3].1, RenameKnobs::default(), &mut rng(5)));
    }
}
