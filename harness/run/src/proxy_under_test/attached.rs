//! A proxy that runs already: it is asked whether it answers, and otherwise left alone.
//!
//! `launching` calls it in place of a start where the adapter says `attach`. Nothing is started, signalled, ended or cleaned
//! up here, and what it uses of the machine is not known.

use super::launching::{ANSWER_PAUSE, on_own_thread};
use super::readiness::{self, Answer, Ready};
use super::subject::ProxyUnderTest;
use super::{NoAnswer, StartOrder, StartProblem};
use harness_model::history::EventKind;

impl ProxyUnderTest {
    /// Waits until it answers.
    ///
    /// # Errors
    /// It does not in the time that its adapter allows.
    pub(super) async fn attach(&mut self, order: &StartOrder) -> Result<Ready, StartProblem> {
        self.launches += 1;
        let launch = self.launches;
        self.record(EventKind::ProxyStarting {
            launch,
            argv: vec![self.program.display().to_string()],
            listen: order.listen,
            configuration: Vec::new(),
            patches: Vec::new(),
            ttl: order.ttl,
        });
        let began = self.clock.now();
        let status = match order.answer {
            Answer::NotAsked => None,
            Answer::Required => Some(self.answer_of_attached(order).await?),
        };
        let after = self.clock.now().since(began);
        let ready = Ready {
            listening_after: after,
            answered_after: status.map(|_| after),
            status,
            attempts_before: 0,
        };
        self.record(EventKind::ProxyReady {
            launch,
            listening_after: ready.listening_after,
            answered_after: ready.answered_after,
            status,
            attempts_before: 0,
            edited: Vec::new(),
            not_handed_in: None,
        });
        Ok(ready)
    }

    async fn answer_of_attached(&self, order: &StartOrder) -> Result<u16, StartProblem> {
        let until = self.clock.now() + self.adapter.ready_within;
        let mut number = 0;
        loop {
            // Unlike any of an earlier run: this proxy may have stored those.
            let target = format!("{}{}-{number}", readiness::TARGET_PREFIX, self.directory.path().display());
            let (network, clock, listen) = (self.network.clone(), self.clock, order.listen);
            let (shape, patience) = (self.adapter.request.clone(), self.adapter.ready_within);
            let asked = on_own_thread(move || {
                readiness::get_once(&network, &clock, listen, &target, &shape, patience)
            });
            let instead = match asked.await {
                Some(Ok(status)) => return Ok(status),
                Some(Err(instead)) => instead,
                None => NoAnswer::NotConnected("no thread".into()),
            };
            if self.clock.now() >= until {
                let (address, waited) = (order.listen, self.adapter.ready_within);
                return Err(StartProblem::DoesNotAnswer { address, instead, waited, last_lines: Vec::new() });
            }
            tokio::time::sleep(ANSWER_PAUSE).await;
            number += 1;
        }
    }
}
