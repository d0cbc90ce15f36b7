//! Whether a function is worth the optimizing compiler's time: a pure function.
//!
//! ```text
//!   past    = work done so far x time of a unit
//!   future  = past                        (what ran long will run as long again)
//!   compile = time of any + body bytes x time of a byte
//!   delay   = compile + what waits before it, shared by the workers
//!   gain    = (future - delay) x (1 - 1 / speed-up)
//!   price   = compile x (more if no core is free for it)
//!   share   = time of all that was chosen, this one too / time of all that ran, but for the start
//!   worth it if price <= gain and share <= the most
//! ```
//!
//! The rule for the future makes the sum of both mistakes (compiled too early, compiled too late)
//! at most twice the best. The share bounds what a short program can lose, so that the speed-up
//! can be that of functions which gain from it: long programs reach them all soon enough.
#![forbid(unsafe_code)]

/// The numbers of the policy.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Numbers {
    /// Picoseconds that a unit of work takes, as baseline code counts it.
    pub unit_picoseconds: u64,
    /// Time of baseline code in percent of that of optimized code.
    pub speed_up_percent: u64,
    /// Nanoseconds for optimizing any body.
    pub optimize_any_nanoseconds: u64,
    /// Nanoseconds more for each byte of it.
    pub optimize_byte_nanoseconds: u64,
    /// Price of compile time in percent of itself while a core is free.
    pub spare_price_percent: u64,
    /// The same if compiling takes the time from the program.
    pub busy_price_percent: u64,
    /// Microseconds that baseline code runs before any body is optimized.
    pub quiet_microseconds: u64,
    /// Most time for optimizing in percent of the time that baseline code ran after that.
    pub share_percent: u64,
    /// Bodies above this are not optimized.
    pub largest_body: usize,
    /// Units after which a function is first looked at, and again each time.
    pub budget: u64,
    /// Smallest slice of the budget that code gets.
    pub smallest_slice: u64,
    /// Largest slice of the budget that code gets.
    pub largest_slice: u64,
    /// How often a loop reports before it is optimized although one around it was.
    pub patience: u32,
}

/// The table.
pub const NUMBERS: Numbers = Numbers {
    // CPU time by units reported, over the medium programs of `bench`: 11 to 93, mean 30.
    unit_picoseconds: 30,
    // Baseline by optimizing only, medium programs of `bench`, without starting and compiling:
    // 0.9 to 1.7, geometric mean 1.13. What gets hot and gains at all gains more, and the share
    // below bounds the loss with the rest. By trial with 1.13, 1.6, 2.2: `json` medium takes 1.09,
    // 1.08, 1.05 times the time of optimizing only, the yosys synthesis the same with each.
    speed_up_percent: 220,
    // CPU time of `tierup compile` of programs of `bench`, 0.96 us for a byte with all, and what
    // 600 single functions took by size: 40 to 60 us for the smallest.
    optimize_any_nanoseconds: 50_000,
    optimize_byte_nanoseconds: 850,
    // CPU time counts as much as any, even if nobody waits for it.
    spare_price_percent: 100,
    // On a core that the program wants, it also makes the program wait.
    busy_price_percent: 200,
    // The short programs of `bench` run for 10 ms, which is up to 40 in units, and none of them
    // gains: the first function takes 1 ms more than the above, for a thread starts and the
    // compiler comes into memory. `json` and `text` lost 10 % without this, `vm` 18 %.
    quiet_microseconds: 40_000,
    // What a program may lose that ends right then. With 10, `json` medium takes 1.09 times the
    // time of optimizing only.
    share_percent: 20,
    // Half a second at the rate above, and some hundreds of MB. It is more for larger ones, as
    // register allocation is not linear.
    largest_body: 512 << 10,
    // 0.3 ms. What the smallest body must have done to be worth its price is two times that, so
    // looking earlier is never of use.
    budget: 10_000_000,
    // 3 us. A report costs 0.15 us, so slices grow with what the code has done.
    smallest_slice: 100_000,
    // 50 us: the longest that an interrupt has to wait, and of which a report costs 0.3 %.
    largest_slice: 1_600_000,
    // 1 ms in smallest slices. What is optimized from an outer loop on has its inner loops as they
    // should be, but a loop around that takes longer than this for one turn is not worth waiting for.
    patience: 300,
};

