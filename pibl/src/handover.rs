//! A restart without a gap: the listening sockets pass from the running process to the next one.
//!
//! `cli` takes them over at start, when a process offers them at the path of `--handover`, and offers its
//! own afterwards. The kernel's queue of waiting connections goes along, so that no client is refused;
//! the old process drains as soon as the new one says that it is ready.

use std::io;
use std::net::TcpListener;
use std::path::Path;

#[cfg(unix)]
pub use unix::{Offer, take};

/// What is handed over.
#[derive(Debug)]
pub struct Sockets {
    /// Where clients connect.
    pub clients: TcpListener,
    /// Where clients connect that speak HTTPS.
    pub tls: Option<TcpListener>,
    /// Where operators connect.
    pub admin: Option<TcpListener>,
}

impl Sockets {
    /// Other handles of the same sockets.
    pub fn try_clone(&self) -> io::Result<Self> {
        let clone = |socket: &Option<TcpListener>| socket.as_ref().map(TcpListener::try_clone).transpose();
        Ok(Self { clients: self.clients.try_clone()?, tls: clone(&self.tls)?, admin: clone(&self.admin)? })
    }
}

/// Sockets that were taken from a process which waits for the word to end.
#[derive(Debug)]
pub struct Taken {
    /// The sockets.
    pub sockets: Sockets,
    #[cfg(unix)]
    from: std::os::unix::net::UnixStream,
}

impl Taken {
    /// Tells the old process that this one serves, so that it may drain.
    pub fn say_ready(self) -> (Sockets, io::Result<()>) {
        #[cfg(unix)]
        let said = io::Write::write_all(&mut &self.from, b"R");
        #[cfg(not(unix))]
        let said = Ok(());
        (self.sockets, said)
    }
}

#[cfg(unix)]
mod unix {
    use std::io::{IoSlice, IoSliceMut, Read};
    use std::mem::MaybeUninit;
    use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
    use std::os::unix::fs::PermissionsExt;
    use std::os::unix::net::{UnixListener, UnixStream};
    use std::path::PathBuf;
    use std::sync::{Arc, Mutex, PoisonError};
    use std::time::Duration;

    use rustix::net::{
        RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage,
        SendFlags, recvmsg, sendmsg,
    };

    use super::{Path, Sockets, Taken, TcpListener, io};

    /// How long either side waits for the other; a process that starts needs less.
    const PATIENCE: Duration = Duration::from_secs(30);

    /// The sockets of this process, offered at a path until this is dropped.
    #[derive(Debug)]
    pub struct Offer {
        path: PathBuf,
        taken: tokio::sync::oneshot::Receiver<()>,
        offered: Offered,
    }

    /// The sockets that are offered. Emptied when the offer ends: the thread that waits for visitors lives
    /// on, and a listening socket in its hands would let clients connect to a process that no longer accepts.
    type Offered = Arc<Mutex<Option<Sockets>>>;

    /// Says beside their number that one of the sockets is for HTTPS. A process that knows of none finds another number than it was sent and
    /// refuses, where it would take that socket for the one of the admin interface.
    const FOR_TLS: u8 = 0x80;

