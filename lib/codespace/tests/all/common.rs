//! What the tests share: managers of all sorts, and small machine code.

use std::sync::{Arc, atomic::Ordering};

use codespace::{
    CodeManager, Config, Draft, Flavor, Installed, Kind, Published, Relocation, RelocationKind,
    Strategy, Target, Tier, Unit, UnitSpec,
};

/// What the lazy stub of tests adds to the function's number.
pub(crate) const LAZY: u32 = 1_000_000;

/// `lea eax, [rax + LAZY]; ret`: a lazy stub that returns the function's number plus `LAZY`.
pub(crate) fn lazy_stub() -> usize {
    static STUB: std::sync::OnceLock<usize> = std::sync::OnceLock::new();
    *STUB.get_or_init(|| {
        // A unit of a manager that is never dropped.
        let manager =
            Box::leak(Box::new(CodeManager::new(&Config::default()).expect("there is room")));
        let unit = unit_with_stub(manager, 0, 0);
        let mut bytes = vec![0x8d, 0x80];
        bytes.extend(LAZY.to_le_bytes());
        bytes.push(0xc3);
        let code = publish(&unit, Draft::new(Kind::Stub, bytes)).code;
        let entry = code.entry();
        Box::leak(Box::new(code));
        entry
    })
}

pub(crate) fn unit(manager: &CodeManager, functions: u32) -> Arc<Unit> {
    unit_with_stub(manager, functions, lazy_stub())
}

pub(crate) fn unit_with_stub(manager: &CodeManager, functions: u32, lazy_stub: usize) -> Arc<Unit> {
    manager
        .new_unit(UnitSpec { functions, lazy_stub, owner: Arc::new("owner"), tenant: None })
        .expect("there is room")
}

/// `mov eax, value; ret`.
pub(crate) fn constant(function: u32, value: u32) -> Draft {
    let mut bytes = vec![0xb8];
    bytes.extend(value.to_le_bytes());
    bytes.push(0xc3);
    Draft::new(Kind::Function(function), bytes)
}

/// The same, as long as wanted: padded with `nop`s before the `ret`.
pub(crate) fn constant_of_size(function: u32, value: u32, size: usize) -> Draft {
    let mut draft = constant(function, value);
    draft.bytes.pop();
    draft.bytes.resize(size - 1, 0x90);
    draft.bytes.push(0xc3);
    draft
}

/// `call [rip + cell of callee]; inc eax; ret`.
pub(crate) fn caller(function: u32, callee: u32) -> Draft {
    // The stack is misaligned by this call; nothing called here minds.
    let bytes = vec![0xff, 0x15, 0, 0, 0, 0, 0xff, 0xc0, 0xc3];
    let mut draft = Draft::new(Kind::Function(function), bytes);
    draft.relocations.push(Relocation {
        offset: 2,
        kind: RelocationKind::Relative4,
        target: Target::Cell(callee),
        addend: -4,
    });
    draft
}

pub(crate) fn with(mut draft: Draft, tier: Tier, flavor: Flavor) -> Draft {
    draft.tier = tier;
    draft.flavor = flavor;
    draft
}

pub(crate) fn publish_all(unit: &Arc<Unit>, drafts: Vec<Draft>) -> Vec<Published> {
    let placed = unit.place(drafts).expect("there is room");
    unit.publish(placed).expect("it was placed for this unit")
}

pub(crate) fn publish(unit: &Arc<Unit>, draft: Draft) -> Published {
    publish_all(unit, vec![draft]).pop().expect("one draft gives one object")
}

/// Publishes it and checks that it was installed.
pub(crate) fn install(unit: &Arc<Unit>, draft: Draft) -> usize {
    let published = publish(unit, draft);
    assert_eq!(published.installed, Installed::Yes);
    published.code.entry()
}

/// Calls what the cell of a function leads to.
pub(crate) fn call(unit: &Unit, function: u32) -> u32 {
    // SAFETY: the unit lives, and with it the cell.
    let entry = unsafe { (*unit.cell(function)).load(Ordering::Acquire) };
    call_at(entry)
}

/// Calls test code without arguments at that address.
pub(crate) fn call_at(entry: usize) -> u32 {
    let pointer = std::ptr::with_exposed_provenance::<()>(entry);
    // SAFETY: tests put functions of that type there.
    let function = unsafe { std::mem::transmute_copy::<_, extern "C" fn() -> u32>(&pointer) };
    function()
}

pub(crate) fn small() -> Config {
    Config { arena_code_bytes: 64 << 10, arena_data_bytes: 4 << 10, ..Config::default() }
}

pub(crate) fn page_steps() -> Config {
    Config { commit_bytes: vmem::page_size(), ..Config::default() }
}

/// Every combination that takes different paths.
pub(crate) fn configs() -> Vec<(&'static str, Config)> {
    let mut all = Vec::new();
    for (name, strategy) in [("file", Strategy::File), ("toggle", Strategy::Toggle)] {
        all.push((name, Config { strategy, ..Config::default() }));
        all.push((name, Config { strategy, ..small() }));
        all.push((name, Config { strategy, cell_reach: 0, ..small() }));
    }
    all
}

/// Frees all retired code of tests in which nothing runs.
pub(crate) fn collect(manager: &CodeManager) -> codespace::Collected {
    // SAFETY: called where no thread runs code.
    let idle = unsafe { manager.assume_idle() };
    manager.collect(&idle)
}
