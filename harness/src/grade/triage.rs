//! The first look at a submission: does it start, and if not, what does it need?
//!
//! `work` has every proxy started once and asked for one resource before anything long begins, so that an instructor can
//! mend what a team forgot while the night is young. The conclusion is a fact; its words are in the module `language`.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::lacking::{Lack, lacking};
use super::profile::ProfileProblem;
use super::unpack::{MOST_BYTES, MOST_DEEP, MOST_FILES, UnpackProblem};
use crate::conductor::Finished;
use harness_model::adapter::{Adapter, AddressPlan};
use harness_model::exit_code::ExitCode;
use harness_model::plan::{self, Options, Plan};
use harness_model::terms::Bilingual;
use harness_run::proxy_under_test::{StartProblem, without_home};
use harness_tell::language::grade_words::{
    encrypted, lacks_network, lacks_tool, leads_outside, look_took_too_long, no_network_in_a_build, no_zip,
    packed_otherwise, port_is_shared, too_large,
};
use harness_tell::language::{Language, input_problem, start_problem};

/// The scenario of the first look.
const SCENARIO: &str = include_str!("assets/triage.yaml");

/// What the first look found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case", tag = "triage")]
pub enum Triage {
    /// It starts and answers.
    Starts,
    /// Something is missing on this machine.
    Needs {
        /// What, in words.
        what: Bilingual,
        /// The last lines that its build, or it, printed; none where it was not run at all.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        last_lines: Vec<String>,
    },
    /// It does not build.
    DoesNotBuild {
        /// In words.
        what: Bilingual,
        /// The last lines that the build printed.
        last_lines: Vec<String>,
    },
    /// It builds, but does not start or does not answer.
    DoesNotStart {
        /// In words.
        what: Bilingual,
        /// The last lines that it printed.
        last_lines: Vec<String>,
    },
    /// There is no profile and none could be drafted.
    NoProfile,
    /// The profile cannot be used.
    WrongProfile {
        /// Why, in words.
        what: Bilingual,
    },
    /// The submission cannot be read or unpacked.
    Unreadable {
        /// Why, in the system's words.
        why: String,
        /// The same in ours.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        what: Option<Bilingual>,
    },
    /// The judge could not find out; a person has to look.
    NotLookedAt {
        /// Why, in the system's words.
        why: String,
        /// The same in ours.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        what: Option<Bilingual>,
    },
}

impl Triage {
    /// Whether its proxy can be judged.
    pub fn starts(&self) -> bool {
        matches!(self, Triage::Starts)
    }

    /// Whether it is certain that it earns nothing. What the machine lacks, what the judge could not do, open or draft, and
    /// what a profile that the judge drafted brought about is not its fault.
    pub fn is_its_own_fault(&self, drafted: bool) -> bool {
        match self {
            Triage::DoesNotBuild { .. } | Triage::DoesNotStart { .. } | Triage::WrongProfile { .. } => {
                !drafted
            }
            Triage::Starts
            | Triage::Needs { .. }
            | Triage::NoProfile
            | Triage::Unreadable { .. }
            | Triage::NotLookedAt { .. } => false,
        }
    }

    /// What follows from a profile that cannot be used.
    pub fn of_profile(problem: &ProfileProblem) -> Triage {
        match problem {
            ProfileProblem::Missing | ProfileProblem::WrongDraft(_) => Triage::NoProfile,
            ProfileProblem::Wrong(problem) => {
                Triage::WrongProfile { what: both(|language| input_problem(language, problem, false)) }
            }
            ProfileProblem::LeadsOutside => Triage::WrongProfile { what: both(leads_outside) },
        }
    }

    /// What follows from a submission that cannot be brought in.
    pub fn of_unpacking(problem: &UnpackProblem) -> Triage {
        match problem {
            // Where it lies is nobody's business on a page.
            UnpackProblem::File { error, .. } => Triage::in_vain(error),
            UnpackProblem::Interrupted => Triage::in_vain(problem),
            other => Triage::Unreadable {
                why: other.to_string(),
                what: Some(both(|language| unpacking(language, other))),
            },
        }
    }

    /// The judge could not, for a reason that only the system has words for.
    pub fn in_vain(why: impl std::fmt::Display) -> Triage {
        Triage::NotLookedAt { why: why.to_string(), what: None }
    }

    fn in_vain_because(what: Bilingual) -> Triage {
        Triage::NotLookedAt { why: what.en.clone(), what: Some(what) }
    }

    /// What follows from the run of the first look.
    pub fn of_run(finished: &Finished) -> Triage {
        match &finished.start_problem {
            Some(problem) if shares_its_port(problem, &finished.record.plan.adapter) => {
                Triage::in_vain_because(both(port_is_shared))
            }
            Some(problem) if is_out_of_its_reach(problem) => {
                Triage::in_vain_because(both(|language| start_problem(language, problem).title))
            }
            Some(problem) => Triage::of_problem(problem),
            None if matches!(finished.exit, ExitCode::Interrupted | ExitCode::TimeOver) => {
                Triage::in_vain_because(both(look_took_too_long))
            }
            None => Triage::Starts,
        }
    }

