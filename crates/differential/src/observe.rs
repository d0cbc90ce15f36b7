//! What can be seen of a run from outside, in words that all engines share.
#![forbid(unsafe_code)]

use tierup::{TrapKind, ValType};

use crate::{
    in_tierup::some_fuel,
    random::{Random, mix},
};

/// A value. Of a function only whether there is one: engines name them differently.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Value {
    /// An `i32`, or the bits of an `f32`.
    Bits32(u32),
    /// An `i64`, or the bits of an `f64`.
    Bits64(u64),
    /// A vector.
    Bits128(u128),
    /// A function reference that is not null, or null.
    Function(bool),
    /// The number that is the host's value, or null.
    Extern(Option<u32>),
}

impl Value {
    /// A value of that type. Functions are null: a host has none to give.
    pub(crate) fn random(ty: ValType, random: &mut Random) -> Self {
        match ty {
            ValType::I32 | ValType::F32 => Self::Bits32(random.bits32()),
            ValType::I64 | ValType::F64 => Self::Bits64(random.bits64()),
            ValType::V128 => Self::Bits128(random.bits128()),
            ValType::FuncRef => Self::Function(false),
            ValType::ExternRef => {
                Self::Extern((random.below(3) > 0).then(|| random.below(100) as u32))
            }
        }
    }
}

/// How a call, or the making of an instance, ended.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Outcome {
    /// With these results.
    Returned(Vec<Value>),
    /// With a trap.
    Trapped(TrapKind),
    /// With the error that a host function returned.
    HostError,
    /// The stack was used up: engines differ in how much fits on theirs.
    Exhausted,
    /// With something that should not be. Never equal to what another engine did.
    Failed(String),
}

impl Outcome {
    /// A trap. What specifications call an undefined element is a table access to some engines.
    pub(crate) fn trap(kind: TrapKind) -> Self {
        match kind {
            TrapKind::StackOverflow => Self::Exhausted,
            TrapKind::UndefinedElement => Self::Trapped(TrapKind::TableOutOfBounds),
            kind => Self::Trapped(kind),
        }
    }
}

/// An exported item's state.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Item {
    /// A global's value.
    Global(Value),
    /// A memory's length in bytes, and its contents' hash.
    Memory(usize, u64),
    /// A table's elements.
    Table(Vec<Value>),
}

/// What the host's functions do and have seen. The same calls lead to the same results in every
/// engine.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Host {
    random: Random,
    calls: u32,
    seen: u64,
}

/// What a host function does.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum HostAction {
    /// Return these.
    Return(Vec<Value>),
    /// Return an error.
    Fail,
}

impl Host {
    /// A host that no one has called.
    pub(crate) fn new(seed: u64) -> Self {
        Self { random: Random::new(seed), calls: 0, seen: 0 }
    }

    /// The number-th imported function was called.
    pub(crate) fn call(
        &mut self,
        number: usize,
        params: &[Value],
        results: &[ValType],
    ) -> HostAction {
        self.calls += 1;
        self.seen = mix(self.seen ^ number as u64);
        for param in params {
            self.see(param);
        }
        if self.random.below(20) == 0 {
            return HostAction::Fail;
        }
        HostAction::Return(results.iter().map(|&ty| Value::random(ty, &mut self.random)).collect())
    }

    /// A function was called with so much fuel left; sometimes it sets another amount.
    pub(crate) fn refuel(&mut self, left: u64) -> Option<u64> {
        self.seen = mix(self.seen ^ left);
        (self.random.below(4) == 0).then(|| some_fuel(&mut self.random))
    }

    fn see(&mut self, value: &Value) {
        let (low, high) = match *value {
            Value::Bits32(bits) => (u64::from(bits), 0),
            Value::Bits64(bits) => (bits, 0),
            Value::Bits128(bits) => (bits as u64, (bits >> 64) as u64),
            Value::Function(some) => (u64::from(some), 0),
            Value::Extern(value) => (value.map_or(u64::MAX, u64::from), 0),
        };
        self.seen = mix(mix(self.seen ^ low) ^ high);
    }
}

/// The error of a host function.
#[derive(Clone, Copy, Debug)]
pub(crate) struct HostFailure;

impl std::fmt::Display for HostFailure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a host function failed, as it was meant to")
    }
}

impl std::error::Error for HostFailure {}
impl wasmi::errors::HostError for HostFailure {}

/// A hash of a memory's contents.
pub(crate) fn hash(bytes: &[u8]) -> u64 {
    let words = bytes.as_chunks::<8>().0;
    words.iter().fold(0, |hash: u64, &word| {
        (hash ^ u64::from_le_bytes(word)).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29)
    })
}

/// A running instance in some engine.
pub(crate) trait Machine {
    /// Calls the exported function of that name.
    fn call(&mut self, name: &str, params: &[Value]) -> Outcome;

    /// The state of an export; `None` for functions.
    fn observe(&mut self, name: &str) -> Option<Item>;

    /// What its host has seen.
    fn host(&self) -> Host;

    /// The fuel that is left, if code takes any.
    fn fuel(&self) -> Option<u64> {
        None
    }

    /// Between two calls of the plan.
    fn pause(&mut self) {}
}
