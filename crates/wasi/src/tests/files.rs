//! Calls on open files.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use super::{CREAT, FILE, How, Program, READ, RESULT, ROOT, Scratch};
use crate::{Errno, Rights};

#[test]
fn what_is_written_can_be_read() {
    let scratch = Scratch::new();
    let mut program = Program::at(&scratch);
    let fd = program.create("file");
    assert_eq!(fd, ROOT + 1);
    assert_eq!(program.write(fd, b"hello world"), Ok(11));
    assert_eq!(program.read(fd, 5).unwrap(), b"");
    assert_eq!(program.seek(fd, 6, 0), Ok(6));
    assert_eq!(program.read(fd, 50).unwrap(), b"world");
    program.close(fd);
    assert_eq!(std::fs::read(scratch.path("file")).unwrap(), b"hello world");
    assert_eq!(program.read(fd, 1), Err(Errno::Badf));
}

#[test]
fn positions_go_anywhere_but_before_the_start() {
    let scratch = Scratch::new();
    scratch.file("file", "0123456789");
    let mut program = Program::at(&scratch);
    let fd = program.open(ROOT, "file", FILE).unwrap();
    assert_eq!(program.seek(fd, -3, 2), Ok(7));
    assert_eq!(program.seek(fd, 2, 1), Ok(9));
    assert_eq!(program.seek(fd, 1000, 1), Ok(1009));
    assert_eq!(program.read(fd, 1).unwrap(), b"");
    assert_eq!(program.seek(fd, -2000, 1), Err(Errno::Inval));
    assert_eq!(program.seek(fd, -1, 0), Err(Errno::Inval));
    assert_eq!(program.seek(fd, i64::MIN, 2), Err(Errno::Inval));
    assert_eq!(program.seek(fd, 0, 3), Err(Errno::Inval));
    program.call("fd_tell", &[fd.into(), RESULT.into()]).unwrap();
    assert_eq!(program.u64(RESULT.into()), 1009);
    assert_eq!(program.seek(99, 0, 0), Err(Errno::Badf));
}

#[test]
fn reads_and_writes_at_a_position_leave_the_files_own() {
    let scratch = Scratch::new();
    scratch.file("file", "0123456789");
    let mut program = Program::at(&scratch);
    let fd = program.open(ROOT, "file", FILE).unwrap();
    let (one, two) = (program.put(b"ab"), program.put(b"c"));
    let [list, count] = program.put_buffers(&[one, two]);
    program.call("fd_pwrite", &[fd.into(), list, count, 4, RESULT.into()]).unwrap();
    assert_eq!(program.result(), 3);
    program.call("fd_pread", &[fd.into(), list, count, 3, RESULT.into()]).unwrap();
    assert_eq!(program.result(), 3);
    assert_eq!(&program.memory[one[0] as usize..][..2], b"3a");
    assert_eq!(program.memory[two[0] as usize], b'b');
    program.call("fd_pread", &[fd.into(), list, count, 9, RESULT.into()]).unwrap();
    assert_eq!(program.result(), 1);
    assert_eq!(program.seek(fd, 0, 1), Ok(0));
    assert_eq!(program.read(fd, 10).unwrap(), b"0123abc789");
    let far = [fd.into(), list, count, u64::MAX, RESULT.into()];
    assert_eq!(program.call("fd_pread", &far), Err(Errno::Inval));
    assert_eq!(program.call("fd_pwrite", &far), Err(Errno::Inval));
}

