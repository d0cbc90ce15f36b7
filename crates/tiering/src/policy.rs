//! Whether a function is worth the optimizing compiler's time: a pure function.
//!
//! ```text
//!   past    = work done so far x time of a unit
//!   future  = past                        (what ran long will run as long again)
//!   compile = body bytes x time of a byte
//!   delay   = compile + what waits before it, shared by the workers
//!   gain    = (future - delay) x (1 - 1 / speed-up)
//!   price   = compile x (more if no core is free for it)
//!   worth it if price <= gain
//! ```
//!
//! The rule for the future makes the sum of both mistakes (compiled too early, compiled too late)
//! at most twice the best.
#![forbid(unsafe_code)]

/// The numbers of the policy.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Numbers {
    /// Picoseconds that a unit of work takes. A unit is a byte of baseline code that is executed.
    pub unit_picoseconds: u64,
    /// Time of baseline code in percent of that of optimized code.
    pub speed_up_percent: u64,
    /// Nanoseconds for optimizing a byte of a body.
    pub optimize_nanoseconds: u64,
    /// Price of compile time in percent of itself while a core is free.
    pub spare_price_percent: u64,
    /// The same if compiling takes the time from the program.
    pub busy_price_percent: u64,
    /// Bodies above this are not optimized.
    pub largest_body: usize,
    /// Units after which a function is first looked at, and again each time.
    pub budget: u64,
    /// Smallest slice of the budget that code gets.
    pub smallest_slice: u64,
    /// Largest slice of the budget that code gets.
    pub largest_slice: u64,
}

/// The table.
pub const NUMBERS: Numbers = Numbers {
    // Instructions of some 4 bytes, 1.25 of them in a nanosecond: the rate of Cranelift's code in
    // our kernels, at which baseline code with its extra moves comes out too. An estimate.
    unit_picoseconds: 200,
    // Liftoff against Cranelift over kernels, geometric mean: 1.59.
    speed_up_percent: 159,
    // Cranelift in Wasmtime compiles 0.9 MB of code section in a second of one thread.
    optimize_nanoseconds: 1_100,
    // CPU time counts as much as any, even if nobody waits for it.
    spare_price_percent: 100,
    // On a core that the program wants, it also makes the program wait.
    busy_price_percent: 200,
    // Half a second at the rate above, and some hundreds of MB. It is more for larger ones, as
    // register allocation is not linear.
    largest_body: 512 << 10,
    // What a body of 50 bytes must have done to be worth its price with a free core, so that
    // looking earlier is never of use. (V8 looks each 13,000,000.)
    budget: 1_000_000,
    // 3 us. A report costs 0.15 us, so slices grow with what the code has done.
    smallest_slice: 16_000,
    // 50 us: the longest that an interrupt has to wait, and of which a report costs 0.3 %.
    largest_slice: 256_000,
};

/// What the policy looks at.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Question {
    /// Work that the function has done.
    pub heat: u64,
    /// Bytes of its body.
    pub body_bytes: usize,
    /// Bytes of the bodies that wait for being optimized.
    pub waiting_bytes: u64,
    /// Threads that optimize; 0 if the caller's does.
    pub workers: usize,
    /// Cores of the machine that are free for them.
    pub spare_cores: usize,
}

/// What to do with a function.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Answer {
    /// Look again later.
    Wait,
    /// Optimize it.
    TierUp,
    /// It is too large: never look again.
    Never,
}

/// When to tier up, for one engine.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Policy {
    numbers: Numbers,
    budget: u64,
}

impl Policy {
    /// Looks each `budget` units at a function. A smaller budget than the table's makes functions
    /// cheaper in proportion, a larger one dearer; a budget of 1 takes each at the first chance.
    pub fn new(budget: u64) -> Self {
        Self { numbers: NUMBERS, budget: budget.max(1) }
    }

    /// How often the budget was used up with that heat.
    pub fn priority(&self, heat: u64) -> u64 {
        heat / self.budget
    }

    /// What code gets that has that heat: up to where its priority rises, within limits.
    pub fn slice(&self, heat: u64) -> i32 {
        let next = self.budget - heat % self.budget;
        next.min(self.usual_slice(heat)) as i32
    }

    /// What code gets of which nothing new is expected.
    pub fn largest_slice(&self) -> i32 {
        self.numbers.largest_slice as i32
    }

    /// What code gets that waits for better code.
    pub fn waiting_slice(&self) -> i32 {
        self.numbers.smallest_slice as i32
    }

