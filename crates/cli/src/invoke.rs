//! `--invoke`: arguments from the command line, results to standard output.

use std::{
    ffi::OsString,
    fmt::Display,
    io::{self, Write},
    str::FromStr,
};

use tierup::{Func, Store, Val, ValType};

use crate::outcome::Failure;

/// Calls `func` with arguments given as text, and prints its results, one on a line.
pub(crate) fn invoke<T>(
    store: &mut Store<T>,
    func: Func,
    arguments: &[OsString],
) -> Result<(), Failure> {
    let ty = func.ty(&*store);
    if ty.params.len() != arguments.len() {
        let (wanted, found) = (ty.params.len(), arguments.len());
        let message = format!("the function takes {wanted} arguments, {found} given: {ty}");
        return Err(Failure::usage(message));
    }
    let arguments = arguments.iter().zip(&ty.params).enumerate();
    let params = arguments.map(|(index, (text, &ty))| {
        let text = text.to_string_lossy();
        parse(&text, ty)
            .map_err(|why| Failure::usage(format!("argument {}: `{text}` {why}", index + 1)))
    });
    let params = params.collect::<Result<Vec<_>, _>>()?;
    let mut results = vec![Val::I32(0); ty.results.len()];
    func.call(&mut *store, &params, &mut results)?;
    print(&results).map_err(|error| Failure::error(format!("cannot print the results: {error}")))
}

fn parse(text: &str, ty: ValType) -> Result<Val, String> {
    Ok(match ty {
        ValType::I32 => Val::I32(integer::<i32, u32>(text, |bits| bits as i32)?),
        ValType::I64 => Val::I64(integer::<i64, u64>(text, |bits| bits as i64)?),
        ValType::F32 => Val::from(number::<f32>(text)?),
        ValType::F64 => Val::from(number::<f64>(text)?),
        ValType::V128 => Val::V128(hexadecimal(text)?),
        ValType::FuncRef | ValType::ExternRef => match text {
            "null" => Val::default_for(ty),
            _ => return Err(format!("is not a {ty}: only null can be given")),
        },
    })
}

/// Signed or unsigned decimal, or hexadecimal with 0x.
fn integer<S: FromStr, U: FromStr + TryFrom<u128>>(
    text: &str,
    reinterpret: fn(U) -> S,
) -> Result<S, String> {
    let bits = match text.strip_prefix("0x") {
        Some(digits) => {
            let bits = u128::from_str_radix(digits, 16).ok();
            bits.and_then(|bits| U::try_from(bits).ok())
        }
        None => text.parse().ok(),
    };
    let value = text.parse().ok().or_else(|| bits.map(reinterpret));
    value.ok_or_else(|| format!("is not a {}-bit integer", size_of::<S>() * 8))
}

fn number<F: FromStr>(text: &str) -> Result<F, String> {
    text.parse().map_err(|_| "is not a number".to_owned())
}

fn hexadecimal(text: &str) -> Result<u128, String> {
    let digits = text.strip_prefix("0x");
    let bits = digits.and_then(|digits| u128::from_str_radix(digits, 16).ok());
    bits.ok_or_else(|| "is not a v128: expected 0x and up to 32 hexadecimal digits".to_owned())
}

fn print(results: &[Val]) -> io::Result<()> {
    let mut output = io::stdout().lock();
    for result in results {
        match result {
            Val::I32(value) => line(&mut output, value),
            Val::I64(value) => line(&mut output, value),
            Val::F32(bits) => line(&mut output, f32::from_bits(*bits)),
            Val::F64(bits) => line(&mut output, f64::from_bits(*bits)),
            Val::V128(bits) => line(&mut output, format_args!("0x{bits:032x}")),
            Val::FuncRef(None) | Val::ExternRef(None) => line(&mut output, "null"),
            Val::FuncRef(Some(_)) => line(&mut output, "funcref"),
            Val::ExternRef(Some(_)) => line(&mut output, "externref"),
        }?;
    }
    output.flush()
}

fn line(output: &mut impl Write, value: impl Display) -> io::Result<()> {
    writeln!(output, "{value}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_are_signed_unsigned_or_hexadecimal() {
        let good = [("-1", -1), ("4294967295", -1), ("0xffffffff", -1), ("7", 7)];
        for (text, value) in good {
            assert_eq!(parse(text, ValType::I32).unwrap().i32(), Some(value), "{text}");
        }
        for text in ["", "x", "4294967296", "0x100000000", "-2147483649", "1.0"] {
            let message = parse(text, ValType::I32).unwrap_err();
            assert_eq!(message, "is not a 32-bit integer", "{text}");
        }
    }

    #[test]
    fn floats_include_the_odd_ones() {
        assert_eq!(parse("-inf", ValType::F64).unwrap().f64(), Some(f64::NEG_INFINITY));
        assert!(parse("nan", ValType::F32).unwrap().f32().unwrap().is_nan());
        assert!(parse("one", ValType::F32).is_err());
    }
}
