//! `poll_oneoff`.

use std::{io::Write, time::Instant};

use super::{FILE, How, Program, RESULT, ROOT, Scratch};
use crate::{Errno, Rights, Stdin, Stdout, WasiContext};

const SUBSCRIPTIONS: u64 = 8192;
const EVENTS: u64 = 32_768;
const MILLISECOND: u64 = 1_000_000;

#[derive(Clone, Copy)]
enum Wanted {
    /// Clock, timeout, flags.
    Clock(u32, u64, u16),
    Read(u32),
    Write(u32),
}

#[derive(PartialEq, Eq, Debug)]
struct Happened {
    userdata: u64,
    error: u16,
    eventtype: u8,
    available: u64,
    flags: u16,
}

/// Success, for the subscription of that index.
fn happened(index: u64, eventtype: u8, available: u64, flags: u16) -> Happened {
    Happened { userdata: index + 100, error: 0, eventtype, available, flags }
}

fn failed(index: u64, eventtype: u8, errno: Errno) -> Happened {
    let error = errno.number();
    Happened { userdata: index + 100, error, eventtype, available: 0, flags: 0 }
}

fn poll(program: &mut Program, wanted: &[Wanted]) -> Result<Vec<Happened>, Errno> {
    for (index, wanted) in wanted.iter().enumerate() {
        let mut bytes = [0; 48];
        bytes[..8].copy_from_slice(&(index as u64 + 100).to_le_bytes());
        match wanted {
            Wanted::Clock(clock, timeout, flags) => {
                bytes[16..20].copy_from_slice(&clock.to_le_bytes());
                bytes[24..32].copy_from_slice(&timeout.to_le_bytes());
                bytes[40..42].copy_from_slice(&flags.to_le_bytes());
            }
            Wanted::Read(fd) => {
                bytes[8] = 1;
                bytes[16..20].copy_from_slice(&fd.to_le_bytes());
            }
            Wanted::Write(fd) => {
                bytes[8] = 2;
                bytes[16..20].copy_from_slice(&fd.to_le_bytes());
            }
        }
        program.memory[SUBSCRIPTIONS as usize + 48 * index..][..48].copy_from_slice(&bytes);
    }
    let arguments = [SUBSCRIPTIONS, EVENTS, wanted.len() as u64, RESULT.into()];
    program.call("poll_oneoff", &arguments)?;
    let events = (0..u64::from(program.result())).map(|index| {
        let at = EVENTS + 32 * index;
        Happened {
            userdata: program.u64(at),
            error: program.u32(at + 8) as u16,
            eventtype: program.memory[at as usize + 10],
            available: program.u64(at + 16),
            flags: program.u32(at + 24) as u16,
        }
    });
    Ok(events.collect())
}

#[test]
fn nothing_to_wait_for_is_invalid_and_so_is_too_much() {
    let mut program = Program::new(WasiContext::builder());
    assert_eq!(program.call("poll_oneoff", &[0, 0, 0, 16]), Err(Errno::Inval));
    assert_eq!(program.call("poll_oneoff", &[0, 0, 1 << 31, 16]), Err(Errno::Inval));
    assert_eq!(program.call("poll_oneoff", &[0, 0, 4096, 16]), Err(Errno::Fault));
}

#[test]
fn time_passes() {
    let mut program = Program::new(WasiContext::builder());
    for clock in [0, 1] {
        let start = Instant::now();
        let wanted = [Wanted::Clock(clock, 5 * MILLISECOND, 0), Wanted::Clock(1, u64::MAX, 0)];
        assert_eq!(poll(&mut program, &wanted).unwrap(), [happened(0, 0, 0, 0)]);
        assert!(start.elapsed().as_nanos() >= 5_000_000);
        program.call("clock_time_get", &[clock.into(), 0, 24]).unwrap();
        let wanted = [Wanted::Clock(clock, program.u64(24) + 5 * MILLISECOND, 1)];
        assert_eq!(poll(&mut program, &wanted).unwrap(), [happened(0, 0, 0, 0)]);
        assert!(start.elapsed().as_nanos() >= 10_000_000);
        // A point in the past.
        let wanted = [Wanted::Clock(clock, 1, 1), Wanted::Clock(clock, 0, 0)];
        let both = [happened(0, 0, 0, 0), happened(1, 0, 0, 0)];
        assert_eq!(poll(&mut program, &wanted).unwrap(), both);
    }
}

