//! Waiting for time to pass or streams to be ready.
//!
//! Every subscription becomes one of three things: *answered* (an error, or something that never
//! makes anybody wait), a *stream* to ask the host about, or a *deadline* on the host's monotonic
//! clock. With an answer at hand the host is only asked and not waited for. Events come in the
//! order of their subscriptions. A subscription that fails is an event with an error; the call
//! itself fails only if its arguments are bad.

use rustix::{
    event::{PollFd, PollFlags, poll},
    fs::fstat,
    io::{ioctl_fionread, retry_on_intr},
    time::{ClockId, clock_gettime},
};

use crate::{
    Clock, Errno, WasiContext,
    descriptor::{Descriptor, Object},
    file::HostFile,
    flags::{Eventrwflags, Subclockflags},
    functions::fd::timespec,
    memory::{GuestMemory, List, Pointer},
    rights::Rights,
    types::{Event, Eventtype, Fd, Plain},
};

/// Most subscriptions of one call.
const MAX_SUBSCRIPTIONS: u32 = 4096;

/// Bytes of a subscription.
const SUBSCRIPTION_SIZE: u32 = 48;

impl WasiContext {
    pub(crate) fn poll_oneoff(
        &mut self,
        memory: &mut GuestMemory<'_>,
        subscriptions: List,
        events: Pointer,
    ) -> Result<u32, Errno> {
        if subscriptions.count == 0 || subscriptions.count > MAX_SUBSCRIPTIONS {
            return Err(Errno::Inval);
        }
        memory.check_list(subscriptions, SUBSCRIPTION_SIZE)?;
        memory.check_list(List::new(events.0, subscriptions.count), Event::SIZE)?;
        let wanted = (0..subscriptions.count)
            .map(|index| Subscription::load(memory, subscriptions.start, index))
            .collect::<Result<Vec<_>, _>>()?;
        let start = host_now();
        let waits: Vec<_> = wanted.iter().map(|wanted| self.wait_for(wanted, start)).collect();
        let happened = self.wait(&waits)?;
        let mut count = 0;
        for (wanted, state) in wanted.iter().zip(happened) {
            if let Some(state) = state {
                let offset = u64::from(count) * u64::from(Event::SIZE);
                memory.store_at(events.0, offset, &wanted.event(state))?;
                count += 1;
            }
        }
        Ok(count)
    }

    /// What a subscription means.
    fn wait_for(&mut self, wanted: &Subscription, start: u64) -> Wait {
        let result = match wanted.source {
            Source::Clock(clock, timeout, flags) => self.deadline(clock, timeout, flags, start),
            Source::Read(fd) => self.stream(fd, Rights::FD_READ),
            Source::Write(fd) => self.stream(fd, Rights::FD_WRITE),
        };
        result.unwrap_or_else(|errno| Wait::Answered(Err(errno)))
    }

    fn deadline(
        &mut self,
        clock: Clock,
        timeout: u64,
        flags: Subclockflags,
        start: u64,
    ) -> Result<Wait, Errno> {
        // Nobody can say when processor time will have been used.
        if !matches!(clock, Clock::Realtime | Clock::Monotonic) {
            return Err(Errno::Notsup);
        }
        let remaining = if flags.contains(Subclockflags::ABSTIME) {
            timeout.saturating_sub(self.clocks.now(clock)?)
        } else {
            timeout
        };
        Ok(Wait::Deadline(start.saturating_add(remaining)))
    }

    fn stream(&self, fd: Fd, right: Rights) -> Result<Wait, Errno> {
        let descriptor = self.table.get(fd)?;
        descriptor.require_any(right | Rights::POLL_FD_READWRITE)?;
        match &descriptor.object {
            Object::File(file) if file.is_always_ready() => {
                Ok(Wait::Answered(Ok(Readiness::of(remaining(file, right)))))
            }
            Object::File(_) if right == Rights::FD_READ => Ok(Wait::Stream(fd, PollFlags::IN)),
            Object::File(_) => Ok(Wait::Stream(fd, PollFlags::OUT)),
            Object::Input(input) => Ok(Wait::Answered(Ok(Readiness::of(input.remaining() as u64)))),
            Object::Output(_) | Object::Null => Ok(Wait::Answered(Ok(Readiness::of(0)))),
            Object::Directory(_) => Err(Errno::Isdir),
        }
    }

    /// Waits until something of `waits` has happened; says what of each has.
    fn wait(&self, waits: &[Wait]) -> Result<Vec<Option<State>>, Errno> {
        let answered = waits.iter().any(|wait| matches!(wait, Wait::Answered(_)));
        let deadline = waits.iter().filter_map(Wait::deadline).min();
        let streams: Vec<_> = waits.iter().filter_map(Wait::stream).collect();
        let mut fds = self.poll_fds(&streams)?;
        loop {
            let timeout = match deadline {
                _ if answered => Some(0),
                Some(deadline) => Some(deadline.saturating_sub(host_now())),
                None => None,
            };
            let timeout = timeout.map(timespec);
            // A signal or an early end of the wait means another round.
            retry_on_intr(|| poll(&mut fds, timeout.as_ref()))?;
            let happened = states(waits, &fds);
            if happened.iter().any(Option::is_some) {
                return Ok(happened);
            }
        }
    }

