//! What the engine tells about itself, as `TIERUP_LOG` asks.

use tracing_subscriber::EnvFilter;

use crate::outcome::Failure;

const VARIABLE: &str = "TIERUP_LOG";

/// Prints what `TIERUP_LOG` selects to standard error; costs nothing where it is not set.
pub(crate) fn start() -> Result<(), Failure> {
    let Some(filter) = std::env::var_os(VARIABLE) else { return Ok(()) };
    let filter = filter.to_string_lossy();
    let filter = EnvFilter::try_new(filter.as_ref())
        .map_err(|error| Failure::usage(format!("{VARIABLE}: {error}")))?;
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
    Ok(())
}
