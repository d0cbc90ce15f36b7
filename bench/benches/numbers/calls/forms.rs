//! A program in both forms.
//!
//! ```text
//!   cell     ff 15 cell           call [rip + cell]       bare machine code
//!   direct   67 e8 callee         call callee             a prefix keeps the length
//!   cell     48 8b 05 cell ff d0  mov rax, [rip + cell]   compiled code
//!                                 call rax
//!   direct   0f 1f 40 00 e8 callee  nop; call callee
//! ```
//!
//! Addresses of callees must be known before direct calls can be written, so the direct form is
//! placed twice: what is placed first only shows where it will lie.

use std::sync::Arc;

use codespace::{CodeManager, CodeRef, Draft, Kind, Placed, Relocation, RelocationKind};
use codespace::{Target, Unit};

use super::program::{Call, Function, Program};
use crate::{Outcome, drafts, machine};

/// A program in both forms.
pub(crate) struct Forms {
    cells: Form,
    direct: Form,
}

impl Forms {
    pub(crate) fn new(manager: &CodeManager, program: &Program) -> Outcome<Self> {
        let direct = Form::direct(manager, program)?;
        let cells = Form::through_cells(manager, program)?;
        Ok(Self { cells, direct })
    }

    pub(crate) fn cells(&self, count: usize) {
        self.cells.run(count);
    }

    pub(crate) fn direct(&self, count: usize) {
        self.direct.run(count);
    }
}

/// A program in one form.
struct Form {
    _code: Vec<CodeRef>,
    entry: usize,
    arguments: [u64; 2],
}

impl Form {
    fn through_cells(manager: &CodeManager, program: &Program) -> Outcome<Self> {
        let unit = drafts::unit(manager, program.functions.len() as u32)?;
        let draft = |(number, function): (usize, &Function)| {
            let mut draft = Draft::new(Kind::Function(number as u32), function.bytes.clone());
            let operand = |call: &Call| drafts::cell(call.operand as u32, call.callee);
            draft.relocations = function.calls.iter().map(operand).collect();
            draft
        };
        let placed =
            unit.place(program.functions.iter().enumerate().map(draft).collect::<Vec<_>>())?;
        Self::publish(&unit, placed, program.arguments)
    }

    fn direct(manager: &CodeManager, program: &Program) -> Outcome<Self> {
        let unit = drafts::unit(manager, program.functions.len() as u32)?;
        let place = |starts: &[usize]| {
            // Any address in reach will do while the right one is not known.
            let address = |callee: u32| starts.get(callee as usize).copied();
            let anywhere = unit.cells() as usize;
            let target = |callee| Target::Address(address(callee).unwrap_or(anywhere));
            let functions = program.functions.iter().enumerate();
            unit.place(functions.map(|one| direct_draft(one, target)).collect::<Vec<_>>())
        };
        let first = place(&[])?;
        let starts: Vec<usize> = first.iter().map(|placed| placed.range().start).collect();
        drop(first);
        let placed = place(&starts)?;
        if placed.iter().map(|placed| placed.range().start).ne(starts) {
            return Err("the second time, code was placed elsewhere".into());
        }
        Self::publish(&unit, placed, program.arguments)
    }

    fn publish(unit: &Arc<Unit>, placed: Vec<Placed>, arguments: [u64; 2]) -> Outcome<Self> {
        let code: Vec<CodeRef> =
            unit.publish(placed)?.into_iter().map(|published| published.code).collect();
        let entry = code.first().ok_or("a program has functions")?.entry();
        Ok(Self { _code: code, entry, arguments })
    }

    fn run(&self, count: usize) {
        let [first, second] = self.arguments;
        for _ in 0..count {
            // SAFETY: a program's first function can be called like that with its arguments, and
            // references to its code are held.
            std::hint::black_box(unsafe { machine::call(self.entry, first, second) });
        }
    }
}

fn direct_draft((number, function): (usize, &Function), target: impl Fn(u32) -> Target) -> Draft {
    let mut draft = Draft::new(Kind::Function(number as u32), function.bytes.clone());
    for call in &function.calls {
        let opcode = call.end - 5;
        draft.bytes.copy_within(call.between.clone(), call.start);
        let filled = call.start + call.between.len();
        let filler: &[u8] = match opcode - filled {
            1 => &[0x67],
            4 => &[0x0f, 0x1f, 0x40, 0],
            _ => &[0x0f, 0x1f, 0x44, 0, 0],
        };
        draft.bytes[filled..opcode].copy_from_slice(filler);
        draft.bytes[opcode] = 0xe8;
        draft.relocations.push(Relocation {
            offset: opcode as u32 + 1,
            kind: RelocationKind::Relative4,
            target: target(call.callee),
            addend: -4,
        });
    }
    draft
}
