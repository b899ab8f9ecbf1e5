//! The one table of exit codes.
//!
//! `main` returns one of these and nothing else; CI, `grade` and the documentation rely on the numbers. Nothing here
//! decides *which* code applies: that follows from the verdicts of a run.

use std::process::ExitCode as ProcessExitCode;

/// What the harness tells the shell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ExitCode {
    /// Every required check passed or is unsupported, and at least one passed.
    Passed,
    /// A required check failed.
    Failed,
    /// No required check failed, but one is inconclusive or skipped, or none passed.
    Inconclusive,
    /// The proxy under test did not build, start or get ready.
    ProxyNotReady,
    /// Bad command line, scenario or adapter, nothing to run, or a machine without the room or the rights for it.
    Usage,
    /// The time allowed was over before the plan was; the record of what had happened is kept.
    TimeOver,
    /// A bug of the harness.
    Bug,
    /// Interrupted by the user; the record of what had happened is kept.
    Interrupted,
}

impl ExitCode {
    /// The number that the shell sees.
    pub const fn number(self) -> u8 {
        match self {
            ExitCode::Passed => 0,
            ExitCode::Failed => 1,
            ExitCode::Inconclusive => 2,
            ExitCode::ProxyNotReady => 3,
            ExitCode::Usage => 4,
            ExitCode::TimeOver => 5,
            ExitCode::Bug => 70,
            ExitCode::Interrupted => 130,
        }
    }

    /// The code of several runs together: the first that occurs of 70, 130, 5, 4, 3, 1, 2, 0.
    pub fn of_many(codes: impl IntoIterator<Item = ExitCode>) -> ExitCode {
        const GRAVEST_FIRST: [ExitCode; 8] = [
            ExitCode::Bug,
            ExitCode::Interrupted,
            ExitCode::TimeOver,
            ExitCode::Usage,
            ExitCode::ProxyNotReady,
            ExitCode::Failed,
            ExitCode::Inconclusive,
            ExitCode::Passed,
        ];
        let seen: Vec<ExitCode> = codes.into_iter().collect();
        GRAVEST_FIRST.into_iter().find(|code| seen.contains(code)).unwrap_or(ExitCode::Usage)
    }
}

impl From<ExitCode> for ProcessExitCode {
    fn from(code: ExitCode) -> ProcessExitCode {
        ProcessExitCode::from(code.number())
    }
}

#[cfg(test)]
mod tests {
    use super::ExitCode;

    #[test]
    fn a_bug_outranks_everything_and_a_failure_outranks_doubt() {
        assert_eq!(ExitCode::of_many([ExitCode::Failed, ExitCode::Bug, ExitCode::Passed]), ExitCode::Bug);
        assert_eq!(ExitCode::of_many([ExitCode::Inconclusive, ExitCode::Failed]), ExitCode::Failed);
        assert_eq!(ExitCode::of_many([ExitCode::Passed, ExitCode::Passed]), ExitCode::Passed);
    }

    #[test]
    fn nothing_run_is_a_usage_error() {
        assert_eq!(ExitCode::of_many([]), ExitCode::Usage);
    }
}
