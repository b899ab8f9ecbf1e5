//! What the kernel alone costs: a server without HTTP, which makes only the calls that the work cannot do without.
//!
//! `benches/floor_table.py` runs it beside pibl and other proxies. It believes that what arrives in one piece is one request,
//! sends what was prepared for it, and parses, logs, times out and balances nothing. Where a call fails it drops the
//! connection.
//!
//! ```text
//! floor hit     ADDRESS FILE           recv, pread, send; for large files recv, sendfile
//! floor close   ADDRESS FILE           the same, and accept4 and close for each
//! floor pass    ADDRESS BACKEND...     recv and send, twice each
//! floor splice  ADDRESS BACKEND...     the same with splice for what comes back
//! floor store   ADDRESS DIR BACKEND... as pass; openat, write, rename and close for each piece that comes back
//! ```

#[cfg(target_os = "linux")]
fn main() -> std::io::Result<()> {
    linux::main()
}

#[cfg(not(target_os = "linux"))]
fn main() {
    eprintln!("skipped: the calls that are measured are those of Linux");
}

#[cfg(target_os = "linux")]
mod linux {
    use std::fs::File;
    use std::io;
    use std::net::{TcpListener, TcpStream};
    use std::os::fd::{AsFd, OwnedFd};
    use std::os::unix::fs::FileExt;

    use rustix::buffer::spare_capacity;
    use rustix::event::epoll::{self, EventData, EventFlags};
    use rustix::net::{RecvFlags, SendFlags, SocketFlags};
    use rustix::pipe::{SpliceFlags, fcntl_setpipe_size, pipe, splice};

    /// As pibl has it.
    const BUFFER_BYTES: usize = 16 * 1024;
    const PIPE_BYTES: usize = 1 << 20;
    /// What is sent by `sendfile`.
    const LARGE_BYTES: u64 = 16 * 1024;
    const LISTENER: u64 = u64::MAX;

    enum Work {
        Hit { file: File, length: u64, is_last: bool },
        Pass { backends: Vec<String>, store: Option<String>, is_spliced: bool },
    }

    /// A client, and where its requests go.
    struct Pair {
        client: OwnedFd,
        backend: Option<TcpStream>,
        pipe: Option<(OwnedFd, OwnedFd)>,
        /// What is in the pipe.
        piped: usize,
    }

    struct Server {
        work: Work,
        epoll: OwnedFd,
        pairs: Vec<Option<Pair>>,
        free: Vec<usize>,
        buffer: Vec<u8>,
        files: u64,
    }

