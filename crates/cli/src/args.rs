//! The command line.

use std::{ffi::OsString, path::PathBuf};

use clap::{Parser, Subcommand, ValueEnum};

use crate::options::{CodeOption, WasmOption};

/// Runs WebAssembly.
#[derive(Debug, Parser)]
#[command(
    name = "tierup",
    version,
    about = "Runs WebAssembly: starts at once, compiles what is called",
    after_help = EXAMPLES,
    disable_help_subcommand = true
)]
struct Tierup {
    #[command(subcommand)]
    command: Command,
}

const EXAMPLES: &str = "\
`run` may be left away: `tierup app.wasm` runs app.wasm.

Examples:
  tierup app.wasm --flag file          run a WASI program; --flag and file are its arguments
  tierup --dir . app.wasm              the program may use files in this directory
  tierup --dir data::/srv app.wasm     it sees the directory data as /srv
  tierup --invoke add lib.wat 2 3      call an exported function and print its results
  tierup -W timeout=5s app.wasm        stop it after five seconds
  tierup compile app.wasm              compile all of it, and say how long it took
  tierup inspect app.wasm              show what is in a module, and how much code it will have
  tierup inspect --run app.wasm -- x   run it, and show where its code lies; --html OUT for a page
  tierup inspect --code add lib.wat    show a function's machine code
  tierup wast test.wast                run a specification script
  tierup js script.js                  run JavaScript that uses WebAssembly

Exit codes: the program's own; 134 after a trap; 1 for other errors; 2 for wrong usage.
Set TIERUP_LOG (for example to `codespace=debug,tiering=debug`) to see what the engine does.";

/// What the engine allows unless it is told otherwise.
const DEFAULT_WASM_STACK: usize = 1 << 20;

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run a WASI program, or call a function of a module
    Run(RunArgs),
    /// Compile a whole module and say how long it took
    Compile(CompileArgs),
    /// Show what is in a module, and what becomes of it when it runs
    Inspect(InspectArgs),
    /// Run WebAssembly specification scripts
    Wast(WastArgs),
    /// Run JavaScript that uses WebAssembly
    Js(JsArgs),
}

/// Arguments of `run`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct RunArgs {
    #[command(flatten)]
    pub(crate) program: ProgramArgs,

    #[command(flatten)]
    pub(crate) engine: EngineArgs,

    #[command(flatten)]
    pub(crate) stats: StatsArgs,

    /// The module (binary or text form), and the program's arguments
    #[arg(value_names = ["FILE", "ARGS"], required = true, trailing_var_arg = true)]
    pub(crate) command: Vec<OsString>,
}

/// What a program sees of the world, and where it begins.
#[derive(Debug, clap::Args)]
pub(crate) struct ProgramArgs {
    /// Call this exported function with ARGS as its parameters, and print its results
    #[arg(long, value_name = "FUNCTION")]
    pub(crate) invoke: Option<String>,

    /// Let the program use a directory, under another name if GUEST is given
    #[arg(long = "dir", value_name = "HOST[::GUEST]")]
    pub(crate) dirs: Vec<OsString>,

    /// Set an environment variable of the program; without a value, pass on ours
    #[arg(long = "env", value_name = "NAME[=VALUE]")]
    pub(crate) env: Vec<OsString>,

    /// The program's own name, its argument 0 [default: FILE's name]
    #[arg(long, value_name = "NAME")]
    pub(crate) argv0: Option<OsString>,

    /// Instantiate a module first and let the program import from it by that name
    #[arg(long = "preload", value_name = "NAME=FILE", value_parser = parse_preload)]
    pub(crate) preloads: Vec<(String, PathBuf)>,
}

/// Options that shape the engine.
#[derive(Debug, clap::Args)]
pub(crate) struct EngineArgs {
    /// Code generation; `-C help` lists the keys
    #[arg(short = 'C', value_name = "KEY=VALUE", value_delimiter = ',')]
    pub(crate) code: Vec<CodeOption>,

    /// WebAssembly semantics and limits; `-W help` lists the keys
    #[arg(short = 'W', value_name = "KEY=VALUE", value_delimiter = ',')]
    pub(crate) wasm: Vec<WasmOption>,
}

impl EngineArgs {
    /// How much stack a program may use.
    pub(crate) fn wasm_stack(&self) -> usize {
        let mut sizes = self.wasm.iter().rev().filter_map(|option| match option {
            WasmOption::MaxWasmStack(bytes) => Some(*bytes),
            _ => None,
        });
        sizes.next().unwrap_or(DEFAULT_WASM_STACK)
    }
}

/// Options about what the engine tells in the end.
#[derive(Debug, clap::Args)]
pub(crate) struct StatsArgs {
    /// Print what the engine did, to standard error, when all has ended
    #[arg(long, value_name = "FORMAT", num_args = 0..=1, require_equals = true,
        default_missing_value = "text")]
    pub(crate) stats: Option<StatsFormat>,

    /// Write it to a file instead
    #[arg(long, value_name = "FILE")]
    pub(crate) stats_file: Option<PathBuf>,
}

/// Form of the statistics.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum StatsFormat {
    /// For people.
    Text,
    /// For programs: one object.
    Json,
    /// For Prometheus.
    Prometheus,
}

/// Arguments of `compile`.
#[derive(Debug, clap::Args)]
pub(crate) struct CompileArgs {
    /// Threads that validate and compile [default: cores]
    #[arg(long, value_name = "N")]
    pub(crate) threads: Option<usize>,

    /// The compiler [default: the one that functions get first]
    #[arg(long, value_name = "TIER")]
    pub(crate) tier: Option<CompileTier>,

    /// Print one JSON object
    #[arg(long)]
    pub(crate) json: bool,

