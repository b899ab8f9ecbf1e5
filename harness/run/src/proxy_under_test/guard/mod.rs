//! A process between the harness and the proxy, so that nothing of the proxy outlives the harness.
//!
//! The harness binary is executed again as `harness __guard`; its standard input is a pipe from the harness, and the end
//! of that pipe, however it comes about, means "kill everything beneath and exit". Orders and reports are JSON lines. The
//! guard starts exactly one program and never restarts it.
//!
//! Where the host allows it the program lives in its own process namespace. There are two guard processes then: the outer
//! one, and the first process of the namespace, whose end makes the kernel kill everything in it, `setsid` or not.
//! Elsewhere there is one, which is subreaper (orphans become its children) and kills what it finds beneath itself until
//! nothing is left. (The parent-death signal alone would leave grandchildren alive, and it follows the *thread* that
//! started the child; here it only ties the inner guard to the outer one, which has a single thread.)

mod handle;
mod inside;

pub use handle::{GuardHandle, GuardState, enter_namespaces_if_allowed, guard_program};
pub use inside::run_if_asked;

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use harness_platform::{Limits, Reach, Signal};

/// The hidden first argument that turns the harness into a guard.
pub const ARGUMENT: &str = "__guard";

/// Which ways of keeping the program are tried.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Wish {
    /// The best that the host allows.
    #[default]
    BestPossible,
    /// No process namespace, even where it is allowed: for programs that do not stand one, and for tests.
    WithoutNamespace,
}

/// From the harness to its guard, one a line.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ToGuard {
    /// Start this; the first line, and only once.
    Start(Box<Order>),
    /// Send this to the program that was started; once it has ended, to everything that it left behind.
    Signal(Signal),
    /// Kill everything.
    KillAll,
    /// The harness is about to close the pipe on purpose: it removes by itself what is temporary.
    Farewell,
}

/// What the guard starts.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Order {
    /// Program (absolute) and arguments.
    pub argv: Vec<String>,
    /// The whole environment.
    pub environment: BTreeMap<String, String>,
    /// Working directory.
    pub directory: PathBuf,
    /// Text for its standard input, which then stays open; `None`: no input at all.
    pub stdin: Option<String>,
    /// Limits of the program and all that it starts.
    pub limits: Limits,
    /// Control groups that it joins: the files to write into.
    pub doors: Vec<PathBuf>,
    /// The files that it may touch; `None`: all that its user may.
    pub reach: Option<Reach>,
    /// Where the folders of its own lie, which it is given in place of those of its reach.
    pub aside: PathBuf,
    /// The user that it becomes; `None`: whoever runs the harness.
    pub user: Option<u32>,
    /// What stands in its `/etc/hosts`; `None`: what stands in the host's.
    #[serde(default)]
    pub hosts: Option<String>,
    /// Temporary directories that the guard removes if the harness dies without a farewell.
    #[serde(default)]
    pub orphans: Vec<PathBuf>,
}

/// From the guard to the harness, one a line.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FromGuard {
    /// The program runs.
    Started {
        /// Its pid as the guard sees it; inside a process namespace another than outside.
        pid: i32,
        /// How it is kept.
        isolation: Isolation,
        /// Whether it is kept to the files of the order.
        fenced: bool,
        /// Whether the private folders of the order are its own.
        #[serde(default)]
        private: bool,
    },
    /// The program could not be executed.
    NotStarted {
        /// What the system said.
        error: String,
    },
    /// The program has ended.
    MainExited(MainExit),
}

/// How the program is kept from outliving its guard.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Isolation {
    /// Its own process namespace: the kernel kills everything in it.
    ProcessNamespace,
    /// The guard is subreaper and kills what it finds beneath itself.
    Subreaper,
    /// Neither can be had on this system: the program's process group is killed.
    ProcessGroup,
}

/// The end of the program that was started.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MainExit {
    /// Exit status, where it ended by itself.
    pub code: Option<i32>,
    /// Signal, where one ended it.
    pub signal: Option<i32>,
    /// Living processes that it left behind.
    pub left: u32,
}
