//! Sockets. Programs cannot open any and none is handed in, so these calls check their arguments
//! and say that the descriptor is no socket. A standard stream that is one is read and written
//! with `fd_read` and `fd_write`.

use crate::{
    Errno, WasiContext,
    flags::{Riflags, Sdflags},
    memory::{GuestMemory, List},
    types::{Fd, Filetype},
};

impl WasiContext {
    pub(crate) fn sock_accept(&self, fd: Fd) -> Result<Fd, Errno> {
        Err(self.no_socket(fd))
    }

    pub(crate) fn sock_recv(
        &self,
        memory: &GuestMemory<'_>,
        fd: Fd,
        buffers: List,
        flags: u32,
    ) -> Result<(u32, u16), Errno> {
        memory.buffers(buffers)?;
        Riflags::try_from(flags)?;
        Err(self.no_socket(fd))
    }

    /// There are no flags for sending.
    pub(crate) fn sock_send(
        &self,
        memory: &GuestMemory<'_>,
        fd: Fd,
        buffers: List,
        flags: u32,
    ) -> Result<u32, Errno> {
        memory.buffers(buffers)?;
        if flags != 0 {
            return Err(Errno::Inval);
        }
        Err(self.no_socket(fd))
    }

    pub(crate) fn sock_shutdown(&self, fd: Fd, how: Sdflags) -> Result<(), Errno> {
        if how == Sdflags::default() {
            return Err(Errno::Inval);
        }
        Err(self.no_socket(fd))
    }

    fn no_socket(&self, fd: Fd) -> Errno {
        match self.table.get(fd).map(|descriptor| descriptor.filetype()) {
            Err(errno) => errno,
            Ok(Filetype::SocketDgram | Filetype::SocketStream) => Errno::Notsup,
            Ok(_) => Errno::Notsock,
        }
    }
}
