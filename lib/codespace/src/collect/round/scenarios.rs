//! The protocol against an owner that enters, leaves, comes back, polls and goes, in every order.
//!
//! Owners only store and then load; the collector's barrier on all threads makes that an order.
//! Here, where there is no such barrier, it is a fence on both sides.

use loom::thread;

use super::*;
use crate::{
    collect::activation::{Answer, Handshake},
    state::{Ended, Released, State},
};
use sync::atomic::{AtomicUsize, Ordering, fence};

const OLD: usize = 1;
const NEW: usize = 2;

/// One function with old and new code, and one thread that calls it, on one stack.
#[derive(Debug)]
struct World {
    /// Where callers of the function go.
    cell: AtomicUsize,
    /// The old code's record, and whether its memory still has it.
    old: State,
    usable: AtomicUsize,
    entry: AtomicUsize,
    exit: AtomicUsize,
    sequence: AtomicUsize,
    interrupt: AtomicUsize,
    handshake: Handshake,
    /// What the only frame on the stack returns to, and whether the stack is there.
    frame: AtomicUsize,
    /// Whether the frames that are read lead to that one. Code that runs writes other things there.
    link: AtomicUsize,
    mapped: AtomicUsize,
}

impl World {
    fn new() -> Arc<Self> {
        let old = State::new();
        old.start(1);
        Arc::new(Self {
            cell: AtomicUsize::new(OLD),
            old,
            usable: AtomicUsize::new(1),
            entry: AtomicUsize::new(0),
            exit: AtomicUsize::new(0),
            sequence: AtomicUsize::new(0),
            interrupt: AtomicUsize::new(0),
            handshake: Handshake::new(),
            frame: AtomicUsize::new(0),
            link: AtomicUsize::new(1),
            mapped: AtomicUsize::new(1),
        })
    }

    // The collector's side.

    fn see(&self, code: usize) -> bool {
        code == OLD && self.old.note_seen(1)
    }

    /// Replaces the old code and collects it.
    fn replace_and_collect(world: &Arc<Self>) {
        world.cell.store(NEW, Ordering::Release);
        assert_eq!(world.old.release(), Released::Retired);
        let barrier = || {
            fence(Ordering::SeqCst);
            Ok::<_, ()>(())
        };
        let mut round = Round::start(1, vec![Arc::clone(world)], barrier).unwrap();
        let answered = loop {
            match round.look(&|code| world.see(code)) {
                Ok(answered) => break answered,
                Err(rest) => round = rest,
            }
            thread::yield_now();
        };
        if world.old.kill(0, answered.collection()) != Ended::No {
            world.usable.store(0, Ordering::Relaxed);
        }
    }

    // The owner's side.

    /// Leaves the code for the host.
    fn exit(&self) {
        let next = self.sequence.load(Ordering::Relaxed) + 1;
        self.sequence.store(next, Ordering::Release);
        self.exit.store(1, Ordering::Release);
    }

    /// Comes back into the code.
    fn come_back(&self) {
        self.exit.store(0, Ordering::Release);
    }

    /// Enters, and calls the function.
    fn enter(&self) {
        self.entry.store(1, Ordering::Release);
        self.exit.store(0, Ordering::Release);
        fence(Ordering::SeqCst);
        let code = self.cell.load(Ordering::Acquire);
        self.frame.store(code, Ordering::Release);
        self.run();
    }

    /// Code of the frame runs.
    fn run(&self) {
        if self.frame.load(Ordering::Relaxed) == OLD {
            assert_eq!(self.usable.load(Ordering::Relaxed), 1, "freed under a frame");
        }
    }

    /// The function calls the host, which comes back.
    fn call_host(&self) {
        self.link.store(0, Ordering::Release);
        self.link.store(1, Ordering::Release);
        self.exit();
        self.come_back();
        fence(Ordering::SeqCst);
        self.run();
    }

    /// The function calls the host, which calls it again before it comes back.
    fn call_host_that_calls_back(&self) {
        self.exit();
        self.come_back();
        fence(Ordering::SeqCst);
        if self.cell.load(Ordering::Acquire) == OLD {
            assert_eq!(self.usable.load(Ordering::Relaxed), 1, "freed under an inner frame");
        }
        // To what it was: the outer frame stood still.
        self.exit.store(1, Ordering::Release);
        fence(Ordering::SeqCst);
        if self.interrupt.load(Ordering::Relaxed) != 0 {
            let _ = self.answer();
        }
        self.come_back();
        fence(Ordering::SeqCst);
        self.run();
    }

