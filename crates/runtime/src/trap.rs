//! A trap: why code stopped, and where.
#![forbid(unsafe_code)]

use std::fmt;

use tierup_abi::TrapKind;

use crate::Backtrace;

/// Why Wasm code stopped, and where.
#[derive(Clone, Debug)]
pub struct Trap {
    kind: TrapKind,
    detail: Option<String>,
    backtrace: Backtrace,
}

impl Trap {
    /// A trap of that kind, with no backtrace yet.
    pub fn new(kind: TrapKind) -> Self {
        Self { kind, detail: None, backtrace: Backtrace::default() }
    }

    /// A trap with more to say than its kind.
    pub fn with_detail(kind: TrapKind, detail: impl Into<String>) -> Self {
        Self { kind, detail: Some(detail.into()), backtrace: Backtrace::default() }
    }

    /// Why.
    pub fn kind(&self) -> TrapKind {
        self.kind
    }

    /// The message, without the backtrace.
    pub fn message(&self) -> String {
        match &self.detail {
            Some(detail) => format!("{}: {detail}", self.kind.message()),
            None => self.kind.message().to_owned(),
        }
    }

    /// Where: the Wasm frames, innermost first.
    pub fn backtrace(&self) -> &Backtrace {
        &self.backtrace
    }

    pub(crate) fn set_backtrace(&mut self, backtrace: Backtrace) {
        self.backtrace = backtrace;
    }
}

impl fmt::Display for Trap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.message(), self.backtrace)
    }
}
