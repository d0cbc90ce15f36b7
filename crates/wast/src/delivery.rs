//! How the bytes of a script's modules come to the engine.

use tierup::{Bytes, Engine, Error, ErrorKind, Module, ModuleBuilder};

/// How the bytes of modules come to the engine.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub enum Delivery {
    /// At once.
    #[default]
    Whole,
    /// In pieces of so many bytes. Each module comes at once, too, and must be the same.
    Pieces(usize),
}

impl Delivery {
    /// Compiles a module. The outer error is a difference between the ways.
    pub(crate) fn compile(
        self,
        engine: &Engine,
        binary: &[u8],
    ) -> Result<Result<Module, Error>, String> {
        let Self::Pieces(size) = self else { return Ok(Module::new(engine, binary)) };
        let whole = Module::from_bytes(engine, Bytes::from(binary.to_vec()));
        let streamed = in_pieces(engine, binary, size);
        match (&whole, &streamed) {
            (Ok(whole), Ok(streamed)) => {
                let (whole, streamed) = (describe(whole), describe(streamed));
                match whole == streamed {
                    true => Ok(()),
                    false => Err(format!("at once it is {whole}; in pieces it is {streamed}")),
                }
            }
            (Err(whole), Err(streamed)) if are_alike(whole, streamed) => Ok(()),
            (whole, streamed) => {
                Err(format!("at once it is {}; in pieces {}", told(whole), told(streamed)))
            }
        }?;
        Ok(streamed)
    }
}

fn in_pieces(engine: &Engine, binary: &[u8], size: usize) -> Result<Module, Error> {
    let mut builder = ModuleBuilder::new(engine);
    binary.chunks(size).try_for_each(|piece| builder.push(piece))?;
    builder.finish()
}

/// The same error, or one that lies before it: at once, bodies are looked at last.
fn are_alike(whole: &Error, streamed: &Error) -> bool {
    match (whole.kind(), streamed.kind()) {
        (ErrorKind::Module(whole), ErrorKind::Module(streamed)) => {
            whole.to_string() == streamed.to_string() || streamed.offset() < whole.offset()
        }
        _ => whole.to_string() == streamed.to_string(),
    }
}

fn told(result: &Result<Module, Error>) -> String {
    match result {
        Ok(_) => "a module".to_owned(),
        Err(error) => error.to_string(),
    }
}

/// What can be seen of a module: what it says about itself, and how much code it has.
fn describe(module: &Module) -> String {
    let code: Vec<_> = (module.imported_function_count()..module.function_count())
        .map(|function| module.function_code(function))
        .map(|code| code.map(|code| (code.tier(), code.bytes().len(), code.traps().count())))
        .collect();
    let imports: Vec<_> = module.imports().collect();
    let exports: Vec<_> = module.exports().collect();
    format!("{:?} {imports:?} {exports:?} {code:?}", module.name())
}
