//! An interpreter: a small register machine runs `size` rounds of programs in its own bytecode.
//! One big switch in a loop, registers in memory.

fn main() {
    println!("{:016x}", run(argument()));
}

fn argument() -> u64 {
    std::env::args().nth(1).and_then(|text| text.parse().ok()).expect("usage: vm SIZE")
}

/// What an instruction does with its operands a, b, c.
#[derive(Clone, Copy)]
#[repr(u8)]
enum Op {
    Constant,
    Move,
    Add,
    Multiply,
    Remainder,
    Xor,
    ShiftRight,
    Load,
    Store,
    JumpIfLess,
    JumpIfZero,
    Jump,
    Call,
    Return,
    Halt,
}

#[derive(Clone, Copy)]
struct Instruction {
    op: Op,
    a: u8,
    b: u8,
    c: u8,
}

struct Machine {
    registers: [u64; 256],
    memory: Vec<u64>,
    stack: Vec<usize>,
}

fn run(size: u64) -> u64 {
    let code = program();
    let mut machine = Machine { registers: [0; 256], memory: vec![0; 256], stack: Vec::new() };
    let mut sum = 0_u64;
    for round in 0..size {
        machine.registers[0] = round;
        machine.run(&code);
        sum = sum.rotate_left(9) ^ machine.registers[1];
    }
    sum
}

impl Machine {
    fn run(&mut self, code: &[Instruction]) {
        let mut next = 0;
        loop {
            let Instruction { op, a, b, c } = code[next];
            let (a, left, right) = (usize::from(a), usize::from(b), usize::from(c));
            next += 1;
            match op {
                Op::Constant => self.registers[a] = u64::from(b) << 8 | u64::from(c),
                Op::Move => self.registers[a] = self.registers[left],
                Op::Add => self.set(a, self.registers[left].wrapping_add(self.registers[right])),
                Op::Multiply => {
                    self.set(a, self.registers[left].wrapping_mul(self.registers[right]))
                }
                Op::Remainder => self.set(a, self.registers[left] % self.registers[right].max(1)),
                Op::Xor => self.set(a, self.registers[left] ^ self.registers[right]),
                Op::ShiftRight => self.set(a, self.registers[left] >> (self.registers[right] & 63)),
                Op::Load => self.set(a, self.memory[self.registers[left] as usize & 255]),
                Op::Store => self.memory[self.registers[left] as usize & 255] = self.registers[a],
                Op::JumpIfLess if self.registers[a] < self.registers[left] => next = right,
                Op::JumpIfZero if self.registers[a] == 0 => next = right,
                Op::JumpIfLess | Op::JumpIfZero => {}
                Op::Jump => next = right,
                Op::Call => {
                    self.stack.push(next);
                    next = right;
                }
                Op::Return => match self.stack.pop() {
                    Some(back) => next = back,
                    None => return,
                },
                Op::Halt => return,
            }
        }
    }

    fn set(&mut self, register: usize, value: u64) {
        self.registers[register] = value;
    }
}

/// Fills the memory, sums greatest common divisors over it, and mixes: register 0 in, 1 out.
fn program() -> Vec<Instruction> {
    let list = [
        (Op::Constant, 2, 0, 0),   // 0: counter
        (Op::Constant, 3, 0, 200), // limit
        (Op::Constant, 4, 0, 1),   // one
        (Op::Constant, 5, 12, 77), // factor
        (Op::Move, 6, 0, 0),       // value
        (Op::Multiply, 6, 6, 5),   // 5: fill
        (Op::Add, 6, 6, 2),
        (Op::Constant, 7, 0, 7),
        (Op::ShiftRight, 8, 6, 7),
        (Op::Xor, 6, 6, 8),
        (Op::Store, 6, 2, 0), // 10
        (Op::Add, 2, 2, 4),
        (Op::JumpIfLess, 2, 3, 5),
        (Op::Constant, 2, 0, 0),
        (Op::Constant, 1, 0, 0),
        (Op::Constant, 14, 255, 255),
        (Op::Load, 9, 2, 0), // 16: sum
        (Op::Add, 10, 2, 4),
        (Op::Load, 10, 10, 0),
        (Op::Remainder, 9, 9, 14),
        (Op::Remainder, 10, 10, 14), // 20
        (Op::Call, 0, 0, 26),
        (Op::Add, 1, 1, 9),
        (Op::Add, 2, 2, 4),
        (Op::JumpIfLess, 2, 3, 16),
        (Op::Halt, 0, 0, 0),
        (Op::JumpIfZero, 10, 0, 31), // 26: greatest common divisor of 9 and 10
        (Op::Remainder, 11, 9, 10),
        (Op::Move, 9, 10, 0),
        (Op::Move, 10, 11, 0),
        (Op::Jump, 0, 0, 26), // 30
        (Op::Return, 0, 0, 0),
    ];
    list.into_iter().map(|(op, a, b, c)| Instruction { op, a, b, c }).collect()
}