    fn poll_fds(&self, streams: &[(Fd, PollFlags)]) -> Result<Vec<PollFd<'_>>, Errno> {
        let poll_fd = |&(fd, direction): &(Fd, PollFlags)| {
            let host = self.table.get(fd).map(Descriptor::host)?.ok_or(Errno::Badf)?;
            Ok(PollFd::from_borrowed_fd(host, direction))
        };
        streams.iter().map(poll_fd).collect()
    }
}

/// What a program waits for.
struct Subscription {
    userdata: u64,
    source: Source,
}

enum Source {
    Clock(Clock, u64, Subclockflags),
    Read(Fd),
    Write(Fd),
}

impl Subscription {
    fn load(memory: &GuestMemory<'_>, list: u32, index: u32) -> Result<Self, Errno> {
        let offset = u64::from(index) * u64::from(SUBSCRIPTION_SIZE);
        let bytes: [u8; SUBSCRIPTION_SIZE as usize] = memory.load(list, offset)?;
        let long = |at: usize| u64::from_le_bytes(part(&bytes, at));
        let fd = Fd(u32::from_le_bytes(part(&bytes, 16)));
        let source = match Eventtype::try_from(u32::from(bytes[8]))? {
            Eventtype::Clock => {
                let clock = Clock::try_from(u32::from_le_bytes(part(&bytes, 16)))?;
                let flags = u32::from(u16::from_le_bytes(part(&bytes, 40)));
                Source::Clock(clock, long(24), Subclockflags::try_from(flags)?)
            }
            Eventtype::FdRead => Source::Read(fd),
            Eventtype::FdWrite => Source::Write(fd),
        };
        Ok(Self { userdata: long(0), source })
    }

    fn event(&self, state: State) -> Event {
        let eventtype = match self.source {
            Source::Clock(..) => Eventtype::Clock,
            Source::Read(_) => Eventtype::FdRead,
            Source::Write(_) => Eventtype::FdWrite,
        };
        let (error, readiness) = match state {
            Ok(readiness) => (0, readiness),
            Err(errno) => (errno.number(), Readiness::of(0)),
        };
        let (available, flags) = (readiness.available, readiness.flags.into());
        Event { userdata: self.userdata, error, eventtype, available, flags }
    }
}

fn part<const N: usize>(bytes: &[u8; SUBSCRIPTION_SIZE as usize], at: usize) -> [u8; N] {
    let mut part = [0; N];
    part.copy_from_slice(&bytes[at..at + N]);
    part
}

/// What became of a subscription.
type State = Result<Readiness, Errno>;

#[derive(Clone, Copy)]
struct Readiness {
    available: u64,
    flags: Eventrwflags,
}

impl Readiness {
    fn of(available: u64) -> Self {
        Self { available, flags: Eventrwflags::default() }
    }
}

/// What a subscription means.
enum Wait {
    Answered(State),
    Stream(Fd, PollFlags),
    /// Nanoseconds of the host's monotonic clock.
    Deadline(u64),
}

impl Wait {
    fn deadline(&self) -> Option<u64> {
        if let Self::Deadline(deadline) = self { Some(*deadline) } else { None }
    }

    fn stream(&self) -> Option<(Fd, PollFlags)> {
        if let Self::Stream(fd, direction) = self { Some((*fd, *direction)) } else { None }
    }
}

/// What has happened of `waits`; `fds` are the streams among them, in the same order.
fn states(waits: &[Wait], fds: &[PollFd<'_>]) -> Vec<Option<State>> {
    let now = host_now();
    let mut fds = fds.iter();
    waits
        .iter()
        .map(|wait| match wait {
            Wait::Answered(state) => Some(*state),
            Wait::Deadline(deadline) => (*deadline <= now).then_some(Ok(Readiness::of(0))),
            Wait::Stream(..) => fds.next().and_then(stream_state),
        })
        .collect()
}

fn stream_state(fd: &PollFd<'_>) -> Option<State> {
    let happened = fd.revents();
    if happened.is_empty() {
        return None;
    }
    if happened.contains(PollFlags::NVAL) {
        return Some(Err(Errno::Badf));
    }
    let hangup = happened.intersects(PollFlags::HUP | PollFlags::ERR);
    let flags = if hangup { Eventrwflags::HANGUP } else { Eventrwflags::default() };
    let available = match happened.contains(PollFlags::IN) {
        true => ioctl_fionread(fd).unwrap_or(0),
        false => 0,
    };
    Some(Ok(Readiness { available, flags }))
}

/// Bytes from the position of a file to its end.
fn remaining(file: &HostFile, right: Rights) -> u64 {
    if right != Rights::FD_READ {
        return 0;
    }
    let size = fstat(file).map_or(0, |stat| u64::try_from(stat.st_size).unwrap_or(0));
    size.saturating_sub(rustix::fs::tell(file).unwrap_or(0))
}

fn host_now() -> u64 {
    let now = clock_gettime(ClockId::Monotonic);
    now.tv_sec as u64 * 1_000_000_000 + now.tv_nsec as u64
}
