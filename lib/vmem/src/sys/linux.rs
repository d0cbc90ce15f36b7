//! Linux.

use std::{
    ops::Range,
    os::fd::OwnedFd,
    ptr::{self, NonNull},
    sync::atomic::AtomicU64,
};

use rustix::{
    fs::{FallocateFlags, MemfdFlags, Mode, OFlags},
    io::Errno,
    mm::{Advice, MapFlags, MprotectFlags, ProtFlags},
    process::Resource,
    thread::MembarrierCommand,
};

use super::Access;
use crate::{Error, ErrorKind, Result, key::ProtectionKey};

/// Address space that we own: reserved, and given back when dropped.
///
/// Ranges are absolute addresses inside the mapping, and consist of whole pages; the callers
/// have checked that.
#[derive(Debug)]
pub(crate) struct Mapping {
    base: NonNull<u8>,
    length: usize,
}

// SAFETY: the mapping belongs to the process, not to a thread, and the methods are system calls.
unsafe impl Send for Mapping {}
// SAFETY: as above; the methods do not read or write the memory.
unsafe impl Sync for Mapping {}

impl Mapping {
    /// Reserves `length` bytes, inaccessible and private, at a multiple of `align`.
    ///
    /// `length` consists of whole pages, and `align` is a power of two and at least a page.
    pub(crate) fn reserve(length: usize, align: usize) -> Result<Self> {
        let slack = align - page_size();
        let padded =
            length.checked_add(slack).ok_or(Errno::NOMEM).map_err(failed("mmap", length))?;
        // SAFETY: the kernel chooses the place, so nothing that exists is changed.
        let start = unsafe {
            rustix::mm::mmap_anonymous(ptr::null_mut(), padded, ProtFlags::empty(), RESERVED)
        };
        let start = start.map_err(failed("mmap", padded))?.cast::<u8>();
        let head = start.addr().next_multiple_of(align) - start.addr();
        let base = start.wrapping_add(head);
        unmap(start, head);
        unmap(base.wrapping_add(length), slack - head);
        let base = NonNull::new(base).expect("the kernel chooses addresses above zero");
        Ok(Self { base, length })
    }

    /// The lowest address.
    pub(crate) fn base(&self) -> *mut u8 {
        self.base.as_ptr()
    }

    /// All its addresses.
    pub(crate) fn range(&self) -> Range<usize> {
        let start = self.base.expose_provenance().get();
        start..start + self.length
    }

    /// Cuts the mapping in two at that many bytes from its base; returns the upper part.
    pub(crate) fn split_off(&mut self, offset: usize) -> Self {
        assert!(offset > 0 && offset < self.length && offset.is_multiple_of(page_size()));
        let base = self.base().wrapping_add(offset);
        let base = NonNull::new(base).expect("an address inside a mapping is not zero");
        let length = self.length - offset;
        self.length = offset;
        Self { base, length }
    }

    /// Changes what the pages may be used for.
    pub(crate) fn protect(&self, range: Range<usize>, access: Access) -> Result<()> {
        let flags = match access {
            Access::None => MprotectFlags::empty(),
            Access::ReadWrite => MprotectFlags::READ | MprotectFlags::WRITE,
            Access::ReadExecute => MprotectFlags::READ | MprotectFlags::EXEC,
        };
        let start = self.pointer(&range);
        // SAFETY: the range is inside this mapping, into which no references are handed out.
        let done = unsafe { rustix::mm::mprotect(start.cast(), range.len(), flags) };
        done.map_err(failed("mprotect", range.len()))
    }

    /// Lets threads read, write and execute the pages as far as their rights to the key go.
    pub(crate) fn protect_by_key(&self, range: Range<usize>, key: ProtectionKey) -> Result<()> {
        const ALL: libc::c_int = libc::PROT_READ | libc::PROT_WRITE | libc::PROT_EXEC;
        let (start, length) = (self.pointer(&range), range.len());
        // SAFETY: the range is inside this mapping, into which no references are handed out.
        let done =
            unsafe { libc::syscall(libc::SYS_pkey_mprotect, start, length, ALL, key.number()) };
        checked(done).map(drop).map_err(failed("pkey_mprotect", length))
    }

