//! Other backends for a proxy that goes on serving: its files are written anew and it is told to read them.
//!
//! The conductor calls it for the steps of a fleet. When the proxy has really taken the new ones over it does not say;
//! whoever takes a backend away waits until nothing comes there any more.

use std::collections::BTreeMap;

use super::StartProblem;
use super::subject::ProxyUnderTest;
use harness_model::adapter::Launch;
use harness_model::history::EventKind;
use harness_platform::Signal;

impl ProxyUnderTest {
    /// Writes files that its templates name and that are no configuration, such as a certificate; they do not enter the record.
    ///
    /// # Errors
    /// One cannot be written.
    pub fn lay(&self, files: &BTreeMap<String, String>) -> Result<(), StartProblem> {
        self.directory.write_files(files)
    }

    /// Writes the files of a launch and sends the signal at which the proxy reads them. `backends` are their names, for the
    /// record.
    ///
    /// # Errors
    /// A file cannot be written, its adapter knows no such signal, or it does not run.
    pub async fn reload(&mut self, launch: &Launch, backends: Vec<String>) -> Result<(), StartProblem> {
        let signal = self.adapter.reload_signal.as_deref().and_then(|name| name.parse::<Signal>().ok());
        let refused = |error: &str| StartProblem::Guard { error: error.to_owned() };
        let signal = signal.ok_or_else(|| refused("the adapter names no signal for `reload`"))?;
        self.directory.write_files(&launch.files)?;
        self.rewrite(&launch.rewritten).await?;
        let process = self.current().ok_or_else(|| refused("the proxy does not run"))?;
        process.guard().signal(signal).map_err(|error| refused(&error.to_string()))?;
        self.record(EventKind::ProxyReloaded { launch: self.launches, backends });
        Ok(())
    }
}
