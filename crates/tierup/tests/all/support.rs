//! What many tests need.

use std::{
    os::unix::process::ExitStatusExt,
    process::{Command, Output},
    thread,
    time::{Duration, Instant},
};

use tierup::{
    CompilerStrategy, Config, Engine, Error, Instance, Linker, MemoryMode, Module, Store, TrapKind,
    Val,
};

/// Both ways of finding accesses outside a memory.
pub(crate) const MODES: [MemoryMode; 2] = [MemoryMode::Guard, MemoryMode::Explicit];

/// A change of a configuration.
pub(crate) type Change = fn(&mut Config) -> &mut Config;

/// Ways to make code, which programs must not be able to tell apart.
pub(crate) const TIERS: [Change; 4] = [
    |config| config.strategy(CompilerStrategy::Optimizing),
    |config| config.strategy(CompilerStrategy::Baseline),
    |config| config.strategy(CompilerStrategy::Tiered).tier_up_budget(1).compile_threads(0),
    |config| config.strategy(CompilerStrategy::Tiered).tier_up_budget(1).compile_threads(2),
];

/// An engine with a changed configuration.
pub(crate) fn engine_with(change: impl FnOnce(&mut Config)) -> Engine {
    let mut config = Config::new();
    change(&mut config);
    Engine::new(&config).unwrap()
}

/// An engine of that memory mode.
pub(crate) fn engine_of(mode: MemoryMode) -> Engine {
    engine_with(|config| {
        config.memory_mode(mode);
    })
}

/// A store without data and an instance of a module without imports.
pub(crate) fn instance_of(engine: &Engine, wat: &str) -> (Store<()>, Instance) {
    let mut store = Store::new(engine, ());
    let instance = instantiate(&mut store, &Linker::new(engine), wat);
    (store, instance)
}

/// An instance of a module in text form.
pub(crate) fn instantiate<T: 'static>(
    store: &mut Store<T>,
    linker: &Linker<T>,
    wat: &str,
) -> Instance {
    let module = Module::new(store.engine(), wat).unwrap();
    linker.instantiate(store, &module).unwrap()
}

/// Calls an export that takes and returns nothing.
pub(crate) fn run<T: 'static>(
    store: &mut Store<T>,
    instance: Instance,
    name: &str,
) -> Result<(), Error> {
    instance.typed_func::<(), ()>(&mut *store, name).unwrap().call(store, ())
}

/// Calls an export that takes and returns an `i32`.
pub(crate) fn run_i32<T: 'static>(
    store: &mut Store<T>,
    instance: Instance,
    (name, param): (&str, i32),
) -> Result<i32, Error> {
    instance.typed_func::<i32, i32>(&mut *store, name).unwrap().call(store, param)
}

/// No machine is so slow: what takes longer never comes.
pub(crate) const LONG: Duration = Duration::from_mins(10);

/// Waits until it is so, though not for ever.
#[track_caller]
pub(crate) fn eventually(what: &str, mut is_so: impl FnMut() -> bool) {
    let start = Instant::now();
    while !is_so() {
        assert!(start.elapsed() < LONG, "not in time: {what}");
        thread::sleep(Duration::from_micros(200));
    }
}

/// The kind of trap that a call ended with.
#[track_caller]
pub(crate) fn trap_kind<R: std::fmt::Debug>(result: Result<R, Error>) -> TrapKind {
    let error = result.expect_err("the call must trap");
    error.trap().unwrap_or_else(|| panic!("not a trap: {error}")).kind()
}

/// Calls `f0`, `f1` and so on, which return what they get, until one fails; the error, and how many
/// did not.
pub(crate) fn call_until_error(store: &mut Store<()>, instance: Instance) -> (i32, Error) {
    let mut called = 0;
    loop {
        match run_i32(store, instance, (&format!("f{called}"), 5)) {
            Ok(result) => assert_eq!(result, called + 5),
            Err(error) => return (called, error),
        }
        called += 1;
    }
}

/// The bits of a value that is no reference.
pub(crate) fn bits(value: &Val) -> u128 {
    match *value {
        Val::I32(value) => (value as u32).into(),
        Val::I64(value) => (value as u64).into(),
        Val::F32(bits) => bits.into(),
        Val::F64(bits) => bits.into(),
        Val::V128(bits) => bits,
        _ => panic!("a reference has no bits"),
    }
}

/// Well mixed bits that only depend on `seed`.
pub(crate) fn mixed(seed: u64) -> u64 {
    let mixed = seed.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed ^ (mixed >> 27)
}

/// Runs `body` in a process of its own, and says how that ended. `test` is the path of the test
/// that calls this: the process runs that test only.
pub(crate) fn in_process(test: &str, body: impl FnOnce()) -> Output {
    const CHILD: &str = "TIERUP_TEST_CHILD";
    if std::env::var(CHILD).is_ok_and(|name| name == test) {
        // SAFETY: a process that hangs is to be ended by a signal.
        unsafe { libc::alarm(LONG.as_secs() as u32) };
        body();
        std::process::exit(0);
    }
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", test, "--nocapture", "--test-threads=1"]).env(CHILD, test);
    command.output().unwrap()
}

/// The signal that ended a process.
pub(crate) fn signal(output: &Output) -> Option<i32> {
    output.status.signal()
}

/// What a process wrote to its standard error.
pub(crate) fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Lines of this process's map of memory.
pub(crate) fn mapping_count() -> usize {
    std::fs::read_to_string("/proc/self/maps").unwrap().lines().count()
}

/// Bytes of address space that this process uses.
pub(crate) fn address_space() -> usize {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap();
    statm.split(' ').next().unwrap().parse::<usize>().unwrap() * 4096
}
