//! Whether a proxy is on this machine, and which version of it.
//!
//! A league asks before it plans anything. Of a program that needs more than itself, such as a module of its interpreter, the
//! arguments of `version` are the proof: where they end badly, it is not here. Nothing is judged by what it prints.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use super::program::{Preparation, locate_program};
use super::{StartProblem, without_home};
use harness_model::adapter::{Adapter, Program};
use harness_platform::wait_at_most;

/// It says its version in this time, and is looked at so often.
const SAID_WITHIN: Duration = Duration::from_secs(10);
const PAUSE: Duration = Duration::from_millis(10);
/// Longest version that is shown, in characters.
const LONGEST: usize = 120;

/// Whether a proxy can be tried here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Presence {
    /// It can.
    Here {
        /// The first line with a digit that it prints, where it was asked and said one.
        version: Option<String>,
    },
    /// Its program, or something that it needs, is not installed.
    Missing {
        /// What to do, by its adapter.
        advice: Option<String>,
    },
}

/// Looks for the program of an adapter, building it first where it belongs to this workspace, and asks for its version.
///
/// Blocks, for minutes when there is something to build. What goes wrong otherwise is left to the run, which says why.
pub fn presence(adapter: &Adapter, announce: &dyn Fn(&Preparation)) -> Presence {
    // As the harness is built: nothing is measured yet.
    let program = match locate_program(&adapter.program, &[], !cfg!(debug_assertions), announce) {
        Ok(program) => program,
        Err(StartProblem::ProgramMissing { advice, .. }) => return Presence::Missing { advice },
        Err(_) => return Presence::Here { version: None },
    };
    let alone = matches!(adapter.program, Program::Cargo { .. } | Program::Installed { .. });
    if adapter.version.is_empty() || !alone {
        return Presence::Here { version: None };
    }
    match (said_version(&program, &adapter.version, SAID_WITHIN), &adapter.program) {
        (Some(version), _) => Presence::Here { version },
        (None, Program::Installed { advice, .. }) => Presence::Missing { advice: advice.clone() },
        (None, _) => Presence::Here { version: None },
    }
}

/// What it says of its version; `None` where it does not end well, or not in time: one that takes the argument for something else
/// may begin to serve.
fn said_version(program: &Path, arguments: &[String], within: Duration) -> Option<Option<String>> {
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().ok()?;
    wait_at_most(&mut child, within, PAUSE).ok()??;
    let output = child.wait_with_output().ok()?;
    // Some print it as an error.
    let text =
        [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
    let line = text.lines().map(str::trim).find(|line| line.bytes().any(|byte| byte.is_ascii_digit()));
    let short = |line: &str| line.chars().filter(|c| !c.is_control()).take(LONGEST).collect();
    output.status.success().then(|| line.map(short).and_then(|line| without_home(&[line]).pop()))
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::time::Duration;

    use super::{Presence, presence, said_version};
    use harness_model::adapter::{Adapter, Program};
    use harness_model::plan::samples;

    fn look(name: &str, version: &[&str]) -> Presence {
        let program = Program::Installed { name: name.into(), advice: Some("install it".into()) };
        let version = version.iter().map(|word| (*word).to_owned()).collect();
        presence(&Adapter { program, version, ..samples::adapter() }, &|_| {})
    }

    #[test]
    fn a_proxy_is_here_where_its_program_says_its_version() {
        let said = look("sh", &["-c", "echo banner; echo 'proxy 1.2' >&2"]);
        assert_eq!(said, Presence::Here { version: Some("proxy 1.2".into()) });
        assert_eq!(look("sh", &[]), Presence::Here { version: None }, "it is not asked");
    }

    #[test]
    fn one_that_serves_instead_of_saying_its_version_is_not_waited_for() {
        let within = Duration::from_millis(50);
        assert_eq!(said_version(Path::new("sh"), &["-c", "exec sleep 600"].map(str::to_owned), within), None);
    }

    #[test]
    fn one_whose_module_or_program_is_not_installed_is_missing_and_nothing_worse() {
        let missing = Presence::Missing { advice: Some("install it".into()) };
        assert_eq!(look("sh", &["-c", "echo no module 7; exit 1"]), missing);
        assert_eq!(look("no-such-proxy", &["-v"]), missing);
    }
}
