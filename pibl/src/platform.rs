//! The only place that knows the operating system, each service with a portable fallback.
//!
//! `listener`, `upstream` and `exchange` ask it for sockets that behave and for bytes moved by the
//! kernel. It never decides anything and keeps no state.

use std::fs::File;
use std::io;
use std::net::SocketAddr;

/// How many connections may wait to be accepted; the kernel lowers it to its own limit.
const BACKLOG: i32 = 4096;

/// Binds the listening socket that all workers share. The address can be bound again at once after a
/// crash (`SO_REUSEADDR`), because a restart must not wait for connections in `TIME_WAIT`.
pub fn listen(address: SocketAddr) -> io::Result<std::net::TcpListener> {
    let domain = if address.is_ipv4() { socket2::Domain::IPV4 } else { socket2::Domain::IPV6 };
    let socket = socket2::Socket::new(domain, socket2::Type::STREAM, Some(socket2::Protocol::TCP))?;
    if cfg!(unix) {
        // On Windows the same option would let two programs share the port.
        socket.set_reuse_address(true)?;
    }
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    socket.set_nonblocking(true)?;
    Ok(socket.into())
}

/// Arranges that small writes on every connection accepted here are sent at once: heads and last chunks must
/// not wait for an acknowledgement. Where connections do not inherit it, [`accept`] sets it on each.
pub fn send_at_once(listener: &std::net::TcpListener) -> io::Result<()> {
    socket2::SockRef::from(listener).set_tcp_nodelay(true)
}

/// Accepts one connection, in non-blocking mode and with [`send_at_once`] in force. `WouldBlock` means that
/// nobody waits.
#[cfg(target_os = "linux")]
pub fn accept(listener: &std::net::TcpListener) -> io::Result<(std::net::TcpStream, SocketAddr)> {
    use rustix::net::SocketFlags;
    let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
    let (socket, peer) = rustix::net::acceptfrom_with(listener, flags)?;
    let peer = peer.and_then(|peer| SocketAddr::try_from(peer).ok());
    Ok((socket.into(), peer.ok_or(io::ErrorKind::ConnectionAborted)?))
}

/// The portable form.
#[cfg(not(target_os = "linux"))]
pub fn accept(listener: &std::net::TcpListener) -> io::Result<(std::net::TcpStream, SocketAddr)> {
    let (stream, peer) = listener.accept()?;
    stream.set_nonblocking(true)?;
    let _ = stream.set_nodelay(true);
    Ok((stream, peer))
}

/// Hands bytes to the kernel that shall leave together with the end of the stream, which must be said at once:
/// one packet instead of two. Returns how many were taken; none where the system has no such call.
#[cfg(target_os = "linux")]
pub fn send_before_end(socket: impl std::os::fd::AsFd, bytes: &[u8]) -> io::Result<usize> {
    use rustix::net::SendFlags;
    Ok(rustix::net::send(socket, bytes, SendFlags::MORE | SendFlags::NOSIGNAL)?)
}

/// The portable form.
#[cfg(not(target_os = "linux"))]
pub fn send_before_end<S>(_socket: S, _bytes: &[u8]) -> io::Result<usize> {
    Ok(0)
}

/// Has the kernel take no more of a stream than this many bytes beyond what the other side has room for. What it took is out of
/// reach: nobody knows whether it was read, and it is the memory of whoever sends.
#[cfg(all(feature = "tls", target_os = "linux"))]
pub fn limit_unsent(socket: &socket2::Socket, bytes: u32) -> io::Result<()> {
    socket.set_tcp_notsent_lowat(bytes)
}

/// The portable form, which leaves it to the kernel.
#[cfg(all(feature = "tls", not(target_os = "linux")))]
pub fn limit_unsent(_socket: &socket2::Socket, _bytes: u32) -> io::Result<()> {
    Ok(())
}

