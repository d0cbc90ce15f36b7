//! Which loop of a function is optimized for the frames that are in it.
//!
//! ```text
//!   outer ─────────────┐  reports now and then     ◄── is chosen: code from here on has its inner
//!     inner ───┐       │  reports most of the time     loops as they should be
//!              └───────┘
//! ```
//!
//! What is entered at an inner loop comes into the loops around it in their middle, which is harder
//! to optimize, and needs a copy of the inner one. So the outermost loop is chosen that was seen to
//! report more than once: the first time may be its only one. Until a frame comes to its header, the
//! inner loop reports in small slices, and after some of them is chosen too.
#![forbid(unsafe_code)]

use sync::{Mutex, Rank};

use crate::job::Stage;

/// A loop is known to go on if it reported so often: the first time may be its only one.
const SEEN: u32 = 2;

/// What is remembered of the loops of one function.
#[derive(Debug)]
pub(crate) struct Loops(Mutex<List>);

#[derive(Debug, Default)]
struct List {
    records: Vec<Record>,
    /// Work that was done by calls that began before there was better code for the function.
    late: u64,
    /// Reports since there was code for one more loop.
    waited: u32,
}

#[derive(Debug)]
struct Record {
    /// In the module's bytes.
    position: u32,
    /// Positions of the loops around it, innermost first, once they are known.
    around: Option<Box<[u32]>>,
    reports: u32,
    stage: Stage,
}

impl Default for Loops {
    fn default() -> Self {
        Self(Mutex::new(Rank::Loops, List::default()))
    }
}

impl Loops {
    /// The loop at that position has reported. Says how far it is.
    pub(crate) fn report(&self, position: u32) -> Stage {
        let mut list = self.0.lock();
        list.waited = list.waited.saturating_add(1);
        let record = list.record(position);
        record.reports = record.reports.saturating_add(1);
        record.stage
    }

    /// Adds work of a call that began before there was better code, and returns all before.
    pub(crate) fn add_late(&self, work: u32) -> u64 {
        let mut list = self.0.lock();
        let before = list.late;
        list.late = before.saturating_add(u64::from(work));
        before
    }

    /// Is one of them to have code soon, or has it?
    pub(crate) fn is_expecting(&self) -> bool {
        use Stage::{Compiling, Done, Queued};
        let list = self.0.lock();
        list.records.iter().any(|record| matches!(record.stage, Queued | Compiling | Done))
    }

    /// The loop to optimize for a frame that is at a loop. `around` finds the loops around that,
    /// innermost first.
    pub(crate) fn choose(
        &self,
        position: u32,
        patience: u32,
        around: impl FnOnce() -> Vec<u32>,
    ) -> Option<u32> {
        let mut list = self.0.lock();
        let record = list.record(position);
        let around = record.around.get_or_insert_with(|| around().into()).clone();
        list.choose(position, patience, &around)
    }

    /// As `choose`, for those who want to have it at once: itself, if it goes on.
    pub(crate) fn choose_itself(&self, position: u32) -> Option<u32> {
        let mut list = self.0.lock();
        let record = list.record(position);
        (record.stage == Stage::Idle && SEEN <= record.reports).then_some(position)
    }

    /// Has it no code, but may get some?
    pub(crate) fn is_wanted(&self, position: u32) -> bool {
        !matches!(self.0.lock().record(position).stage, Stage::Done | Stage::Failed)
    }

    /// True if the caller is the one to queue or compile it.
    pub(crate) fn queue(&self, position: u32) -> bool {
        self.change(position, |stage| stage == Stage::Idle, Stage::Queued)
    }

    /// True if the caller is the one to compile it, which was queued.
    pub(crate) fn start(&self, position: u32) -> bool {
        self.change(position, |stage| stage == Stage::Queued, Stage::Compiling)
    }

    /// It could not be queued, or was compiled.
    pub(crate) fn finish(&self, position: u32, stage: Stage) {
        self.change(position, |before| matches!(before, Stage::Queued | Stage::Compiling), stage);
    }

    /// Its code was taken away.
    pub(crate) fn lose(&self, position: u32) {
        self.change(position, |stage| stage == Stage::Done, Stage::Idle);
    }

