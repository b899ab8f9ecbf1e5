//! Why a step could not be carried out, typed: what kept us from it is a fact, the sentence is made in `language`.
//!
//! Steps return it, `StepEnded` records it, the checks quote it. Nothing here is a sentence, but what a program or the system said.

use serde::{Deserialize, Serialize};

use crate::plan::Bilingual;

/// Why a step could not be carried out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StepProblem {
    /// The proxy runs already, and is not the harness's to end or start.
    Attached,
    /// The adapter has no `reload`: the proxy cannot learn of instances that come and go.
    NoReload,
    /// The adapter does not say that clients may come by HTTPS, or by HTTP/2.
    NotDeclared {
        /// Which of its `settings` is not there.
        setting: String,
    },
    /// The harness was built without the feature that it takes.
    BuiltWithout {
        /// Its name.
        feature: String,
    },
    /// No backend runs the application of instances, or none was ever reached.
    NoInstance,
    /// The proxy had ended by itself before it could be killed.
    EndedBefore,
    /// Not one key was answered with a success, so that none is filled.
    NoKeyAnswered,
    /// Not one request was answered with a success.
    NothingAnswered,
    /// No key is filled that could be asked for again.
    NoKeys,
    /// No key had been proven a hit before.
    NoHits,
    /// The slow request did not reach a backend in time.
    SlowNotReached,
    /// The slow request was in its backend for a moment only.
    SlowTooBrief {
        /// For so long, in microseconds.
        for_us: u64,
    },
    /// A user could not log in.
    NoLogin {
        /// Who.
        user: String,
        /// Where.
        path: String,
        /// Status of the answer, where one came.
        status: Option<u16>,
    },
    /// A program that sends requests is not installed.
    NoProgram {
        /// Its name.
        program: String,
    },
    /// Our own engine of load could not go on.
    Engine {
        /// What it or the system said.
        said: String,
    },
    /// The proxy did not get ready, or could not be told something.
    NotReady(Bilingual),
    /// What the system said; in records of earlier versions also a sentence in English.
    #[serde(untagged)]
    Said(String),
}

impl From<String> for StepProblem {
    fn from(said: String) -> StepProblem {
        StepProblem::Said(said)
    }
}

impl From<&str> for StepProblem {
    fn from(said: &str) -> StepProblem {
        StepProblem::Said(said.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::StepProblem;

    #[test]
    fn a_sentence_of_an_earlier_version_is_read_and_facts_are_kept() {
        let read = |text: &str| serde_json::from_str::<StepProblem>(text).unwrap();
        assert_eq!(read("\"curl is not installed\""), StepProblem::from("curl is not installed"));
        for problem in [
            StepProblem::Attached,
            StepProblem::SlowTooBrief { for_us: 1_500 },
            StepProblem::NoLogin { user: "u1".into(), path: "/login".into(), status: None },
            StepProblem::from("no such device"),
        ] {
            assert_eq!(read(&serde_json::to_string(&problem).unwrap()), problem);
        }
    }
}
