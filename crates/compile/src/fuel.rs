//! Where a function's code takes fuel, and how much: one answer for all compilers.
//!
//! ```text
//!   (func (param i32)             takes
//!     local.get 0                   3 here: being called, local.get, if
//!     if                             ┊
//!       i32.const 8                 4 here: up to the call, so the host sees what is exact
//!       i32.load                     ┊      (a trap of the load takes all 4)
//!       call $host                   ┊
//!       drop                         ┊
//!       i32.const 0                 2 here
//!       global.set 0                 ┊
//!     end                         end of a run: another way leads here
//!     nop)                        nothing
//! ```
//!
//! * [FP-RUN] a run is a straight piece of a body: it is entered at its start only, and left before
//!   its end only by a trap. It is paid for as a whole before its first operator that costs
//!   something. It ends behind every operator that branches, calls, returns, or to which or behind
//!   which a branch may lead.
//! * [FP-TEXT] a plan is made from the body's operators alone, code that cannot be reached too, so
//!   it does not matter what a compiler knows about reachability. Only takes in code that a
//!   compiler leaves out are left out.
//!
//! Every way back to a loop's header is a branch, and every function costs something, so what runs
//! forever uses its fuel up.
//!
//! The operators' decoder runs twice with fuel on. It does not run at all with fuel off.

use tierup_wasm::read_locals;
use wasmparser::{Operator, OperatorsReader};

use crate::Request;

/// What being called costs: even an empty function does something.
const ENTRY_PRICE: u32 = 1;

/// A run that costs so much ends, so that an amount fits in an instruction.
const MOST_IN_A_RUN: u32 = 1 << 24;

/// Where a function's code takes fuel, and how much.
///
/// A compiler asks it at each operator of the body, in their order.
///
/// ```
/// # use tierup_compile::{FuelPlan, FuelTake};
/// let takes = [FuelTake { offset: 10, amount: 3 }, FuelTake { offset: 14, amount: 1 }];
/// let mut plan = FuelPlan::from_takes(takes.to_vec());
/// assert_eq!([8, 10, 12, 14, 16].map(|offset| plan.due(offset)), [0, 3, 0, 1, 0]);
/// ```
#[derive(Clone, Debug)]
pub struct FuelPlan {
    /// The next one is last.
    takes: Vec<FuelTake>,
    /// Where that is; no operator's offset if there is none.
    next: usize,
}

/// One place where code takes fuel.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FuelTake {
    /// Of the operator before which it does, in the module's bytes.
    pub offset: usize,
    /// How much.
    pub amount: u32,
}

impl FuelPlan {
    /// The plan for the requested function: empty unless its code is to take fuel.
    pub fn new(request: &Request<'_>) -> Self {
        if !request.settings.consume_fuel {
            return Self::from_takes(Vec::new());
        }
        Self::from_takes(takes(request))
    }

    /// A plan of these takes, in their order.
    pub fn from_takes(mut takes: Vec<FuelTake>) -> Self {
        takes.reverse();
        let next = takes.last().map_or(usize::MAX, |take| take.offset);
        Self { takes, next }
    }

    /// What to take before the operator at `offset`; 0 if nothing.
    #[inline]
    pub fn due(&mut self, offset: usize) -> u32 {
        if offset == self.next { self.advance() } else { 0 }
    }

    fn advance(&mut self) -> u32 {
        let amount = self.takes.pop().map_or(0, |take| take.amount);
        self.next = self.takes.last().map_or(usize::MAX, |take| take.offset);
        amount
    }
}

/// All takes of the requested function. What is malformed ends them: its compiler says so.
fn takes(request: &Request<'_>) -> Vec<FuelTake> {
    let mut reader = request.module.body_reader(request.function);
    if read_locals(&mut reader).is_err() {
        return Vec::new();
    }
    let offset = reader.original_position() as usize;
    let entry = FuelTake { offset, amount: ENTRY_PRICE };
    let mut runs = Runs { done: Vec::new(), open: Some(entry), constructs: Vec::new() };
    let mut operators = OperatorsReader::new(reader);
    while !operators.eof()
        && let Ok((operator, offset)) = operators.read_with_offset()
    {
        runs.add(&operator, offset as usize);
    }
    runs.end();
    runs.done
}

