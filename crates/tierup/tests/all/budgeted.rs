//! A stand-in for a first tier: another compiler's code behind a prefix that keeps a budget.
//!
//! The prefix uses the function's budget up as baseline code does, before any argument is used. So
//! the code shows whether arguments survive, and is right only if they do.

use codespace::{RelocationKind, Target, Tier};
use tierup::compile::{CompileError, Compiled, Compiler, Request};
use tierup_abi::{Builtin, Gpr, InstanceHead, Xmm};
use tierup_asm::{Address, Emitter, R8, R9, R10, R11, R12, R13, R14, R15, RAX, RBP, RBX, RCX, RDI};
use tierup_asm::{RDX, RSI, RSP, Width};

/// The code of `inner`, which uses `work` of the budget at each call.
#[derive(Debug)]
pub(crate) struct Budgeted<C> {
    pub(crate) inner: C,
    pub(crate) work: i32,
}

/// Constants of `inner` stay aligned if the prefix has this size or a multiple.
const ALIGN: usize = 64;

impl<C: Compiler> Compiler for Budgeted<C> {
    fn name(&self) -> &'static str {
        "budgeted"
    }

    fn tier(&self) -> Tier {
        Tier::Baseline
    }

    fn compile(&self, request: &Request<'_>) -> Result<Compiled, CompileError> {
        let mut compiled = self.inner.compile(request)?;
        let mut bytes = prefix(request, self.work);
        bytes.resize(bytes.len().next_multiple_of(ALIGN), 0x90);
        let shift = bytes.len() as u32;
        bytes.append(&mut compiled.bytes);
        compiled.bytes = bytes;
        for relocation in &mut compiled.relocations {
            relocation.offset += shift;
            if let Target::Own(offset) = &mut relocation.target {
                *offset += shift;
            }
            assert_eq!(relocation.kind, RelocationKind::Relative4);
        }
        let tables = &mut compiled.tables;
        tables.traps.iter_mut().for_each(|site| site.offset += shift);
        tables.positions.iter_mut().for_each(|position| position.offset += shift);
        tables.safepoints.iter_mut().for_each(|safepoint| safepoint.offset += shift);
        Ok(compiled)
    }
}

fn prefix(request: &Request<'_>, work: i32) -> Vec<u8> {
    let mut asm = Emitter::new();
    asm.push(RBP);
    asm.move_register(RBP, RSP);
    asm.push(R14);
    asm.push(R14);
    asm.move_register(R14, RDI);
    let mut bytes = asm.finish();
    bytes.extend(check(request, work));
    asm.pop(R14);
    asm.pop(R14);
    asm.pop(RBP);
    bytes.extend(asm.finish());
    bytes
}

/// The check itself, as the contract has it.
fn check(request: &Request<'_>, work: i32) -> Vec<u8> {
    // sub dword [r14 + budget], work
    let mut bytes = vec![0x41, 0x81, 0xae];
    bytes.extend(request.layout.budget(request.function).to_le_bytes());
    bytes.extend(work.to_le_bytes());
    let mut asm = Emitter::new();
    asm.move_immediate(Width::W32, R11, request.function.0.into());
    asm.load(Width::W64, R10, Address::new(R14, InstanceHead::BUILTINS));
    asm.call_memory(Address::new(R10, Builtin::BudgetSpent.offset()));
    let slow = asm.finish();
    // jns past the slow path
    bytes.extend([0x79, slow.len() as u8]);
    bytes.extend(slow);
    bytes
}

/// A function without parameters that returns an `i64`: 0 if `BudgetSpent` kept all registers.
#[derive(Debug)]
pub(crate) struct RegisterCheck;

impl Compiler for RegisterCheck {
    fn name(&self) -> &'static str {
        "register check"
    }

    fn tier(&self) -> Tier {
        Tier::Baseline
    }

    fn compile(&self, request: &Request<'_>) -> Result<Compiled, CompileError> {
        const GPRS: [Gpr; 11] = [RAX, RCX, RDX, RBX, RSI, RDI, R8, R9, R12, R13, R15];
        const SAVED: [Gpr; 6] = [R14, RBX, R12, R13, R15, R15];
        let value = |register: Gpr| 0x1234_5600 + u32::from(register.0);
        let place = |register: u8| Address::new(R14, register.into());
        let mut asm = Emitter::new();
        asm.push(RBP);
        asm.move_register(RBP, RSP);
        SAVED.into_iter().for_each(|register| asm.push(register));
        asm.move_register(R14, RDI);
        GPRS.into_iter().for_each(|gpr| asm.move_immediate(Width::W64, gpr, u64::from(value(gpr))));
        (0..16).for_each(|xmm| asm.load_vector(Xmm(xmm), place(xmm)));
        let mut bytes = asm.finish();
        bytes.extend(check(request, 1));
        asm.move_immediate(Width::W32, R11, 0);
        bytes.extend(asm.finish());
        for gpr in GPRS {
            // xor gpr, value; or r11, gpr
            let high = gpr.0 >> 3;
            bytes.extend([0x48 | high, 0x81, 0xf0 | (gpr.0 & 7)]);
            bytes.extend(value(gpr).to_le_bytes());
            bytes.extend([0x49 | (high << 2), 0x09, 0xc3 | ((gpr.0 & 7) << 3)]);
        }
        for xmm in 1..16 {
            // The one before has been looked at. pxor and ptest; setnz al; or r11, rax
            asm.load_vector(Xmm(xmm - 1), place(xmm));
            bytes.extend(asm.finish());
            let (low, before) = (xmm & 7, (xmm - 1) & 7);
            let rex = 0x40 | (xmm >> 3 << 2) | ((xmm - 1) >> 3);
            bytes.extend([0x66, rex, 0x0f, 0xef, 0xc0 | (low << 3) | before]);
            let rex = 0x40 | (xmm >> 3 << 2) | (xmm >> 3);
            bytes.extend([0x66, rex, 0x0f, 0x38, 0x17, 0xc0 | (low << 3) | low]);
            bytes.extend([0x0f, 0x95, 0xc0, 0x49, 0x09, 0xc3]);
        }
        asm.move_register(RAX, R11);
        SAVED.into_iter().rev().for_each(|register| asm.pop(register));
        asm.pop(RBP);
        asm.ret(0);
        bytes.extend(asm.finish());
        Ok(Compiled { bytes, ..Compiled::default() })
    }
}
