use super::*;
use crate::collect::activation::{Answer, Handshake};
use std::cell::Cell;
use sync::{
    Mutex, Rank,
    atomic::{AtomicUsize, Ordering},
};

/// An activation that is where the test says.
#[derive(Debug)]
struct Scripted {
    handshake: Handshake,
    place: Mutex<(Look, usize)>,
    asked: AtomicUsize,
}

impl Scripted {
    fn new(look: Look, frames: usize) -> Arc<Self> {
        Arc::new(Self {
            handshake: Handshake::new(),
            place: Mutex::new(Rank::Process, (look, frames)),
            asked: AtomicUsize::new(0),
        })
    }

    fn moves(&self, look: Look, frames: usize) {
        *self.place.lock() = (look, frames);
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::Relaxed)
    }
}

// SAFETY: there is no code.
unsafe impl Activation for Scripted {
    fn handshake(&self) -> &Handshake {
        &self.handshake
    }

    fn ask(&self) {
        self.asked.fetch_add(1, Ordering::Relaxed);
    }

    fn is_idle(&self) -> bool {
        self.place.lock().0 == Look::Idle
    }

    fn look(&self, visit: &mut dyn FnMut(usize)) -> Look {
        let (look, frames) = *self.place.lock();
        (0..frames).for_each(visit);
        look
    }
}

fn start(collection: u32, activations: &[&Arc<Scripted>]) -> Round<Scripted> {
    let activations = activations.iter().map(|&activation| Arc::clone(activation)).collect();
    Round::start(collection, activations, || Ok::<_, ()>(())).expect("the barrier works")
}

fn answer(activation: &Scripted) -> Answer {
    activation.handshake.answer(|_| look_at(activation, &|_| true))
}

#[test]
fn idle_ones_are_not_asked_and_nobody_waits_for_them() {
    let idle = Scripted::new(Look::Idle, 0);
    let round = start(1, &[&idle]);
    assert_eq!((round.waiting(), idle.asked()), (0, 0));
    assert!(round.look(&|_| true).unwrap().holders().is_empty());
    assert!(!idle.handshake.is_pending());
}

#[test]
fn who_runs_answers_and_who_is_away_is_looked_at() {
    let (running, away) = (Scripted::new(Look::Running, 0), Scripted::new(Look::Seen, 3));
    let round = start(1, &[&running, &away]).look(&|_| true).unwrap_err();
    assert_eq!((round.waiting(), running.asked(), away.asked()), (1, 1, 1));
    assert!(running.handshake.is_pending() && away.handshake.is_watched());
    let round = round.look(&|_| true).unwrap_err();
    running.moves(Look::Seen, 0);
    assert_eq!(answer(&running), Answer::Answered);
    assert_eq!(answer(&running), Answer::Unasked);
    // It has answered, wherever it is now.
    running.moves(Look::Running, 0);
    let holders = round.look(&|_| true).unwrap().holders();
    assert!(holders.len() == 1 && Arc::ptr_eq(&holders[0], &away));
}

#[test]
fn who_holds_something_tells_when_it_becomes_less() {
    let away = Scripted::new(Look::Seen, 2);
    let holders = start(1, &[&away]).look(&|_| true).unwrap().holders();
    assert!(holders.len() == 1 && away.handshake.is_pending() && away.handshake.is_watched());
    assert_eq!(answer(&away), Answer::Moved);
    assert!(!away.handshake.is_pending() && !away.handshake.is_watched());
    assert_eq!(answer(&away), Answer::Unasked);
    let _ = start(2, &[&away]).look(&|_| true).unwrap().holders();
    away.moves(Look::Seen, 1);
    assert_eq!(answer(&away), Answer::Released);
    let _ = start(3, &[&away]).look(&|_| true).unwrap().holders();
    away.moves(Look::Idle, 0);
    assert_eq!(answer(&away), Answer::Released);
    assert!(!away.handshake.is_pending());
}

#[test]
fn an_owner_that_cannot_be_looked_at_now_stays_asked() {
    let running = Scripted::new(Look::Running, 0);
    let round = start(1, &[&running]);
    assert_eq!(answer(&running), Answer::Unasked);
    assert!(running.handshake.is_pending());
    assert_eq!(round.look(&|_| true).unwrap_err().waiting(), 1);
}

#[test]
fn without_a_barrier_nobody_is_asked() {
    let running = Scripted::new(Look::Running, 0);
    assert!(Round::start(1, vec![Arc::clone(&running)], || Err(())).is_err());
    assert_eq!(running.asked(), 0);
}

#[test]
fn a_later_collection_takes_the_place_of_one_that_was_given_up() {
    let running = Scripted::new(Look::Running, 0);
    drop(start(1, &[&running]));
    let round = start(2, &[&running]);
    running.moves(Look::Seen, 0);
    let collection = Cell::new(None);
    let answer = running.handshake.answer(|asked| {
        collection.set(asked);
        look_at(&*running, &|_| true)
    });
    assert_eq!((answer, collection.get()), (Answer::Answered, Some(2)));
    assert!(round.look(&|_| true).is_ok());
}
