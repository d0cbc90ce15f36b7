//! How fast a collector works: not at the cost of those who publish.
//!
//! ```text
//!   publisher   │▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒│ ends       │
//!   collector   │ turn ·· pause ·· turn ·· pause ·· turn │ turn │ turn │
//! ```
//!
//! What a collector does for each object takes what publishing takes too: the system's lock of the
//! code's file, the allocator's, the books of an arena, and the cache lines of all of these. None is
//! held for long, but on another core a collector asks for them all the time. So it works in
//! turns, and makes a pause where somebody has published since the last. Where nobody does, it
//! makes none, nor where somebody waits for what it frees.
#![forbid(unsafe_code)]

use std::{
    // Loom does not look at numbers alone.
    sync::atomic::{AtomicUsize, Ordering},
    thread,
    time::Duration,
};

use crate::manager::CodeManager;

/// Chosen: some tens of microseconds of work between pauses of about a hundred, as the system makes
/// of these.
pub(crate) const OBJECTS_A_TURN: usize = 256;
const PAUSE: Duration = Duration::from_micros(50);
/// Of one collection: three milliseconds. Measured: twice as many gain nothing, as what is freed
/// later has gone cold, and what comes after them goes without a pause, so that code is free soon
/// even where somebody publishes for ever.
const PAUSES: u32 = 24;

/// The pace of one collection.
#[derive(Debug)]
pub(crate) struct Pace<'m> {
    /// `None` if nobody is to be spared.
    manager: Option<&'m CodeManager>,
    /// How much had been generated at the last turn.
    generated: usize,
    pauses: u32,
}

/// What decides about a pause.
#[derive(Clone, Copy, Debug)]
struct Situation {
    /// Has anybody placed code since the last turn?
    is_anybody_placing: bool,
    room: Room,
    /// Pauses that were made.
    pauses: u32,
}

impl<'m> Pace<'m> {
    /// Sparing those who publish.
    pub(crate) fn gentle(manager: &'m CodeManager) -> Self {
        Self { manager: Some(manager), generated: manager.counters().generated(), pauses: 0 }
    }

    /// Without pauses.
    pub(crate) fn hasty() -> Self {
        Self { manager: None, generated: 0, pauses: 0 }
    }

    /// A turn is over, and another is to come. No locks are held that publishing takes.
    pub(crate) fn turn(&mut self) {
        let Some(manager) = self.manager else { return };
        let generated = manager.counters().generated();
        let is_short = manager.haste().is_wanted() || manager.is_nearly_full();
        let situation = Situation {
            is_anybody_placing: generated != self.generated,
            room: if is_short { Room::Short } else { Room::Enough },
            pauses: self.pauses,
        };
        self.generated = generated;
        if is_pause_due(situation) {
            self.pauses += 1;
            thread::sleep(PAUSE);
        }
    }
}

/// What there is for those who want memory.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Room {
    Enough,
    /// Somebody waits for more, or may soon.
    Short,
}

fn is_pause_due(situation: Situation) -> bool {
    let Situation { is_anybody_placing, room, pauses } = situation;
    is_anybody_placing && room == Room::Enough && pauses < PAUSES
}

/// How many wait for what collections free.
#[derive(Debug, Default)]
pub(crate) struct HasteCount(AtomicUsize);

impl HasteCount {
    fn is_wanted(&self) -> bool {
        // Relaxed: for a decision that may come a little later.
        self.0.load(Ordering::Relaxed) != 0
    }
}

/// As long as this lives, collections of a manager make no pauses for the sake of those who
/// publish.
#[derive(Debug)]
#[must_use]
pub struct Haste<'m>(&'m HasteCount);

impl CodeManager {
    /// Has collections go on without pauses, also one that another thread has begun: for who
    /// waits for the memory.
    pub fn hurry(&self) -> Haste<'_> {
        self.haste().0.fetch_add(1, Ordering::Relaxed);
        Haste(self.haste())
    }
}

impl Drop for Haste<'_> {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::config::Config;

    #[test]
    fn pauses_are_for_those_who_publish_and_not_for_ever() {
        let situation =
            Situation { is_anybody_placing: true, room: Room::Enough, pauses: PAUSES - 1 };
        assert!(is_pause_due(situation));
        assert!(!is_pause_due(Situation { is_anybody_placing: false, ..situation }));
        assert!(!is_pause_due(Situation { room: Room::Short, ..situation }));
        assert!(!is_pause_due(Situation { pauses: PAUSES, ..situation }));
    }

    #[test]
    fn a_pause_is_made_after_a_turn_in_which_somebody_placed_code() {
        let manager = CodeManager::new(&Config::default()).unwrap();
        let mut pace = Pace::gentle(&manager);
        let mut pauses_after = |bytes| {
            manager.counters().placed(bytes);
            pace.turn();
            pace.pauses
        };
        assert_eq!([0, 10, 0, 20].map(&mut pauses_after), [0, 1, 1, 2]);
        let haste = [manager.hurry(), manager.hurry()];
        assert_eq!(pauses_after(10), 2);
        let [first, second] = haste;
        drop(first);
        assert_eq!(pauses_after(10), 2);
        drop(second);
        assert_eq!(pauses_after(10), 3);
        let mut hasty = Pace::hasty();
        hasty.turn();
        assert_eq!(hasty.pauses, 0);
    }
}
