//! The smallest compiler that is one: for tests of everything above compilers.
//!
//! It knows `i32` parameters in registers, one `i32` result or none, and six operators; values
//! live on the machine's stack. Everything else is [`CompileErrorKind::Unsupported`], so it also
//! serves to test what happens when a compiler gives up.

use codespace::{Position, SideTables, Tier, TrapSite};
use tierup_abi::{Place, TrapKind};
use tierup_asm::{Address, Emitter, RAX, RBP, RCX, RSP, Width};
use tierup_wasm::{FuncType, ValType, read_locals};
use wasmparser::Operator;

use crate::{CompileError, CompileErrorKind, Compiled, Compiler, Entry, Request};

/// A compiler for straight lines of `i32` arithmetic.
#[derive(Clone, Copy, Debug, Default)]
pub struct Trivial;

impl Compiler for Trivial {
    fn name(&self) -> &'static str {
        "trivial"
    }

    fn tier(&self) -> Tier {
        Tier::Baseline
    }

    fn compile(&self, request: &Request<'_>) -> Result<Compiled, CompileError> {
        let mut reader = request.module.body_reader(request.function);
        let start = reader.original_position() as usize;
        let function = request.module.function(request.function);
        let ty = request.module.function_type(function);
        if request.entry != Entry::Call {
            return Err(unsupported("code that begins at a loop", start));
        }
        if request.settings.consume_fuel {
            return Err(unsupported("fuel", start));
        }
        let locals = read_locals(&mut reader).map_err(|error| invalid(&error))?;
        if !locals.is_empty() {
            return Err(unsupported("a local", start));
        }
        let mut code = Code { asm: Emitter::new(), tables: SideTables::default() };
        code.prologue(ty, start)?;
        let mut operators = wasmparser::OperatorsReader::new(reader);
        while !operators.eof() {
            let (operator, offset) =
                operators.read_with_offset().map_err(|error| CompileErrorKind::Invalid {
                    message: error.message().to_owned(),
                    offset: error.offset() as usize,
                })?;
            code.operator(&operator, offset as usize, ty)?;
        }
        let Code { mut asm, tables } = code;
        let frame_size = 8 * ty.params.len() as u32;
        Ok(Compiled { bytes: asm.finish(), relocations: Vec::new(), tables, frame_size })
    }
}

struct Code {
    asm: Emitter,
    tables: SideTables,
}

impl Code {
    /// Saves the parameters below the frame pointer.
    fn prologue(&mut self, ty: &FuncType, offset: usize) -> Result<(), CompileError> {
        let values = ty.params.iter().chain(&ty.results);
        if ty.results.len() > 1 || values.into_iter().any(|&ty| ty != ValType::I32) {
            return Err(unsupported("this function type", offset));
        }
        self.asm.push(RBP);
        self.asm.move_register(RBP, RSP);
        for place in tierup_abi::CallLayout::new(ty).params {
            let Place::Gpr(register) = place else {
                return Err(unsupported("a parameter on the stack", offset));
            };
            self.asm.push(register);
        }
        Ok(())
    }

    fn operator(
        &mut self,
        operator: &Operator<'_>,
        offset: usize,
        ty: &FuncType,
    ) -> Result<(), CompileError> {
        let at = self.asm.offset();
        self.tables.positions.push(Position { offset: at, position: offset as u32 });
        match *operator {
            Operator::Nop => {}
            Operator::Unreachable => self.trap(),
            Operator::I32Const { value } => {
                self.asm.move_immediate(Width::W32, RAX, u64::from(value as u32));
                self.asm.push(RAX);
            }
            Operator::LocalGet { local_index } => {
                let slot = Address::new(RBP, -8 * (local_index as i32 + 1));
                self.asm.load(Width::W64, RAX, slot);
                self.asm.push(RAX);
            }
            Operator::I32Add => self.binary(Emitter::add),
            Operator::I32Sub => self.binary(Emitter::subtract),
            Operator::End => self.epilogue(ty),
            _ => return Err(unsupported("an operator", offset)),
        }
        // An operator without code leaves no position of its own.
        if self.asm.offset() == at {
            self.tables.positions.pop();
        }
        Ok(())
    }

    fn trap(&mut self) {
        let code = TrapKind::Unreachable as u8;
        self.tables.traps.push(TrapSite { offset: self.asm.offset(), code });
        self.asm.trap();
    }

    fn binary(&mut self, apply: fn(&mut Emitter, tierup_abi::Gpr, tierup_abi::Gpr)) {
        self.asm.pop(RCX);
        self.asm.pop(RAX);
        apply(&mut self.asm, RAX, RCX);
        self.asm.push(RAX);
    }

    fn epilogue(&mut self, ty: &FuncType) {
        if !ty.results.is_empty() {
            self.asm.pop(RAX);
        }
        self.asm.move_register(RSP, RBP);
        self.asm.pop(RBP);
        self.asm.ret(0);
    }
}

fn unsupported(what: &str, offset: usize) -> CompileError {
    CompileErrorKind::Unsupported { what: what.to_owned(), offset }.into()
}

fn invalid(error: &tierup_wasm::Error) -> CompileError {
    CompileErrorKind::Invalid { message: error.message().to_owned(), offset: error.offset() }.into()
}
