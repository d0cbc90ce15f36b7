//! What the shell's script needs of the system.
#![forbid(unsafe_code)]

use std::{
    fs,
    io::{self, Write},
    path::Path,
    rc::Rc,
    time::Instant,
};

use rquickjs::{Coerced, Ctx, Exception, Function, Object, Result, TypedArray, Value};
use rustix::{
    io::Errno,
    rand::{GetRandomFlags, getrandom},
};

use super::{Shared, files::file_url};
use crate::{
    fetch::{decode, encode},
    raw,
};

/// The object that `shell.js` and `web.js` get.
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
    host.set("random", Function::new(ctx.clone(), random)?)?;
    let start = Instant::now();
    host.set("now", Function::new(ctx.clone(), move || start.elapsed().as_secs_f64() * 1e3)?)?;
    let base = Rc::clone(shared);
    // With a slash at its end, so that what is relative is in it.
    let base = move || file_url(&Path::new(".").join(&*base.base.borrow()).join(""));
    host.set("base", Function::new(ctx.clone(), base)?)?;
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

/// So many bytes that nobody can foretell.
fn random(ctx: Ctx<'_>, length: usize) -> Result<Value<'_>> {
    let mut bytes = vec![0; length];
    let mut rest = &mut bytes[..];
    while !rest.is_empty() {
        let count = getrandom(&mut *rest, GetRandomFlags::empty())
            .or_else(|error| if error == Errno::INTR { Ok(0) } else { Err(error) })
            .map_err(|error| Exception::throw_message(&ctx, &format!("random bytes: {error}")))?;
        rest = &mut rest[count..];
    }
    TypedArray::<u8>::new(ctx, bytes).map(TypedArray::into_value)
}

fn load(ctx: Ctx<'_>, path: String) -> Result<Value<'_>> {
    let source = read(&ctx, &path)?;
    let mut options = rquickjs::context::EvalOptions::default();
    options.strict = false;
    options.filename = Some(path);
    ctx.eval_with_options(source, options)
}
