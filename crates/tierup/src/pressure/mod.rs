//! Watching Linux's pressure-stall information: the system says that memory is short.
//!
//! ```text
//!   /proc/pressure/memory   ─ "some 100000 2000000" ─► file ─┐
//!   or the group's own      ─ "full 100000 2000000" ─► file ─┼─ poll ─► debounce ─► give code up
//!                                         drop of the engine ┘ (pipe)   on the watcher's thread
//! ```
//!
//! A trigger that was written into a file makes the file ready when tasks stalled for so many
//! microseconds in a window of so many; once a window at most. The window has 2 s: less is for
//! privileged processes only.
//!
//! * [PW-QUIET] a level, or a lower one, is acted on once in [`BETWEEN`] at most: giving code up
//!   takes a while to help, and has code compiled again, which needs memory.
//! * [PW-END] the thread ends when the pipe's other end is closed, and is waited for.

use std::{
    fs::OpenOptions,
    io::{self, PipeWriter, Write, pipe},
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    sync::Arc,
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use rustix::event::{PollFd, PollFlags, poll};
use sync::atomic::{AtomicBool, AtomicU64, Ordering};
use vmem::ForkGuard;

use crate::{MemoryPressure, cgroup};

/// What is asked of the system: 5 % of a window of 2 s. Chosen, not measured: below it a system
/// that reads files now and then would count as short of memory.
const TRIGGERS: [(MemoryPressure, &str); 2] = [
    (MemoryPressure::Moderate, "some 100000 2000000\0"),
    (MemoryPressure::Critical, "full 100000 2000000\0"),
];

/// [PW-QUIET] Longer than a window, so that what one window says twice counts once.
const BETWEEN: Duration = Duration::from_secs(3);

/// Whether memory pressure is watched, and what came of it.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct PressureWatch {
    /// Whether it is.
    pub state: WatchState,
    /// How often code was given up for moderate pressure.
    pub moderate: u64,
    /// How often code was given up for critical pressure.
    pub critical: u64,
}

/// Whether memory pressure is watched.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub enum WatchState {
    /// Nobody asked for it.
    #[default]
    Off,
    /// This file of the system is watched.
    Watching(PathBuf),
    /// The system does not say when memory is short, or does not any more.
    Unavailable(String),
}

/// Something that becomes ready when memory is short.
#[derive(Debug)]
pub(crate) struct Source {
    level: MemoryPressure,
    file: OwnedFd,
    /// How it tells that.
    event: PollFlags,
}

/// The sources of this process, and which file they are of.
pub(crate) type Sources = io::Result<(PathBuf, Vec<Source>)>;

/// A thread that waits. Dropping it ends that.
#[derive(Debug)]
pub(crate) struct Watcher {
    path: Option<PathBuf>,
    trouble: Option<String>,
    shared: Arc<Shared>,
    thread: Option<(PipeWriter, JoinHandle<()>)>,
    fork_guard: Option<ForkGuard>,
}

#[derive(Debug, Default)]
struct Shared {
    moderate: AtomicU64,
    critical: AtomicU64,
    ended: AtomicBool,
}

/// The triggers of the process's control group, or else of the system.
pub(crate) fn sources() -> Sources {
    let own = cgroup::own_directory().map(|directory| directory.join("memory.pressure"));
    if let Some(found) = own.and_then(|path| triggers(&path).ok()) {
        return Ok(found);
    }
    triggers(Path::new("/proc/pressure/memory"))
}

fn triggers(path: &Path) -> Sources {
    let trigger = |&(level, text): &(MemoryPressure, &str)| {
        let non_blocking = rustix::fs::OFlags::NONBLOCK.bits().cast_signed();
        let mut options = OpenOptions::new();
        let mut file = options.read(true).write(true).custom_flags(non_blocking).open(path)?;
        file.write_all(text.as_bytes())?;
        Ok(Source { level, file: file.into(), event: PollFlags::PRI })
    };
    let name = |error: io::Error| {
        io::Error::new(error.kind(), format!("no memory pressure at {}: {error}", path.display()))
    };
    let sources: io::Result<Vec<_>> = TRIGGERS.iter().map(trigger).collect();
    Ok((path.to_owned(), sources.map_err(name)?))
}

impl Watcher {
    /// Calls `act` on a thread of its own when one of the sources says so.
    pub(crate) fn start(sources: Sources, act: impl Fn(MemoryPressure) + Send + 'static) -> Self {
        let mut watcher = Self {
            path: None,
            trouble: None,
            shared: Arc::default(),
            thread: None,
            fork_guard: ForkGuard::new().ok(),
        };
        match sources.and_then(|(path, sources)| Ok((path, watcher.spawn(sources, act)?))) {
            Ok((path, thread)) => {
                tracing::debug!(target: "tierup", path = %path.display(), "memory pressure watched");
                (watcher.path, watcher.thread) = (Some(path), Some(thread));
            }
            Err(error) => {
                tracing::warn!(target: "tierup", %error, "memory pressure is not watched");
                watcher.trouble = Some(error.to_string());
            }
        }
        watcher
    }

