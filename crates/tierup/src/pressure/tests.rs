use std::{
    io::PipeReader,
    sync::mpsc::{Receiver, RecvTimeoutError, channel},
};

use super::*;

/// No machine is so slow: what takes longer never comes.
const LONG: Duration = Duration::from_mins(10);

impl Source {
    /// Says so for each byte in a pipe.
    fn fake(level: MemoryPressure, reader: PipeReader) -> Self {
        Self { level, file: reader.into(), event: PollFlags::IN }
    }
}

/// A watcher of two pipes, and what it acts on.
fn faked() -> (Watcher, [PipeWriter; 2], Receiver<MemoryPressure>) {
    let (moderate, say_moderate) = pipe().unwrap();
    let (critical, say_critical) = pipe().unwrap();
    let sources = vec![
        Source::fake(MemoryPressure::Moderate, moderate),
        Source::fake(MemoryPressure::Critical, critical),
    ];
    let (sender, receiver) = channel();
    let act = move |level| sender.send(level).unwrap();
    let watcher = Watcher::start(Ok((PathBuf::from("fake"), sources)), act);
    (watcher, [say_moderate, say_critical], receiver)
}

#[test]
fn what_the_system_says_is_acted_on() {
    let (watcher, [mut moderate, mut critical], acted) = faked();
    assert_eq!(watcher.status().state, WatchState::Watching(PathBuf::from("fake")));
    let start = Instant::now();
    moderate.write_all(b"!").unwrap();
    assert_eq!(acted.recv_timeout(LONG), Ok(MemoryPressure::Moderate));
    // [PW-QUIET] once for all three, but more urgent is something new.
    moderate.write_all(b"!!!").unwrap();
    critical.write_all(b"!").unwrap();
    while let MemoryPressure::Moderate = acted.recv_timeout(LONG).unwrap() {
        assert!(BETWEEN <= start.elapsed(), "only a slow machine comes to it again");
    }
    drop(watcher);
    assert_eq!(acted.recv_timeout(LONG), Err(RecvTimeoutError::Disconnected));
}

#[test]
fn acts_are_counted_when_they_are_done() {
    let (watcher, [_moderate, mut critical], acted) = faked();
    critical.write_all(b"!").unwrap();
    acted.recv_timeout(LONG).unwrap();
    let start = Instant::now();
    while watcher.status().critical == 0 && start.elapsed() < LONG {
        thread::yield_now();
    }
    let status = watcher.status();
    assert_eq!((status.moderate, status.critical), (0, 1));
}

#[test]
fn pw_end_dropping_ends_the_thread_and_what_it_holds() {
    let (watcher, _writers, acted) = faked();
    drop(watcher);
    // The thread had the only sender.
    assert_eq!(acted.try_recv(), Err(std::sync::mpsc::TryRecvError::Disconnected));
}

#[test]
fn a_source_that_goes_is_told() {
    let (watcher, [moderate, critical], acted) = faked();
    drop(moderate);
    drop(critical);
    assert_eq!(acted.recv_timeout(LONG), Err(RecvTimeoutError::Disconnected));
    let start = Instant::now();
    while matches!(watcher.status().state, WatchState::Watching(_)) && start.elapsed() < LONG {
        thread::yield_now();
    }
    assert_eq!(watcher.status().state, WatchState::Unavailable("fake has gone".to_owned()));
}

#[test]
fn a_system_without_it_is_told_and_does_nothing() {
    let sources = triggers(Path::new("/proc/pressure/nothing/memory"));
    let watcher = Watcher::start(sources, |_| unreachable!("nothing is watched"));
    let status = watcher.status();
    let WatchState::Unavailable(reason) = &status.state else { panic!("{status:?}") };
    assert!(reason.contains("/proc/pressure/nothing/memory"), "{reason}");
    assert_eq!((status.moderate, status.critical), (0, 0));
}

/// Where the kernel has pressure-stall information that this process may wait for.
#[test]
fn the_real_one_can_be_waited_for() {
    let (path, sources) = match sources() {
        Ok(found) => found,
        Err(error) => return eprintln!("not tested: {error}"),
    };
    assert!(path.ends_with("memory.pressure") || path == Path::new("/proc/pressure/memory"));
    let mut ready: Vec<_> =
        sources.iter().map(|source| PollFd::new(&source.file, source.event)).collect();
    let moment = rustix::time::Timespec { tv_sec: 0, tv_nsec: 1_000_000 };
    poll(&mut ready, Some(&moment)).unwrap();
    let refused = PollFlags::ERR | PollFlags::NVAL;
    assert!(ready.iter().all(|file| !file.revents().intersects(refused)), "no trigger was taken");
    drop(ready);
    let watcher = Watcher::start(Ok((path.clone(), sources)), |_| {});
    assert_eq!(watcher.status().state, WatchState::Watching(path));
}

#[test]
fn pw_quiet_what_was_just_done_is_not_done_again() {
    use MemoryPressure::{Critical, Moderate};
    let start = Instant::now();
    let mut debounce = Debounce::default();
    for (milliseconds, level, expected) in [
        (0, Moderate, true),
        (2000, Moderate, false),
        (2100, Critical, true),
        (4000, Moderate, false),
        (5099, Critical, false),
        (5100, Moderate, true),
        (5200, Critical, true),
        (8300, Critical, true),
    ] {
        let now = start + Duration::from_millis(milliseconds);
        assert_eq!(debounce.accepts(level, now), expected, "{milliseconds} {level:?}");
    }
}