    /// Takes the sockets that a running process offers at the path. `None`: nobody is there, and a path
    /// that a killed process left behind has been removed.
    pub fn take(path: &Path) -> io::Result<Option<Taken>> {
        let from = match UnixStream::connect(path) {
            Ok(stream) => stream,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
                std::fs::remove_file(path)?;
                return Ok(None);
            }
            Err(error) => return Err(error),
        };
        from.set_read_timeout(Some(PATIENCE))?;
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(3))];
        let mut control = RecvAncillaryBuffer::new(&mut space);
        let mut word = [0];
        let received =
            recvmsg(&from, &mut [IoSliceMut::new(&mut word)], &mut control, RecvFlags::CMSG_CLOEXEC)?;
        let (count, has_tls) = (word[0] & !FOR_TLS, word[0] & FOR_TLS != 0);
        let mut descriptors: Vec<OwnedFd> = Vec::new();
        for message in control.drain() {
            if let RecvAncillaryMessage::ScmRights(rights) = message {
                descriptors.extend(rights);
            }
        }
        if received.bytes == 0 || descriptors.len() != usize::from(count) || descriptors.is_empty() {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "the running process sent no sockets"));
        }
        let mut listeners = descriptors.into_iter().map(TcpListener::from);
        let clients = listeners.next().ok_or(io::ErrorKind::InvalidData)?;
        let tls = if has_tls { listeners.next() } else { None };
        let admin = listeners.next();
        Ok(Some(Taken { sockets: Sockets { clients, tls, admin }, from }))
    }

    impl Offer {
        /// Offers the sockets at a path that only this user can reach.
        pub fn new(path: &Path, sockets: &Sockets) -> io::Result<Self> {
            // The process that offered here before has been told to end, or is gone.
            match std::fs::remove_file(path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                Ok(()) | Err(_) => {}
            }
            let door = UnixListener::bind(path)?;
            std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))?;
            let offered = Arc::new(Mutex::new(Some(sockets.try_clone()?)));
            let theirs = Arc::clone(&offered);
            let (say_taken, taken) = tokio::sync::oneshot::channel();
            std::thread::Builder::new().name("handover".into()).spawn(move || {
                for visitor in door.incoming().flatten() {
                    let offered = theirs.lock().unwrap_or_else(PoisonError::into_inner);
                    // The offer has ended: this process drains because it was asked to.
                    let Some(sockets) = &*offered else { return };
                    match hand_over(&visitor, sockets) {
                        Ok(()) => break,
                        Err(error) => tracing::warn!("the handover did not happen: {error}"),
                    }
                }
                let _ = say_taken.send(());
            })?;
            Ok(Self { path: path.to_owned(), taken, offered })
        }

        /// Ends when another process has the sockets and serves.
        pub async fn until_taken(&mut self) {
            if (&mut self.taken).await.is_err() {
                std::future::pending::<()>().await;
            }
        }

        /// Forgets the path, because it belongs to the next process now.
        pub fn leave_path(mut self) {
            self.path = PathBuf::new();
        }
    }

    impl Drop for Offer {
        fn drop(&mut self) {
            if !self.path.as_os_str().is_empty() {
                let _ = std::fs::remove_file(&self.path);
            }
            // Held by the thread only while it hands the sockets over; then they are on their way anyway.
            if let Ok(mut offered) = self.offered.try_lock() {
                *offered = None;
            }
        }
    }

    /// Sends the sockets and waits until the other side is ready.
    fn hand_over(mut visitor: &UnixStream, sockets: &Sockets) -> io::Result<()> {
        visitor.set_read_timeout(Some(PATIENCE))?;
        let descriptors: Vec<BorrowedFd<'_>> = std::iter::once(&sockets.clients)
            .chain(&sockets.tls)
            .chain(&sockets.admin)
            .map(AsFd::as_fd)
            .collect();
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(3))];
        let mut control = SendAncillaryBuffer::new(&mut space);
        control.push(SendAncillaryMessage::ScmRights(&descriptors));
        let word = [descriptors.len() as u8 | if sockets.tls.is_some() { FOR_TLS } else { 0 }];
        sendmsg(visitor, &[IoSlice::new(&word)], &mut control, SendFlags::empty())?;
        let mut word = [0];
        visitor.read_exact(&mut word)?;
        if word == *b"R" { Ok(()) } else { Err(io::ErrorKind::InvalidData.into()) }
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[tokio::test]
        async fn sockets_pass_to_the_next_process_with_those_who_wait() {
            let directory = tempfile::tempdir().unwrap();
            let path = directory.path().join("handover");
            assert!(take(&path).unwrap().is_none());
            let clients = TcpListener::bind("127.0.0.1:0").unwrap();
            let address = clients.local_addr().unwrap();
            let tls = TcpListener::bind("127.0.0.1:0").unwrap();
            let tls_address = tls.local_addr().unwrap();
            let mut offer = Offer::new(&path, &Sockets { clients, tls: Some(tls), admin: None }).unwrap();
            let _waiting = std::net::TcpStream::connect(address).unwrap();
            let taken = take(&path).unwrap().unwrap();
            assert!(taken.sockets.admin.is_none());
            let (sockets, said) = taken.say_ready();
            said.unwrap();
            tokio::time::timeout(PATIENCE, offer.until_taken()).await.unwrap();
            offer.leave_path();
            assert_eq!(sockets.clients.local_addr().unwrap(), address);
            assert_eq!(sockets.tls.unwrap().local_addr().unwrap(), tls_address);
            sockets.clients.accept().unwrap();
        }

        #[test]
        fn a_path_left_by_a_killed_process_is_removed() {
            let directory = tempfile::tempdir().unwrap();
            let path = directory.path().join("handover");
            drop(UnixListener::bind(&path).unwrap());
            assert!(path.exists());
            assert!(take(&path).unwrap().is_none());
            assert!(!path.exists());
        }
    }
}

/// Nothing can be handed over on this system.
#[cfg(not(unix))]
pub fn take(_path: &Path) -> io::Result<Option<Taken>> {
    Err(io::ErrorKind::Unsupported.into())
}
