//! Kinds of references in frames, for safepoints.
#![forbid(unsafe_code)]

/// What a frame slot of a safepoint holds; the `kind` of a `codespace::Slot`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[repr(u8)]
pub enum ReferenceKind {
    /// 64 bits: the address of a `FuncRecord`, or 0.
    Func = 0,
    /// 32 bits: the handle of an extern value, or 0.
    Extern = 1,
}

impl ReferenceKind {
    /// The kind of that number.
    pub fn from_code(code: u8) -> Option<Self> {
        match code {
            0 => Some(Self::Func),
            1 => Some(Self::Extern),
            _ => None,
        }
    }
}
