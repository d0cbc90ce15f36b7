//! Placing and publishing functions of 2 KiB in a warm arena.
//!
//! Warm is an arena that has been in use: its books and records have grown, and what is placed
//! takes ranges that were freed. A single function finds one whose pages are still there. A batch
//! is so large that what it takes was given back, and the system has to find pages for it.
//!
//! In an arena that only grows, nothing waits for the cores, but every page is new.

use std::sync::Arc;

use codespace::{CodeManager, CodeRef, Draft, Filter, Published, Unit};
use tierup_bench::{Row, Table, Unit as In, cpu_now, median};

use crate::{Outcome, drafts, machine};

/// In one sample.
const FUNCTIONS: u32 = 1_000;
const LARGEST_BATCH: usize = 100;
const SAMPLES: usize = 31;
const BYTES: usize = 2 << 10;
/// With one function that stays in each block of 64 KiB, no block is given back to the system.
const KEPT: u32 = 31;

pub(crate) fn run(table: &mut Table) -> Outcome {
    for (batch, limit) in [(1, 2.0), (LARGEST_BATCH, 1.0)] {
        let name = match batch {
            1 => "single".to_owned(),
            batch => format!("in batches of {batch}, each"),
        };
        let used = used(batch)?;
        let what = format!("place and publish a 2 KiB function, File, warm arena: {name}");
        table.add(Row::new(what, In::Microseconds, used).at_most(limit));
        let fresh = fresh(batch)?;
        let what = format!("the same in an arena that only grows: {name}");
        table.add(Row::new(what, In::Microseconds, fresh));
    }
    Ok(())
}

/// Microseconds for a function in ranges that were freed before.
fn used(batch: usize) -> Outcome<f64> {
    let manager = drafts::manager()?;
    let unit = drafts::unit(&manager, FUNCTIONS)?;
    let _kept = fill(&manager, SAMPLES as u32 / 8 + 2)?;
    let mut times = Vec::new();
    for _ in 0..SAMPLES {
        let (time, published) = publish(&unit, batch)?;
        times.push(time);
        drop(published);
        unit.remove(Filter::All);
        // SAFETY: nobody runs code of this manager.
        unsafe { machine::collect(&manager) };
    }
    Ok(median(&mut times))
}

/// Microseconds for a function in an arena that only grows.
fn fresh(batch: usize) -> Outcome<f64> {
    let manager = drafts::manager()?;
    let unit = drafts::unit(&manager, FUNCTIONS)?;
    let (mut times, mut all) = (Vec::new(), Vec::new());
    for _ in 0..SAMPLES {
        let (time, published) = publish(&unit, batch)?;
        times.push(time);
        all.push(published);
    }
    Ok(median(&mut times))
}

/// Leaves `rounds` times `FUNCTIONS` free ranges between functions that stay.
pub(crate) fn fill(manager: &CodeManager, rounds: u32) -> Outcome<Vec<CodeRef>> {
    let mut kept = Vec::new();
    let unit = drafts::unit(manager, 2)?;
    for number in 0..rounds * FUNCTIONS {
        let stays = number % KEPT == 0;
        let draft = drafts::typical(u32::from(stays), BYTES);
        let published = unit.publish(unit.place(vec![draft])?)?;
        kept.extend(published.into_iter().map(|published| published.code).filter(|_| stays));
    }
    // SAFETY: nobody runs code of this manager.
    unsafe { machine::collect(manager) };
    Ok(kept)
}

/// Microseconds for each of 1,000 functions. What a compiler made is still in the cache: a
/// hundred drafts are made, then published, then the next.
fn publish(unit: &Arc<Unit>, batch: usize) -> Outcome<(f64, Vec<Published>)> {
    let mut all = Vec::with_capacity(FUNCTIONS as usize);
    let mut time = 0.0;
    for first in (0..FUNCTIONS).step_by(LARGEST_BATCH) {
        let drafts: Vec<Draft> = (first..first + LARGEST_BATCH as u32)
            .map(|function| drafts::typical(function, BYTES))
            .collect();
        let mut drafts = drafts.into_iter();
        let batches: Vec<Vec<Draft>> =
            (0..LARGEST_BATCH / batch).map(|_| drafts.by_ref().take(batch).collect()).collect();
        let start = cpu_now();
        for batch in batches {
            all.extend(unit.publish(unit.place(batch)?)?);
        }
        time += cpu_now() - start;
    }
    Ok((time / f64::from(FUNCTIONS) / 1e3, all))
}