/// A body's runs so far.
struct Runs {
    done: Vec<FuelTake>,
    open: Option<FuelTake>,
    /// What is open, innermost last.
    constructs: Vec<Construct>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Construct {
    /// Branches to it lead back.
    Loop,
    /// Branches to it lead behind its end.
    Forward,
}

impl Runs {
    fn add(&mut self, operator: &Operator<'_>, offset: usize) {
        let price = price(operator);
        match &mut self.open {
            Some(take) => take.amount += price,
            None if price != 0 => self.open = Some(FuelTake { offset, amount: price }),
            None => {}
        }
        let too_long = self.open.is_some_and(|take| take.amount >= MOST_IN_A_RUN);
        if self.is_border(operator) || too_long {
            self.end();
        }
    }

    fn end(&mut self) {
        self.done.extend(self.open.take());
    }

    /// Whether control may come from elsewhere behind the operator, or go elsewhere from it.
    fn is_border(&mut self, operator: &Operator<'_>) -> bool {
        match operator {
            Operator::Block { .. } => {
                self.constructs.push(Construct::Forward);
                false
            }
            Operator::Loop { .. } => {
                self.constructs.push(Construct::Loop);
                true
            }
            Operator::If { .. } => {
                self.constructs.push(Construct::Forward);
                true
            }
            Operator::End => self.constructs.pop() != Some(Construct::Loop),
            Operator::Else
            | Operator::Br { .. }
            | Operator::BrIf { .. }
            | Operator::BrTable { .. }
            | Operator::Return
            | Operator::Unreachable
            | Operator::Call { .. }
            | Operator::CallIndirect { .. }
            | Operator::ReturnCall { .. }
            | Operator::ReturnCallIndirect { .. } => true,
            _ => false,
        }
    }
}

/// The price of an operator, without what the length of its range costs.
///
/// The prices are those of Wasmtime, so that limits that were found with it hold here.
fn price(operator: &Operator<'_>) -> u32 {
    match operator {
        Operator::Nop
        | Operator::Drop
        | Operator::Block { .. }
        | Operator::Loop { .. }
        | Operator::Else
        | Operator::End
        | Operator::Return
        | Operator::Unreachable => 0,
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use tierup_abi::InstanceLayout;
    use tierup_wasm::{Bytes, DefinedFunc, Module};

    use super::*;
    use crate::{Entry, Settings};

    /// Of the first function's operators, how much is taken before each.
    fn amounts(body: &str) -> Vec<u32> {
        let text = format!("(module (memory 1) (table 1 funcref) {body} (func))");
        let module = Module::decode(Bytes::from(wat::parse_str(text).unwrap())).unwrap();
        let layout = InstanceLayout::new(&module);
        let settings = Settings { consume_fuel: true, ..Settings::default() };
        let request = request(&module, &layout, &settings);
        let mut plan = FuelPlan::new(&request);
        let mut reader = module.body_reader(request.function);
        read_locals(&mut reader).unwrap();
        let operators = OperatorsReader::new(reader).into_iter_with_offsets();
        let amounts = operators.map(|it| plan.due(it.unwrap().1 as usize)).collect();
        assert!(plan.takes.is_empty(), "no operator is at {:?}", plan.takes);
        amounts
    }

    fn request<'a>(
        module: &'a Module,
        layout: &'a InstanceLayout,
        settings: &'a Settings,
    ) -> Request<'a> {
        Request { module, layout, function: DefinedFunc(0), entry: Entry::Call, settings }
    }

