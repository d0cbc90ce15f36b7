use super::*;

#[cfg(not(loom))]
mod alone {
    use super::*;

    fn check(state: &State, phase: Phase, generation: u32) {
        assert_eq!((state.get().phase(), state.get().generation()), (phase, generation));
    }

    #[test]
    fn a_whole_life() {
        let state = State::new();
        check(&state, Phase::Free, 0);
        assert_eq!(state.try_acquire(), Acquired::No);
        state.start(1);
        state.acquire();
        assert_eq!(state.try_acquire(), Acquired::Yes);
        assert_eq!(state.release(), Released::StillLive);
        assert_eq!(state.kill(0, 1), Ended::No);
        assert_eq!(state.release(), Released::StillLive);
        assert!(!state.note_seen(3));
        assert_eq!(state.release(), Released::Retired);
        assert!(state.note_seen(3) && state.note_seen(3));
        // [STATE-SEEN]
        assert_eq!(state.kill(0, 3), Ended::No);
        assert_eq!(state.kill(1, 4), Ended::No);
        assert!(state.get().is_same_object(state.get()));
        assert_eq!(state.try_acquire(), Acquired::No);
        assert_eq!(state.kill(0, 1), Ended::From(Phase::Retiring));
        assert_eq!(state.kill(0, 1), Ended::No);
        assert_eq!(state.condemn(), Ended::No);
        assert!(!state.get().is_same_object(state.get()));
        state.recycle();
        check(&state, Phase::Free, 1);
    }

    #[test]
    fn the_owner_may_end_a_live_object() {
        let state = State::new();
        state.start(3);
        assert_eq!(state.condemn(), Ended::From(Phase::Live));
        assert_eq!(state.condemn(), Ended::No);
        assert_eq!(state.try_acquire(), Acquired::No);
    }

    #[test]
    fn a_generation_survives_every_phase() {
        let state = State::new();
        for generation in 0..5 {
            assert_eq!(state.get().generation(), generation);
            state.start(u32::MAX);
            check(&state, Phase::Live, generation);
            assert_eq!(state.try_acquire(), Acquired::No);
            assert_eq!(state.condemn(), Ended::From(Phase::Live));
            check(&state, Phase::Dead, generation);
            state.recycle();
        }
    }

    #[test]
    fn one_of_many_is_the_last() {
        let state = State::new();
        state.start(4000);
        let last = AtomicU64::new(0);
        sync::hammer(4, 1000, |_, _| {
            if state.release() == Released::Retired {
                last.fetch_add(1, Ordering::Relaxed);
            }
        });
        assert_eq!(last.load(Ordering::Relaxed), 1);
    }
}

#[cfg(loom)]
mod scenarios {
    use super::*;
    use loom::thread;
    use sync::Arc;

    #[test]
    fn a_reference_from_a_look_up_never_revives_a_retired_object() {
        loom::model(|| {
            let state = Arc::new(State::new());
            state.start(1);
            let reader = {
                let state = Arc::clone(&state);
                thread::spawn(move || match state.try_acquire() {
                    Acquired::Yes => Some(state.release()),
                    Acquired::No => None,
                })
            };
            let mine = state.release();
            let theirs = reader.join().unwrap();
            // Exactly one of the two was the last.
            let both = [Some(mine), theirs];
            let last = both.iter().filter(|released| **released == Some(Released::Retired));
            assert_eq!(last.count(), 1);
            assert_eq!(state.get().phase(), Phase::Retiring);
        });
    }

    #[test]
    fn collector_and_look_up_agree() {
        loom::model(|| {
            let state = Arc::new(State::new());
            state.start(1);
            assert_eq!(state.release(), Released::Retired);
            let collector = {
                let state = Arc::clone(&state);
                thread::spawn(move || state.kill(0, 1))
            };
            assert_eq!(state.try_acquire(), Acquired::No);
            assert_eq!(collector.join().unwrap(), Ended::From(Phase::Retiring));
        });
    }

    #[test]
    fn state_seen_and_ended_is_impossible() {
        loom::model(|| {
            let state = Arc::new(State::new());
            state.start(1);
            assert_eq!(state.release(), Released::Retired);
            let looker = {
                let state = Arc::clone(&state);
                thread::spawn(move || state.note_seen(1))
            };
            let ended = state.kill(0, 1);
            let seen = looker.join().unwrap();
            assert_eq!(ended == Ended::No, seen);
        });
    }

    #[test]
    fn only_one_ends_it() {
        loom::model(|| {
            let state = Arc::new(State::new());
            state.start(1);
            let threads: Vec<_> = (0..2)
                .map(|number| {
                    let state = Arc::clone(&state);
                    thread::spawn(
                        move || if number == 0 { state.kill(0, 1) } else { state.condemn() },
                    )
                })
                .collect();
            let _ = state.release();
            let ended: Vec<_> = threads.into_iter().map(|t| t.join().unwrap()).collect();
            assert_eq!(ended.iter().filter(|ended| **ended != Ended::No).count(), 1);
            assert_eq!(state.get().phase(), Phase::Dead);
        });
    }

    #[test]
    fn an_object_is_found_also_while_it_is_retired() {
        loom::model(|| {
            let state = Arc::new(State::new());
            state.start(1);
            let reader = {
                let state = Arc::clone(&state);
                thread::spawn(move || assert!(state.get().is_same_object(state.get())))
            };
            assert_eq!(state.release(), Released::Retired);
            reader.join().unwrap();
        });
    }

    #[test]
    fn a_reader_sees_the_object_of_its_generation() {
        loom::model(|| {
            let state = Arc::new(State::new());
            let contents = Arc::new(AtomicU64::new(1));
            state.start(1);
            let reader = {
                let (state, contents) = (Arc::clone(&state), Arc::clone(&contents));
                thread::spawn(move || {
                    let before = state.get();
                    let seen = contents.load(Ordering::Acquire);
                    let after = state.get();
                    if before.is_same_object(after) {
                        // [STATE-GENERATION]
                        assert_eq!(seen, u64::from(before.generation()) + 1);
                    }
                })
            };
            assert_eq!(state.release(), Released::Retired);
            assert_eq!(state.kill(0, 1), Ended::From(Phase::Retiring));
            state.recycle();
            contents.store(2, Ordering::Release);
            state.start(1);
            reader.join().unwrap();
        });
    }
}
