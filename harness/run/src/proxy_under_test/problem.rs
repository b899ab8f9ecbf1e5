//! Why a proxy could not be started: facts, never sentences.
//!
//! `ProxyUnderTest` returns them, `language` makes the sentences in both languages, and the exit code is always that of a
//! proxy that did not get ready. Bugs of the harness are not here.

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::program::Unfit;
use harness_model::plan::duration_ns;
use harness_platform::Holder;

/// Why a proxy could not be prepared or started.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "problem")]
pub enum StartProblem {
    /// Its program is not on this machine.
    ProgramMissing {
        /// Name or path, as the adapter has it.
        name: String,
        /// Directories in which it was looked for; empty if the adapter names a path.
        searched: Vec<PathBuf>,
        /// What the adapter advises, such as how to install it.
        advice: Option<String>,
    },
    /// A build command failed.
    BuildFailed {
        /// The command and its arguments.
        command: Vec<String>,
        /// Exit status, where it ended by itself in time.
        code: Option<i32>,
        /// The last lines that it printed.
        last_lines: Vec<String>,
        /// Whether it had no network, because the judge allows a build none.
        #[serde(default)]
        apart: bool,
    },
    /// A file or directory could not be read or written.
    File {
        /// Which.
        path: PathBuf,
        /// What the system said.
        error: String,
    },
    /// A path of the adapter leads out of the working directory.
    PathLeadsOutside {
        /// The path.
        path: String,
    },
    /// It has addresses in its source that only a network namespace could give it.
    NoNamespace {
        /// Which.
        addresses: Vec<std::net::IpAddr>,
        /// What the system said.
        error: String,
    },
    /// A command of its own did not tell its pid.
    NoPid {
        /// The command.
        command: Vec<String>,
        /// What it printed, or what the system said.
        said: String,
    },
    /// The guard could not be started.
    Guard {
        /// What the system said.
        error: String,
    },
    /// The program is there, but could not be executed.
    NotExecutable {
        /// The program.
        program: String,
        /// What the system said.
        error: String,
        /// What is wrong with the file, where its first bytes tell.
        #[serde(default)]
        unfit: Option<Unfit>,
    },
    /// Somebody else listens on its port.
    PortInUse {
        /// The port.
        port: u16,
        /// Who, where it may be known.
        holder: Option<Holder>,
    },
    /// No port is free below the ephemeral range, or another run of the harness keeps the only one that will do.
    NoPort {
        /// The port that it insists on, if it does.
        fixed: Option<u16>,
    },
    /// It ended before it listened.
    DiedAtStart {
        /// Exit status, where it ended by itself.
        code: Option<i32>,
        /// Signal, where one ended it.
        signal: Option<i32>,
        /// How long it had lived.
        #[serde(with = "duration_ns")]
        after: Duration,
        /// Starts in vain before, because its port was still taken by connections of an earlier life.
        attempts_before: u32,
        /// The last lines that it printed.
        last_lines: Vec<String>,
    },
    /// It listened, and ended of the first thing that it was asked: a plain GET.
    DiedOfRequest {
        /// Exit status, where it ended by itself.
        code: Option<i32>,
        /// Signal, where one ended it.
        signal: Option<i32>,
        /// The last lines that it printed.
        last_lines: Vec<String>,
    },
    /// It lives, but nothing listens on its port.
    NeverListened {
        /// Where it should listen.
        expected: SocketAddr,
        /// Where it does.
        listens_on: Vec<SocketAddr>,
        /// How long it was waited for.
        #[serde(with = "duration_ns")]
        waited: Duration,
        /// Starts in vain before, because its port was still taken by connections of an earlier life.
        attempts_before: u32,
        /// The last lines that it printed.
        last_lines: Vec<String>,
    },
    /// It listens, but one GET got no answer.
    DoesNotAnswer {
        /// Where it listens.
        address: SocketAddr,
        /// What came instead.
        instead: NoAnswer,
        /// How long it was waited for.
        #[serde(with = "duration_ns")]
        waited: Duration,
        /// The last lines that it printed.
        last_lines: Vec<String>,
    },
}

/// What came instead of an answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NoAnswer {
    /// No connection; what the system said.
    NotConnected(String),
    /// Nothing, until time was up.
    Silence,
    /// The connection was closed without a byte.
    Closed,
    /// Bytes that are not HTTP; the first of them.
    NotHttp(String),
}

impl StartProblem {
    /// Makes a problem of an I/O error about a path.
    pub(super) fn file(path: &Path) -> impl FnOnce(io::Error) -> StartProblem {
        let path = path.to_path_buf();
        move |error| StartProblem::File { path, error: error.to_string() }
    }
}