/// A file that lies in memory, for readers who know only files.
pub fn memory_file() -> io::Result<File> {
    #[cfg(target_os = "linux")]
    {
        let flags = rustix::fs::MemfdFlags::CLOEXEC;
        Ok(rustix::fs::memfd_create("pibl", flags)?.into())
    }
    #[cfg(not(target_os = "linux"))]
    Err(io::ErrorKind::Unsupported.into())
}

/// How files are opened that nobody but the owner may read, if they have to be made: answers and logs tell of people.
pub fn private_file() -> std::fs::OpenOptions {
    let mut options = File::options();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

/// Makes a directory that nobody but the owner may enter, and those above it, unless it is there.
pub fn make_private_directory(path: &std::path::Path) -> io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.recursive(true).create(path)
}

/// Lifts the soft limit of open files to the hard one: a proxy needs two for each client. Returns the
/// limit that is in force, where the system says it.
pub fn raise_open_file_limit() -> Option<u64> {
    #[cfg(unix)]
    {
        use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
        let limit = getrlimit(Resource::Nofile);
        let raised = Rlimit { current: limit.maximum, maximum: limit.maximum };
        if setrlimit(Resource::Nofile, raised).is_ok() {
            return limit.maximum;
        }
        limit.current
    }
    #[cfg(not(unix))]
    None
}

/// The files and sockets for which there is room in the kernel's table from the start: 128 KiB of its memory.
const ROOM_FOR_DESCRIPTORS: u64 = 16_384;

/// Lets the kernel make its table of open files as large as it will be. It doubles the table when it is full, and in a
/// process with several threads whoever needs the next descriptor then waits for all CPUs to pass through a quiet state
/// (`synchronize_rcu`): ten milliseconds in which nobody is accepted. Called while there is one thread.
pub fn make_room_for_descriptors() {
    #[cfg(target_os = "linux")]
    {
        let room = open_file_limit().unwrap_or(ROOM_FOR_DESCRIPTORS).min(ROOM_FOR_DESCRIPTORS);
        // A descriptor that high needs the whole table, which never becomes smaller again.
        let highest = i32::try_from(room.saturating_sub(1)).unwrap_or(0);
        drop(rustix::io::fcntl_dupfd_cloexec(io::stderr(), highest));
    }
}

/// How many files and sockets this process may have open, where the system says it.
pub fn open_file_limit() -> Option<u64> {
    #[cfg(unix)]
    {
        rustix::process::getrlimit(rustix::process::Resource::Nofile).current
    }
    #[cfg(not(unix))]
    None
}

/// Whether there was no descriptor left for a new file or socket, in this process or in the system.
pub fn is_out_of_descriptors(error: &io::Error) -> bool {
    #[cfg(unix)]
    {
        use rustix::io::Errno;
        let code = error.raw_os_error();
        code == Some(Errno::MFILE.raw_os_error()) || code == Some(Errno::NFILE.raw_os_error())
    }
    #[cfg(not(unix))]
    {
        let _ = error;
        false
    }
}

/// Moves bytes from a file to a socket without copying them through this process. Returns how many were
/// moved; zero means that the file ended early. `WouldBlock` means that the socket is full.
#[cfg(target_os = "linux")]
pub fn send_file(
    socket: &tokio::net::TcpStream,
    file: &File,
    offset: &mut u64,
    length: usize,
) -> io::Result<usize> {
    Ok(rustix::fs::sendfile(socket, file, Some(offset), length)?)
}

/// The portable form: one piece is read and written again.
#[cfg(not(target_os = "linux"))]
pub fn send_file(
    socket: &tokio::net::TcpStream,
    file: &File,
    offset: &mut u64,
    length: usize,
) -> io::Result<usize> {
    let mut piece = [0; 16 * 1024];
    let wanted = length.min(piece.len());
    let read = read_at(file, &mut piece[..wanted], *offset)?;
    let mut written = 0;
    while written < read {
        match socket.try_write(&piece[written..read]) {
            Ok(count) => written += count,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock && written > 0 => break,
            Err(error) => return Err(error),
        }
    }
    *offset += written as u64;
    Ok(written)
}

