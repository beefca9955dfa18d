//! One file in which tactics are tried: Lean's answers of now, and those of before.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::Result;

use super::cache::{Cache, Key, key};
use crate::lean::scope::SCOPE;
use crate::trace::play::{Bytes, Opened, Player, Ran, Standing, Surveyed};

/// How far Lean goes with a tactic.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bound {
    /// Lean's option `maxHeartbeats`.
    pub heartbeats: u64,
    /// For what no heartbeat stops, such as the kernel's reductions.
    pub longest: Duration,
}

/// A file's states, and what was tried at them.
pub struct Arena<'a> {
    player: Player<'a>,
    cache: &'a Cache,
    /// All that Lean's answers depend on beside the question.
    world: String,
    places: Vec<Bytes>,
    opened: bool,
    /// The searches that ran before, in which of Lean's processes.
    warm: (usize, Vec<String>),
    /// The process in which something was looked for in scope before.
    surveyed: usize,
    /// Questions that Lean answered now, and those answered from the cache.
    pub asked: (usize, usize),
}

/// Where a tactic is tried: at a step, after the tactics that led on from there.
#[derive(Debug, Clone, Copy)]
pub struct At<'a> {
    /// The step.
    pub step: Bytes,
    /// The tactics since.
    pub path: &'a [String],
}

impl<'a> Arena<'a> {
    /// `world` is a hash of the file with all that it imports and of the Lean that reads it; `places` are the
    /// steps at which something may be tried.
    pub fn new(player: Player<'a>, cache: &'a Cache, world: String, places: Vec<Bytes>) -> Arena<'a> {
        Arena {
            player,
            cache,
            world,
            places,
            opened: false,
            warm: (0, Vec::new()),
            surveyed: 0,
            asked: (0, 0),
        }
    }

    /// The file's text.
    pub fn text(&self) -> &str {
        self.player.text()
    }

    /// Where the steps stand; those that Lean does not find again are missing.
    pub fn standings(&mut self) -> Result<BTreeMap<Bytes, Standing>> {
        let key_of = |at: &Bytes| key("standing", &[&self.world, &format!("{at:?}")]);
        let mut known = BTreeMap::new();
        for at in &self.places {
            match self.cache.get::<Option<Standing>>(&key_of(at))? {
                Some(standing) => known.extend(standing.map(|s| (*at, s))),
                None => {
                    let opened = self.player.open(self.places.clone())?;
                    self.opened = true;
                    for at in &self.places {
                        self.cache.put(&key_of(at), &opened.places.get(at))?;
                    }
                    return Ok(opened.places);
                }
            }
        }
        Ok(known)
    }

    /// Runs a tactic on the main goal of a state.
    pub fn run(&mut self, at: At, tactic: &str, bound: Bound) -> Result<Ran> {
        let key = self.key_of(at, tactic, bound);
        if let Some(known) = self.cache.get(&key)? {
            self.asked.1 += 1;
            return Ok(known);
        }
        self.open()?;
        let ran = self.player.run(at.step, at.path, tactic, bound.heartbeats, bound.longest)?;
        self.asked.0 += 1;
        self.cache.put(&key, &ran)?;
        Ok(ran)
    }

    /// What the names at a state offer.
    pub fn offer(&mut self, at: At, bound: Bound) -> Result<Surveyed> {
        let key = self.key_of(at, SCOPE, bound);
        if let Some(known) = self.cache.get(&key)? {
            return Ok(known);
        }
        self.open()?;
        if self.surveyed != self.player.starts {
            // What Lean looks up for the first time is not counted.
            self.player.offer(at.step, at.path, bound.heartbeats, bound.longest)?;
            self.surveyed = self.player.starts;
        }
        let surveyed = self.player.offer(at.step, at.path, bound.heartbeats, bound.longest)?;
        self.cache.put(&key, &surveyed)?;
        Ok(surveyed)
    }

    /// Runs one of Lean's search tactics. The first of a kind in a Lean builds its index of the library, which an
    /// editor's Lean has done before; that is not counted.
    pub fn search(&mut self, at: At, command: &str, bound: Bound) -> Result<Ran> {
        let key = self.key_of(at, command, bound);
        if self.cache.get::<Ran>(&key)?.is_none() {
            self.open()?;
            if self.warm.0 != self.player.starts {
                self.warm = (self.player.starts, Vec::new());
            }
            if !self.warm.1.iter().any(|c| c == command) {
                let little = bound.heartbeats / 20;
                self.player.run(at.step, at.path, command, little, bound.longest)?;
                self.warm.1.push(command.to_owned());
            }
        }
        self.run(at, command, bound)
    }

    fn open(&mut self) -> Result<()> {
        if !self.opened {
            self.player.open(self.places.clone())?;
            self.opened = true;
        }
        Ok(())
    }

    fn key_of(&self, at: At, tactic: &str, bound: Bound) -> Key {
        let (place, heartbeats) = (format!("{:?}", at.step), bound.heartbeats.to_string());
        let mut parts = vec![self.world.as_str(), &place, &heartbeats, tactic];
        parts.extend(at.path.iter().map(String::as_str));
        key("tactic", &parts)
    }

    /// The lines with errors of another text in the file's place.
    pub fn check(&mut self, text: &str) -> Result<Opened> {
        let key = key("check", &[&self.world, text]);
        self.cache.or(&key, || {
            self.opened = false;
            self.player.check(text)
        })
    }
}
