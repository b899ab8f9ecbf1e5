//! Whether a proxy takes an answer for whole by its length, or by the end of its backend's connection.
//!
//! `evaluate` asks for it. The exchange of the step shows whether the client has its answer; the first look also shows whether its
//! connection is held until the backend lets go, which a client of one request does not notice.

use super::Rule;
use crate::check::judged::Judged;
use crate::check::ledger::{Ledger, ms};
use crate::check::{ExchangeFinding, Finding, Outcome};
use harness_model::history::{EventKind, KeptOpen, Look};
use harness_model::plan::CheckPlan;

/// `forward.kept_open`: by its exchanges, and by the first look at the proxy.
pub(in crate::check) fn kept_open(ledger: &Ledger<'_>, check: &CheckPlan) -> Judged {
    let judged = super::judged(ledger, check, Rule::Faithful);
    if judged.outcome != Outcome::Pass {
        return judged;
    }
    let looked = ledger.events.iter().enumerate().find_map(|(line, event)| match &event.event {
        EventKind::Look(Look::KeptOpen { kept_for, seen }) => Some((line, ms(*kept_for), seen)),
        _ => None,
    });
    let waited = |kept_for_ms, after_close_ms, answer| {
        Finding::Exchange(ExchangeFinding::WaitsForBackendsEnd { kept_for_ms, after_close_ms, answer })
    };
    match looked {
        Some((line, kept_for, KeptOpen::AnswerWaited { after_close })) => {
            Judged::fail(waited(kept_for, ms(*after_close), true), vec![line])
        }
        Some((line, kept_for, KeptOpen::ConnectionWaited { after_close })) => {
            Judged::fail(waited(kept_for, ms(*after_close), false), vec![line])
        }
        _ => judged,
    }
}