    /// Is it worth the price?
    pub fn decide(&self, question: Question) -> Answer {
        let numbers = &self.numbers;
        if numbers.largest_body < question.body_bytes {
            return Answer::Never;
        }
        if self.budget == 1 {
            return Answer::TierUp;
        }
        // In picoseconds; 128 bits hold every product.
        let heat = u128::from(question.heat) * u128::from(numbers.budget) / u128::from(self.budget);
        let future = heat * u128::from(numbers.unit_picoseconds);
        let compile_time =
            |bytes: u64| u128::from(bytes) * u128::from(numbers.optimize_nanoseconds) * 1_000;
        let compile = compile_time(question.body_bytes as u64);
        let waiting = compile_time(question.waiting_bytes) / question.workers.max(1) as u128;
        let saved = u128::from(numbers.speed_up_percent - 100);
        let gain =
            future.saturating_sub(compile + waiting) * saved / u128::from(numbers.speed_up_percent);
        let percent = match question.spare_cores {
            0 => numbers.busy_price_percent,
            _ => numbers.spare_price_percent,
        };
        let price = compile * u128::from(percent) / 100;
        if price <= gain && 0 < gain { Answer::TierUp } else { Answer::Wait }
    }

    /// Grows with what the code has done, since reports of what runs long say less.
    fn usual_slice(&self, heat: u64) -> u64 {
        (heat / 4).clamp(self.numbers.smallest_slice, self.numbers.largest_slice)
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn table() {
        use Answer::{Never, TierUp, Wait};
        const M: u64 = 1_000_000;
        // Budget; heat, body, waiting, workers, spare cores.
        let rows = [
            ("a tiny one at its budget", M, (M + M / 50, 50, 0, 1, 1), TierUp),
            ("a usual one at the budget", M, (M, 500, 0, 1, 1), Wait),
            ("and when it has earned it", M, (11 * M, 500, 0, 1, 1), TierUp),
            ("without a free core", M, (11 * M, 500, 0, 1, 0), Wait),
            ("but then later", M, (18 * M, 500, 0, 1, 0), TierUp),
            ("behind 10 KB of others", M, (11 * M, 500, 10_000, 1, 1), Wait),
            ("shared by many", M, (15 * M, 500, 10_000, 16, 1), TierUp),
            ("a long one", M, (100 * M, 20_000, 0, 1, 1), Wait),
            ("a long one that ran long", M, (500 * M, 20_000, 0, 1, 1), TierUp),
            ("a giant", M, (u64::MAX, 4_500_000, 0, 1, 1), Never),
            ("a giant at the first chance", 1, (1, 4_500_000, 0, 0, 0), Never),
            ("any other at the first chance", 1, (1, 450_000, 0, 0, 0), TierUp),
            ("a tenth of the budget", M / 10, (11 * M / 10, 500, 0, 1, 1), TierUp),
            ("ten times the budget", 10 * M, (11 * M, 500, 0, 1, 1), Wait),
            ("no heat at all", M, (0, 500, 0, 1, 1), Wait),
            ("no body at all", M, (0, 0, 0, 1, 1), Wait),
            ("the largest numbers", M, (u64::MAX, 512 << 10, u64::MAX, 1, 1), Wait),
        ];
        for (name, budget, (heat, body_bytes, waiting_bytes, workers, spare_cores), answer) in rows
        {
            let question = Question { heat, body_bytes, waiting_bytes, workers, spare_cores };
            assert_eq!(Policy::new(budget).decide(question), answer, "{name}");
        }
    }

    #[test]
    fn more_heat_never_makes_it_worse() {
        let policy = Policy::new(NUMBERS.budget);
        for body_bytes in [0, 10, 1_000, 100_000] {
            let worth = (0..40).map(|shift| {
                let heat = 1_u64 << shift;
                let question =
                    Question { heat, body_bytes, waiting_bytes: 5, workers: 2, spare_cores: 1 };
                policy.decide(question) == Answer::TierUp
            });
            assert!(worth.is_sorted(), "{body_bytes}");
        }
    }

    #[test]
    fn slices_end_where_priorities_rise() {
        let policy = Policy::new(100_000);
        assert_eq!((policy.slice(0), policy.slice(96_000)), (16_000, 4_000));
        assert_eq!((policy.priority(99_999), policy.priority(400_000)), (0, 4));
        let large = Policy::new(NUMBERS.budget);
        assert_eq!(large.slice(10_400_000), 256_000);
        assert_eq!(large.slice(400_000), 100_000);
        assert_eq!((Policy::new(1).slice(7), Policy::new(0).slice(7)), (1, 1));
        assert!((1..1_000_000).step_by(777).all(|heat| 0 < large.slice(heat)));
    }
}