    pub fn main() -> io::Result<()> {
        let arguments: Vec<String> = std::env::args().skip(1).collect();
        let work = |rest: &[String]| -> io::Result<Work> {
            let file = || File::open(&rest[0]);
            Ok(match arguments[0].as_str() {
                kind @ ("hit" | "close") => {
                    Work::Hit { length: file()?.metadata()?.len(), file: file()?, is_last: kind == "close" }
                }
                "store" => {
                    Work::Pass { backends: rest[1..].to_vec(), store: Some(rest[0].clone()), is_spliced: false }
                }
                kind => Work::Pass { backends: rest.to_vec(), store: None, is_spliced: kind == "splice" },
            })
        };
        let [_, address, rest @ ..] = arguments.as_slice() else {
            return Err(io::Error::other("see the head of this file for the arguments"));
        };
        let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None)?;
        let address: std::net::SocketAddr = address.parse().map_err(io::Error::other)?;
        socket.set_reuse_address(true)?;
        socket.set_tcp_nodelay(true)?;
        socket.bind(&address.into())?;
        socket.listen(4096)?;
        socket.set_nonblocking(true)?;
        let server = Server {
            work: work(rest)?,
            epoll: epoll::create(epoll::CreateFlags::CLOEXEC)?,
            pairs: Vec::new(),
            free: Vec::new(),
            buffer: vec![0; BUFFER_BYTES],
            files: 0,
        };
        server.run(&socket.into())
    }

    impl Server {
        fn run(mut self, listener: &TcpListener) -> io::Result<()> {
            self.watch(listener, LISTENER, EventFlags::IN)?;
            let mut events = Vec::with_capacity(1024);
            loop {
                epoll::wait(&self.epoll, spare_capacity(&mut events), None)?;
                for event in events.drain(..) {
                    match event.data.u64() {
                        LISTENER => self.accept(listener),
                        token => self.turn(token),
                    }
                }
            }
        }

        fn watch(&self, source: impl AsFd, token: u64, flags: EventFlags) -> io::Result<()> {
            Ok(epoll::add(&self.epoll, source, EventData::new_u64(token), flags)?)
        }

        fn accept(&mut self, listener: &TcpListener) {
            let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
            while let Ok(client) = rustix::net::accept_with(listener, flags) {
                if self.answers_at_once(&client) {
                    continue;
                }
                let index = self.free.pop().unwrap_or_else(|| {
                    self.pairs.push(None);
                    self.pairs.len() - 1
                });
                match self.pair(client, index) {
                    Ok(pair) => self.pairs[index] = Some(pair),
                    Err(_) => self.free.push(index),
                }
            }
        }

        /// A client whose request is there already, and who leaves with its answer, is never watched.
        fn answers_at_once(&mut self, client: &OwnedFd) -> bool {
            match self.work {
                Work::Hit { is_last: true, .. } => match self.receive(client) {
                    Received::Bytes(_) => {
                        let _ = self.hit(client);
                        true
                    }
                    Received::Nothing => false,
                    Received::End => true,
                },
                _ => false,
            }
        }

        fn pair(&mut self, client: OwnedFd, index: usize) -> io::Result<Pair> {
            let token = 2 * index as u64;
            let edge = EventFlags::IN | EventFlags::RDHUP | EventFlags::ET;
            let mut pair = Pair { client, backend: None, pipe: None, piped: 0 };
            let mut clients = edge;
            if let Work::Pass { backends, is_spliced, .. } = &self.work {
                let backend = TcpStream::connect(&backends[index % backends.len()])?;
                backend.set_nonblocking(true)?;
                backend.set_nodelay(true)?;
                self.watch(&backend, token + 1, edge)?;
                pair.backend = Some(backend);
                if *is_spliced {
                    let ends = pipe()?;
                    let _ = fcntl_setpipe_size(&ends.0, PIPE_BYTES);
                    pair.pipe = Some(ends);
                    clients |= EventFlags::OUT;
                }
            }
            self.watch(&pair.client, token, clients)?;
            Ok(pair)
        }

        fn turn(&mut self, token: u64) {
            let index = (token / 2) as usize;
            let Some(mut pair) = self.pairs[index].take() else { return };
            let goes_on = match (token % 2, &self.work) {
                (0, Work::Hit { .. }) => match self.receive(&pair.client) {
                    Received::Bytes(_) => self.hit(&pair.client),
                    Received::Nothing => true,
                    Received::End => false,
                },
                (0, _) => {
                    let is_in_time = pair.piped == 0 || back(&mut pair);
                    match self.receive(&pair.client) {
                        Received::Bytes(count) => {
                            pair.backend.as_ref().is_some_and(|backend| self.send(backend, count))
                        }
                        Received::Nothing => is_in_time,
                        Received::End => false,
                    }
                }
                (_, Work::Pass { is_spliced: true, .. }) => back(&mut pair),
                _ => match pair.backend.as_ref().map(|backend| self.receive(backend)) {
                    Some(Received::Bytes(count)) => self.store(count) && self.send(&pair.client, count),
                    Some(Received::Nothing) => true,
                    Some(Received::End) | None => false,
                },
            };
            match goes_on {
                true => self.pairs[index] = Some(pair),
                false => self.free.push(index),
            }
        }

        fn receive(&mut self, from: impl AsFd) -> Received {
            match rustix::net::recv(from, &mut self.buffer[..], RecvFlags::empty()) {
                Ok((0, _)) => Received::End,
                Ok((count, _)) => Received::Bytes(count),
                Err(rustix::io::Errno::AGAIN) => Received::Nothing,
                Err(_) => Received::End,
            }
        }

        fn send(&self, to: impl AsFd, count: usize) -> bool {
            rustix::net::send(to, &self.buffer[..count], SendFlags::NOSIGNAL) == Ok(count)
        }

        /// Whether the connection goes on.
        fn hit(&mut self, client: &OwnedFd) -> bool {
            let Work::Hit { file, length, is_last } = &self.work else { return false };
            let is_sent = if *length > LARGE_BYTES {
                let mut offset = 0;
                // What does not fit is more than a socket of the loopback device takes, which the figures would show.
                let sent = rustix::fs::sendfile(client, file, Some(&mut offset), *length as usize);
                sent.is_ok_and(|sent| sent as u64 == *length)
            } else {
                let read = file.read_at(&mut self.buffer, 0);
                read.is_ok_and(|count| {
                    rustix::net::send(client, &self.buffer[..count], SendFlags::NOSIGNAL) == Ok(count)
                })
            };
            is_sent && !is_last
        }

        fn store(&mut self, count: usize) -> bool {
            let Work::Pass { store: Some(folder), .. } = &self.work else { return true };
            self.files += 1;
            let number = self.files;
            let path = format!("{folder}/{:02x}/{number:032x}", number % 256);
            let temporary = format!("{path}.tmp");
            let open = || File::options().read(true).write(true).create_new(true).open(&temporary);
            let file = open().or_else(|_| {
                std::fs::create_dir_all(format!("{folder}/{:02x}", number % 256))?;
                open()
            });
            let written = file.and_then(|file| file.write_all_at(&self.buffer[..count], 0));
            written.and_then(|()| std::fs::rename(&temporary, &path)).is_ok()
        }
    }

    enum Received {
        Bytes(usize),
        Nothing,
        End,
    }

    /// Moves to the client what its backend has sent; whether both go on.
    fn back(pair: &mut Pair) -> bool {
        let (Some(backend), Some((outlet, inlet))) = (&pair.backend, &pair.pipe) else { return false };
        let flags = SpliceFlags::NONBLOCK | SpliceFlags::MOVE;
        loop {
            match splice(backend, None, inlet, None, PIPE_BYTES, flags) {
                Ok(0) => return false,
                Ok(count) => pair.piped += count,
                Err(rustix::io::Errno::AGAIN) => {}
                Err(_) => return false,
            }
            if pair.piped == 0 {
                return true;
            }
            match splice(outlet, None, &pair.client, None, pair.piped, flags) {
                Ok(count) => pair.piped -= count,
                // The client says when there is room.
                Err(rustix::io::Errno::AGAIN) => return true,
                Err(_) => return false,
            }
        }
    }
}
