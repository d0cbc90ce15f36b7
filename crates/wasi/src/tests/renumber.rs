//! Moving descriptors: nothing leaks, nothing panics, whatever is moved where.

use super::{Program, READ, ROOT, Scratch, host_handles};
use crate::{Errno, Preopen, WasiContext};

#[test]
fn what_was_at_the_number_is_closed() {
    let scratch = Scratch::new();
    scratch.file("one", "1").file("two", "2");
    let mut program = Program::at(&scratch);
    assert_eq!(host_handles(&scratch), 1);
    for _ in 0..100 {
        let one = program.open(ROOT, "one", READ).unwrap();
        let two = program.open(ROOT, "two", READ).unwrap();
        assert_eq!(host_handles(&scratch), 3);
        program.call("fd_renumber", &[one.into(), two.into()]).unwrap();
        assert_eq!(host_handles(&scratch), 2);
        assert_eq!(program.read(one, 1), Err(Errno::Badf));
        assert_eq!(program.read(two, 1).unwrap(), b"1");
        program.close(two);
    }
    assert_eq!(host_handles(&scratch), 1);
    assert_eq!(program.context.table.open(), 4);
    drop(program);
    assert_eq!(host_handles(&scratch), 0);
}

#[test]
fn only_open_numbers_are_moved() {
    let scratch = Scratch::new();
    let mut program = Program::at(&scratch);
    for (from, to) in [(3, 4), (4, 3), (100, 101), (3, u32::MAX), (u32::MAX, 3), (1 << 31, 1 << 30)]
    {
        let result = program.call("fd_renumber", &[from.into(), to.into()]);
        assert_eq!(result, Err(Errno::Badf), "{from} {to}");
    }
    assert_eq!(program.call("fd_renumber", &[3, 3]), Ok(()));
    assert_eq!(program.context.table.open(), 4);
}

#[test]
fn directories_from_the_start_can_be_moved_replaced_and_closed() {
    let scratch = Scratch::new();
    scratch.directory("a").directory("b").file("b/file", "b");
    let builder = WasiContext::builder()
        .preopen(Preopen::new(scratch.path("a"), "/a"))
        .preopen(Preopen::new(scratch.path("b"), "/b"));
    let mut program = Program::new(builder);
    program.call("fd_renumber", &[4, 3]).unwrap();
    program.call("fd_prestat_dir_name", &[3, 100, 2]).unwrap();
    assert_eq!(&program.memory[100..102], b"/b");
    assert_eq!(program.call("fd_prestat_get", &[4, 100]), Err(Errno::Badf));
    let file = program.open(3, "file", READ).unwrap();
    assert_eq!(file, 4);
    program.call("fd_renumber", &[file.into(), 3]).unwrap();
    assert_eq!(program.call("fd_prestat_get", &[3, 100]), Err(Errno::Badf));
    assert_eq!(program.read(3, 1).unwrap(), b"b");
    assert_eq!(program.open(3, "file", READ), Err(Errno::Notdir));
    program.close(3);
    assert_eq!(host_handles(&scratch), 0);
}

#[test]
fn streams_can_be_replaced() {
    let scratch = Scratch::new();
    scratch.file("file", "input");
    let mut program = Program::at(&scratch);
    let fd = program.open(ROOT, "file", READ).unwrap();
    program.call("fd_renumber", &[fd.into(), 0]).unwrap();
    assert_eq!(program.read(0, 9).unwrap(), b"input");
    program.call("fd_renumber", &[1, 2]).unwrap();
    assert_eq!(program.write(1, b"x"), Err(Errno::Badf));
    assert_eq!(program.open(ROOT, "file", READ), Ok(1));
}
