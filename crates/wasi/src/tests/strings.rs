//! Arguments, environment, clocks, random bytes.

use super::Program;
use crate::{BuildError, Clock, Clocks, Errno, RandomSource, WasiContext};

#[test]
fn arguments_arrive_with_their_addresses() {
    let builder = WasiContext::builder().arg("one").args(["", "zwei"]).argv0("program");
    let mut program = Program::new(builder);
    program.call("args_sizes_get", &[16, 20]).unwrap();
    assert_eq!((program.u32(16), program.u32(20)), (4, 8 + 4 + 1 + 5));
    program.call("args_get", &[32, 100]).unwrap();
    assert_eq!(&program.memory[100..118], b"program\0one\0\0zwei\0");
    let addresses = [32, 36, 40, 44].map(|at| program.u32(at));
    assert_eq!(addresses, [100, 108, 112, 113]);
}

#[test]
fn variables_are_set_once_each() {
    let builder = WasiContext::builder().env("A", "1").env("B", "").env("A", "a=b");
    let mut program = Program::new(builder);
    program.call("environ_sizes_get", &[16, 20]).unwrap();
    assert_eq!((program.u32(16), program.u32(20)), (2, 3 + 6));
    program.call("environ_get", &[32, 100]).unwrap();
    assert_eq!(&program.memory[100..109], b"B=\0A=a=b\0");
    assert_eq!([program.u32(32), program.u32(36)], [100, 103]);
}

#[test]
fn nothing_given_is_nothing_there() {
    let mut program = Program::new(WasiContext::builder());
    for name in ["args_sizes_get", "environ_sizes_get"] {
        program.memory[16..24].fill(0xff);
        program.call(name, &[16, 20]).unwrap();
        assert_eq!(program.u64(16), 0);
    }
    let end = program.memory.len() as u64;
    assert_eq!(program.call("args_get", &[end, end]), Ok(()));
    assert_eq!(program.call("args_get", &[end + 1, end]), Err(Errno::Fault));
}

#[test]
fn strings_that_c_cannot_have_are_refused() {
    let argument = WasiContext::builder().arg("a\0b").build().unwrap_err();
    assert_eq!(argument, BuildError::Argument("a\0b".into()));
    for (name, value) in [("", "v"), ("a=b", "v"), ("a\0", "v"), ("a", "\0")] {
        let error = WasiContext::builder().env(name, value).build().unwrap_err();
        assert_eq!(error, BuildError::Variable(name.into()));
    }
}

#[test]
fn clocks_tick() {
    let mut program = Program::new(WasiContext::builder());
    for clock in 0..4 {
        program.call("clock_res_get", &[clock, 16]).unwrap();
        assert_ne!(program.u64(16), 0);
        program.call("clock_time_get", &[clock, 1, 16]).unwrap();
        program.call("clock_time_get", &[clock, 0, 24]).unwrap();
        let (first, second) = (program.u64(16), program.u64(24));
        assert!(first > 0 && first <= second, "{clock}: {first} {second}");
    }
    for name in ["clock_res_get", "clock_time_get"] {
        let arguments = if name == "clock_res_get" { &[4, 16][..] } else { &[4, 0, 16] };
        assert_eq!(program.call(name, arguments), Err(Errno::Inval));
    }
}

struct Stopped;

impl Clocks for Stopped {
    fn now(&mut self, clock: Clock) -> Result<u64, Errno> {
        if clock == Clock::Realtime { Ok(7) } else { Err(Errno::Notsup) }
    }

    fn resolution(&mut self, _: Clock) -> Result<u64, Errno> {
        Ok(1)
    }
}

struct Sevens;

impl RandomSource for Sevens {
    fn fill(&mut self, bytes: &mut [u8]) -> Result<(), Errno> {
        assert!(bytes.len() <= 64 << 10);
        bytes.fill(7);
        Ok(())
    }
}

#[test]
fn time_and_randomness_can_be_replaced() {
    let mut program = Program::new(WasiContext::builder().clocks(Stopped).random(Sevens));
    program.call("clock_time_get", &[0, 0, 16]).unwrap();
    assert_eq!(program.u64(16), 7);
    assert_eq!(program.call("clock_time_get", &[1, 0, 16]), Err(Errno::Notsup));
    program.call("random_get", &[16, 3]).unwrap();
    assert_eq!(program.memory[16..20], [7, 7, 7, 0]);
    program.memory = vec![0; 200_000];
    program.call("random_get", &[1, 199_999]).unwrap();
    assert_eq!(program.memory[0], 0);
    assert!(program.memory[1..].iter().all(|&byte| byte == 7));
}

#[test]
fn random_bytes_differ_and_fill_everything() {
    let mut program = Program::new(WasiContext::builder());
    program.memory = vec![0; 300_000];
    program.call("random_get", &[0, 300_000]).unwrap();
    for chunk in program.memory.chunks(1000) {
        assert!(chunk.iter().any(|&byte| byte != chunk[0]));
    }
    assert_eq!(program.call("random_get", &[300_000, 0]), Ok(()));
    assert_eq!(program.call("random_get", &[299_999, 2]), Err(Errno::Fault));
    assert_eq!(program.call("random_get", &[1, 0xffff_ffff]), Err(Errno::Fault));
}