    /// Replaces the pages by fresh, private, inaccessible ones, which gives their memory back.
    pub(crate) fn reset(&self, range: Range<usize>) -> Result<()> {
        let start = self.pointer(&range).cast();
        let flags = RESERVED | MapFlags::FIXED;
        // SAFETY: the range is inside this mapping, into which no references are handed out.
        let done =
            unsafe { rustix::mm::mmap_anonymous(start, range.len(), ProtFlags::empty(), flags) };
        done.map(drop).map_err(failed("mmap", range.len()))
    }

    /// Puts the file, which is as long as the mapping, in place of the memory: inaccessible.
    pub(crate) fn replace_by_file(&mut self, file: &CodeFile) -> Result<()> {
        let flags = MapFlags::SHARED | MapFlags::FIXED | MapFlags::NORESERVE;
        let (start, view) = (self.base().cast(), file.view());
        // SAFETY: the mapping is ours as a whole, and no references into it are handed out.
        let done =
            unsafe { rustix::mm::mmap(start, self.length, ProtFlags::empty(), flags, view, 0) };
        done.map(drop).map_err(failed("mmap", self.length))
    }

    /// Leaves a hole in forked children where this mapping is.
    pub(crate) fn keep_from_children(&mut self) -> Result<()> {
        let start = self.base().cast();
        // SAFETY: this process sees no change.
        let done = unsafe { rustix::mm::madvise(start, self.length, Advice::LinuxDontFork) };
        done.map_err(failed("madvise", self.length))
    }

    /// Lets go of the address space without giving it back: here is something else by now, or a
    /// hole.
    pub(crate) fn abandon(&mut self) {
        self.length = 0;
    }

    fn pointer(&self, range: &Range<usize>) -> *mut u8 {
        let whole = self.range();
        assert!(whole.start <= range.start && range.end <= whole.end, "checked by the callers");
        self.base().wrapping_add(range.start - whole.start)
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        unmap(self.base(), self.length);
    }
}

/// A file in memory that code is kept in. Who has the descriptor can write it; the view that
/// gets mapped can only be read and executed.
#[derive(Debug)]
pub(crate) struct CodeFile {
    writable: OwnedFd,
    /// The same file, opened for reading: the kernel then refuses to make a mapping of it
    /// writable later. `None` where there is no `/proc` to open it by.
    view: Option<OwnedFd>,
}

impl CodeFile {
    /// An empty file without a name.
    pub(crate) fn create() -> Result<Self> {
        const NAME: &str = "vmem:code";
        let writable = rustix::fs::memfd_create(NAME, MemfdFlags::CLOEXEC | MemfdFlags::EXEC)
            // Kernels before 6.3 do not know the flag, and make every such file executable.
            .or_else(|_| rustix::fs::memfd_create(NAME, MemfdFlags::CLOEXEC))
            .map_err(failed("memfd_create", 0))?;
        let path = format!("/proc/self/fd/{}", std::os::fd::AsRawFd::as_raw_fd(&writable));
        let view = rustix::fs::open(path, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty()).ok();
        Ok(Self { writable, view })
    }

    /// Sets the size, without using memory.
    pub(crate) fn set_length(&self, length: usize) -> Result<()> {
        let refused = failed("ftruncate", length);
        // The kernel would end the process with SIGXFSZ.
        let limit = rustix::process::getrlimit(Resource::Fsize).current;
        if limit.is_some_and(|limit| limit < length as u64) {
            return Err(refused(Errno::FBIG));
        }
        rustix::fs::ftruncate(&self.writable, length as u64).map_err(refused)
    }

    /// Writes all of the bytes.
    pub(crate) fn write(&self, mut bytes: &[u8], mut offset: usize) -> Result<()> {
        while !bytes.is_empty() {
            match rustix::io::pwrite(&self.writable, bytes, offset as u64) {
                Ok(written) => {
                    offset += written;
                    bytes = &bytes[written..];
                }
                Err(Errno::INTR) => {}
                Err(errno) => return Err(failed("pwrite", bytes.len())(errno)),
            }
        }
        Ok(())
    }

