//! The `ArrayBuffer`s that show memories.
//!
//! A memory has one buffer, the same object each time, until the memory grows: then that buffer
//! is detached and the next one is made when somebody asks. Wasm may grow memories too, so natives
//! look after each return from Wasm, and before each call out of it, whether one has
//! ([`State::refresh_buffers`]).
//!
//! * [BU-LIVE] a buffer that is not detached shows memory that exists: the store's tracer holds
//!   every memory that has one.
//! * [BU-SAME] no script runs between a growth and the detaching of the old buffer.

use std::{cell::RefCell, collections::HashMap, rc::Rc};

use rquickjs::{ArrayBuffer, ArrayBufferSource, Class, Ctx, Exception, Result, Value};
use tierup::Memory;

use crate::{raw, state::State, wrapper::Wrapper};

/// QuickJS keeps lengths of buffers in a C `int`.
const MAX_LENGTH: usize = i32::MAX as usize;

/// The buffers that show memories.
#[derive(Default)]
pub(crate) struct Buffers {
    shown: Rc<RefCell<HashMap<Memory, Shown>>>,
    /// How many growths there were when somebody last looked.
    seen_growths: std::cell::Cell<u64>,
}

struct Shown {
    length: usize,
    /// Identity of the buffer.
    buffer: usize,
}

impl Buffers {
    pub(crate) fn for_each_memory(&self, visit: impl FnMut(Memory)) {
        self.shown.borrow().keys().copied().for_each(visit);
    }

    /// True if the value is a buffer that shows a memory.
    pub(crate) fn contains(&self, value: &Value<'_>) -> bool {
        let identity = raw::identity(value);
        self.shown.borrow().values().any(|shown| Some(shown.buffer) == identity)
    }
}

impl State {
    /// The buffer of a memory.
    pub(crate) fn buffer<'js>(
        &self,
        ctx: &Ctx<'js>,
        wrapper: &Class<'js, Wrapper<'js>>,
        memory: Memory,
    ) -> Result<Value<'js>> {
        if let Some(buffer) = wrapper.borrow().companion.borrow().as_ref() {
            return Ok(buffer.clone());
        }
        let (start, length) = self.store.enter(|store| {
            let bytes = memory.data_mut(store);
            (bytes.as_mut_ptr(), bytes.len())
        });
        if MAX_LENGTH < length {
            let message = format!(
                "WebAssembly.Memory.buffer: this engine has no ArrayBuffers of {length} bytes"
            );
            return Err(Exception::throw_range(ctx, &message));
        }
        let shown = Rc::clone(&self.buffers.shown);
        shown.borrow_mut().insert(memory, Shown { length, buffer: 0 });
        let source = MemoryBytes { start, length, memory, shown: Rc::clone(&shown) };
        let buffer = ArrayBuffer::from_source(ctx.clone(), source)?.into_value();
        if let (Some(shown), Some(buffer)) =
            (shown.borrow_mut().get_mut(&memory), raw::identity(&buffer))
        {
            shown.buffer = buffer;
        }
        wrapper.borrow().companion.replace(Some(buffer.clone()));
        Ok(buffer)
    }

    /// Detaches the buffers of memories that grew.
    #[inline]
    pub(crate) fn refresh_buffers(&self, ctx: &Ctx<'_>) {
        if self.growths.get() != self.buffers.seen_growths.get() {
            self.detach_grown(ctx);
        }
    }

    /// Likewise, where no `Ctx` is at hand and Wasm has been entered.
    #[inline]
    pub(crate) fn refresh_grown_buffers(&self) {
        if self.growths.get() != self.buffers.seen_growths.get() {
            self.with_context(|ctx| self.detach_grown(ctx));
        }
    }

    #[cold]
    fn detach_grown(&self, ctx: &Ctx<'_>) {
        self.buffers.seen_growths.set(self.growths.get());
        let grown: Vec<_> = self.store.enter(|store| {
            let shown = self.buffers.shown.borrow();
            let grown =
                shown.iter().filter(|(memory, shown)| memory.data(&*store).len() != shown.length);
            grown.map(|(&memory, _)| memory).collect()
        });
        grown.into_iter().for_each(|memory| self.detach_buffer(ctx, memory));
    }

    /// Detaches the buffer of a memory, if it has one.
    pub(crate) fn detach_buffer(&self, ctx: &Ctx<'_>, memory: Memory) {
        let Some(Ok(wrapper)) = self.wrapper(ctx, memory) else { return };
        let Some(wrapper) = crate::wrapper::branded::<Wrapper<'_>>(self, &wrapper) else { return };
        let buffer = wrapper.borrow().companion.take();
        if let Some(mut buffer) = buffer.and_then(ArrayBuffer::from_value) {
            buffer.detach();
        }
    }
}

/// The bytes of a memory, for a buffer.
struct MemoryBytes {
    start: *mut u8,
    length: usize,
    memory: Memory,
    shown: Rc<RefCell<HashMap<Memory, Shown>>>,
}

// SAFETY: [BU-LIVE] keeps the bytes, and [BU-SAME] their place and number, until the buffer is
// detached, which drops this.
unsafe impl ArrayBufferSource for MemoryBytes {
    fn as_ptr(&self) -> *mut u8 {
        self.start
    }

    fn len(&self) -> usize {
        self.length
    }
}

impl Drop for MemoryBytes {
    fn drop(&mut self) {
        self.shown.borrow_mut().remove(&self.memory);
    }
}