    fn of_problem(problem: &StartProblem) -> Triage {
        let hidden = |line: String| without_home(&[line]).concat();
        let what = both(|language| hidden(start_problem(language, problem).title));
        let last_lines = without_home(&start_problem(Language::En, problem).last_lines);
        if let StartProblem::BuildFailed { .. } | StartProblem::DiedAtStart { .. } = problem {
            match lacking(&last_lines) {
                Some(Lack::Tool(line)) => {
                    return Triage::Needs { what: both(|it| lacks_tool(it, &line)), last_lines };
                }
                // Whoever cannot connect at its start is not in want of the network: nothing of it needs one.
                Some(Lack::Network(line)) if matches!(problem, StartProblem::BuildFailed { .. }) => {
                    let apart = matches!(problem, StartProblem::BuildFailed { apart: true, .. });
                    let words: fn(Language, &str) -> String =
                        if apart { no_network_in_a_build } else { lacks_network };
                    return Triage::Needs { what: both(|it| words(it, &line)), last_lines };
                }
                Some(Lack::Room(line)) => return Triage::in_vain(line),
                Some(Lack::Network(_)) | None => {}
            }
        }
        match problem {
            StartProblem::ProgramMissing { .. } => Triage::Needs { what, last_lines },
            // The harness or the machine, not the submission.
            StartProblem::Guard { .. }
            | StartProblem::File { .. }
            | StartProblem::NoPort { .. }
            | StartProblem::PortInUse { .. } => Triage::in_vain_because(what),
            // How long a build may take is ours to say, and 127 is how a shell says that there is no such command.
            StartProblem::BuildFailed { code: None, .. } => Triage::in_vain_because(what),
            StartProblem::BuildFailed { code: Some(127), .. } => Triage::Needs { what, last_lines },
            StartProblem::BuildFailed { .. } => Triage::DoesNotBuild { what, last_lines },
            _ => Triage::DoesNotStart { what, last_lines },
        }
    }
}

/// Whether it insists on the port that its backends must have too: on machines of their own they all could, and here not.
fn shares_its_port(problem: &StartProblem, adapter: &Adapter) -> bool {
    let of_backends = match &adapter.backends {
        AddressPlan::OnePort(port) => vec![*port],
        AddressPlan::Fixed(addresses) => addresses.iter().map(SocketAddr::port).collect(),
        AddressPlan::Ports => Vec::new(),
    };
    let in_vain = matches!(
        problem,
        StartProblem::DiedAtStart { .. }
            | StartProblem::NeverListened { .. }
            | StartProblem::PortInUse { .. }
    );
    in_vain && adapter.fixed_port.is_some_and(|port| of_backends.contains(&port))
}

/// Whether what it is started with is on this machine, and fit for it: then it was kept from a submission, whose copy is gone by now.
fn is_out_of_its_reach(problem: &StartProblem) -> bool {
    let StartProblem::NotExecutable { program, unfit: None, .. } = problem else { return false };
    Path::new(program).is_absolute() && Path::new(program).exists()
}

/// Why a submission cannot be brought in.
fn unpacking(language: Language, problem: &UnpackProblem) -> String {
    match problem {
        UnpackProblem::Encrypted => encrypted(language),
        UnpackProblem::Method(method) => packed_otherwise(language, &method.to_string()),
        UnpackProblem::TooLarge => too_large(language, MOST_BYTES >> 20, MOST_FILES as u64, MOST_DEEP as u64),
        UnpackProblem::Zip(why) => no_zip(language, why),
        other => other.to_string(),
    }
}

fn both(words: impl Fn(Language) -> String) -> Bilingual {
    Bilingual { en: words(Language::En), es: words(Language::Es) }
}

/// The plan of the first look at a proxy.
///
/// # Errors
/// The scenario that is part of this program is wrong: a bug.
pub fn plan(adapter: &Adapter, seed: u64) -> Result<Plan, String> {
    let options = Options { seed, strict: true, settings: Vec::new() };
    let text: Arc<str> = SCENARIO.into();
    plan::resolve(&text, Path::new("triage.yaml"), adapter, &options)
        .map_err(|problems| problems.iter().map(|p| input_problem(Language::En, p, false)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use harness_model::adapter;

    #[test]
    fn the_scenario_of_the_first_look_is_sound() {
        let (name, text) = adapter::built_in::ALL[0];
        let adapter = adapter::resolve(&text.into(), Path::new(name)).unwrap();
        assert_eq!(plan(&adapter, 1).unwrap().name, "triage");
    }

    #[test]
    fn a_program_that_the_machine_lacks_is_not_the_fault_of_the_team() {
        let problem = StartProblem::ProgramMissing { name: "ghc".into(), searched: vec![], advice: None };
        let triage = Triage::of_problem(&problem);
        assert!(matches!(triage, Triage::Needs { .. }) && !triage.is_its_own_fault(false));
        let build = |line: &str| StartProblem::BuildFailed {
            command: vec!["make".into()],
            code: Some(1),
            last_lines: vec![line.into()],
            apart: false,
        };
        for problem in [
            StartProblem::File { path: "/tmp".into(), error: "No space left on device (os error 28)".into() },
            build("cc1: error: a.s: No space left on device"),
        ] {
            assert!(matches!(Triage::of_problem(&problem), Triage::NotLookedAt { .. }), "{problem:?}");
        }
        let [network, tool] = ["socket.gaierror: Name or service not known", "sh: 1: ghc: not found"]
            .map(|line| Triage::of_problem(&build(line)));
        assert!(
            matches!((&network, &tool), (Triage::Needs { .. }, Triage::Needs { .. })),
            "{network:?} {tool:?}"
        );
        assert!(!network.is_its_own_fault(false) && !tool.is_its_own_fault(false));
        assert!(Triage::of_problem(&build("a.c:1: error: expected ;")).is_its_own_fault(false));
    }
}
