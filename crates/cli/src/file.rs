//! Reading files into memory.
//!
//! Most of the time that reading takes is the system's, which finds new pages and copies to them.
//! That is a tenth of what a large module needs until it runs, and threads can share it.
#![forbid(unsafe_code)]

use std::{fs::File, io, num::NonZeroUsize, os::unix::fs::FileExt, path::Path, thread};

/// What a thread should have to read, about half a millisecond of work.
const SHARE: usize = 1 << 20;

/// More threads hardly help.
const MOST_THREADS: usize = 4;

/// All of a file.
pub(crate) fn read(path: &Path) -> io::Result<Vec<u8>> {
    let file = File::open(path)?;
    let data = file.metadata()?;
    let length = usize::try_from(data.len()).unwrap_or(usize::MAX);
    // What is no plain file has no length, and no offsets.
    if !data.is_file() || length < 2 * SHARE {
        return std::fs::read(path);
    }
    let cores = thread::available_parallelism().map_or(1, NonZeroUsize::get);
    read_in(&file, length, (length / SHARE).min(cores).min(MOST_THREADS))
}

/// All of a file of that length, which must not become shorter.
fn read_in(file: &File, length: usize, threads: usize) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; length];
    let share = length.div_ceil(threads);
    thread::scope(|scope| {
        let mut parts = bytes.chunks_mut(share).enumerate();
        let own = parts.next();
        let helpers: Vec<_> = parts
            .map(|(part, bytes)| {
                scope.spawn(move || file.read_exact_at(bytes, offset(part, share)))
            })
            .collect();
        own.map_or(Ok(()), |(part, bytes)| file.read_exact_at(bytes, offset(part, share)))?;
        helpers.into_iter().try_for_each(|helper| {
            helper.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        })
    })?;
    Ok(bytes)
}

fn offset(part: usize, share: usize) -> u64 {
    part as u64 * share as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_is_read_once_however_many_threads() {
        let path = std::env::temp_dir().join(format!("tierup-file-{}", std::process::id()));
        let contents: Vec<u8> = (0..10_007_u32).map(|place| (place % 251) as u8).collect();
        std::fs::write(&path, &contents).unwrap();
        let file = File::open(&path).unwrap();
        for threads in 1..5 {
            assert!(read_in(&file, contents.len(), threads).unwrap() == contents, "{threads}");
        }
        let longer = read_in(&file, contents.len() + 1, 2).unwrap_err();
        assert_eq!(longer.kind(), io::ErrorKind::UnexpectedEof);
        assert_eq!(read(&path).unwrap(), contents);
        std::fs::remove_file(&path).unwrap();
    }
}
