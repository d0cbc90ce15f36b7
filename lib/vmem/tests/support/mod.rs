//! What several tests need: code to run, the mappings of the process, children, probes.
#![expect(dead_code, reason = "every test file uses some of it")]
#![expect(clippy::unwrap_used, reason = "a failure here is the failure of a test")]

use std::{
    ops::Range,
    panic::{AssertUnwindSafe, catch_unwind},
    ptr,
    sync::atomic::{AtomicBool, Ordering},
};

use vmem::{CodeMemory, CodeRequest, ErrorKind, FaultPlan, Result, Strategy, page_size};

/// Strategies that have to work everywhere, by the protection of mappings.
pub(crate) const BY_MAPPING: [Strategy; 2] = [Strategy::File, Strategy::Toggle];

/// Strategies that have to work here: that by keys only where there are keys.
pub(crate) fn strategies() -> impl Iterator<Item = Strategy> {
    BY_MAPPING.into_iter().chain(has_keys().then_some(Strategy::Pkey))
}

/// Are there protection keys here? `TIERUP_NEED_PKEY=1` asks that there are.
pub(crate) fn has_keys() -> bool {
    let done = CodeMemory::reserve(&request(Strategy::Pkey));
    let missing = done.err();
    if std::env::var_os("TIERUP_NEED_PKEY").is_some() {
        assert!(missing.is_none(), "{missing:?}");
    }
    missing.is_none()
}

/// Some pages of data and of code.
pub(crate) fn request(strategy: Strategy) -> CodeRequest {
    CodeRequest {
        data_bytes: 16 * page_size(),
        code_bytes: 256 * page_size(),
        align: 1 << 20,
        strategy,
        faults: None,
    }
}

/// That memory, with `pages` pages of code committed.
pub(crate) fn memory(strategy: Strategy, pages: usize) -> CodeMemory {
    let memory = CodeMemory::reserve(&request(strategy)).unwrap();
    memory.commit_code(code_pages(&memory, 0..pages)).unwrap();
    memory
}

/// Addresses of these pages of the code part.
pub(crate) fn code_pages(memory: &CodeMemory, pages: Range<usize>) -> Range<usize> {
    let base = memory.code_range().start;
    base + pages.start * page_size()..base + pages.end * page_size()
}

/// `mov eax, value; ret`.
pub(crate) fn returning(value: u32) -> Vec<u8> {
    let mut code = vec![0xb8];
    code.extend(value.to_le_bytes());
    code.push(0xc3);
    code
}

/// Writes code at an address.
pub(crate) fn put(memory: &CodeMemory, at: usize, code: &[u8]) -> Result<()> {
    let mut scope = memory.write(at..at + code.len())?;
    scope.bytes().copy_from_slice(code);
    scope.finish()
}

/// Runs what [`returning`] made and [`put`] has put there.
pub(crate) fn run(at: usize) -> u32 {
    let result: u32;
    // SAFETY: the tests pass addresses of functions without parameters that return an integer.
    unsafe {
        std::arch::asm!("call {}", in(reg) at, lateout("eax") result, clobber_abi("C"));
    }
    result
}

/// The bytes in committed pages.
pub(crate) fn read(range: Range<usize>) -> Vec<u8> {
    let start = ptr::with_exposed_provenance::<u8>(range.start);
    // SAFETY: the tests pass ranges that are readable, and that nobody writes meanwhile.
    unsafe { std::slice::from_raw_parts(start, range.len()) }.to_vec()
}

/// One line of `/proc/self/maps`.
#[derive(Clone, Debug)]
pub(crate) struct Mapping {
    pub(crate) range: Range<usize>,
    pub(crate) access: String,
    pub(crate) name: String,
}

impl Mapping {
    pub(crate) fn can(&self, letter: char) -> bool {
        self.access.contains(letter)
    }

    /// Is it a view of a file that code is kept in?
    pub(crate) fn is_code_file(&self) -> bool {
        self.name.contains("memfd:vmem:code")
    }

    fn parse(line: &str) -> Self {
        let mut words = line.split_whitespace();
        let (start, end) = words.next().unwrap().split_once('-').unwrap();
        let number = |text| usize::from_str_radix(text, 16).unwrap();
        let access = words.next().unwrap().to_owned();
        let name = words.skip(3).collect::<Vec<_>>().join(" ");
        Self { range: number(start)..number(end), access, name }
    }
}

/// All mappings of this process.
pub(crate) fn mappings() -> Vec<Mapping> {
    std::fs::read_to_string("/proc/self/maps").unwrap().lines().map(Mapping::parse).collect()
}

/// The mappings that have addresses in the range.
pub(crate) fn mappings_in(range: &Range<usize>) -> Vec<Mapping> {
    let mut all = mappings();
    all.retain(|mapping| mapping.range.start < range.end && range.start < mapping.range.end);
    all
}

