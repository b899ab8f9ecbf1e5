//! What the checks of `config.*` saw, typed.
//!
//! Nothing here is a sentence. Whoever words a finding, explains it or asks about it matches all of them, so that the compiler asks for
//! a new one.

use serde::{Deserialize, Serialize};

use harness_model::history::StepProblem;

/// What a check of `config.*` saw.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "finding")]
pub enum ConfigFinding {
    /// Every list of backends was asked whole, and nobody else.
    ListInForce {
        /// Lengths of the lists.
        lists: Vec<u64>,
        /// Requests that reached the backends.
        requests: u64,
    },
    /// Others than those on the list were asked, or not all of them.
    ListIgnored {
        /// On the list.
        told: Vec<String>,
        /// Asked.
        visited: Vec<String>,
        /// Requests that reached the backends.
        requests: u64,
    },
    /// Under this list, and not under the first, requests got no answer of a backend.
    ListUnserved {
        /// Length of the list.
        backends: u64,
        /// Requests without one.
        unserved: u64,
        /// Of so many, one after the other.
        requests: u64,
    },
    /// It did not start with this list.
    ListRefused {
        /// Length of the list.
        backends: u64,
        /// What kept it from starting.
        problem: StepProblem,
    },
    /// Told of another port, it listened there.
    PortInForce {
        /// The port of its first start.
        first: u16,
        /// The other one.
        second: u16,
    },
    /// Told of another port, it did not get ready there.
    PortIgnored {
        /// The port that it was told.
        told: u16,
        /// What kept it.
        problem: StepProblem,
    },
    /// It listens at a port of its own, whatever it is told.
    ListensElsewhere {
        /// The port that it was told.
        told: u16,
        /// Where it listens.
        found: std::net::SocketAddr,
    },
    /// Told of no port, it listened on 8080.
    DefaultPortUsed,
    /// Told of no port, it did not get ready on 8080.
    DefaultPortUnused {
        /// What kept it.
        problem: StepProblem,
    },
    /// The adapter writes it into the source, so that nothing is proven of a configuration.
    WrittenIntoSource {
        /// The file that is patched.
        file: String,
    },
    /// An interpreter was handed something else than a file of the submission, so that nothing is proven of a configuration.
    NotHandedIn {
        /// The command of what listens, in short.
        command: String,
    },
    /// It could not be tried whether it listens on 8080 by itself.
    DefaultPortNotTried {
        /// What is in the way; `None`: its adapter always names a port.
        problem: Option<StepProblem>,
    },
}
