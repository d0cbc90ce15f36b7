//! Standard streams: nothing, memory, pipes, files.

use std::{
    fs::File,
    io::{Read, Write},
    os::fd::OwnedFd,
};

use super::{Program, RESULT, Scratch};
use crate::{Errno, OutputBuffer, Rights, Stdin, Stdout, WasiBuilder, WasiContext};

fn builder() -> WasiBuilder {
    WasiContext::builder()
}

#[test]
fn nothing_is_read_and_everything_is_swallowed() {
    let mut program = Program::new(builder());
    assert_eq!(program.read(0, 10), Ok(vec![]));
    assert_eq!(program.write(1, b"lost"), Ok(4));
    assert_eq!(program.write(2, b""), Ok(0));
    assert_eq!(program.write(0, b"x"), Err(Errno::Notcapable));
    assert_eq!(program.read(1, 1), Err(Errno::Notcapable));
    assert_eq!(program.read(3, 1), Err(Errno::Badf));
    assert_eq!(program.write(u32::MAX, b"x"), Err(Errno::Badf));
}

#[test]
fn buffers_carry_input_and_output() {
    let (out, err) = (OutputBuffer::new(6), OutputBuffer::new(100));
    let streams = builder()
        .stdin(Stdin::Buffer(b"hello".to_vec()))
        .stdout(Stdout::Buffer(out.clone()))
        .stderr(Stdout::Buffer(err.clone()));
    let mut program = Program::new(streams);
    assert_eq!(program.read(0, 3).unwrap(), b"hel");
    assert_eq!(program.read(0, 9).unwrap(), b"lo");
    assert_eq!(program.read(0, 9).unwrap(), b"");
    let (one, two) = (program.put(b"abc"), program.put(b"defg"));
    let [list, count] = program.put_buffers(&[one, [0, 0], two]);
    program.call("fd_write", &[1, list, count, RESULT.into()]).unwrap();
    assert_eq!(program.result(), 6);
    assert_eq!(program.write(1, b"x"), Err(Errno::Nospc));
    assert_eq!(program.write(2, b"error"), Ok(5));
    assert_eq!((out.take(), err.take()), (b"abcdef".to_vec(), b"error".to_vec()));
    assert_eq!(program.write(1, b"x"), Ok(1));
}

#[test]
fn streams_have_no_position() {
    let (reader, writer) = std::io::pipe().unwrap();
    let streams = builder()
        .stdin(Stdin::File(reader.into()))
        .stdout(Stdout::File(writer.into()))
        .stderr(Stdout::Buffer(OutputBuffer::new(10)));
    let mut program = Program::new(streams);
    let [list, count] = program.put_buffers(&[[0, 1]]);
    for fd in 0..3 {
        for whence in 0..3 {
            assert_eq!(program.seek(fd, 0, whence), Err(Errno::Spipe));
        }
        let fd = u64::from(fd);
        assert_eq!(program.call("fd_tell", &[fd, 16]), Err(Errno::Spipe));
        assert_eq!(program.call("fd_pread", &[fd, list, count, 0, 16]), Err(Errno::Spipe));
        assert_eq!(program.call("fd_pwrite", &[fd, list, count, 0, 16]), Err(Errno::Spipe));
        assert_eq!(program.call("fd_advise", &[fd, 0, 0, 0]), Err(Errno::Spipe));
        assert_eq!(program.call("fd_allocate", &[fd, 0, 1]), Err(Errno::Spipe));
        assert_eq!(program.call("fd_sync", &[fd]), Err(Errno::Inval));
        assert_eq!(program.call("fd_datasync", &[fd]), Err(Errno::Inval));
        assert_eq!(program.fdstat(fd as u32).unwrap().filetype, 0);
        assert!(program.filestat(fd as u32).is_ok());
        assert_eq!(program.call("fd_prestat_get", &[fd, 16]), Err(Errno::Badf));
        assert_eq!(program.call("fd_readdir", &[fd, 16, 100, 0, 8]), Err(Errno::Notdir));
    }
}

#[test]
fn a_pipe_gives_what_it_has_and_fills_buffers_in_turn() {
    let (reader, mut writer) = std::io::pipe().unwrap();
    let mut program = Program::new(builder().stdin(Stdin::File(reader.into())));
    writer.write_all(b"abcdef").unwrap();
    let (one, two, three) = (program.put(&[0; 4]), program.put(&[0; 1]), program.put(&[0; 9]));
    let [list, count] = program.put_buffers(&[one, [0, 0], two, three]);
    program.call("fd_read", &[0, list, count, RESULT.into()]).unwrap();
    assert_eq!(program.result(), 6);
    assert_eq!(&program.memory[one[0] as usize..][..4], b"abcd");
    assert_eq!(program.memory[two[0] as usize], b'e');
    assert_eq!(&program.memory[three[0] as usize..][..2], b"f\0");
    drop(writer);
    assert_eq!(program.read(0, 5), Ok(vec![]));
}

