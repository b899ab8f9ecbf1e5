//! Commands that an adapter brings along for what a signal to a child cannot do, such as ending a container.
//!
//! `subject` and `launching` run them at the moment at which they would signal. They are the word of whoever wrote the
//! adapter and run as the user, outside the guard; each has bounded time, and one that goes wrong is recorded, not judged.

use std::collections::BTreeMap;
use std::process::Stdio;
use std::sync::PoisonError;
use std::time::Duration;

use super::StartProblem;
use super::preparing::with_path;
use super::subject::ProxyUnderTest;
use harness_model::history::{Anomaly, EventKind};

/// A command that takes longer hangs.
const WITHIN: Duration = Duration::from_secs(30);
/// What a client of a container service may want of the user's environment.
const ENVIRONMENT: [&str; 4] = ["LANG", "DOCKER_HOST", "CONTAINER_HOST", "XDG_RUNTIME_DIR"];
/// Pause between two questions for the pid of a proxy that is about to start.
const PAUSE: Duration = Duration::from_millis(200);

impl ProxyUnderTest {
    /// Runs a command of the adapter, if there is one; what goes wrong goes to the record.
    pub(super) async fn run_own(&self, command: &[String]) {
        if command.is_empty() {
            return;
        }
        if let Err(said) = self.output_of(command).await {
            let what = format!("the adapter's command `{}` went wrong: {said}", command.join(" "));
            self.record(EventKind::Anomaly(Anomaly { what, exchange: None }));
        }
    }

    /// Asks for the pid of the main process until it is told, where the adapter has a command for that.
    ///
    /// # Errors
    /// It is not told in time.
    pub(super) async fn find_outside(&self) -> Result<(), StartProblem> {
        let command = self.commands.pid.clone();
        if command.is_empty() {
            return Ok(());
        }
        let until = self.clock.now() + self.adapter.ready_within;
        loop {
            let said = match self.output_of(&command).await {
                Ok(printed) => match printed.trim().parse::<i32>() {
                    Ok(pid) if pid > 1 => {
                        *self.outside.lock().unwrap_or_else(PoisonError::into_inner) = Some(pid);
                        return Ok(());
                    }
                    _ => printed,
                },
                Err(said) => said,
            };
            if self.clock.now() >= until {
                return Err(StartProblem::NoPid { command, said });
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    pub(super) fn forget_outside(&self) {
        *self.outside.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    async fn output_of(&self, command: &[String]) -> Result<String, String> {
        let argv = self.absolute(command).map_err(|_| "no such program".to_owned())?;
        let Some((program, arguments)) = argv.split_first() else { return Ok(String::new()) };
        let mut environment = with_path(BTreeMap::new());
        let known =
            ENVIRONMENT.iter().filter_map(|name| Some(((*name).to_owned(), std::env::var(name).ok()?)));
        environment.extend(known);
        let mut running = tokio::process::Command::new(program);
        running.args(arguments).env_clear().envs(environment).current_dir(self.directory.path());
        running.stdin(Stdio::null()).kill_on_drop(true);
        match tokio::time::timeout(WITHIN, running.output()).await {
            Err(_) => Err(format!("no end within {WITHIN:?}")),
            Ok(Err(error)) => Err(error.to_string()),
            Ok(Ok(output)) if output.status.success() => {
                Ok(String::from_utf8_lossy(&output.stdout).into_owned())
            }
            Ok(Ok(output)) => Err(String::from_utf8_lossy(&output.stderr).trim().to_owned()),
        }
    }
}
