//! The values of JavaScript that the store holds, by number.
//!
//! A store keeps host values that any thread may drop; JavaScript's are not such. So the store
//! keeps their numbers.
#![forbid(unsafe_code)]

use rquickjs::{Ctx, Persistent, Result, Value, qjs};

use crate::state::Kept;

/// The values of JavaScript that the store holds.
#[derive(Default)]
pub(crate) struct Values {
    slots: Vec<Option<Slot>>,
    free: Vec<u32>,
}

struct Slot {
    kept: Kept,
    /// What is kept, as QuickJS has it.
    raw: qjs::JSValue,
}

impl Slot {
    fn new(value: &Value<'_>) -> Self {
        Self { kept: Persistent::save(value.ctx(), value.clone()), raw: value.as_raw() }
    }
}

/// What the store keeps in place of a value.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ValueKey(pub(crate) u32);

impl Values {
    /// Keeps a value.
    pub(crate) fn insert(&mut self, value: &Value<'_>) -> u32 {
        let kept = Slot::new(value);
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
        self.slot(key).kept.clone().restore(ctx)
    }

    /// The value of a key that the store still has, as QuickJS has it, which lives until the next
    /// collection at least.
    #[inline]
    pub(crate) fn raw(&self, key: u32) -> qjs::JSValue {
        self.slot(key).raw
    }

    #[inline]
    fn slot(&self, key: u32) -> &Slot {
        self.slots[key as usize].as_ref().expect("what the store names is kept")
    }

    /// Takes all values out, for a collection; those that are still wanted come back.
    pub(crate) fn take_all(&mut self) -> Vec<Option<Kept>> {
        self.free.clear();
        let slots = std::mem::take(&mut self.slots);
        slots.into_iter().map(|slot| slot.map(|slot| slot.kept)).collect()
    }

    /// Puts a value back at its place.
    pub(crate) fn put_back(&mut self, key: u32, value: &Value<'_>) {
        let needed = key as usize + 1;
        if self.slots.len() < needed {
            self.slots.resize_with(needed, || None);
        }
        self.slots[key as usize] = Some(Slot::new(value));
    }

    /// Notes which places are free, after a collection.
    pub(crate) fn find_free(&mut self) {
        let slots = self.slots.iter().enumerate();
        self.free = slots.filter(|(_, slot)| slot.is_none()).map(|(key, _)| key as u32).collect();
    }
}