    /// The function starts from below.
    pub(crate) fn reset(&self) {
        let mut list = self.0.lock();
        list.late = 0;
        for record in list.records.iter_mut().filter(|record| record.stage == Stage::Done) {
            record.stage = Stage::Idle;
        }
    }

    fn change(&self, position: u32, from: impl FnOnce(Stage) -> bool, to: Stage) -> bool {
        let mut list = self.0.lock();
        let record = list.record(position);
        let changes = from(record.stage);
        if changes {
            record.stage = to;
            list.waited = 0;
        }
        changes
    }
}

impl List {
    fn record(&mut self, position: u32) -> &mut Record {
        let index = self.records.binary_search_by_key(&position, |record| record.position);
        let index = index.unwrap_or_else(|index| {
            let record = Record { position, around: None, reports: 0, stage: Stage::Idle };
            self.records.insert(index, record);
            index
        });
        &mut self.records[index]
    }

    fn find(&self, position: u32) -> Option<&Record> {
        let index = self.records.binary_search_by_key(&position, |record| record.position);
        Some(&self.records[index.ok()?])
    }

    fn choose(&self, position: u32, patience: u32, around: &[u32]) -> Option<u32> {
        use Stage::{Compiling, Done, Idle, Queued};
        let known = || around.iter().filter_map(|&position| self.find(position));
        let own = self.find(position).filter(|own| own.stage == Idle).map(|own| own.position);
        if known().any(|outer| matches!(outer.stage, Queued | Compiling)) {
            return None;
        }
        if known().any(|outer| outer.stage == Done) {
            return own.filter(|_| patience <= self.waited);
        }
        let mut worth = known().filter(|outer| outer.stage == Idle && SEEN <= outer.reports);
        own.and(worth.next_back().map(|outer| outer.position).or(own))
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    /// Three nested loops at 10, 20 and 30, which reported so often.
    fn nest(reports: [u32; 3]) -> Loops {
        let loops = Loops::default();
        for (position, count) in [10, 20, 30].into_iter().zip(reports) {
            (0..count).for_each(|_| assert_eq!(loops.report(position), Stage::Idle));
        }
        loops
    }

    fn choose(loops: &Loops, patience: u32) -> Option<u32> {
        loops.choose(30, patience, || vec![20, 10])
    }

    #[test]
    fn the_outermost_loop_that_goes_on_is_chosen() {
        assert_eq!(choose(&nest([0, 0, 9]), 0), Some(30));
        assert_eq!(choose(&nest([1, 0, 9]), 0), Some(30));
        assert_eq!(choose(&nest([1, 2, 9]), 0), Some(20));
        assert_eq!(choose(&nest([3, 2, 9]), 0), Some(10));
        assert_eq!(nest([3, 2, 9]).choose_itself(30), Some(30));
    }

    #[test]
    fn an_inner_loop_waits_for_the_outer_one_but_not_for_ever() {
        let loops = nest([3, 2, 9]);
        assert!(!loops.is_expecting() && loops.queue(10) && !loops.queue(10));
        assert!(loops.is_expecting() && loops.start(10) && !loops.start(10));
        assert_eq!(choose(&loops, 0), None);
        loops.finish(10, Stage::Done);
        assert_eq!(choose(&loops, 2), None);
        loops.report(30);
        loops.report(30);
        assert_eq!((choose(&loops, 2), loops.report(10)), (Some(30), Stage::Done));
    }

    #[test]
    fn what_failed_is_never_chosen_again() {
        let loops = nest([3, 2, 9]);
        assert!(loops.queue(10));
        loops.finish(10, Stage::Failed);
        loops.reset();
        loops.lose(10);
        assert_eq!((choose(&loops, 0), loops.choose_itself(10)), (Some(20), None));
        assert!(loops.queue(30));
        loops.finish(30, Stage::Failed);
        assert_eq!(choose(&loops, 0), None);
    }

    #[test]
    fn what_was_taken_away_is_made_again() {
        let loops = nest([0, 0, 1]);
        for lose in [|loops: &Loops| loops.lose(30), Loops::reset] {
            assert!(loops.queue(30) && loops.start(30));
            loops.finish(30, Stage::Done);
            assert_eq!((choose(&loops, 0), loops.add_late(5)), (None, 0));
            lose(&loops);
            assert_eq!(choose(&loops, 0), Some(30));
            loops.reset();
        }
    }
}
