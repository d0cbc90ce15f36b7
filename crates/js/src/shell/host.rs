//! What the shell's script needs of the system.
#![forbid(unsafe_code)]

use std::{
    fs,
    io::{self, Write},
    rc::Rc,
    time::Instant,
};

use rquickjs::{
    Coerced, Ctx, Exception, Function, Object, Result, TypedArray, Value, convert::List,
};

use super::Shared;
use crate::raw;

/// The object that `shell.js` gets.
pub(crate) fn object<'js>(ctx: &Ctx<'js>, shared: &Rc<Shared>) -> Result<Object<'js>> {
    let host = Object::new(ctx.clone())?;
    host.set(
        "out",
        Function::new(ctx.clone(), |text: Coerced<String>| {
            // Nobody is left to tell if nobody reads.
            let _ = writeln!(io::stdout(), "{}", text.0);
        })?,
    )?;
    host.set(
        "err",
        Function::new(ctx.clone(), |text: Coerced<String>| {
            let _ = writeln!(io::stderr(), "{}", text.0);
        })?,
    )?;
    host.set("readText", Function::new(ctx.clone(), read_text)?)?;
    host.set("readBytes", Function::new(ctx.clone(), read_bytes)?)?;
    host.set("load", Function::new(ctx.clone(), load)?)?;
    host.set("encode", Function::new(ctx.clone(), encode)?)?;
    host.set("decode", Function::new(ctx.clone(), decode)?)?;
    let start = Instant::now();
    host.set("now", Function::new(ctx.clone(), move || start.elapsed().as_secs_f64() * 1e3)?)?;
    let base = Rc::clone(shared);
    let resolve = move |path: String| base.base.borrow().join(path).display().to_string();
    host.set("resolve", Function::new(ctx.clone(), resolve)?)?;
    let shared = Rc::clone(shared);
    let quit = move |ctx: Ctx<'_>, code: i32| -> Result<()> {
        shared.exit.set(Some(code));
        Exception::throw_internal(&ctx, "quit");
        Err(raw::throw_uncatchable(&ctx, ctx.catch()))
    };
    host.set("quit", Function::new(ctx.clone(), quit)?)?;
    Ok(host)
}

fn read(ctx: &Ctx<'_>, path: &str) -> Result<Vec<u8>> {
    fs::read(path)
        .map_err(|error| Exception::throw_message(ctx, &format!("cannot read {path}: {error}")))
}

fn read_text(ctx: Ctx<'_>, path: String) -> Result<String> {
    Ok(String::from_utf8_lossy(&read(&ctx, &path)?).into_owned())
}

fn read_bytes(ctx: Ctx<'_>, path: String) -> Result<Value<'_>> {
    TypedArray::<u8>::new(ctx.clone(), read(&ctx, &path)?).map(TypedArray::into_value)
}

fn load(ctx: Ctx<'_>, path: String) -> Result<Value<'_>> {
    let source = read(&ctx, &path)?;
    let mut options = rquickjs::context::EvalOptions::default();
    options.strict = false;
    options.filename = Some(path);
    ctx.eval_with_options(source, options)
}

/// UTF-8 of a string without lone surrogates.
fn encode(ctx: Ctx<'_>, text: String) -> Result<Value<'_>> {
    TypedArray::<u8>::new(ctx, text.into_bytes()).map(TypedArray::into_value)
}

/// A string from UTF-8, wrong bytes replaced, and how many bytes at the end begin a character that
/// is not complete; -1 if `fatal` and something is wrong.
#[expect(clippy::fn_params_excessive_bools, reason = "a member of an options object")]
fn decode(bytes: Value<'_>, offset: usize, length: usize, fatal: bool) -> List<(String, i32)> {
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
