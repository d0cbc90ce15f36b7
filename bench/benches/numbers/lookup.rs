//! From a pc to its code, within an open scope, over 10,000 objects.

use std::{
    hint::black_box,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
    time::Instant,
};

use codespace::{CodeManager, CodeRef, CodeScope, Unit as CodeUnit};
use tierup_bench::{Row, Samples, Table, Unit, cpu_now, median, nanoseconds};

use crate::{Outcome, drafts, machine, random::Random};

const OBJECTS: u32 = 10_000;
/// A power of two.
const PCS: usize = 1 << 14;
type Pcs = Box<[usize; PCS]>;
const SAMPLES: Samples = Samples { samples: 31, operations: 400_000 };

pub(crate) fn run(table: &mut Table) -> Outcome {
    let manager = drafts::manager()?;
    let (code, pcs) = objects(&manager)?;
    let scope = manager.scope();
    let independent = nanoseconds(SAMPLES, |count| independent(&scope, &pcs, count));
    let what = "look-up pc to code, random over 10,000 objects: independent";
    table.add(Row::new(what, Unit::Nanoseconds, independent).at_most(5.0));

    let dependent = nanoseconds(SAMPLES, |count| dependent(&scope, &pcs, count));
    let what = "look-up, each pc depends on the last result";
    table.add(Row::new(what, Unit::Nanoseconds, dependent).at_most(40.0));
    drop(scope);

    // What was published into new ranges stays to the end, or the next would use it again.
    let mut kept = Vec::new();
    for (ranges, place) in [(Ranges::New, "new"), (Ranges::UsedBefore, "freed")] {
        for readers in [1, 2] {
            let how = (readers, ranges);
            let (slower, published) = with_publisher(&manager, &pcs, how, &mut kept)?;
            let what = format!(
                "look-up, {readers} thread(s) while one more publishes into {place} ranges \
                 ({published:.0} a ms): processor time against without"
            );
            table.add(Row::new(what, Unit::Times, slower).at_most(1.2));
        }
    }
    drop(code);
    Ok(())
}

/// Objects of about 700 bytes, and pcs all over them.
fn objects(manager: &CodeManager) -> Outcome<(Vec<CodeRef>, Pcs)> {
    let mut random = Random::new();
    let unit = drafts::unit(manager, OBJECTS)?;
    let drafts: Vec<_> =
        (0..OBJECTS).map(|function| drafts::typical(function, 64 + random.below(1_280))).collect();
    let published = unit.publish(unit.place(drafts)?)?;
    let code: Vec<CodeRef> = published.into_iter().map(|published| published.code).collect();
    let mut pc = || {
        let range = code[random.below(code.len())].range();
        range.start + random.below(range.len())
    };
    let pcs = Box::new(std::array::from_fn(|_| pc()));
    Ok((code, pcs))
}

fn independent(scope: &CodeScope<'_>, pcs: &Pcs, count: usize) {
    for number in 0..count {
        black_box(scope.lookup(pcs[number % PCS]));
    }
}

fn dependent(scope: &CodeScope<'_>, pcs: &Pcs, count: usize) {
    let mut index = 0;
    for _ in 0..count {
        let Some(code) = scope.lookup(pcs[index % PCS]) else { return };
        // Objects start at multiples of 64, which nobody here can know.
        index += 1 + code.entry() % 64;
    }
    black_box(index);
}

/// Where code is published.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Ranges {
    /// Where none was before.
    New,
    /// Where code was freed. Each time all cores are told to fetch instructions anew, which
    /// interrupts the readers.
    UsedBefore,
}

/// How many times as long look-ups take while another thread publishes at full speed, and how
/// much that thread publishes in a millisecond.
///
/// Processor time of the readers: with fewer cores than threads they take turns, and waiting for
/// a core is not the look-up's doing. Caches that they share, and interrupts, are.
fn with_publisher(
    manager: &CodeManager,
    pcs: &Pcs,
    (readers, ranges): (usize, Ranges),
    kept: &mut Vec<Arc<CodeUnit>>,
) -> Outcome<(f64, f64)> {
    let (mut ratios, mut rates) = (Vec::new(), Vec::new());
    for _ in 0..15 {
        let alone = read(manager, pcs, readers);
        let (stop, published) = (AtomicBool::new(false), AtomicUsize::new(0));
        let unit = drafts::unit(manager, FUNCTIONS)?;
        let (disturbed, elapsed) = thread::scope(|threads| {
            let publisher = threads.spawn(|| {
                let start = Instant::now();
                // An error would show as a rate of zero.
                let _ = publish_until(&unit, ranges, (&stop, &published));
                start.elapsed()
            });
            while published.load(Ordering::Relaxed) == 0 && !publisher.is_finished() {
                thread::yield_now();
            }
            let disturbed = read(manager, pcs, readers);
            stop.store(true, Ordering::Relaxed);
            (disturbed, publisher.join())
        });
        ratios.push(disturbed / alone);
        let elapsed = elapsed.map_err(|_| "the publisher panicked")?;
        rates.push(published.into_inner() as f64 / elapsed.as_secs_f64() / 1e3);
        kept.extend((ranges == Ranges::New).then_some(unit));
    }
    Ok((median(&mut ratios), median(&mut rates)))
}

/// Processor time of a look-up on that many threads.
fn read(manager: &CodeManager, pcs: &Pcs, readers: usize) -> f64 {
    const LOOKUPS: usize = 8_000_000;
    let reader = || {
        let scope = manager.scope();
        independent(&scope, pcs, PCS);
        let start = cpu_now();
        independent(&scope, pcs, LOOKUPS);
        (cpu_now() - start) / LOOKUPS as f64
    };
    thread::scope(|threads| {
        let readers: Vec<_> = (0..readers).map(|_| threads.spawn(reader)).collect();
        let mut times: Vec<f64> =
            readers.into_iter().filter_map(|reader| reader.join().ok()).collect();
        median(&mut times)
    })
}

/// Functions of which the publisher publishes new code, over and over.
const FUNCTIONS: u32 = 1_000;

fn publish_until(
    unit: &Arc<CodeUnit>,
    ranges: Ranges,
    (stop, published): (&AtomicBool, &AtomicUsize),
) -> Outcome {
    while !stop.load(Ordering::Relaxed) {
        for function in 0..FUNCTIONS {
            unit.publish(unit.place(vec![drafts::typical(function, 704)])?)?;
            published.fetch_add(1, Ordering::Relaxed);
        }
        if ranges == Ranges::UsedBefore {
            // SAFETY: nobody runs code of this manager.
            unsafe { machine::collect(unit.manager()) };
        }
    }
    Ok(())
}
