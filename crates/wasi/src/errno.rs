//! Error numbers of WASI, and how the host's map to them.
//!
//! One table makes the enum, the names, and the mapping from the host. Success (number 0) is not
//! an error here: it is the `Ok` of a [`Result`].

use std::fmt;

/// One row for each error: variant, number, name in WASI, the host's constant, meaning.
macro_rules! for_each_errno {
    ($make:ident) => {
        $make! {
            TooBig = 1, "2big", TOOBIG, "Argument list too long.";
            Acces = 2, "acces", ACCESS, "Permission denied.";
            Addrinuse = 3, "addrinuse", ADDRINUSE, "Address in use.";
            Addrnotavail = 4, "addrnotavail", ADDRNOTAVAIL, "Address not available.";
            Afnosupport = 5, "afnosupport", AFNOSUPPORT, "Address family not supported.";
            Again = 6, "again", AGAIN, "Resource unavailable, or operation would block.";
            Already = 7, "already", ALREADY, "Connection already in progress.";
            Badf = 8, "badf", BADF, "Bad file descriptor.";
            Badmsg = 9, "badmsg", BADMSG, "Bad message.";
            Busy = 10, "busy", BUSY, "Device or resource busy.";
            Canceled = 11, "canceled", CANCELED, "Operation canceled.";
            Child = 12, "child", CHILD, "No child processes.";
            Connaborted = 13, "connaborted", CONNABORTED, "Connection aborted.";
            Connrefused = 14, "connrefused", CONNREFUSED, "Connection refused.";
            Connreset = 15, "connreset", CONNRESET, "Connection reset.";
            Deadlk = 16, "deadlk", DEADLK, "Resource deadlock would occur.";
            Destaddrreq = 17, "destaddrreq", DESTADDRREQ, "Destination address required.";
            Dom = 18, "dom", DOM, "Argument out of domain of function.";
            Dquot = 19, "dquot", DQUOT, "Disk quota exceeded.";
            Exist = 20, "exist", EXIST, "File exists.";
            Fault = 21, "fault", FAULT, "Bad address.";
            Fbig = 22, "fbig", FBIG, "File too large.";
            Hostunreach = 23, "hostunreach", HOSTUNREACH, "Host is unreachable.";
            Idrm = 24, "idrm", IDRM, "Identifier removed.";
            Ilseq = 25, "ilseq", ILSEQ, "Illegal byte sequence.";
            Inprogress = 26, "inprogress", INPROGRESS, "Operation in progress.";
            Intr = 27, "intr", INTR, "Interrupted function.";
            Inval = 28, "inval", INVAL, "Invalid argument.";
            Io = 29, "io", IO, "I/O error.";
            Isconn = 30, "isconn", ISCONN, "Socket is connected.";
            Isdir = 31, "isdir", ISDIR, "Is a directory.";
            Loop = 32, "loop", LOOP, "Too many levels of symbolic links.";
            Mfile = 33, "mfile", MFILE, "File descriptor value too large.";
            Mlink = 34, "mlink", MLINK, "Too many links.";
            Msgsize = 35, "msgsize", MSGSIZE, "Message too large.";
            Multihop = 36, "multihop", MULTIHOP, "Multihop attempted.";
            Nametoolong = 37, "nametoolong", NAMETOOLONG, "Filename too long.";
            Netdown = 38, "netdown", NETDOWN, "Network is down.";
            Netreset = 39, "netreset", NETRESET, "Connection aborted by network.";
            Netunreach = 40, "netunreach", NETUNREACH, "Network unreachable.";
            Nfile = 41, "nfile", NFILE, "Too many files open in system.";
            Nobufs = 42, "nobufs", NOBUFS, "No buffer space available.";
            Nodev = 43, "nodev", NODEV, "No such device.";
            Noent = 44, "noent", NOENT, "No such file or directory.";
            Noexec = 45, "noexec", NOEXEC, "Executable file format error.";
            Nolck = 46, "nolck", NOLCK, "No locks available.";
            Nolink = 47, "nolink", NOLINK, "Link has been severed.";
            Nomem = 48, "nomem", NOMEM, "Not enough space.";
            Nomsg = 49, "nomsg", NOMSG, "No message of the desired type.";
            Noprotoopt = 50, "noprotoopt", NOPROTOOPT, "Protocol not available.";
            Nospc = 51, "nospc", NOSPC, "No space left on device.";
            Nosys = 52, "nosys", NOSYS, "Function not supported.";
            Notconn = 53, "notconn", NOTCONN, "The socket is not connected.";
            Notdir = 54, "notdir", NOTDIR, "Not a directory.";
            Notempty = 55, "notempty", NOTEMPTY, "Directory not empty.";
            Notrecoverable = 56, "notrecoverable", NOTRECOVERABLE, "State not recoverable.";
            Notsock = 57, "notsock", NOTSOCK, "Not a socket.";
            Notsup = 58, "notsup", NOTSUP, "Not supported.";
            Notty = 59, "notty", NOTTY, "Inappropriate I/O control operation.";
            Nxio = 60, "nxio", NXIO, "No such device or address.";
            Overflow = 61, "overflow", OVERFLOW, "Value too large for its type.";
            Ownerdead = 62, "ownerdead", OWNERDEAD, "Previous owner died.";
            Perm = 63, "perm", PERM, "Operation not permitted.";
            Pipe = 64, "pipe", PIPE, "Broken pipe.";
            Proto = 65, "proto", PROTO, "Protocol error.";
            Protonosupport = 66, "protonosupport", PROTONOSUPPORT, "Protocol not supported.";
            Prototype = 67, "prototype", PROTOTYPE, "Protocol wrong type for socket.";
            Range = 68, "range", RANGE, "Result too large.";
            Rofs = 69, "rofs", ROFS, "Read-only file system.";
            Spipe = 70, "spipe", SPIPE, "Invalid seek.";
            Srch = 71, "srch", SRCH, "No such process.";
            Stale = 72, "stale", STALE, "Stale file handle.";
            Timedout = 73, "timedout", TIMEDOUT, "Connection timed out.";
            Txtbsy = 74, "txtbsy", TXTBSY, "Text file busy.";
            Xdev = 75, "xdev", XDEV, "Cross-device link.";
        }
    };
}