/// The protection key of the mapping at an address, if the system tells.
pub(crate) fn key_of(address: usize) -> Option<u32> {
    let text = std::fs::read_to_string("/proc/self/smaps").unwrap();
    let mut inside = false;
    for line in text.lines() {
        let first = line.split_whitespace().next().unwrap();
        if let Some((start, end)) = first.split_once('-') {
            let number = |text| usize::from_str_radix(text, 16).unwrap();
            inside = (number(start)..number(end)).contains(&address);
        } else if inside && first == "ProtectionKey:" {
            return line.split_whitespace().nth(1).unwrap().parse().ok();
        }
    }
    None
}

/// Could this thread write there? Asks the kernel to write, which gives an error where a store
/// would fault; if it succeeds, a zero has been written. Usable in a signal handler.
pub(crate) fn is_writable(address: usize) -> bool {
    let mut pipe = [0; 2];
    // SAFETY: there is room for two descriptors.
    assert_eq!(unsafe { libc::pipe(pipe.as_mut_ptr()) }, 0);
    // SAFETY: writes one byte, which is there, to a pipe.
    let sent = unsafe { libc::write(pipe[1], [0u8].as_ptr().cast(), 1) };
    assert_eq!(sent, 1);
    let target = ptr::with_exposed_provenance_mut::<u8>(address);
    // SAFETY: the kernel checks the address; what is there are bytes of a test.
    let received = unsafe { libc::read(pipe[0], target.cast(), 1) };
    for end in pipe {
        // SAFETY: nobody else has the descriptor.
        unsafe { libc::close(end) };
    }
    received == 1
}

/// How a child ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Ended {
    Well,
    /// By this signal.
    Killed(i32),
    /// By a panic, or otherwise.
    Badly(i32),
}

/// Runs the closure in a forked child, which ends then.
pub(crate) fn in_child(work: impl FnOnce()) -> Ended {
    // What is made once in a process is made now: a child made while another thread makes it
    // would wait for ever for a thread that it does not have.
    strategies().chain([Strategy::Auto]).for_each(|strategy| drop(memory(strategy, 1)));
    // SAFETY: other threads of this process hold none of the locks that `work` takes; the C
    // library's allocator works in children.
    let child = unsafe { libc::fork() };
    assert!(child >= 0);
    if child == 0 {
        // A child that hangs is killed, and so found.
        // SAFETY: no handler is installed.
        unsafe { libc::alarm(600) };
        let code = i32::from(catch_unwind(AssertUnwindSafe(work)).is_err()) * 101;
        // SAFETY: ends the child without touching anything of the parent.
        unsafe { libc::_exit(code) }
    }
    let mut status = 0;
    // SAFETY: the child is ours, and nobody else waits for it.
    assert_eq!(unsafe { libc::waitpid(child, &raw mut status, 0) }, child);
    match (libc::WIFSIGNALED(status), libc::WEXITSTATUS(status)) {
        (true, _) => Ended::Killed(libc::WTERMSIG(status)),
        (false, 0) => Ended::Well,
        (false, code) => Ended::Badly(code),
    }
}

/// A forked child has its own copy of the code, and may replace it; its parent's stays.
pub(crate) fn check_that_children_have_a_copy(memory: &CodeMemory) {
    let start = memory.code_range().start;
    put(memory, start, &returning(1)).unwrap();
    let ended = in_child(|| {
        assert!(!memory.is_inherited());
        assert_eq!(run(start), 1);
        put(memory, start, &returning(2)).unwrap();
        assert_eq!(run(start), 2);
        assert!(!is_writable(start));
    });
    assert_eq!(ended, Ended::Well);
    assert_eq!(run(start), 1);
}

/// How many pages of the range have memory.
pub(crate) fn resident_pages(range: Range<usize>) -> usize {
    let mut pages = vec![0u8; range.len() / page_size()];
    let start = ptr::with_exposed_provenance_mut::<u8>(range.start);
    // SAFETY: there is one byte for each page.
    let done = unsafe { libc::mincore(start.cast(), range.len(), pages.as_mut_ptr()) };
    assert_eq!(done, 0);
    pages.iter().filter(|page| **page & 1 != 0).count()
}

/// Tells other threads to stop when dropped, so that a test that fails does not wait for them.
pub(crate) struct Stop<'a>(pub(crate) &'a AtomicBool);

impl Drop for Stop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Release);
    }
}

/// The reason of an error that must be one.
pub(crate) fn reason<T: std::fmt::Debug>(result: Result<T>) -> ErrorKind {
    result.expect_err("this must fail").kind().clone()
}

/// A request with a plan.
pub(crate) fn planned(strategy: Strategy, plan: &sync::Arc<FaultPlan>) -> CodeRequest {
    CodeRequest { faults: Some(plan.clone()), ..request(strategy) }
}
