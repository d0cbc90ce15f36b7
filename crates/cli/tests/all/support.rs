//! A directory with files, and the command run in it.

use std::{
    ffi::OsStr,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    sync::atomic::{AtomicU32, Ordering},
};

/// A directory for one test, removed when it is dropped.
pub(crate) struct Scratch(PathBuf);

impl Scratch {
    pub(crate) fn new() -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        loop {
            let number = NUMBER.fetch_add(1, Ordering::Relaxed);
            let name = format!("tierup-cli-{}-{number}", std::process::id());
            let path = std::env::temp_dir().join(name);
            match std::fs::create_dir(&path) {
                // Left by a process of the same number, which was killed.
                Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
                made => {
                    made.unwrap();
                    return Self(path);
                }
            }
        }
    }

    /// One with this file in it.
    pub(crate) fn with(name: &str, contents: impl AsRef<[u8]>) -> Self {
        Self::new().file(name, contents)
    }

    pub(crate) fn file(self, name: &str, contents: impl AsRef<[u8]>) -> Self {
        std::fs::write(self.path(name), contents).unwrap();
        self
    }

    pub(crate) fn directory(self, name: &str) -> Self {
        std::fs::create_dir_all(self.path(name)).unwrap();
        self
    }

    pub(crate) fn link(self, name: &str, target: impl AsRef<Path>) -> Self {
        std::os::unix::fs::symlink(target, self.path(name)).unwrap();
        self
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// The command in this directory, with nothing set that our user may have set.
    pub(crate) fn command(&self, args: &[impl AsRef<OsStr>]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tierup"));
        command.current_dir(&self.0).args(args).env_remove("TIERUP_LOG").stdin(Stdio::null());
        command
    }

    /// Runs the command with words, which have no spaces in them.
    pub(crate) fn run(&self, words: &str) -> Ended {
        Ended::from(self.command(&words.split_whitespace().collect::<Vec<_>>()).output().unwrap())
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// How a command ended.
#[derive(Debug)]
pub(crate) struct Ended {
    /// The exit code; none if a signal killed it.
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl From<Output> for Ended {
    fn from(output: Output) -> Self {
        let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
        let (stdout, stderr) = (text(&output.stdout), text(&output.stderr));
        Self { code: output.status.code(), stdout, stderr }
    }
}

impl Ended {
    /// It ended with this code, and printed this to standard error somewhere.
    #[track_caller]
    pub(crate) fn with(&self, code: i32, message: &str) {
        assert_eq!(self.code, Some(code), "{self:#?}");
        assert!(self.stderr.contains(message), "no `{message}` in {self:#?}");
        assert!(!self.stderr.contains("panicked"), "{self:#?}");
    }

    /// It ended well, and printed exactly this.
    #[track_caller]
    pub(crate) fn printed(&self, stdout: &str) {
        self.with(0, "");
        assert_eq!(self.stdout, stdout, "{self:#?}");
        assert_eq!(self.stderr, "");
    }
}

/// A program that ends with what `body` leaves on the stack, and has `$write`, `$exit` and a page of
/// memory with `data` at address 0.
pub(crate) fn program(data: &str, body: &str) -> String {
    let module = "wasi_snapshot_preview1";
    format!(
        r#"(module
  (import "{module}" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
  (import "{module}" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (import "{module}" "args_sizes_get" (func $args_sizes (param i32 i32) (result i32)))
  (import "{module}" "args_get" (func $args (param i32 i32) (result i32)))
  (import "{module}" "environ_sizes_get" (func $environ_sizes (param i32 i32) (result i32)))
  (import "{module}" "environ_get" (func $environ (param i32 i32) (result i32)))
  (import "{module}" "path_open"
    (func $open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
  (import "{module}" "poll_oneoff" (func $poll (param i32 i32 i32 i32) (result i32)))
  (import "{module}" "proc_exit" (func $exit (param i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "{data}")
  (func (export "_start")
    (call $exit {body})))"#
    )
}