#[test]
fn clocks_that_cannot_be_waited_for() {
    let mut program = Program::new(WasiContext::builder());
    let wanted = [Wanted::Clock(2, 0, 0), Wanted::Clock(3, 0, 0), Wanted::Clock(1, u64::MAX, 0)];
    let notsup = [failed(0, 0, Errno::Notsup), failed(1, 0, Errno::Notsup)];
    assert_eq!(poll(&mut program, &wanted).unwrap(), notsup);
    assert_eq!(poll(&mut program, &[Wanted::Clock(4, 0, 0)]), Err(Errno::Inval));
    assert_eq!(poll(&mut program, &[Wanted::Clock(1, 0, 2)]), Err(Errno::Inval));
    program.memory[SUBSCRIPTIONS as usize + 8] = 3;
    let arguments = [SUBSCRIPTIONS, EVENTS, 1, RESULT.into()];
    assert_eq!(program.call("poll_oneoff", &arguments), Err(Errno::Inval));
}

#[test]
fn files_and_buffers_are_always_ready() {
    let scratch = Scratch::new();
    scratch.file("file", "0123456789");
    let preopen = crate::Preopen::new(scratch.path(""), "/");
    let stdin = Stdin::Buffer(b"abc".to_vec());
    let mut program = Program::new(WasiContext::builder().stdin(stdin).preopen(preopen));
    let fd = program.open(ROOT, "file", FILE).unwrap();
    program.seek(fd, 4, 0).unwrap();
    let wanted = [
        // Who waited for that would never be seen again.
        Wanted::Clock(1, 1_000_000_000 * MILLISECOND, 0),
        Wanted::Read(fd),
        Wanted::Write(fd),
        Wanted::Read(0),
        Wanted::Write(1),
    ];
    let events = poll(&mut program, &wanted).unwrap();
    let expected = [(1, 1, 6), (2, 2, 0), (3, 1, 3), (4, 2, 0)];
    let expected = expected.map(|(index, eventtype, size)| happened(index, eventtype, size, 0));
    assert_eq!(events, expected);
}

#[test]
fn bad_descriptors_are_events() {
    let scratch = Scratch::new();
    scratch.file("file", "");
    let mut program = Program::at(&scratch);
    let blind = program.open(ROOT, "file", How { base: Rights::FD_SEEK, ..FILE }).unwrap();
    let wanted =
        [Wanted::Read(99), Wanted::Write(u32::MAX), Wanted::Read(ROOT), Wanted::Write(blind)];
    let expected = [
        failed(0, 1, Errno::Badf),
        failed(1, 2, Errno::Badf),
        failed(2, 1, Errno::Notcapable),
        failed(3, 2, Errno::Notcapable),
    ];
    assert_eq!(poll(&mut program, &wanted).unwrap(), expected);
}

#[test]
fn pipes_are_ready_when_something_is_there() {
    let (reader, mut writer) = std::io::pipe().unwrap();
    let (_kept, output) = std::io::pipe().unwrap();
    let builder = WasiContext::builder().stdin(Stdin::File(reader.into()));
    let mut program = Program::new(builder.stdout(Stdout::File(output.into())));
    let wanted = [Wanted::Read(0), Wanted::Clock(1, 5 * MILLISECOND, 0)];
    assert_eq!(poll(&mut program, &wanted).unwrap(), [happened(1, 0, 0, 0)]);
    let wanted = [Wanted::Read(0), Wanted::Write(1)];
    assert_eq!(poll(&mut program, &wanted).unwrap(), [happened(1, 2, 0, 0)]);
    writer.write_all(b"abc").unwrap();
    let both = [happened(0, 1, 3, 0), happened(1, 2, 0, 0)];
    assert_eq!(poll(&mut program, &wanted).unwrap(), both);
    drop(writer);
    let hangup = [happened(0, 1, 3, 1)];
    assert_eq!(poll(&mut program, &[Wanted::Read(0)]).unwrap(), hangup);
}

#[test]
fn waiting_ends_when_something_arrives() {
    let (reader, mut writer) = std::io::pipe().unwrap();
    let mut program = Program::new(WasiContext::builder().stdin(Stdin::File(reader.into())));
    std::thread::scope(|scope| {
        scope.spawn(|| {
            std::thread::sleep(std::time::Duration::from_millis(10));
            writer.write_all(b"x").unwrap();
        });
        let wanted = [Wanted::Clock(0, 1_000_000_000 * MILLISECOND, 0), Wanted::Read(0)];
        assert_eq!(poll(&mut program, &wanted).unwrap(), [happened(1, 1, 1, 0)]);
    });
}

#[test]
fn events_may_overwrite_subscriptions() {
    let mut program = Program::new(WasiContext::builder());
    let wanted = [Wanted::Write(1), Wanted::Write(2), Wanted::Read(77)];
    let expected = poll(&mut program, &wanted).unwrap();
    assert_eq!(expected.len(), 3);
    let arguments = [SUBSCRIPTIONS, SUBSCRIPTIONS, 3, RESULT.into()];
    program.call("poll_oneoff", &arguments).unwrap();
    assert_eq!(program.result(), 3);
    let first = [0, 1, 2].map(|index| program.u64(SUBSCRIPTIONS + 32 * index));
    assert_eq!(first, [100, 101, 102]);
}
