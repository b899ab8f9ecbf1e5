//! What a watched program did: its calls of the system, with the line of the source that made them.
//!
//! The watchers of `harness-run` make these events in a repetition of what failed; hypotheses about causes read them. No verdict
//! rests on them.

use fake_backends::clock::Moment;
use serde::{Deserialize, Serialize};

use super::SourcePlace;

/// One call, when it returned.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Watched {
    /// When.
    pub at: Moment,
    /// The process.
    pub process: u32,
    /// The thread, as the system numbers it.
    pub thread: u64,
    /// What was called.
    pub call: Call,
    /// On what: the path of a file, the peer or the number of a socket, the name of a signal or an exception.
    pub subject: String,
    /// Bytes moved, the queue of `listen`, the status of `exit`: what the call was about in figures.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub figure: Option<i64>,
    /// The error, such as `EPIPE`, or what an exception says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// The first line of the program itself on the way to the call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<SourcePlace>,
    /// The lines of the program that led to that one, the nearest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub callers: Vec<SourcePlace>,
}

/// What a program may be seen to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Call {
    /// A name for a listening socket.
    Bind,
    /// A queue of connections; `figure` is its length.
    Listen,
    /// An option of a socket; `subject` names it.
    SetOption,
    /// A client's connection was taken.
    Accept,
    /// A connection to a backend.
    Connect,
    /// Bytes came through a socket.
    Receive,
    /// Bytes went through a socket.
    Send,
    /// A descriptor was closed.
    Close,
    /// One direction of a socket was closed.
    Shutdown,
    /// A file was opened to be read.
    OpenToRead,
    /// A file was opened to be written from its beginning.
    OpenToWrite,
    /// A file was opened to be added to.
    OpenToAppend,
    /// Bytes of a file.
    Read,
    /// Bytes into a file.
    Write,
    /// A file got another name.
    Rename,
    /// A name of a file was removed.
    Remove,
    /// A thread began.
    Thread,
    /// A process began.
    Fork,
    /// Another program took its place.
    Execute,
    /// It ended; `figure` is the status.
    Exit,
    /// A signal came; `subject` names it.
    Signal,
    /// An exception that nobody caught.
    Exception,
}

/// Why nothing is seen of a program that was to be watched.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NotWatched {
    /// There is no `strace` on this machine.
    NoTracer,
    /// The system does not allow one process to trace another.
    NotAllowed,
    /// Neither watcher saw a call: a language that neither knows, or a program that keeps from being watched.
    NothingSeen,
}
