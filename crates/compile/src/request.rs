//! A request to compile, and its result.

use std::time::Duration;

use codespace::{Draft, Flavor, Kind, Relocation, SideTables, Tier};
use tierup_abi::{InstanceLayout, MemoryMode};
use tierup_wasm::{DefinedFunc, Module};

use crate::CompileError;

/// What to compile, and for what.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// The module that the function belongs to.
    pub module: &'a Module,
    /// Layout of its instances.
    pub layout: &'a InstanceLayout,
    /// The function.
    pub function: DefinedFunc,
    /// Where its code begins.
    pub entry: Entry,
    /// What holds for all code of the engine.
    pub settings: &'a Settings,
}

/// Where code of a function begins.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum Entry {
    /// At its start: it is called.
    #[default]
    Call,
    /// At a loop: a frame of other code goes on in it. See `tierup_abi::FrameMap`; only optimizing
    /// compilers can do it.
    Loop {
        /// Position of the `loop` operator in the module's bytes.
        position: u32,
    },
}

impl Entry {
    /// What code of `function` is that begins here.
    pub fn kind(self, function: DefinedFunc) -> Kind {
        match self {
            Self::Call => Kind::Function(function.0),
            Self::Loop { position } => Kind::Replacement { function: function.0, place: position },
        }
    }
}

impl Request<'_> {
    /// Validates the function's body.
    ///
    /// # Errors
    ///
    /// What is wrong with it.
    pub fn validate(&self) -> Result<(), CompileError> {
        Ok(self.module.validate_body(self.function)?)
    }
}

/// What holds for all code of an engine.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Settings {
    /// How accesses outside a memory are found.
    pub memory_mode: MemoryMode,
    /// Whether code takes fuel: see [`FuelPlan`](crate::FuelPlan).
    pub consume_fuel: bool,
    /// What compiling one function may take.
    pub limits: Limits,
}

/// What compiling one function may take. Compilers that need time and memory in proportion to the
/// body's size need not look at it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Limits {
    /// Most time.
    pub time: Duration,
    /// Most bytes of memory.
    pub memory: usize,
}

impl Limits {
    /// No limits.
    pub const NONE: Self = Self { time: Duration::MAX, memory: usize::MAX };
}

impl Default for Limits {
    fn default() -> Self {
        Self::NONE
    }
}

/// The result of compiling.
#[derive(Clone, Debug, Default)]
pub struct Compiled {
    /// Machine code and constants.
    pub bytes: Vec<u8>,
    /// What depends on the final address.
    pub relocations: Vec<Relocation>,
    /// What is known about places in the code.
    pub tables: SideTables,
    /// Size of the frame in bytes, without arguments.
    pub frame_size: u32,
}

impl Compiled {
    /// The result as code of that kind.
    pub fn into_draft(self, kind: Kind, tier: Tier) -> Draft {
        Draft {
            kind,
            tier,
            flavor: Flavor::Normal,
            bytes: self.bytes,
            relocations: self.relocations,
            tables: self.tables,
            assumptions: None,
        }
    }
}
