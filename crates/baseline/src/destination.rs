//! Results that are computed where they are going to be.
//!
//! Most of what `local.set` and `local.tee` store has just been computed. The byte behind an
//! operator tells: if it is one of these two and the local lives in a register, the operator
//! leaves its result there, as the operand `Place::Local`, and setting the local to itself is
//! nothing.
//!
//! ```text
//!   i32.add; local.set 3      lea eax, [rbx+8]           lea r12d, [rbx+8]
//!                             mov r12d, eax
//! ```

use tierup_abi::{Gpr, Xmm};
use tierup_wasm::ValType;

use crate::{
    generator::{Generator, LocalPlace},
    stack::Place,
};

const LOCAL_SET: u8 = 0x21;
const LOCAL_TEE: u8 = 0x22;

/// What is encoded behind an operator of one byte.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Immediates {
    None,
    Index,
    /// Alignment and offset of an access.
    Access,
}

/// In the alignment of an access: the number of a memory follows.
const NAMES_MEMORY: u8 = 0x40;

/// A local in a register that the next operator sets to the result of this one.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Destination<R> {
    local: u32,
    pub(crate) register: R,
}

impl Generator<'_> {
    /// The general register that the result should go to, if it is known.
    pub(crate) fn destination(&self, immediates: Immediates) -> Option<Destination<Gpr>> {
        let local = self.next_local(immediates)?;
        match self.locals.get(local as usize)?.place {
            LocalPlace::Register(register) => Some(Destination { local, register }),
            _ => None,
        }
    }

    /// The vector register that the result should go to, if it is known.
    pub(crate) fn float_destination(&self, immediates: Immediates) -> Option<Destination<Xmm>> {
        // Most functions have none.
        if self.frame.float_locals.is_empty() {
            return None;
        }
        let local = self.next_local(immediates)?;
        match self.locals.get(local as usize)?.place {
            LocalPlace::Xmm { register, .. } => Some(Destination { local, register }),
            _ => None,
        }
    }

    /// The local that the operator behind the current one sets.
    fn next_local(&self, immediates: Immediates) -> Option<u32> {
        let behind = self.environment.bytes.get(self.offset + 1..)?;
        let next = match immediates {
            Immediates::None => behind,
            Immediates::Index => behind_number(behind)?,
            Immediates::Access if behind.first()? & NAMES_MEMORY != 0 => return None,
            Immediates::Access => behind_number(behind_number(behind)?)?,
        };
        match *next {
            [LOCAL_SET | LOCAL_TEE, local @ ..0x80, ..] => Some(local.into()),
            _ => None,
        }
    }

    /// Makes a destination free to be written: operands that still read the local get copies.
    pub(crate) fn prepare<R>(&mut self, destination: &Destination<R>) {
        self.detach_local(destination.local);
    }

    /// Pushes a result that is in its destination.
    pub(crate) fn push_arrived<R>(&mut self, ty: ValType, destination: &Destination<R>) {
        self.push(ty, Place::Local(destination.local));
    }
}

/// What lies behind a number in the usual encoding: its last byte has no highest bit.
fn behind_number(bytes: &[u8]) -> Option<&[u8]> {
    match bytes {
        [..0x80, rest @ ..] | [_, ..0x80, rest @ ..] => Some(rest),
        [_, _, ..0x80, rest @ ..] | [_, _, _, ..0x80, rest @ ..] => Some(rest),
        [_, _, _, _, ..0x80, rest @ ..] => Some(rest),
        _ => None,
    }
}
