//! Collecting with activations that are where the test says, and sweeping.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};

use codespace::{
    Activation, Answer, CodeManager, Collected, Config, Filter, Handshake, Look, Tier, Unit,
};

use crate::common::{LAZY, call, collect, constant, constant_of_size, install, unit, with};

/// A thread that has left code, with one frame that returns to `frame`; or that runs.
struct Thread {
    handshake: Handshake,
    frame: AtomicUsize,
    runs: AtomicBool,
}

impl Thread {
    fn in_code(entry: usize) -> Arc<Self> {
        Arc::new(Self {
            handshake: Handshake::new(),
            frame: AtomicUsize::new(entry + 1),
            runs: AtomicBool::new(false),
        })
    }
}

// SAFETY: none of the code is run.
unsafe impl Activation for Thread {
    fn handshake(&self) -> &Handshake {
        &self.handshake
    }

    fn ask(&self) {}

    fn is_idle(&self) -> bool {
        self.frame.load(Ordering::Relaxed) == 0
    }

    fn look(&self, visit: &mut dyn FnMut(usize)) -> Look {
        if self.runs.load(Ordering::Relaxed) {
            return Look::Running;
        }
        visit(self.frame.load(Ordering::Relaxed));
        Look::Seen
    }
}

fn manager() -> CodeManager {
    CodeManager::new(&Config::default()).expect("there is room")
}

/// A collection in which all answer at once.
fn collect_with(manager: &CodeManager, threads: &[&Arc<Thread>]) -> Collected {
    let collection = manager.begin_collection();
    let threads = threads.iter().map(|&thread| Arc::clone(thread)).collect();
    // SAFETY: none of the code is run.
    let round = unsafe { collection.ask(threads) }.expect("there is a barrier");
    let answered = collection.look(round).map_err(|_| "it runs").expect("nobody runs");
    collection.finish(&answered)
}

#[test]
fn what_a_frame_returns_to_stays_until_the_frame_is_gone() {
    let manager = manager();
    let unit = unit(&manager, 3);
    let entries = [0, 1, 2].map(|function| install(&unit, constant(function, function)));
    let (one, two) = (Thread::in_code(entries[1]), Thread::in_code(entries[2]));
    unit.remove(Filter::All);
    let collected = collect_with(&manager, &[&one, &two]);
    assert_eq!((collected.objects, collected.survivors), (1, 2));
    assert!(one.handshake.is_watched() && two.handshake.is_watched());
    one.frame.store(0, Ordering::Relaxed);
    assert_eq!(manager.answer(&*one), Answer::Released);
    let collected = collect_with(&manager, &[&one, &two]);
    assert_eq!((collected.objects, collected.survivors), (1, 1));
    two.frame.store(entries[0] + 1, Ordering::Relaxed);
    assert_eq!(collect_with(&manager, &[&one, &two]).objects, 1);
    assert_eq!(unit.stats().retired.count, 0);
}

#[test]
fn a_thread_that_runs_is_waited_for_and_answers_for_itself() {
    let manager = manager();
    let unit = unit(&manager, 2);
    let entries = [0, 1].map(|function| install(&unit, constant(function, function)));
    let thread = Thread::in_code(entries[0]);
    thread.runs.store(true, Ordering::Relaxed);
    unit.remove(Filter::All);
    let collection = manager.begin_collection();
    // SAFETY: none of the code is run.
    let round = unsafe { collection.ask(vec![Arc::clone(&thread)]) }.unwrap();
    let Err(round) = collection.look(round) else { panic!("it runs") };
    assert_eq!(round.waiting(), 1);
    // At its poll.
    thread.runs.store(false, Ordering::Relaxed);
    assert_eq!(manager.answer(&*thread), Answer::Answered);
    thread.runs.store(true, Ordering::Relaxed);
    let Ok(answered) = collection.look(round) else { panic!("it has answered") };
    let collected = collection.finish(&answered);
    assert_eq!((collected.objects, collected.survivors), (1, 1));
    assert_eq!(answered.holders().len(), 1);
}

#[test]
fn what_is_retired_after_a_collection_began_is_for_the_next() {
    let manager = manager();
    let unit = unit(&manager, 2);
    install(&unit, constant(0, 0));
    install(&unit, constant(1, 1));
    unit.remove_function(0);
    let collection = manager.begin_collection();
    unit.remove_function(1);
    // SAFETY: none of the code is run.
    let round = unsafe { collection.ask(Vec::<Arc<Thread>>::new()) }.unwrap();
    let Ok(answered) = collection.look(round) else { panic!("there is nobody") };
    assert_eq!(collection.finish(&answered).objects, 1);
    assert_eq!(unit.stats().retired.count, 1);
    assert_eq!(collect(&manager).objects, 1);
}