    #[command(flatten)]
    pub(crate) stats: StatsArgs,

    #[command(flatten)]
    pub(crate) engine: EngineArgs,

    /// The module
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
}

/// A compiler.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum CompileTier {
    /// In one pass; what it cannot do, the other one does.
    Baseline,
    /// Cranelift.
    Optimizing,
}

/// Arguments of `inspect`.
#[derive(Debug, clap::Args)]
#[expect(clippy::struct_excessive_bools, reason = "switches, each with its name")]
pub(crate) struct InspectArgs {
    /// Run the program first, with the ARGS behind `--`, and show its code and where that lies
    #[arg(long)]
    pub(crate) run: bool,

    /// Write a page for browsers, which needs no other files
    #[arg(long, value_name = "OUT")]
    pub(crate) html: Option<PathBuf>,

    /// Print one JSON object
    #[arg(long)]
    pub(crate) json: bool,

    /// Disassemble this function instead: its index, or its name
    #[arg(long = "code", value_name = "FUNCTION", conflicts_with = "json")]
    pub(crate) disassemble: Option<String>,

    #[command(flatten)]
    pub(crate) program: ProgramArgs,

    #[command(flatten)]
    pub(crate) engine: EngineArgs,

    /// The module
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,

    /// The program's arguments, if it is run
    #[arg(value_name = "ARGS", last = true, requires = "run")]
    pub(crate) arguments: Vec<OsString>,
}

/// Arguments of `wast`.
#[derive(Debug, clap::Args)]
pub(crate) struct WastArgs {
    #[command(flatten)]
    pub(crate) engine: EngineArgs,

    /// Remove all compiled code after each directive
    #[arg(long)]
    pub(crate) remove_code: bool,

    #[command(flatten)]
    pub(crate) stats: StatsArgs,

    /// The scripts
    #[arg(value_name = "FILE", required = true)]
    pub(crate) files: Vec<PathBuf>,
}

/// Arguments of `js`.
#[derive(Debug, clap::Args)]
#[expect(clippy::struct_excessive_bools, reason = "switches, each with its name")]
pub(crate) struct JsArgs {
    /// FILE and those of -f are modules; otherwise those are whose names end in .mjs
    #[arg(long)]
    pub(crate) module: bool,

    /// Run this code instead of FILE; what follows are its arguments
    #[arg(short = 'e', long = "eval", value_name = "CODE")]
    pub(crate) eval: Option<String>,

    /// Run this file first, in the same realm; may be given several times
    #[arg(short = 'f', long = "file", value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,

    /// Let scripts look at the engine, and command it, by a global object `tierup`
    #[arg(long)]
    pub(crate) expose_tierup: bool,

    /// What becomes of rejections that nobody handles
    #[arg(long, value_name = "WHAT", default_value = "error")]
    pub(crate) unhandled_rejections: UnhandledRejections,

    #[command(flatten)]
    pub(crate) stats: StatsArgs,

    #[command(flatten)]
    pub(crate) engine: EngineArgs,

    /// The script, and its arguments
    #[arg(value_names = ["FILE", "ARGS"], trailing_var_arg = true)]
    pub(crate) command: Vec<OsString>,
}

/// What becomes of rejections that nobody handles.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum UnhandledRejections {
    /// They are reported, and the exit code is 1.
    Error,
    /// Nothing.
    None,
}

/// The command, with `run` put in where it was left away.
pub(crate) fn parse(args: impl Iterator<Item = OsString>) -> Result<Command, clap::Error> {
    let mut args: Vec<_> = args.collect();
    let known = ["run", "compile", "inspect", "wast", "js", "-h", "--help", "-V", "--version"];
    if args.get(1).is_some_and(|first| !known.iter().any(|known| first == known)) {
        args.insert(1, "run".into());
    }
    Ok(Tierup::try_parse_from(args)?.command)
}

fn parse_preload(text: &str) -> Result<(String, PathBuf), String> {
    let (name, file) = text.split_once('=').ok_or("expected NAME=FILE")?;
    Ok((name.to_owned(), file.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse_run(args: &[&str]) -> RunArgs {
        let args = ["tierup"].iter().chain(args).map(OsString::from);
        match parse(args).unwrap() {
            Command::Run(args) => args,
            _ => panic!("not run"),
        }
    }

    #[test]
    fn the_definition_is_consistent() {
        use clap::CommandFactory as _;
        Tierup::command().debug_assert();
    }

    #[test]
    fn run_may_be_left_away() {
        for args in [&["run", "a.wasm", "x"][..], &["a.wasm", "x"]] {
            assert_eq!(parse_run(args).command, ["a.wasm", "x"]);
        }
    }

    #[test]
    fn what_follows_the_file_belongs_to_the_program() {
        let args = parse_run(&["--dir", ".", "a.wasm", "--dir", "-C", "--help", "--", "x"]);
        assert_eq!(args.command, ["a.wasm", "--dir", "-C", "--help", "--", "x"]);
        assert_eq!(args.program.dirs, ["."]);
    }

    #[test]
    fn unknown_options_before_the_file_are_refused() {
        let args = ["tierup", "--bogus", "a.wasm"].map(OsString::from);
        assert!(parse(args.into_iter()).unwrap_err().use_stderr());
    }

    #[test]
    fn stats_take_their_format_only_with_an_equals_sign() {
        let args = parse_run(&["--stats", "a.wasm"]);
        assert!(matches!(args.stats.stats, Some(StatsFormat::Text)));
        let args = parse_run(&["--stats=json", "a.wasm"]);
        assert!(matches!(args.stats.stats, Some(StatsFormat::Json)));
        assert_eq!(args.command, ["a.wasm"]);
    }
}
