//! `fetch`, `Response` and what compiles from responses, for realms that may fetch.
//!
//! Where the bytes come from is the embedder's matter: it gives a function from a URL to a
//! [`Fetched`], whose body is read piece by piece. The rest is a script, `fetch.js`, which gets
//! natives as an object.
//!
//! ```text
//!   fetch(url) ──► hook ──► Fetched ──► Response ──► compileStreaming ──► ModuleBuilder
//!                            body: 64 KiB at a time, each compiled before the next is read
//! ```
#![forbid(unsafe_code)]

use std::{
    cell::RefCell,
    fmt,
    io::{self, Read},
    rc::Rc,
};

use rquickjs::{
    Ctx, Exception, Function, Object, Result, TypedArray, Value, context::EvalOptions,
    convert::List,
};

use crate::{raw, state::State, streaming};

/// Gets what a URL names.
pub(crate) type Hook = dyn Fn(&str) -> io::Result<Fetched>;

/// What a URL leads to: the answer of an embedder to `fetch`.
///
/// ```
/// # fn main() -> Result<(), tierup_js::ScriptError> {
/// use tierup_js::{Fetched, Realm, RealmOptions};
///
/// let options = RealmOptions::new().fetch(|url| match url {
///     "app:empty" => Ok(Fetched::new(&b"\0asm\x01\0\0\0"[..]).header("Content-Type", "application/wasm")),
///     _ => Err(std::io::Error::other(format!("nothing is known of {url}"))),
/// });
/// let realm = Realm::with_options(&tierup::Engine::default(), options)?;
/// realm.eval("a.js", "WebAssembly.compileStreaming(fetch('app:empty')).then(m => { globalThis.m = m })")?;
/// realm.run_jobs()?;
/// realm.eval("b.js", "if (!(m instanceof WebAssembly.Module)) throw Error()")?;
/// # Ok(())
/// # }
/// ```
pub struct Fetched {
    status: u16,
    status_text: String,
    headers: Vec<(String, String)>,
    body: Box<dyn Read>,
}

impl Fetched {
    /// Status 200 and no headers. The body is read when the script wants it; it waits meanwhile.
    pub fn new(body: impl Read + 'static) -> Self {
        Self { status: 200, status_text: String::new(), headers: Vec::new(), body: Box::new(body) }
    }

    /// Another status.
    #[must_use]
    pub fn status(mut self, status: u16, text: &str) -> Self {
        (self.status, self.status_text) = (status, text.to_owned());
        self
    }

    /// One more header.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }
}

impl fmt::Debug for Fetched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { status, headers, .. } = self;
        f.debug_struct("Fetched").field("status", status).field("headers", headers).finish()
    }
}

/// Defines everything in the context.
pub(crate) fn install(state: &Rc<State>, ctx: &Ctx<'_>, hook: Box<Hook>) -> Result<()> {
    let host = Object::new(ctx.clone())?;
    let open = move |ctx, url: String| open(&ctx, &url, &*hook);
    host.set("open", Function::new(ctx.clone(), open)?)?;
    host.set("encode", Function::new(ctx.clone(), encode)?)?;
    host.set("decode", Function::new(ctx.clone(), decode)?)?;
    streaming::define(state, ctx, &host)?;
    let mut options = EvalOptions::default();
    options.filename = Some("tierup:fetch.js".to_owned());
    let setup: Function<'_> = ctx.eval_with_options(include_str!("fetch.js"), options)?;
    setup.call((host,))
}

/// The answer to a URL, as an object with a function that reads on.
fn open<'js>(ctx: &Ctx<'js>, url: &str, hook: &Hook) -> Result<Object<'js>> {
    let fetched = hook(url).map_err(|error| failed(ctx, &error))?;
    let answer = Object::new(ctx.clone())?;
    answer.set("status", fetched.status)?;
    answer.set("statusText", fetched.status_text)?;
    let headers: Vec<_> =
        fetched.headers.into_iter().map(|(name, value)| vec![name, value]).collect();
    answer.set("headers", headers)?;
    let body = RefCell::new(fetched.body);
    let read = move |ctx| read_piece(&ctx, &mut *body.borrow_mut());
    answer.set("read", Function::new(ctx.clone(), read)?)?;
    Ok(answer)
}

/// Bytes that are read at once.
const PIECE: usize = 64 << 10;

/// The next piece of a body; `null` at its end.
fn read_piece<'js>(ctx: &Ctx<'js>, body: &mut dyn Read) -> Result<Value<'js>> {
    let mut piece = vec![0; PIECE];
    let count = loop {
        match body.read(&mut piece) {
            Ok(count) => break count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(failed(ctx, &error)),
        }
    };
    if count == 0 {
        return Ok(Value::new_null(ctx.clone()));
    }
    piece.truncate(count);
    TypedArray::<u8>::new(ctx.clone(), piece).map(TypedArray::into_value)
}

fn failed(ctx: &Ctx<'_>, error: &io::Error) -> rquickjs::Error {
    Exception::throw_type(ctx, &format!("fetch: {error}"))
}

/// UTF-8 of a string without lone surrogates.
pub(crate) fn encode(ctx: Ctx<'_>, text: String) -> Result<Value<'_>> {
    TypedArray::<u8>::new(ctx, text.into_bytes()).map(TypedArray::into_value)
}

/// A string from UTF-8, wrong bytes replaced, and how many bytes at the end begin a character that
/// is not complete; -1 if `fatal` and something is wrong.
#[expect(clippy::fn_params_excessive_bools, reason = "a member of an options object")]
pub(crate) fn decode(
    bytes: Value<'_>,
    offset: usize,
    length: usize,
    fatal: bool,
) -> List<(String, i32)> {
    let bytes = raw::buffer_bytes(&bytes, Some((offset, length))).unwrap_or_default();
    let mut complete = bytes.len();
    let (mut rest, mut is_wrong) = (&bytes[..], false);
    while let Err(error) = std::str::from_utf8(rest) {
        match error.error_len() {
            Some(wrong) => {
                is_wrong = true;
                rest = &rest[error.valid_up_to() + wrong..];
            }
            None => {
                complete = bytes.len() - (rest.len() - error.valid_up_to());
                break;
            }
        }
    }
    if fatal && is_wrong {
        return List((String::new(), -1));
    }
    let text = String::from_utf8_lossy(&bytes[..complete]).into_owned();
    List((text, (bytes.len() - complete) as i32))
}
