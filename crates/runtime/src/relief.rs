//! Getting below a limit on code memory again, or making room under it.
//!
//! ```text
//!   step       units, least recently used first          ([`CodeManager::victims`])
//!   sweep ──►  U1 U2 U3 ─► enough? collect ─► goal met? ──► done
//!              U4 U5 …                      └─► on with U4
//!   remove ──► U1 U2 …
//! ```
//!
//! * [RE-ENOUGH] no more is given up than is wanted, up to one unit's code for a step. What a frame
//!   still runs does not count: then the next unit follows.
//! * [RE-WHOSE] at a tenant's limit only that tenant's code goes.
#![forbid(unsafe_code)]

use std::{sync::Arc, thread, time::Duration};

use codespace::{GENTLE_STEPS, HARD_STEPS, Removed, Shortage, Step, Tenant, Whose};

use crate::{
    FlushCause,
    collector::{Collector, Shared},
    events,
};

/// How often somebody who finds no room for code gives some up, if others take it. Chosen: they
/// must be lucky each time, and whoever wants what there can never be is told in a second.
const ROUNDS: u32 = 200;
/// How often he waits for what others are giving back, if there is nothing to give up: each time
/// after twice the pause.
const PAUSES: u32 = 8;
const FIRST_PAUSE: Duration = Duration::from_micros(100);

/// When enough was given up.
trait Goal {
    /// How many bytes more, by the last look.
    fn missing(&self) -> usize;

    /// Looks again, after a collection. Is there enough now?
    fn look(&mut self) -> bool;
}

impl Collector {
    /// Takes all steps to their end.
    pub(crate) fn take_all(&self, whose: Whose<'_>, steps: &[Step], cause: FlushCause) -> Removed {
        let _haste = self.shared().manager().hurry();
        self.shared().give_up((whose, cause), steps, &mut All)
    }

    /// Tries until there is room for somebody of that tenant, or nothing is left to give up.
    pub(crate) fn with_room<R>(
        &self,
        tenant: &Arc<Tenant>,
        attempt: impl Fn() -> codespace::Result<R>,
    ) -> codespace::Result<R> {
        let shared = self.shared();
        let (mut result, mut pauses) = (attempt(), 0);
        for _ in 0..ROUNDS {
            let Some(shortage) = result.as_ref().err().and_then(codespace::Error::shortage) else {
                return result;
            };
            let (whose, wanted) = match shortage {
                Shortage::Manager { wanted } => (Whose::Everybody, wanted),
                Shortage::Tenant { wanted } => (Whose::Tenant(tenant), wanted),
            };
            let missing = shared.manager().ransom(whose, wanted);
            let _haste = shared.manager().hurry();
            let mut room = Room { attempt: &attempt, result, shortage, missing };
            let removed = shared.give_up((whose, FlushCause::Limit), &HARD_STEPS, &mut room);
            let is_met = room.is_met();
            result = room.result;
            // Whoever has given something up and did not get it tries again at once, before others
            // take it again.
            if removed.functions == 0 && !is_met {
                if pauses == PAUSES || !shared.manager().is_in_flight(whose) {
                    break;
                }
                thread::sleep(FIRST_PAUSE * (1 << pauses));
                pauses += 1;
            }
        }
        result
    }
}

impl Shared {
    /// Makes room under the limits that are nearly reached, or only collects if there is none.
    pub(crate) fn collect_or_relieve(self: &Arc<Self>) {
        let wanting = self.manager().relieve();
        if wanting.is_empty() {
            self.collect();
        }
        for tenant in wanting {
            let whose = tenant.as_ref().map_or(Whose::Everybody, Whose::Tenant);
            let mut low = Low { shared: self, whose };
            self.give_up((whose, FlushCause::Sweep), &GENTLE_STEPS, &mut low);
        }
    }

    /// Takes steps until the goal is met, and returns what it took away.
    fn give_up(
        self: &Arc<Self>,
        (whose, cause): (Whose<'_>, FlushCause),
        steps: &[Step],
        goal: &mut dyn Goal,
    ) -> Removed {
        let mut all = Removed::default();
        for &step in steps {
            events::budget(cause, self.manager(), (whose, step));
            if step == Step::Collect {
                self.collect();
                if goal.look() {
                    break;
                }
                continue;
            }
            let mut waiting = 0;
            for unit in self.manager().victims(whose) {
                let removed = unit.take(step);
                self.note_flushed(cause, removed);
                all += removed;
                waiting += removed.code_bytes;
                // [RE-ENOUGH]
                if waiting == 0 || waiting < goal.missing() {
                    continue;
                }
                self.collect();
                waiting = 0;
                if goal.look() {
                    return all;
                }
            }
            if waiting != 0 {
                self.collect();
                if goal.look() {
                    break;
                }
            }
        }
        all
    }
}

/// There is never enough.
struct All;

impl Goal for All {
    fn missing(&self) -> usize {
        usize::MAX
    }

    fn look(&mut self) -> bool {
        false
    }
}

/// Below the low-water mark.
struct Low<'a> {
    shared: &'a Shared,
    whose: Whose<'a>,
}

impl Goal for Low<'_> {
    fn missing(&self) -> usize {
        self.shared.manager().excess(self.whose)
    }

    fn look(&mut self) -> bool {
        self.missing() == 0
    }
}

/// Something that needs room succeeds, or is short of something else.
struct Room<'a, A, R> {
    attempt: &'a A,
    result: codespace::Result<R>,
    shortage: Shortage,
    missing: usize,
}

impl<A, R> Room<'_, A, R> {
    fn is_met(&self) -> bool {
        let found = self.result.as_ref().err().and_then(codespace::Error::shortage);
        !found.is_some_and(|found| found.is_like(self.shortage))
    }
}

impl<A: Fn() -> codespace::Result<R>, R> Goal for Room<'_, A, R> {
    fn missing(&self) -> usize {
        self.missing
    }

    fn look(&mut self) -> bool {
        self.result = (self.attempt)();
        self.is_met()
    }
}
