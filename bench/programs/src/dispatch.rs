//! Indirect calls: methods of trait objects, boxed closures, and function pointers; `size` rounds
//! over a thousand of each.

fn main() {
    println!("{:016x}", run(argument()));
}

fn argument() -> u64 {
    std::env::args().nth(1).and_then(|text| text.parse().ok()).expect("usage: dispatch SIZE")
}

trait Cell {
    fn feed(&mut self, value: u64) -> u64;
    fn weight(&self) -> u64;
}

struct Adder(u64);
struct Mixer(u64);
struct Counter(u64);
struct Toggle(bool, u64);
struct Delay([u64; 4], usize);

impl Cell for Adder {
    fn feed(&mut self, value: u64) -> u64 {
        self.0 = self.0.wrapping_add(value);
        self.0
    }
    fn weight(&self) -> u64 {
        1
    }
}

impl Cell for Mixer {
    fn feed(&mut self, value: u64) -> u64 {
        self.0 = (self.0 ^ value).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        self.0 >> 3
    }
    fn weight(&self) -> u64 {
        self.0 & 7
    }
}

impl Cell for Counter {
    fn feed(&mut self, value: u64) -> u64 {
        self.0 += value & 1;
        value ^ self.0
    }
    fn weight(&self) -> u64 {
        self.0
    }
}

impl Cell for Toggle {
    fn feed(&mut self, value: u64) -> u64 {
        self.0 = !self.0;
        if self.0 { value.rotate_left(11) } else { value.wrapping_sub(self.1) }
    }
    fn weight(&self) -> u64 {
        self.1
    }
}

impl Cell for Delay {
    fn feed(&mut self, value: u64) -> u64 {
        self.1 = (self.1 + 1) % 4;
        std::mem::replace(&mut self.0[self.1], value)
    }
    fn weight(&self) -> u64 {
        4
    }
}

const MANY: u64 = 1000;

fn run(size: u64) -> u64 {
    let mut cells: Vec<Box<dyn Cell>> = (0..MANY).map(cell).collect();
    let closures: Vec<Box<dyn Fn(u64) -> u64>> = (0..MANY).map(closure).collect();
    let pointers: Vec<fn(u64, u64) -> u64> = (0..MANY).map(pointer).collect();
    let mut value = 1_u64;
    for round in 0..size {
        for cell in &mut cells {
            value = cell.feed(value).wrapping_add(round);
        }
        for closure in &closures {
            value = closure(value);
        }
        for pointer in &pointers {
            value = pointer(value, round);
        }
        value ^= cells.iter().map(|cell| cell.weight()).fold(0, u64::wrapping_add);
    }
    value
}

/// Scatters numbers, so that neighbours in the lists are of different kinds.
fn scattered(number: u64) -> u64 {
    number.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40
}

fn cell(number: u64) -> Box<dyn Cell> {
    match scattered(number) % 5 {
        0 => Box::new(Adder(number)),
        1 => Box::new(Mixer(number)),
        2 => Box::new(Counter(number)),
        3 => Box::new(Toggle(false, number)),
        _ => Box::new(Delay([number; 4], 0)),
    }
}

fn closure(number: u64) -> Box<dyn Fn(u64) -> u64> {
    match scattered(number) % 4 {
        0 => Box::new(move |value| value.wrapping_add(number)),
        1 => Box::new(move |value| value.rotate_left((number % 60) as u32) ^ number),
        2 => Box::new(|value| value ^ (value >> 5)),
        _ => Box::new(move |value| if value > number { value - number } else { value + 1 }),
    }
}

fn pointer(number: u64) -> fn(u64, u64) -> u64 {
    const ALL: [fn(u64, u64) -> u64; 4] = [
        |left, right| left.wrapping_add(right),
        |left, right| left ^ right.rotate_left(32),
        |left, right| left.wrapping_mul(right | 1),
        |left, right| left.max(right),
    ];
    ALL[(scattered(number) % 4) as usize]
}
