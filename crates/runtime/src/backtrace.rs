//! Which Wasm functions were running.
//!
//! ```text
//! entry ── Wasm ── Wasm ── host call ── entry ── Wasm ── trap
//!   ▲ walked to the oldest                     ◄── walked from the newest
//! ```
//!
//! Pcs are collected where the trap happens, possibly in a signal handler (`frames`); this file
//! gives them meaning afterwards, while the code that they point to is still alive.
#![forbid(unsafe_code)]

use std::{fmt, sync::Arc};

use codespace::{CodeManager, CodeScope};
use tierup_wasm::{DefinedFunc, FuncIndex};

use crate::{EngineState, ModuleInfo, frames::RawBacktrace};

/// The Wasm frames of a moment, innermost first.
#[derive(Clone, Default, Debug)]
pub struct Backtrace {
    frames: Vec<Frame>,
    omitted: usize,
}

/// One Wasm frame.
#[derive(Clone, Debug)]
pub struct Frame {
    info: Arc<ModuleInfo>,
    function: FuncIndex,
    offset: Option<u32>,
    entry: u32,
}

impl Frame {
    /// What the machine code at `pc` stands for, if code of a module of `engine` lies there.
    pub fn at(engine: &EngineState, pc: usize) -> Option<Self> {
        resolve_frame(&engine.manager().scope(), pc, 0)
    }

    /// Index of the function in its module.
    pub fn function(&self) -> u32 {
        self.function.0
    }

    /// Position in the module's bytes, where known.
    pub fn offset(&self) -> Option<u32> {
        self.offset
    }

    /// How many entries into Wasm lie between this frame and the innermost: 0 until a host
    /// function called Wasm again.
    pub fn entry(&self) -> u32 {
        self.entry
    }

    /// Name of the function from the module's name section.
    pub fn function_name(&self) -> Option<&str> {
        self.info.names().function(self.function)
    }

    /// Name of the module from its name section.
    pub fn module_name(&self) -> Option<&str> {
        self.info.names().module()
    }
}

impl fmt::Display for Frame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "wasm-function[{}]", self.function.0)?;
        if let Some(offset) = self.offset {
            write!(f, ":0x{offset:x}")?;
        }
        match (self.module_name(), self.function_name()) {
            (Some(module), Some(function)) => write!(f, " ({module}!{function})"),
            (None, Some(function)) => write!(f, " ({function})"),
            _ => Ok(()),
        }
    }
}

impl Backtrace {
    /// The frames, innermost first. Of very deep stacks only the innermost are kept.
    pub fn frames(&self) -> &[Frame] {
        &self.frames
    }

    /// How many frames further out were left away.
    pub fn omitted(&self) -> usize {
        self.omitted
    }

    /// Gives the pcs their meaning.
    pub(crate) fn resolve(manager: &CodeManager, raw: &RawBacktrace) -> Self {
        let scope = manager.scope();
        let frames = raw.pcs().filter_map(|(pc, entry)| resolve_frame(&scope, pc, entry)).collect();
        Self { frames, omitted: raw.omitted() }
    }
}

fn resolve_frame(scope: &CodeScope<'_>, pc: usize, entry: u32) -> Option<Frame> {
    let code = scope.lookup(pc)?;
    let number = code.function()?;
    let info = Arc::clone(code.owner()).downcast::<ModuleInfo>().ok()?;
    let function = info.module().function(DefinedFunc(number));
    Some(Frame { info, function, offset: code.position_at(pc), entry })
}

impl fmt::Display for Backtrace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for frame in &self.frames {
            write!(f, "\n    at {frame}")?;
        }
        match self.omitted {
            0 => Ok(()),
            omitted => write!(f, "\n    ... and {omitted} more"),
        }
    }
}