    #[test]
    fn an_empty_function_costs_its_call() {
        assert_eq!(amounts("(func)"), [1]);
        assert_eq!(amounts("(func (local i32 i64))"), [1]);
    }

    #[test]
    fn a_straight_function_is_one_run() {
        let body = "(func (drop (i32.load (i32.const 0))) (nop) (block (drop (i32.const 1))))";
        assert_eq!(amounts(body), [4, 0, 0, 0, 0, 0, 0, 0, 0]);
    }

    #[test]
    fn runs_end_at_calls() {
        let body = "(func i32.const 0 drop call 1 i32.const 0 call_indirect i32.const 0 drop)";
        assert_eq!(amounts(body), [3, 0, 0, 2, 0, 1, 0, 0]);
        assert_eq!(amounts("(func nop return_call 1)"), [2, 0, 0]);
    }

    #[test]
    fn runs_end_at_both_parts_of_an_if_and_behind() {
        let body = "(func i32.const 1 if i32.const 2 drop else i32.const 3 drop end \
                    i32.const 4 drop)";
        assert_eq!(amounts(body), [3, 0, 1, 0, 0, 1, 0, 0, 1, 0, 0]);
        let body = "(func i32.const 1 if end)";
        assert_eq!(amounts(body), [3, 0, 0, 0]);
    }

    #[test]
    fn a_loop_is_paid_for_inside() {
        let body = "(func i32.const 1 drop loop i32.const 2 br_if 0 i32.const 3 drop end \
                    i32.const 4 drop)";
        // Behind the loop nothing else leads there: the last run goes on.
        assert_eq!(amounts(body), [2, 0, 0, 2, 0, 2, 0, 0, 0, 0, 0]);
    }

    #[test]
    fn every_way_to_run_forever_costs() {
        assert_eq!(amounts("(func (loop (br 0)))"), [1, 1, 0, 0]);
        assert_eq!(amounts("(func return_call 0)"), [2, 0]);
        assert_eq!(amounts("(func (loop (br_table 0 0 (i32.const 0))))")[1], 2);
    }

    #[test]
    fn runs_end_behind_blocks_but_not_before() {
        let body = "(func block block i32.const 1 br_if 1 end i32.const 2 drop end \
                    i32.const 3 drop)";
        assert_eq!(amounts(body), [3, 0, 0, 0, 0, 1, 0, 0, 1, 0, 0]);
    }

    #[test]
    fn code_that_cannot_be_reached_has_its_own_runs() {
        let body = "(func block i32.const 1 drop br 0 i32.const 2 drop end i32.const 3 drop)";
        assert_eq!(amounts(body), [3, 0, 0, 0, 1, 0, 0, 1, 0, 0]);
        let body = "(func block unreachable i32.const 2 drop loop i32.const 3 drop end end)";
        assert_eq!(amounts(body), [1, 0, 1, 0, 0, 1, 0, 0, 0, 0]);
        assert_eq!(amounts("(func return i32.const 2 drop)"), [1, 1, 0, 0]);
    }

    #[test]
    fn no_plan_without_fuel() {
        let module = Module::decode(Bytes::from(wat::parse_str("(module (func))").unwrap()));
        let module = module.unwrap();
        let (layout, settings) = (InstanceLayout::new(&module), Settings::default());
        let request = request(&module, &layout, &settings);
        assert!(FuelPlan::new(&request).takes.is_empty());
    }

    #[test]
    fn a_long_run_is_divided() {
        let operator = Operator::I32Const { value: 0 };
        let entry = FuelTake { offset: 0, amount: MOST_IN_A_RUN - 2 };
        let mut runs = Runs { done: Vec::new(), open: Some(entry), constructs: Vec::new() };
        (1..=3).for_each(|offset| runs.add(&operator, offset));
        runs.end();
        let last = FuelTake { offset: 3, amount: 1 };
        assert_eq!(runs.done, [FuelTake { offset: 0, amount: MOST_IN_A_RUN }, last]);
    }
}
