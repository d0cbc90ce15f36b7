//! Decoding: bytes in, a [`Module`] out.
//!
//! Two ways to the same result. [`Module::decode`] is for bytes that are all there: they are
//! shared, and bodies are ranges in them. [`Decoder`] is for bytes that arrive over time: it
//! accepts chunks of any size, and says when the header of the code section was read. From then
//! on the number of functions and all their types are known, so that a code unit can exist while
//! bodies still arrive.
//!
//! ```text
//!   push ──► buffer  │ parsed │ waiting │      a section is parsed when all of it is here,
//!                             ▲    ▲           the code section body by body
//!                        parsed    wanted
//! ```
//!
//! * [DE-SAME] How the bytes are cut into chunks has no influence on the module or the error.
//! * [DE-ONCE] A decoder that failed fails for ever, with the same error.
//!
//! Sections are validated as they are read; bodies are not (`validate`).
#![forbid(unsafe_code)]

use std::{ops::Range, sync::Arc};

use wasmparser::{Chunk, Parser, Payload};

use crate::{
    Bytes, DefinedFunc, Error, Module,
    builder::{Builder, State, parser},
};

impl Module {
    /// Decodes a module that is there as a whole, and validates all but its bodies. No body is
    /// copied.
    ///
    /// # Errors
    ///
    /// A module that is malformed or invalid outside of its bodies.
    pub fn decode(bytes: Bytes) -> Result<Self, Error> {
        let mut parser = parser();
        let mut builder = Builder::new();
        let mut rest = &*bytes;
        while builder.state() != State::Complete {
            match parser.parse(rest, true)? {
                Chunk::Parsed { consumed, payload } => {
                    rest = &rest[consumed..];
                    let code = match payload {
                        Payload::CodeSectionStart { count, size, .. } => Some((count, size)),
                        _ => None,
                    };
                    builder.payload(payload)?;
                    if let Some((count, size)) = code
                        && let Some((section, after)) = rest.split_at_checked(size as usize)
                        && let Some(bodies) = outline(section, bytes.len() - rest.len(), count)
                    {
                        builder.bodies(bodies, &bytes)?;
                        parser.skip_section();
                        rest = after;
                    }
                }
                Chunk::NeedMoreData(_) => return Err(end_of_file(bytes.len())),
            }
        }
        Ok(builder.finish(bytes))
    }
}

/// Decodes a module whose bytes arrive in chunks.
///
/// ```
/// # let binary = b"\0asm\x01\0\0\0";
/// let mut decoder = tierup_wasm::Decoder::new();
/// for chunk in binary.chunks(3) {
///     decoder.push(chunk)?;
/// }
/// let module = decoder.finish()?;
/// # assert_eq!(module.defined_functions(), 0);
/// # Ok::<(), tierup_wasm::Error>(())
/// ```
#[derive(Debug)]
pub struct Decoder {
    parser: Parser,
    builder: Builder,
    /// Shared with the module while that is [looked at](Self::arrived).
    buffer: Arc<Vec<u8>>,
    /// So many bytes of `buffer` have been parsed.
    parsed: usize,
    /// Parsing can go on when `buffer` is that long.
    wanted: usize,
    failed: Option<Error>,
}

/// How far a [`Decoder`] has come.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Progress {
    /// Bytes received.
    pub bytes: usize,
    /// True once the header of the code section was read: all types, imports and functions of
    /// the module are known.
    pub at_code: bool,
    /// Bodies that have arrived.
    pub bodies: u32,
}

impl Decoder {
    /// A decoder that has seen nothing.
    pub fn new() -> Self {
        Self {
            parser: parser(),
            builder: Builder::new(),
            buffer: Arc::default(),
            parsed: 0,
            wanted: 0,
            failed: None,
        }
    }

    /// Takes the next bytes, and parses as far as they reach.
    ///
    /// # Errors
    ///
    /// The first thing wrong with the bytes so far.
    pub fn push(&mut self, bytes: &[u8]) -> Result<Progress, Error> {
        if Arc::get_mut(&mut self.buffer).is_none() {
            self.builder.set_bytes(Vec::new().into());
        }
        Arc::make_mut(&mut self.buffer).extend_from_slice(bytes);
        self.run(Input::MoreComes)?;
        Ok(self.progress())
    }

