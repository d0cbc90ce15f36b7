//! What the engine tells about itself, as `TIERUP_LOG` asks.

use tracing_subscriber::{
    EnvFilter, Layer as _, fmt, layer::SubscriberExt as _, util::SubscriberInitExt as _,
};

use crate::{inspect::Recorder, outcome::Failure};

const VARIABLE: &str = "TIERUP_LOG";

/// Prints what `TIERUP_LOG` selects to standard error, and lets a recorder hear what it wants;
/// costs nothing where there is neither.
pub(crate) fn start(recorder: Option<&Recorder>) -> Result<(), Failure> {
    let printer = match std::env::var_os(VARIABLE) {
        None if recorder.is_none() => return Ok(()),
        None => None,
        Some(filter) => {
            let filter = EnvFilter::try_new(filter.to_string_lossy())
                .map_err(|error| Failure::usage(format!("{VARIABLE}: {error}")))?;
            Some(fmt::layer().with_writer(std::io::stderr).with_filter(filter))
        }
    };
    let recorder = recorder.map(Recorder::layer);
    tracing_subscriber::registry().with(printer).with(recorder).init();
    Ok(())
}
