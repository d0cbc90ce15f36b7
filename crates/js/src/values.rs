//! The values of JavaScript that the store holds, by number.
//!
//! A store keeps host values that any thread may drop; JavaScript's are not such. So the store
//! keeps their numbers.
#![forbid(unsafe_code)]

use rquickjs::{Ctx, Persistent, Result, Value};

use crate::state::Kept;

/// The values of JavaScript that the store holds.
#[derive(Default)]
pub(crate) struct Values {
    slots: Vec<Option<Kept>>,
    free: Vec<u32>,
}

/// What the store keeps in place of a value.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ValueKey(pub(crate) u32);

impl Values {
    /// Keeps a value.
    pub(crate) fn insert(&mut self, value: &Value<'_>) -> u32 {
        let kept = Persistent::save(value.ctx(), value.clone());
        match self.free.pop() {
            Some(key) => {
                self.slots[key as usize] = Some(kept);
                key
            }
            None => {
                self.slots.push(Some(kept));
                self.slots.len() as u32 - 1
            }
        }
    }

    /// The value of a key that the store still has.
    pub(crate) fn get<'js>(&self, ctx: &Ctx<'js>, key: u32) -> Result<Value<'js>> {
        let kept = self.slots[key as usize].as_ref();
        kept.expect("what the store names is kept").clone().restore(ctx)
    }

    /// Takes all values out, for a collection; those that are still wanted come back.
    pub(crate) fn take_all(&mut self) -> Vec<Option<Kept>> {
        self.free.clear();
        std::mem::take(&mut self.slots)
    }

    /// Puts a value back at its place.
    pub(crate) fn put_back(&mut self, key: u32, value: &Value<'_>) {
        let kept = Persistent::save(value.ctx(), value.clone());
        let needed = key as usize + 1;
        if self.slots.len() < needed {
            self.slots.resize_with(needed, || None);
        }
        self.slots[key as usize] = Some(kept);
    }

    /// Notes which places are free, after a collection.
    pub(crate) fn find_free(&mut self) {
        let slots = self.slots.iter().enumerate();
        self.free = slots.filter(|(_, slot)| slot.is_none()).map(|(key, _)| key as u32).collect();
    }
}