    /// What it does, and did.
    pub(crate) fn status(&self) -> PressureWatch {
        let state = match (&self.path, &self.trouble) {
            (Some(path), _) if self.shared.ended.load(Ordering::Relaxed) => {
                WatchState::Unavailable(format!("{} has gone", path.display()))
            }
            (Some(path), _) => WatchState::Watching(path.clone()),
            (None, trouble) => WatchState::Unavailable(trouble.clone().unwrap_or_default()),
        };
        PressureWatch {
            state,
            moderate: self.shared.moderate.load(Ordering::Relaxed),
            critical: self.shared.critical.load(Ordering::Relaxed),
        }
    }

    fn spawn(
        &self,
        mut sources: Vec<Source>,
        act: impl Fn(MemoryPressure) + Send + 'static,
    ) -> io::Result<(PipeWriter, JoinHandle<()>)> {
        let (stop, stopper) = pipe()?;
        let shared = Arc::clone(&self.shared);
        let work = move || {
            let mut debounce = Debounce::default();
            while let Some(level) = wait(stop.as_fd(), &mut sources) {
                if debounce.accepts(level, Instant::now()) {
                    tracing::info!(target: "tierup", ?level, "memory is short");
                    act(level);
                    // Afterwards: who sees the count sees what was done.
                    shared.count(level);
                }
            }
            shared.ended.store(true, Ordering::Relaxed);
        };
        let thread = thread::Builder::new().name("tierup-pressure".to_owned()).spawn(work)?;
        Ok((stopper, thread))
    }
}

impl Shared {
    fn count(&self, level: MemoryPressure) {
        let counter = match level {
            MemoryPressure::Moderate => &self.moderate,
            MemoryPressure::Critical => &self.critical,
        };
        counter.fetch_add(1, Ordering::Release);
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        // A forked child does not have the thread.
        let is_inherited = self.fork_guard.is_some_and(|guard| guard.is_inherited());
        if let Some((stopper, thread)) = self.thread.take().filter(|_| !is_inherited) {
            // [PW-END]
            drop(stopper);
            // What it panicked with has been printed.
            let _ = thread.join();
        }
    }
}

/// The most urgent of what is said next; `None` when nothing will be.
fn wait(stop: BorrowedFd<'_>, sources: &mut Vec<Source>) -> Option<MemoryPressure> {
    while !sources.is_empty() {
        let mut ready = vec![PollFd::from_borrowed_fd(stop, PollFlags::IN)];
        ready.extend(sources.iter().map(|source| PollFd::new(&source.file, source.event)));
        match poll(&mut ready, None) {
            Err(rustix::io::Errno::INTR) => continue,
            Err(_) => return None,
            Ok(_) => {}
        }
        let events: Vec<PollFlags> = ready.iter().map(PollFd::revents).collect();
        if !events[0].is_empty() {
            return None;
        }
        let said = sources.iter().zip(&events[1..]);
        let levels = said.filter(|(source, events)| events.contains(source.event));
        let urgent = levels.map(|(source, _)| source.level).max();
        let mut events = events[1..].iter();
        // A group that is removed takes its files along.
        sources.retain_mut(|source| {
            let events = events.next().copied().unwrap_or(PollFlags::empty());
            !events.intersects(PollFlags::ERR | PollFlags::NVAL) && source.clear(events)
        });
        if urgent.is_some() {
            return urgent;
        }
    }
    None
}

impl Source {
    /// Takes note of what was said. False if nothing will be said any more.
    fn clear(&mut self, events: PollFlags) -> bool {
        // Triggers clear themselves; what is read has to be.
        if events.contains(PollFlags::IN) {
            let mut byte = [0];
            return rustix::io::read(&self.file, &mut byte).is_ok_and(|count| count != 0);
        }
        !events.contains(PollFlags::HUP)
    }
}

/// [PW-QUIET]
#[derive(Debug, Default)]
struct Debounce(Option<(MemoryPressure, Instant)>);

impl Debounce {
    fn accepts(&mut self, level: MemoryPressure, now: Instant) -> bool {
        let covers = |&(last, then): &(MemoryPressure, Instant)| {
            level <= last && now.saturating_duration_since(then) < BETWEEN
        };
        let accepted = !self.0.as_ref().is_some_and(covers);
        if accepted {
            self.0 = Some((level, now));
        }
        accepted
    }
}

#[cfg(test)]
mod tests;