impl Numbers {
    /// Time for optimizing bodies of so many bytes together.
    fn optimize_picoseconds(&self, bodies: u64, bytes: u64) -> u128 {
        let of = |count: u64, nanoseconds: u64| u128::from(count) * u128::from(nanoseconds);
        let any = of(bodies, self.optimize_any_nanoseconds);
        1_000 * (any + of(bytes, self.optimize_byte_nanoseconds))
    }
}

/// What the policy looks at.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Question {
    /// Work that the function has done.
    pub heat: u64,
    /// Bytes of its body.
    pub body_bytes: usize,
    /// Bodies that wait for being optimized.
    pub waiting: u64,
    /// Their bytes.
    pub waiting_bytes: u64,
    /// Work of all functions.
    pub all_heat: u64,
    /// Bodies that were chosen so far.
    pub chosen: u64,
    /// Their bytes.
    pub chosen_bytes: u64,
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

    /// Is everything to be taken at the first chance?
    pub fn is_eager(&self) -> bool {
        self.budget == 1
    }

    /// How often a loop reports before it is optimized although one around it was.
    pub fn patience(&self) -> u32 {
        self.numbers.patience
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
        if self.is_eager() {
            return Answer::TierUp;
        }
        let future = self.picoseconds(question.heat);
        let compile = numbers.optimize_picoseconds(1, question.body_bytes as u64);
        let waiting = numbers.optimize_picoseconds(question.waiting, question.waiting_bytes);
        let waiting = waiting / question.workers.max(1) as u128;
        let saved = u128::from(numbers.speed_up_percent - 100);
        let gain =
            future.saturating_sub(compile + waiting) * saved / u128::from(numbers.speed_up_percent);
        let percent = match question.spare_cores {
            0 => numbers.busy_price_percent,
            _ => numbers.spare_price_percent,
        };
        let price = compile * u128::from(percent) / 100;
        let worth = price <= gain && 0 < gain;
        if worth && self.is_affordable(question) { Answer::TierUp } else { Answer::Wait }
    }

    /// Is the share of all that was chosen small enough?
    fn is_affordable(&self, question: Question) -> bool {
        let bytes = question.chosen_bytes.saturating_add(question.body_bytes as u64);
        let chosen = self.numbers.optimize_picoseconds(question.chosen.saturating_add(1), bytes);
        let quiet = 1_000_000 * u128::from(self.numbers.quiet_microseconds);
        let ran = self.picoseconds(question.all_heat).saturating_sub(quiet);
        chosen <= ran * u128::from(self.numbers.share_percent) / 100
    }

    /// Time of work. 128 bits hold every product.
    fn picoseconds(&self, heat: u64) -> u128 {
        let heat = u128::from(heat) * u128::from(self.numbers.budget) / u128::from(self.budget);
        heat * u128::from(self.numbers.unit_picoseconds)
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
        const B: u64 = NUMBERS.budget;
        // Budget; heat, body, (waiting, their bytes), workers, spare cores.
        let rows = [
            ("a tiny one before its budget", B, (5 * M, 10, (0, 0), 1, 1), Wait),
            ("and when it has earned it", B, (6 * M, 10, (0, 0), 1, 1), TierUp),
            ("a usual one", B, (44 * M, 500, (0, 0), 1, 1), Wait),
            ("and when it has earned it", B, (45 * M, 500, (0, 0), 1, 1), TierUp),
            ("without a free core", B, (73 * M, 500, (0, 0), 1, 0), Wait),
            ("but then later", B, (75 * M, 500, (0, 0), 1, 0), TierUp),
            ("behind 1 MB of others", B, (45 * M, 500, (1, M), 1, 1), Wait),
            ("behind many small ones", B, (47 * M, 500, (1_000, 0), 1, 1), Wait),
            ("shared by many", B, (47 * M, 500, (1_000, 0), 1_000, 1), TierUp),
            ("a long one", B, (1_600 * M, 20_000, (0, 0), 1, 1), Wait),
            ("a long one that ran long", B, (1_620 * M, 20_000, (0, 0), 1, 1), TierUp),
            ("a giant", B, (u64::MAX, 4_500_000, (0, 0), 1, 1), Never),
            ("a giant at the first chance", 1, (1, 4_500_000, (0, 0), 0, 0), Never),
            ("any other at the first chance", 1, (1, 450_000, (0, 0), 0, 0), TierUp),
            ("a tenth of the budget", B / 10, (9 * M / 2, 500, (0, 0), 1, 1), TierUp),
            ("ten times the budget", 10 * B, (45 * M, 500, (0, 0), 1, 1), Wait),
            ("no heat at all", B, (0, 500, (0, 0), 1, 1), Wait),
            ("no body at all", B, (0, 0, (0, 0), 1, 1), Wait),
            ("the largest numbers", B, (u64::MAX, 512 << 10, (1, u64::MAX), 1, 1), Wait),
        ];
        for (name, budget, (heat, body_bytes, waits, workers, spare_cores), answer) in rows {
            let (waiting, waiting_bytes) = waits;
            let question = Question {
                heat,
                body_bytes,
                waiting,
                waiting_bytes,
                workers,
                spare_cores,
                ..question()
            };
            assert_eq!(Policy::new(budget).decide(question), answer, "{name}");
        }
    }

    /// Nothing was chosen of a program that ran long.
    fn question() -> Question {
        Question {
            heat: 0,
            body_bytes: 0,
            waiting: 0,
            waiting_bytes: 0,
            all_heat: u64::MAX,
            chosen: 0,
            chosen_bytes: 0,
            workers: 1,
            spare_cores: 1,
        }
    }

    #[test]
    fn a_program_spends_no_more_than_its_share() {
        const G: u64 = 1_000_000_000;
        // Work of all; chosen, their bytes; body.
        let rows = [
            ("nothing ran", 0, (0, 0), 100, false),
            ("the quiet time", 4 * G / 3, (0, 0), 0, false),
            ("a bit more", 3 * G / 2, (0, 0), 500, true),
            ("of which others took their part", 3 * G / 2, (2, 600), 500, false),
            ("and a long body", 3 * G / 2, (0, 0), 20_000, false),
            ("300 ms, and the same", 10 * G, (10, 10_000), 20_000, true),
            ("the largest numbers", u64::MAX, (u64::MAX - 1, u64::MAX), 2_000, false),
        ];
        for (name, all_heat, (chosen, chosen_bytes), body_bytes, affordable) in rows {
            let heat = u64::MAX;
            let question =
                Question { heat, body_bytes, all_heat, chosen, chosen_bytes, ..question() };
            let answer = if affordable { Answer::TierUp } else { Answer::Wait };
            assert_eq!(Policy::new(NUMBERS.budget).decide(question), answer, "{name}");
        }
    }

    #[test]
    fn more_heat_never_makes_it_worse() {
        let policy = Policy::new(NUMBERS.budget);
        for body_bytes in [0, 10, 1_000, 100_000] {
            let worth = (0..40).map(|shift| {
                let heat = 1_u64 << shift;
                let question = Question { heat, body_bytes, all_heat: heat, ..question() };
                policy.decide(question) == Answer::TierUp
            });
            assert!(worth.is_sorted(), "{body_bytes}");
        }
    }

    #[test]
    fn slices_end_where_priorities_rise() {
        let policy = Policy::new(500_000);
        assert_eq!((policy.slice(0), policy.slice(480_000)), (100_000, 20_000));
        assert_eq!((policy.priority(499_999), policy.priority(2_000_000)), (0, 4));
        let large = Policy::new(NUMBERS.budget);
        assert_eq!(large.slice(101_000_000), 1_600_000);
        assert_eq!(large.slice(800_000), 200_000);
        assert_eq!((Policy::new(1).slice(7), Policy::new(0).slice(7)), (1, 1));
        assert!((1..1_000_000).step_by(777).all(|heat| 0 < large.slice(heat)));
    }
}
