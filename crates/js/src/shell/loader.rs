//! Modules from files: specifiers are paths, relative to the module that names them.
#![forbid(unsafe_code)]

use std::{fs, path::Path};

use rquickjs::{
    Ctx, Error, Module, Result,
    loader::{ImportAttributes, Loader, Resolver},
    module::Declared,
};

use super::files::file_url;

/// Finds modules.
pub(crate) struct Relative;

impl Resolver for Relative {
    fn resolve<'js>(
        &mut self,
        _: &Ctx<'js>,
        base: &str,
        name: &str,
        _: Option<ImportAttributes<'js>>,
    ) -> Result<String> {
        let name = name.strip_prefix("file://").unwrap_or(name);
        if Path::new(name).is_absolute() {
            return Ok(name.to_owned());
        }
        if !name.starts_with("./") && !name.starts_with("../") {
            let message = "a module's name must begin with ./, ../, / or file://";
            return Err(Error::new_resolving_message(base, name, message));
        }
        let folder = Path::new(base).parent().unwrap_or(Path::new(""));
        let path = folder.join(name);
        // The same file must have the same name, however it is reached.
        let path = path.canonicalize().unwrap_or(path);
        Ok(path.display().to_string())
    }
}

/// Loads modules.
pub(crate) struct Files;

impl Loader for Files {
    fn load<'js>(
        &mut self,
        ctx: &Ctx<'js>,
        name: &str,
        _: Option<ImportAttributes<'js>>,
    ) -> Result<Module<'js, Declared>> {
        let source =
            fs::read(name).map_err(|error| Error::new_loading_message(name, error.to_string()))?;
        declare(ctx, name, source)
    }
}

/// A module that knows where it is from: `import.meta.url`.
pub(crate) fn declare<'js>(
    ctx: &Ctx<'js>,
    name: &str,
    source: impl Into<Vec<u8>>,
) -> Result<Module<'js, Declared>> {
    let module = Module::declare(ctx.clone(), name, source)?;
    module.meta()?.set("url", file_url(Path::new(name)))?;
    Ok(module)
}
