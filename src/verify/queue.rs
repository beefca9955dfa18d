//! The order of the verifier's work: the newest place first, what answers soonest first. Pure.

use super::Place;

/// Kinds of work at one place, in the order in which they are done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Class {
    /// Reading the goals, which everything else waits for.
    State,
    /// Trying given tactics.
    Verify,
    /// Lean's own search, which takes as long as all else together.
    Search,
}

/// When a piece of work has its turn; the smaller is the earlier.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Turn {
    /// Searches last, of whatever place: nobody waits for a first answer of theirs.
    search: bool,
    /// Younger places first: who moved on waits for nothing that was asked for before.
    place: std::cmp::Reverse<u64>,
    class: Class,
    number: u64,
}

impl Turn {
    /// Whether running work of the turn `running` is to be put off for this one: not among candidates of the
    /// same place.
    pub fn interrupts(&self, running: &Turn) -> bool {
        (self.search, self.place) < (running.search, running.place)
    }
}

/// Places that are remembered, so that further work at one belongs to it.
const PLACES: usize = 32;

/// Work that waits.
#[derive(Debug)]
pub struct Queue<T> {
    waiting: Vec<(Turn, T)>,
    /// The places last asked about, the youngest last.
    places: Vec<(Place, u64)>,
    last: u64,
}

impl<T> Default for Queue<T> {
    fn default() -> Self {
        Queue { waiting: Vec::new(), places: Vec::new(), last: 0 }
    }
}

impl<T> Queue<T> {
    /// Adds work; its turn. A question for the state of a place makes it the youngest, other work goes
    /// with what was asked before at the same place.
    pub fn add(&mut self, place: &Place, class: Class, work: T) -> Turn {
        self.last += 1;
        let known = self.places.iter().position(|(p, _)| p == place);
        let age = match known {
            Some(i) if class != Class::State => self.places[i].1,
            _ => {
                if let Some(i) = known {
                    self.places.remove(i);
                }
                if self.places.len() == PLACES {
                    self.places.remove(0);
                }
                self.places.push((place.clone(), self.last));
                self.last
            }
        };
        let search = class == Class::Search;
        let turn = Turn { search, place: std::cmp::Reverse(age), class, number: self.last };
        self.waiting.push((turn, work));
        turn
    }

    /// Puts work back whose turn was interrupted.
    pub fn put_back(&mut self, turn: Turn, work: T) {
        self.waiting.push((turn, work));
    }

    /// The work that has its turn.
    pub fn next(&mut self) -> Option<(Turn, T)> {
        let i = (0..self.waiting.len()).min_by_key(|i| self.waiting[*i].0)?;
        Some(self.waiting.swap_remove(i))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(line: u32) -> Place {
        let position = lsp_types::Position { line, character: 0 };
        Place { uri: "file:///a".into(), version: 1, text: "".into(), position }
    }

    #[test]
    fn the_newest_place_comes_first_and_searches_come_last() {
        let mut queue = Queue::default();
        let (a, b) = (place(1), place(2));
        queue.add(&a, Class::State, "a state");
        queue.add(&a, Class::Search, "a search");
        queue.add(&a, Class::Verify, "a verify");
        queue.add(&b, Class::State, "b state");
        queue.add(&b, Class::Verify, "b verify");
        queue.add(&a, Class::Verify, "a verify again");
        let order: Vec<&str> = std::iter::from_fn(|| queue.next()).map(|(_, w)| w).collect();
        assert_eq!(order, ["b state", "b verify", "a state", "a verify", "a verify again", "a search"]);
    }

    #[test]
    fn only_a_newer_place_interrupts_and_a_search_gives_way() {
        let mut queue = Queue::default();
        let (a, b) = (place(1), place(2));
        let verify_a = queue.add(&a, Class::Verify, ());
        let search_a = queue.add(&a, Class::Search, ());
        let again_a = queue.add(&a, Class::Verify, ());
        assert!(!again_a.interrupts(&verify_a) && again_a.interrupts(&search_a));
        let state_b = queue.add(&b, Class::State, ());
        assert!(state_b.interrupts(&verify_a) && !verify_a.interrupts(&state_b));
        let back_to_a = queue.add(&a, Class::State, ());
        assert!(back_to_a.interrupts(&state_b) && !back_to_a.interrupts(&back_to_a));
    }
}