    /// The module, when all bytes were pushed.
    ///
    /// # Errors
    ///
    /// The first thing wrong with the module outside of its bodies.
    pub fn finish(mut self) -> Result<Module, Error> {
        self.run(Input::Ended)?;
        self.builder.set_bytes(Vec::new().into());
        Ok(self.builder.finish(Arc::unwrap_or_clone(self.buffer).into()))
    }

    /// How far decoding has come.
    pub fn progress(&self) -> Progress {
        Progress {
            bytes: self.buffer.len(),
            at_code: self.builder.state() != State::BeforeCode,
            bodies: self.module().bodies.len() as u32,
        }
    }

    /// The module so far, with its bytes so far: bodies that have arrived can be validated and
    /// compiled.
    pub fn arrived(&mut self) -> &Module {
        self.builder.set_bytes(Bytes::from_owner(Arrived(Arc::clone(&self.buffer))));
        self.module()
    }

    /// What is known of the module so far; its bytes are only in [`Decoder::arrived`].
    pub fn module(&self) -> &Module {
        self.builder.module()
    }

    /// The bytes of a body, if it has arrived.
    pub fn body(&self, function: DefinedFunc) -> Option<&[u8]> {
        let range = self.module().bodies.get(function.index())?;
        self.buffer.get(range.clone())
    }

    fn run(&mut self, input: Input) -> Result<(), Error> {
        if let Some(error) = &self.failed {
            return Err(error.clone()); // [DE-ONCE]
        }
        let result = self.parse(input);
        if let Err(error) = &result {
            self.failed = Some(error.clone());
        }
        result
    }

    fn parse(&mut self, input: Input) -> Result<(), Error> {
        while self.builder.state() != State::Complete {
            if input == Input::MoreComes && self.buffer.len() < self.wanted {
                return Ok(());
            }
            match self.parser.parse(&self.buffer[self.parsed..], input == Input::Ended)? {
                Chunk::Parsed { consumed, payload } => {
                    self.builder.payload(payload)?;
                    self.parsed += consumed;
                }
                // Without this a large section in small chunks would be scanned for each chunk.
                Chunk::NeedMoreData(bytes) => {
                    self.wanted = self.buffer.len().saturating_add(bytes.max(1));
                }
            }
        }
        Ok(())
    }
}

impl Default for Decoder {
    fn default() -> Self {
        Self::new()
    }
}

/// Bytes that a decoder lends. While somebody has them, the next ones go to a copy.
struct Arrived(Arc<Vec<u8>>);

impl AsRef<[u8]> for Arrived {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Input {
    MoreComes,
    Ended,
}

/// Larger bodies are left to the parser, which knows the limit.
const LARGEST_OUTLINED: usize = 1 << 20;

/// Where the bodies of a code section lie, whose first begins at `start`.
///
/// The parser takes bodies one by one, with much ado for each; here it is a number and a step.
/// None if anything is unusual or wrong, so that the parser can say what.
fn outline(section: &[u8], start: usize, count: u32) -> Option<Vec<Range<usize>>> {
    if section.len() < count as usize {
        return None;
    }
    let mut bodies = Vec::with_capacity(count as usize);
    let mut next = 0;
    for _ in 0..count {
        let (size, digits) = small_number(&section[next..])?;
        let (first, end) = (next + digits, next + digits + size);
        if section.len() < end || LARGEST_OUTLINED < size {
            return None;
        }
        bodies.push(start + first..start + end);
        next = end;
    }
    (next == section.len()).then_some(bodies)
}

/// A number of at most three bytes, of seven bits each, and how many.
fn small_number(bytes: &[u8]) -> Option<(usize, usize)> {
    let mut number = 0;
    for (place, &byte) in bytes.iter().take(3).enumerate() {
        number |= usize::from(byte & 0x7f) << (7 * place);
        if byte < 0x80 {
            return Some((number, place + 1));
        }
    }
    None
}

#[cold]
fn end_of_file(offset: usize) -> Error {
    Error::new("unexpected end-of-file", offset)
}

#[cfg(test)]
mod tests;