macro_rules! define_errno {
    ($($variant:ident = $number:literal, $name:literal, $host:ident, $meaning:literal;)*) => {
        /// Why a WASI call failed. The number is what the program receives.
        #[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
        #[repr(u16)]
        pub enum Errno {
            $(#[doc = $meaning] $variant = $number,)*
            /// A right that the descriptor lacks. No host has this one.
            Notcapable = 76,
        }

        impl Errno {
            /// The name that the specification gives it.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)*
                    Self::Notcapable => "notcapable",
                }
            }

            /// What it means, in words: a sentence without its full stop.
            #[must_use]
            pub fn meaning(self) -> &'static str {
                let sentence = match self {
                    $(Self::$variant => $meaning,)*
                    Self::Notcapable => "A right is missing.",
                };
                sentence.trim_end_matches('.')
            }
        }

        impl From<rustix::io::Errno> for Errno {
            fn from(errno: rustix::io::Errno) -> Self {
                match errno {
                    $(rustix::io::Errno::$host => Self::$variant,)*
                    _ => Self::Io,
                }
            }
        }
    };
}

for_each_errno!(define_errno);

impl Errno {
    /// The number that the program receives.
    #[must_use]
    pub fn number(self) -> u16 {
        self as u16
    }
}

impl fmt::Display for Errno {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl std::error::Error for Errno {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn host_errors_keep_their_meaning() {
        assert_eq!(Errno::from(rustix::io::Errno::NOENT), Errno::Noent);
        assert_eq!(Errno::from(rustix::io::Errno::XDEV).number(), 75);
        assert_eq!(Errno::from(rustix::io::Errno::from_raw_os_error(3000)), Errno::Io);
        assert_eq!(Errno::Notcapable.number(), 76);
        assert_eq!(Errno::Loop.to_string(), "loop");
        assert_eq!(Errno::Noent.meaning(), "No such file or directory");
    }
}