#[test]
fn appending_is_switched_on_and_off() {
    let scratch = Scratch::new();
    scratch.file("file", "0123");
    let mut program = Program::at(&scratch);
    let fd = program.open(ROOT, "file", How { fdflags: 1, ..FILE }).unwrap();
    assert_eq!(program.fdstat(fd).unwrap().flags, 1);
    program.write(fd, b"45").unwrap();
    program.call("fd_fdstat_set_flags", &[fd.into(), 0]).unwrap();
    assert_eq!(program.fdstat(fd).unwrap().flags, 0);
    program.seek(fd, 0, 0).unwrap();
    program.write(fd, b"ab").unwrap();
    program.call("fd_fdstat_set_flags", &[fd.into(), 1 | 4]).unwrap();
    assert_eq!(program.fdstat(fd).unwrap().flags, 5);
    program.write(fd, b"cd").unwrap();
    assert_eq!(std::fs::read(scratch.path("file")).unwrap(), b"ab2345cd");
    assert_eq!(program.call("fd_fdstat_set_flags", &[fd.into(), 16]), Err(Errno::Inval));
    assert_eq!(program.call("fd_fdstat_set_flags", &[fd.into(), 32]), Err(Errno::Inval));
}

#[test]
fn synchronous_files_stay_synchronous() {
    let scratch = Scratch::new();
    let mut program = Program::at(&scratch);
    let how = How { oflags: CREAT, fdflags: 2 | 8 | 16, ..FILE };
    let fd = program.open(ROOT, "file", how).unwrap();
    assert_eq!(program.fdstat(fd).unwrap().flags, 26);
    program.call("fd_fdstat_set_flags", &[fd.into(), 1]).unwrap();
    assert_eq!(program.fdstat(fd).unwrap().flags, 27);
    assert_eq!(program.write(fd, b"x"), Ok(1));
    assert_eq!(program.call("fd_sync", &[fd.into()]), Ok(()));
    assert_eq!(program.call("fd_datasync", &[fd.into()]), Ok(()));
}

#[test]
fn sizes_change_on_demand() {
    let scratch = Scratch::new();
    scratch.file("file", "0123456789");
    let mut program = Program::at(&scratch);
    let fd = program.open(ROOT, "file", FILE).unwrap();
    assert_eq!(program.filestat(fd).unwrap().1, 10);
    program.call("fd_filestat_set_size", &[fd.into(), 4]).unwrap();
    assert_eq!(program.filestat(fd).unwrap().1, 4);
    program.call("fd_allocate", &[fd.into(), 2, 10]).unwrap();
    assert_eq!(program.filestat(fd).unwrap().1, 12);
    program.call("fd_allocate", &[fd.into(), 0, 3]).unwrap();
    assert_eq!(program.filestat(fd).unwrap().1, 12);
    assert_eq!(program.call("fd_allocate", &[fd.into(), 0, 0]), Err(Errno::Inval));
    assert!(program.call("fd_allocate", &[fd.into(), u64::MAX, u64::MAX]).is_err());
    let too_much = [fd.into(), u64::MAX];
    assert_eq!(program.call("fd_filestat_set_size", &too_much), Err(Errno::Inval));
}

#[test]
fn advice_is_taken() {
    let scratch = Scratch::new();
    let mut program = Program::at(&scratch);
    let fd = u64::from(program.create("file"));
    for advice in 0..6 {
        assert_eq!(program.call("fd_advise", &[fd, 0, 10, advice]), Ok(()));
    }
    assert_eq!(program.call("fd_advise", &[fd, 10, 0, 0]), Ok(()));
    assert_eq!(program.call("fd_advise", &[fd, 0, 10, 6]), Err(Errno::Inval));
}

fn times(program: &Program) -> (u64, u64) {
    (program.u64(64 + 40), program.u64(64 + 48))
}