/// Reads what is in memory already, without waiting for a disk. `None` means that only the disk knows.
pub fn read_at_once(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<Option<usize>> {
    #[cfg(target_os = "linux")]
    {
        use rustix::io::{Errno, ReadWriteFlags, preadv2};
        let mut space = [io::IoSliceMut::new(buffer)];
        match preadv2(file, &mut space, offset, ReadWriteFlags::NOWAIT) {
            Ok(count) => Ok(Some(count)),
            // Not in memory, or a file system or a kernel that cannot say.
            Err(Errno::AGAIN | Errno::OPNOTSUPP | Errno::NOSYS | Errno::INVAL | Errno::INTR) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
    #[cfg(not(target_os = "linux"))]
    read_at(file, buffer, offset).map(Some)
}

/// Whether the files below lie in memory, or in the layers of a container, which cannot say what is in memory. Reading
/// them is believed to take no time.
pub fn is_local_memory(directory: &std::path::Path) -> bool {
    #[cfg(target_os = "linux")]
    {
        const TMPFS: u64 = 0x0102_1994;
        const RAMFS: u64 = 0x8584_58f6;
        const OVERLAY: u64 = 0x794c_7630;
        let kind = rustix::fs::statfs(directory).map(|found| found.f_type as u64 & u64::from(u32::MAX));
        kind.is_ok_and(|kind| matches!(kind, TMPFS | RAMFS | OVERLAY))
    }
    #[cfg(not(target_os = "linux"))]
    {
        let _ = directory;
        true
    }
}

/// Reads at a place of a file without moving its cursor, so that many may read at once.
pub fn read_at(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    #[cfg(unix)]
    {
        std::os::unix::fs::FileExt::read_at(file, buffer, offset)
    }
    #[cfg(windows)]
    {
        std::os::windows::fs::FileExt::seek_read(file, buffer, offset)
    }
}

/// Sockets that the kernel watches behind one descriptor, which can be read from when one of them can.
#[cfg(target_os = "linux")]
#[derive(Debug)]
pub struct Watched(std::os::fd::OwnedFd);

#[cfg(target_os = "linux")]
impl Watched {
    /// Watches nothing yet.
    pub fn new() -> io::Result<Self> {
        Ok(Self(rustix::event::epoll::create(rustix::event::epoll::CreateFlags::CLOEXEC)?))
    }

    /// Watches a socket until something can be read, once. `is_known`: it was watched before.
    pub fn watch_once(&self, socket: impl std::os::fd::AsFd, number: u64, is_known: bool) -> io::Result<()> {
        use rustix::event::epoll::{EventData, EventFlags, add, modify};
        let flags = EventFlags::IN | EventFlags::RDHUP | EventFlags::ONESHOT;
        let data = EventData::new_u64(number);
        let watched = match is_known {
            true => modify(&self.0, socket, data, flags),
            false => add(&self.0, socket, data, flags),
        };
        watched.map_err(Into::into)
    }

    /// The numbers of sockets that can be read from, without waiting for any; at most so many as there is room for.
    pub fn take_ready(&self, numbers: &mut Vec<u64>) -> io::Result<()> {
        const AT_ONCE: usize = 64;
        let at_once = rustix::event::Timespec { tv_sec: 0, tv_nsec: 0 };
        let mut events = Vec::with_capacity(numbers.capacity().min(AT_ONCE));
        rustix::event::epoll::wait(&self.0, rustix::buffer::spare_capacity(&mut events), Some(&at_once))?;
        numbers.extend(events.iter().map(|event| event.data.u64()));
        Ok(())
    }
}

#[cfg(target_os = "linux")]
impl std::os::fd::AsRawFd for Watched {
    fn as_raw_fd(&self) -> std::os::fd::RawFd {
        self.0.as_raw_fd()
    }
}