    /// Gives the memory of these bytes back; they read as zeros then.
    pub(crate) fn punch(&self, range: Range<usize>) -> Result<()> {
        let (start, length) = (range.start as u64, range.len() as u64);
        let flags = FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE;
        loop {
            match rustix::fs::fallocate(&self.writable, flags, start, length) {
                Err(Errno::INTR) => {}
                done => return done.map_err(failed("fallocate", range.len())),
            }
        }
    }

    /// Bytes of memory that the file has, or `None` if the system does not say.
    pub(crate) fn stored(&self) -> Option<usize> {
        const BLOCK: usize = 512;
        let stat = rustix::fs::fstat(&self.writable).ok()?;
        Some(usize::try_from(stat.st_blocks).ok()? * BLOCK)
    }

    fn view(&self) -> &OwnedFd {
        self.view.as_ref().unwrap_or(&self.writable)
    }
}

/// A page that reads as zeros in forked children. Lives as long as the process.
pub(crate) fn fork_word() -> Result<&'static AtomicU64> {
    let mut page = Mapping::reserve(page_size(), page_size())?;
    page.protect(page.range(), Access::ReadWrite)?;
    let start = page.base();
    // SAFETY: the page is ours, and this process sees no change.
    let wiped = unsafe { rustix::mm::madvise(start.cast(), page.length, Advice::LinuxWipeOnFork) };
    wiped.map_err(failed("madvise", page.length))?;
    page.abandon();
    // SAFETY: the page is readable, writable and zero, starts aligned, and is never unmapped,
    // because its owner has just let go of it.
    Ok(unsafe { AtomicU64::from_ptr(start.cast()) })
}

/// Makes all cores that run threads of this process see code written before.
pub(crate) fn sync_cores() -> Result<()> {
    let sync = || rustix::thread::membarrier(MembarrierCommand::PrivateExpeditedSyncCore);
    sync()
        .or_else(|errno| {
            if errno != Errno::PERM {
                return Err(errno);
            }
            // The first time in this process.
            rustix::thread::membarrier(MembarrierCommand::RegisterPrivateExpeditedSyncCore)?;
            sync()
        })
        .map_err(failed("membarrier", 0))
}

/// A new protection key, for which this thread has all rights.
pub(crate) fn allocate_key() -> Result<u32> {
    // SAFETY: changes nothing but this thread's rights to memory that has the new key.
    let done = unsafe { libc::syscall(libc::SYS_pkey_alloc, 0, 0) };
    let number = checked(done).map_err(failed("pkey_alloc", 0))?;
    Ok(u32::try_from(number).expect("keys are small numbers"))
}

/// Gives a key back that no memory has.
pub(crate) fn free_key(number: u32) {
    // SAFETY: the caller has just allocated it, and used it for nothing.
    let done = unsafe { libc::syscall(libc::SYS_pkey_free, number) };
    debug_assert_eq!(done, 0);
}

/// The kernel's release, as `6.1.0-13`.
pub(crate) fn release() -> String {
    rustix::system::uname().release().to_string_lossy().into_owned()
}

fn checked(result: libc::c_long) -> rustix::io::Result<libc::c_long> {
    if result != -1 {
        return Ok(result);
    }
    let errno = std::io::Error::last_os_error().raw_os_error().expect("it is the system's");
    Err(Errno::from_raw_os_error(errno))
}

/// Bytes in a page.
pub(crate) fn page_size() -> usize {
    rustix::param::page_size()
}

const RESERVED: MapFlags = MapFlags::PRIVATE.union(MapFlags::NORESERVE);

/// Gives back address space that is ours and that nobody uses any more.
fn unmap(start: *mut u8, length: usize) {
    if length == 0 {
        return;
    }
    // SAFETY: the two callers pass what they own and are about to forget.
    let done = unsafe { rustix::mm::munmap(start.cast(), length) };
    // It can fail only when cutting a mapping in two exceeds the kernel's limit of mappings;
    // what is left is address space without memory.
    debug_assert!(done.is_ok() || done == Err(Errno::NOMEM));
}

fn failed(call: &'static str, wanted: usize) -> impl Fn(Errno) -> Error {
    move |errno| ErrorKind::System { call, wanted, errno: errno.raw_os_error() }.into()
}
