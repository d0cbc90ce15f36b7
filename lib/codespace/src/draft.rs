//! What a compiler hands in: bytes, relocations, side tables.
//!
//! A [`Draft`] is plain data. It becomes code only by `Unit::place` and `publish`; dropping it
//! is free.
#![forbid(unsafe_code)]

/// Bytes from a compiler, with what is needed to place them.
#[derive(Clone, Debug)]
pub struct Draft {
    /// What the code is.
    pub kind: Kind,
    /// Which compiler made it.
    pub tier: Tier,
    /// For normal running or for a debugger.
    pub flavor: Flavor,
    /// Machine code, followed by the constants that it refers to by relative address.
    pub bytes: Vec<u8>,
    /// What must be filled in once the address is known.
    pub relocations: Vec<Relocation>,
    /// What is known about places in the code.
    pub tables: SideTables,
    /// Version of the unit's assumptions that the compiler relied on; see `Unit::assumptions`.
    pub assumptions: Option<u64>,
}

impl Draft {
    /// A draft without relocations and side tables, of the optimizing tier and normal flavour.
    pub fn new(kind: Kind, bytes: Vec<u8>) -> Self {
        Self {
            kind,
            tier: Tier::Optimized,
            flavor: Flavor::Normal,
            bytes,
            relocations: Vec::new(),
            tables: SideTables::default(),
            assumptions: None,
        }
    }
}

/// What a code object is.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Kind {
    /// The code of the unit's function of that number; publishing it may change the cell.
    Function(u32),
    /// Code of a function that is entered at a place within it, by frames that run other code of
    /// it: see `replacement`. It goes with the function's installed code.
    Replacement {
        /// The function's number.
        function: u32,
        /// The user's number of the place.
        place: u32,
    },
    /// Code that enters the unit's world from the host.
    EntryWrapper,
    /// Code that leaves it for a host function.
    HostWrapper,
    /// The lazy entries of a unit's functions.
    LazyTable,
    /// Anything else.
    Stub,
}

impl Kind {
    /// The function whose code it is.
    pub const fn function(self) -> Option<u32> {
        match self {
            Self::Function(function) | Self::Replacement { function, .. } => Some(function),
            _ => None,
        }
    }

    /// Its name, in lower case.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Function(_) => "function",
            Self::Replacement { .. } => "replacement",
            Self::EntryWrapper => "entry_wrapper",
            Self::HostWrapper => "host_wrapper",
            Self::LazyTable => "lazy_table",
            Self::Stub => "stub",
        }
    }
}

/// Which compiler made the code. The order is the order of preference.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[repr(u8)]
pub enum Tier {
    /// Quick to make.
    Baseline = 0,
    /// Quick to run.
    Optimized = 1,
}

impl Tier {
    /// Its name, in lower case.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Baseline => "baseline",
            Self::Optimized => "optimized",
        }
    }
}

/// What the code was compiled for. The order is the debugging level.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[repr(u8)]
pub enum Flavor {
    /// Running.
    Normal = 0,
    /// Every local can be inspected.
    Debug = 1,
    /// Like `Debug`, with breakpoints.
    Breakpoints = 2,
    /// Stops at every position; serves one frame only and is never installed.
    Stepping = 3,
}

/// A place in the bytes that depends on the final address.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Relocation {
    /// Offset of the field in the bytes.
    pub offset: u32,
    /// What is written there.
    pub kind: RelocationKind,
    /// What it refers to.
    pub target: Target,
    /// Added to the target's address (`-4` for a field at the end of an instruction).
    pub addend: i32,
}

/// What a relocation writes.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum RelocationKind {
    /// 32 bits: `target + addend - address of the field`.
    ///
    /// With [`Target::Cell`] it is the operand of an instruction that loads the cell, or calls or
    /// jumps through it. If the cell is out of reach, the field leads to 8 bytes beside the code
    /// that hold the address of a veneer, which jumps through the cell.
    Relative4,
    /// 64 bits: `target + addend`.
    Absolute8,
}

/// What a relocation refers to.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Target {
    /// The cell of the unit's function of that number.
    Cell(u32),
    /// An address in the process.
    Address(usize),
    /// An offset in the same draft.
    Own(u32),
}

/// What is known about places in the code. Each list is sorted by offset.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct SideTables {
    /// Instructions that may fault or trap.
    pub traps: Vec<TrapSite>,
    /// Where ranges of code come from: each entry is valid up to the next one.
    pub positions: Vec<Position>,
    /// References in the frame, by return address.
    pub safepoints: Vec<Safepoint>,
    /// Exception handlers, by return address.
    pub handlers: Vec<Handler>,
    /// Whatever else the user wants to know about the code.
    pub notes: Vec<u8>,
}

/// An instruction that may fault or trap.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TrapSite {
    /// Offset of the instruction.
    pub offset: u32,
    /// The user's trap code.
    pub code: u8,
}

/// The code from `offset` to the next entry comes from `position`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Position {
    /// Offset of the first instruction.
    pub offset: u32,
    /// The user's source position; [`Position::NONE`] for code without one.
    pub position: u32,
}

impl Position {
    /// No source position.
    pub const NONE: u32 = u32::MAX;
}

/// The references that a frame holds while a call returns to `offset`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Safepoint {
    /// Offset of the return address.
    pub offset: u32,
    /// Where the references are.
    pub slots: Vec<Slot>,
}

/// A place in a frame.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Slot {
    /// Address relative to the frame pointer.
    pub frame_offset: i32,
    /// The user's kind of reference.
    pub kind: u8,
}

/// Where an exception thrown by a call continues.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Handler {
    /// Offset of the call's return address.
    pub offset: u32,
    /// Offset of the handler.
    pub handler: u32,
    /// The user's tag.
    pub tag: u32,
}