    /// True if there was something to answer.
    fn poll(&self) -> bool {
        if self.interrupt.load(Ordering::Relaxed) == 0 {
            return false;
        }
        self.exit();
        self.interrupt.store(0, Ordering::Relaxed);
        fence(Ordering::SeqCst);
        let answer = self.answer();
        self.come_back();
        fence(Ordering::SeqCst);
        answer != Answer::Unasked
    }

    fn answer(&self) -> Answer {
        self.handshake.answer(|_| look_at(self, &|code| self.see(code)))
    }

    /// The function returns, and the stack goes.
    fn leave(&self) {
        self.frame.store(0, Ordering::Release);
        self.entry.store(0, Ordering::Release);
        fence(Ordering::SeqCst);
        if self.interrupt.load(Ordering::Relaxed) != 0 {
            let _ = self.answer();
        }
        self.mapped.store(0, Ordering::Release);
    }
}

// SAFETY: a model; what the trait asks for is what is being tested.
unsafe impl Activation for World {
    fn handshake(&self) -> &Handshake {
        &self.handshake
    }

    fn ask(&self) {
        self.interrupt.store(1, Ordering::Relaxed);
    }

    fn is_idle(&self) -> bool {
        self.entry.load(Ordering::Acquire) == 0
    }

    fn look(&self, visit: &mut dyn FnMut(usize)) -> Look {
        let sequence = self.sequence.load(Ordering::Acquire);
        if self.entry.load(Ordering::Acquire) == 0 {
            return Look::Idle;
        }
        let exit = self.exit.load(Ordering::Acquire);
        if exit == 0 {
            return Look::Running;
        }
        assert_eq!(self.mapped.load(Ordering::Relaxed), 1, "a stack that is gone was read");
        if self.link.load(Ordering::Acquire) == 1 {
            visit(self.frame.load(Ordering::Relaxed));
        }
        fence(Ordering::Acquire);
        let same = self.exit.load(Ordering::Acquire) == exit
            && self.sequence.load(Ordering::Relaxed) == sequence;
        if same { Look::Seen } else { Look::Running }
    }
}

/// Every order with at most that many preemptions.
fn model(preemptions: usize, scenario: impl Fn() + Sync + Send + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(preemptions);
    builder.check(scenario);
}

fn owner(world: &Arc<World>, script: impl FnOnce(&World) + 'static) -> thread::JoinHandle<()> {
    let world = Arc::clone(world);
    thread::spawn(move || script(&world))
}

#[test]
fn rnd_idle_a_call_that_begins_finds_the_new_code_or_is_found() {
    model(4, || {
        let world = World::new();
        let owner = owner(&world, |world| {
            world.enter();
            world.leave();
        });
        World::replace_and_collect(&world);
        owner.join().unwrap();
        assert_eq!(world.usable.load(Ordering::Relaxed), 0);
    });
}

#[test]
fn rnd_host_what_a_host_call_returns_to_is_not_freed() {
    model(3, || {
        let world = World::new();
        let owner = owner(&world, |world| {
            world.enter();
            world.call_host();
            world.leave();
        });
        World::replace_and_collect(&world);
        owner.join().unwrap();
    });
}

#[test]
fn rnd_host_frames_that_moved_are_read_again() {
    model(3, || {
        let world = World::new();
        world.enter();
        let owner = owner(&world, |world| {
            world.call_host();
            world.call_host();
            world.leave();
        });
        World::replace_and_collect(&world);
        owner.join().unwrap();
    });
}

#[test]
fn rnd_host_what_a_host_call_calls_is_not_freed() {
    model(3, || {
        let world = World::new();
        world.enter();
        let owner = owner(&world, |world| {
            world.call_host_that_calls_back();
            world.leave();
        });
        World::replace_and_collect(&world);
        owner.join().unwrap();
    });
}

#[test]
fn rnd_run_a_loop_answers_at_its_poll_and_goes_on() {
    model(3, || {
        let world = World::new();
        world.enter();
        let owner = owner(&world, |world| {
            let _ = world.poll();
            world.run();
            let _ = world.poll();
            world.run();
            world.leave();
        });
        World::replace_and_collect(&world);
        owner.join().unwrap();
    });
}

#[test]
fn act_stacks_who_leaves_waits_for_who_looks() {
    model(3, || {
        let world = World::new();
        world.enter();
        world.exit.store(1, Ordering::Relaxed);
        let owner = owner(&world, |world| {
            world.come_back();
            world.leave();
        });
        World::replace_and_collect(&world);
        owner.join().unwrap();
    });
}
