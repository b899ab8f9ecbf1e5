//! What stands between two steps where requests of the first were left without an answer.
//!
//! `run` calls it once such a step has ended. Both ends of every connection are closed, a plain GET is asked, and a proxy that
//! does not answer it, or goes on holding what its clients have closed, is started again, unwiped: what one step left behind must not count against another. It judges nothing;
//! the record says what was done.

use std::time::Duration;

use super::interim::something_ripens;
use super::steps::{Stage, in_words};
use harness_model::history::{EventKind, ExchangeEnd, HowLetGo, LetGo, Purpose, Stuck};
use harness_model::plan::{Plan, Step};
use harness_run::proxy_under_test::readiness::TARGET_PREFIX;
use harness_run::traffic::Request;

/// Whoever serves a connection has seen its end after so long.
const SETTLES_WITHIN: Duration = Duration::from_millis(50);
/// The same on a machine without a CPU to spare, or of a program that looks for it now and then.
const LETS_GO_WITHIN: Duration = Duration::from_millis(1_000);
/// A plain GET takes no longer.
const PATIENCE: Duration = Duration::from_millis(1_500);
/// The first answer may be the error of a connection that is gone.
const TRIES: u32 = 3;

impl Stage {
    /// Lets go of what a step left behind; `unanswered` of its requests stayed so. False where the proxy did not come back.
    pub(super) async fn let_go(&mut self, unanswered: u64, step: &Step, plan: &Plan) -> bool {
        let nothing_to_do = (unanswered == 0 && self.stuck.is_none())
            || self.down_on_purpose
            || !self.backends.any_up()
            || self.backends.manners().is_none();
        if nothing_to_do {
            return true;
        }
        let clock = self.traffic.clients.clock();
        let began = clock.now();
        let stuck = if unanswered > 0 { self.close_and_ask().await } else { self.stuck };
        let after = || clock.now().since(began);
        let how = match stuck {
            None => HowLetGo::Answered { after: after() },
            Some(because) if something_ripens(plan, step.index + 1) => HowLetGo::PutOff { because },
            Some(because) => match self.start_in_a_hurry().await {
                Ok(_) => HowLetGo::Restarted { because, after: after() },
                Err(problem) => HowLetGo::NotBack { because, problem: in_words(problem) },
            },
        };
        self.stuck = stuck.filter(|_| matches!(how, HowLetGo::PutOff { .. }));
        let back = !matches!(how, HowLetGo::NotBack { .. });
        if matches!(how, HowLetGo::Answered { .. } | HowLetGo::Restarted { .. }) {
            self.traffic.clients.end_of_silence();
        }
        self.traffic.clients.recorder().record(EventKind::LetGo(LetGo { unanswered, how }));
        back
    }

    /// Closes what the backends have open – the clients have done so already – and asks whether the proxy goes on.
    async fn close_and_ask(&self) -> Option<Stuck> {
        self.backends.close_connections();
        tokio::time::sleep(SETTLES_WITHIN).await;
        let _simple = self.backends.for_a_while(self.simple_manner());
        let clients = &self.traffic.clients;
        for number in 0..TRIES {
            let now = clients.clock().now();
            let target = format!("{TARGET_PREFIX}let-go-{}-{number}", now.0);
            let mut request = Request::get(Purpose::Readiness, number, target, now);
            request.timeout = PATIENCE;
            match clients.ask_unrecorded(&mut None, &request, None).await.end {
                ExchangeEnd::Complete => return self.still_held().await,
                // Our own side could not ask: that speaks for nothing.
                ExchangeEnd::Ours { .. } => return None,
                ExchangeEnd::TimedOut => break,
                _ => {}
            }
        }
        Some(Stuck::Silent)
    }

    /// Whether connections that every client has closed are still open at the proxy: whoever serves them does not come back, and of a
    /// pool there are fewer workers from then on.
    async fn still_held(&self) -> Option<Stuck> {
        let port = self.traffic.clients.address().port();
        for _ in 0..LETS_GO_WITHIN.as_millis() / SETTLES_WITHIN.as_millis() {
            if self.proxy.held_after_the_end(port) == 0 {
                return None;
            }
            tokio::time::sleep(SETTLES_WITHIN).await;
        }
        let connections = self.proxy.held_after_the_end(port);
        (connections > 0).then_some(Stuck::Holds { connections })
    }
}