#[test]
fn times_are_set_kept_or_now() {
    const ATIM: u64 = 1;
    const ATIM_NOW: u64 = 2;
    const MTIM: u64 = 4;
    const MTIM_NOW: u64 = 8;
    let scratch = Scratch::new();
    let mut program = Program::at(&scratch);
    let fd = program.create("file");
    let mut set = |flags| program.call("fd_filestat_set_times", &[fd.into(), 1_500, 2_500, flags]);
    assert_eq!(set(ATIM | MTIM), Ok(()));
    for bad in [ATIM | ATIM_NOW, MTIM | MTIM_NOW, 16] {
        assert_eq!(set(bad), Err(Errno::Inval));
    }
    program.filestat(fd).unwrap();
    assert_eq!(times(&program), (1_500, 2_500));
    program.call("fd_filestat_set_times", &[fd.into(), 9, 9, ATIM_NOW]).unwrap();
    program.filestat(fd).unwrap();
    assert!(times(&program).0 > 1_000_000_000_000_000_000);
    assert_eq!(times(&program).1, 2_500);
    program.call("fd_filestat_set_times", &[fd.into(), 9, 9, 0]).unwrap();
    program.filestat(fd).unwrap();
    assert_eq!(times(&program).1, 2_500);
}

#[test]
fn thousands_of_files_up_to_the_limit() {
    // Many systems allow a process 1,024 files unless it asks for more.
    let rlimit = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: rlimit.maximum, ..rlimit }).unwrap();
    let scratch = Scratch::new();
    scratch.file("file", "x");
    let builder = crate::WasiContext::builder().descriptor_limit(3000);
    let mut program = Program::new(builder.preopen(crate::Preopen::new(scratch.path(""), "/")));
    let mut last = ROOT;
    let error = loop {
        match program.open(ROOT, "file", READ) {
            Ok(fd) => last = fd,
            Err(error) => break error,
        }
    };
    assert_eq!((error, last), (Errno::Mfile, 2999));
    // Nothing is created for a descriptor that there is no room for.
    assert_eq!(program.open(ROOT, "new", How { oflags: CREAT, ..FILE }), Err(Errno::Mfile));
    assert!(!scratch.path("new").exists());
    program.close(1234);
    assert_eq!(program.open(ROOT, "file", READ), Ok(1234));
    for fd in (ROOT + 1..3000).rev() {
        program.close(fd);
    }
    assert_eq!(program.context.table.open(), 4);
    assert_eq!(program.open(ROOT, "file", READ), Ok(4));
}

#[test]
fn directories_are_not_files() {
    let scratch = Scratch::new();
    let mut program = Program::at(&scratch);
    let fd = u64::from(ROOT);
    let [list, count] = program.put_buffers(&[[0, 1]]);
    assert_eq!(program.read(ROOT, 1), Err(Errno::Isdir));
    assert_eq!(program.write(ROOT, b"x"), Err(Errno::Isdir));
    assert_eq!(program.seek(ROOT, 0, 1), Err(Errno::Isdir));
    assert_eq!(program.call("fd_tell", &[fd, 16]), Err(Errno::Isdir));
    assert_eq!(program.call("fd_pread", &[fd, list, count, 0, 16]), Err(Errno::Isdir));
    assert_eq!(program.call("fd_pwrite", &[fd, list, count, 0, 16]), Err(Errno::Isdir));
    assert_eq!(program.call("fd_allocate", &[fd, 0, 1]), Err(Errno::Isdir));
    assert_eq!(program.call("fd_filestat_set_size", &[fd, 0]), Err(Errno::Isdir));
    assert_eq!(program.call("fd_advise", &[fd, 0, 0, 0]), Err(Errno::Isdir));
    assert_eq!(program.call("fd_fdstat_set_flags", &[fd, 1]), Err(Errno::Inval));
    assert_eq!(program.call("fd_sync", &[fd]), Ok(()));
    assert_eq!(program.call("fd_datasync", &[fd]), Ok(()));
    assert_eq!(program.call("fd_filestat_set_times", &[fd, 5, 6, 5]), Ok(()));
    assert_eq!(program.filestat(ROOT).unwrap().0, 3);
    let stat = program.fdstat(ROOT).unwrap();
    assert_eq!((stat.filetype, stat.flags), (3, 0));
    assert_eq!((stat.base, stat.inheriting), (Rights::DIRECTORY, Rights::ALL));
}