#[test]
fn a_collection_that_is_given_up_loses_nothing() {
    let manager = manager();
    let unit = unit(&manager, 1);
    install(&unit, constant(0, 0));
    unit.remove(Filter::All);
    drop(manager.begin_collection());
    assert_eq!(unit.stats().retired.count, 1);
    assert_eq!(collect(&manager).objects, 1);
}

#[test]
fn ret_stale_entries_of_units_that_are_gone_harm_nobody() {
    let manager = manager();
    for round in 0..100 {
        let gone = unit(&manager, 20);
        for function in 0..20 {
            install(&gone, constant(function, 0));
        }
        gone.remove(Filter::All);
        // Its unit goes while a collection has taken the list, or before.
        let collection = (round % 2 == 0).then(|| manager.begin_collection());
        drop(gone);
        // Takes the same ids and ranges.
        let kept = unit(&manager, 20);
        for function in 0..20 {
            install(&kept, constant(function, function));
        }
        if let Some(collection) = collection {
            // SAFETY: none of the code is run.
            let round = unsafe { collection.ask(Vec::<Arc<Thread>>::new()) }.unwrap();
            let Ok(answered) = collection.look(round) else { panic!("there is nobody") };
            assert_eq!(collection.finish(&answered), Collected::default());
        }
        assert_eq!(collect(&manager), Collected::default());
        assert!((0..20).all(|function| call(&kept, function) == function));
        kept.remove(Filter::All);
    }
}

#[test]
fn a_collection_is_wanted_when_enough_was_retired() {
    let config =
        Config { collect_floor_bytes: 10_000, collect_share_percent: 0, ..Config::default() };
    let manager = CodeManager::new(&config).unwrap();
    let unit = unit(&manager, 1);
    let retire = |bytes| {
        install(&unit, constant_of_size(0, 0, bytes));
        unit.remove(Filter::All);
    };
    retire(9_000);
    assert!(!manager.wants_collection());
    retire(2_000);
    assert!(manager.wants_collection());
    collect(&manager);
    assert!(!manager.wants_collection());
}

/// The value that a function returns, without its lazy entry: what a lazy stub would do.
fn call_or_revive(unit: &Unit, function: u32) -> Option<u32> {
    match call(unit, function) {
        value if LAZY <= value => unit.revive(function).then(|| call(unit, function)),
        value => Some(value),
    }
}

#[test]
fn a_sweep_takes_what_was_not_called_since_the_last() {
    let manager = manager();
    let unit = unit(&manager, 600);
    for function in 0..600 {
        let tier = if function < 300 { Tier::Baseline } else { Tier::Optimized };
        let draft = with(constant(function, function), tier, codespace::Flavor::Normal);
        install(&unit, draft);
    }
    let swept = manager.sweep(Filter::Baseline);
    assert_eq!((swept.removed.functions, swept.suspended), (0, 300));
    assert_eq!((call(&unit, 7), call(&unit, 307)), (LAZY + 7, 307));
    assert!(!unit.revive(307));
    for function in 0..600 {
        if function % 2 == 0 {
            assert_eq!(call_or_revive(&unit, function), Some(function));
        }
    }
    assert!(!unit.revive(8));
    let swept = manager.sweep(Filter::Baseline);
    assert_eq!((swept.removed.functions, swept.suspended), (150, 150));
    assert_eq!(swept.removed.code_bytes, 150 * 64);
    assert_eq!((call_or_revive(&unit, 9), call_or_revive(&unit, 10)), (None, Some(10)));
    assert_eq!(collect(&manager).objects, 150);
    unit.pin();
    assert_eq!(manager.sweep(Filter::All), codespace::Swept::default());
    assert_eq!(manager.remove(Filter::All).functions, 0);
}

#[test]
fn hammer_calls_while_code_is_swept() {
    let manager = manager();
    let unit = unit(&manager, 64);
    sync::hammer(4, 300, |thread, round| {
        if thread == 0 {
            unit.sweep(Filter::All);
            return;
        }
        for function in 0..64 {
            // Nothing is freed here, so what a cell leads to stays.
            if call_or_revive(&unit, function).is_none_or(|value| value != function) {
                let draft = constant(function, function);
                drop(unit.publish(unit.place(vec![draft]).unwrap()).unwrap());
            }
        }
        if round % 10 == thread {
            unit.remove_function(round as u32 % 64);
        }
    });
    for function in 0..64 {
        if let Some(value) = call_or_revive(&unit, function) {
            assert_eq!(value, function);
        }
    }
    collect(&manager);
    assert_eq!(unit.stats().retired.count, 0);
}