#[test]
fn not_waiting_is_the_programs_choice_alone() {
    let (reader, mut writer) = std::io::pipe().unwrap();
    let shared: OwnedFd = reader.try_clone().unwrap().into();
    let mut program = Program::new(builder().stdin(Stdin::File(reader.into())));
    program.call("fd_fdstat_set_flags", &[0, 4]).unwrap();
    assert_eq!(program.fdstat(0).unwrap().flags, 4);
    assert_eq!(program.read(0, 1), Err(Errno::Again));
    // The host's own handle to the pipe still waits.
    let flags = rustix::fs::fcntl_getfl(&shared).unwrap();
    assert!(!flags.contains(rustix::fs::OFlags::NONBLOCK));
    writer.write_all(b"x").unwrap();
    assert_eq!(program.read(0, 1).unwrap(), b"x");
    assert_eq!(program.call("fd_fdstat_set_flags", &[0, 1]), Err(Errno::Notsup));
    assert_eq!(program.call("fd_fdstat_set_flags", &[0, 16]), Err(Errno::Inval));
    // And a program that wants to wait does, even if the host's handle would not.
    rustix::fs::fcntl_setfl(&shared, rustix::fs::OFlags::NONBLOCK).unwrap();
    program.call("fd_fdstat_set_flags", &[0, 0]).unwrap();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            std::thread::sleep(std::time::Duration::from_millis(20));
            writer.write_all(b"late").unwrap();
        });
        assert_eq!(program.read(0, 9).unwrap(), b"late");
    });
}

#[test]
fn a_closed_pipe_is_an_error() {
    let (reader, writer) = std::io::pipe().unwrap();
    let mut program = Program::new(builder().stdout(Stdout::File(writer.into())));
    drop(reader);
    assert_eq!(program.write(1, b"x"), Err(Errno::Pipe));
}

#[test]
fn a_file_as_a_stream_has_a_position() {
    let scratch = Scratch::new();
    scratch.file("in", "0123456789");
    let (input, output) =
        (File::open(scratch.path("in")).unwrap(), File::create(scratch.path("out")).unwrap());
    let streams = builder().stdin(Stdin::File(input.into())).stdout(Stdout::File(output.into()));
    let mut program = Program::new(streams);
    assert_eq!(program.seek(0, 4, 0), Ok(4));
    assert_eq!(program.read(0, 2).unwrap(), b"45");
    assert_eq!(program.write(1, b"written"), Ok(7));
    let stat = program.fdstat(0).unwrap();
    assert_eq!(stat.filetype, 4);
    assert!(!stat.base.intersects(Rights::WRITING));
    assert!(!program.fdstat(1).unwrap().base.intersects(Rights::READING));
    let mut contents = String::new();
    File::open(scratch.path("out")).unwrap().read_to_string(&mut contents).unwrap();
    assert_eq!(contents, "written");
}

#[test]
fn what_is_no_terminal_does_not_look_like_one() {
    let null = File::open("/dev/null").unwrap();
    let mut program = Program::new(builder().stdin(Stdin::File(null.into())));
    let stat = program.fdstat(0).unwrap();
    assert_eq!(stat.filetype, 2);
    assert!(stat.base.contains(Rights::FD_SEEK | Rights::FD_TELL));
}

#[test]
fn the_hosts_streams_stay_open() {
    let mut program = Program::new(builder().inherit_stdio());
    for fd in 0..3 {
        program.close(fd);
        assert_eq!(program.call("fd_close", &[fd.into()]), Err(Errno::Badf));
    }
    drop(program);
    assert!(rustix::fs::fstat(rustix::stdio::stdout()).is_ok());
}

#[test]
fn overlapping_and_many_buffers_are_short_reads() {
    let input = Stdin::Buffer((0..=255).cycle().take(5000).collect());
    let mut program = Program::new(builder().stdin(input));
    let [list, count] = program.put_buffers(&[[100, 8], [104, 8]]);
    program.call("fd_read", &[0, list, count, RESULT.into()]).unwrap();
    assert_eq!(program.result(), 8);
    assert_eq!(program.memory[100..108], [0, 1, 2, 3, 4, 5, 6, 7]);
    let buffers: Vec<_> = (0..2000).map(|index| [30_000 + index, 1]).collect();
    let [list, count] = program.put_buffers(&buffers);
    program.call("fd_read", &[0, list, count, RESULT.into()]).unwrap();
    assert_eq!(program.result(), 1024);
}

#[test]
fn sockets_are_not_there() {
    let mut program = Program::new(builder());
    let [list, count] = program.put_buffers(&[[0, 1]]);
    assert_eq!(program.call("sock_accept", &[0, 0, 16]), Err(Errno::Notsock));
    assert_eq!(program.call("sock_accept", &[9, 0, 16]), Err(Errno::Badf));
    assert_eq!(program.call("sock_recv", &[0, list, count, 0, 16, 20]), Err(Errno::Notsock));
    assert_eq!(program.call("sock_recv", &[0, list, count, 4, 16, 20]), Err(Errno::Inval));
    assert_eq!(program.call("sock_send", &[1, list, count, 0, 16]), Err(Errno::Notsock));
    assert_eq!(program.call("sock_send", &[1, list, count, 1, 16]), Err(Errno::Inval));
    assert_eq!(program.call("sock_shutdown", &[1, 1]), Err(Errno::Notsock));
    assert_eq!(program.call("sock_shutdown", &[1, 0]), Err(Errno::Inval));
    assert_eq!(program.call("sock_shutdown", &[7, 3]), Err(Errno::Badf));
    assert_eq!(program.call("sock_shutdown", &[1, 4]), Err(Errno::Inval));
}
