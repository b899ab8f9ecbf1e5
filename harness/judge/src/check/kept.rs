//! `forward.kept_open` once more, by the first look: an answer that comes at once may still leave its client waiting.
//!
//! The step of the check asks for one answer. A proxy that passes it on as it comes and then waits for its backend to close keeps
//! the connection of its client, and the next request on it, for as long; the look has seen that, twice.

use super::judged::Judged;
use super::ledger::Ledger;
use super::{ExchangeFinding, Finding, Outcome};
use harness_model::catalogue::CheckId;
use harness_model::history::{EventKind, KeptOpen, Look};

/// The conclusion, where it is that of `forward.kept_open` and the first look saw more.
pub(super) fn by_the_first_look(ledger: &Ledger<'_>, check: CheckId, judged: Judged) -> Judged {
    if check != CheckId::ForwardKeptOpen || judged.outcome != Outcome::Pass {
        return judged;
    }
    let seen = ledger.events.iter().enumerate().find_map(|(line, event)| match &event.event {
        EventKind::Look(Look::KeptOpen { kept_for, seen: KeptOpen::ConnectionWaited { .. } }) => {
            Some((line, *kept_for))
        }
        _ => None,
    });
    match seen {
        Some((line, kept_for)) => Judged::fail(
            Finding::Exchange(ExchangeFinding::ClientWaitsForClose { kept_ms: kept_for.as_secs_f64() * 1e3 }),
            vec![line],
        ),
        None => judged,
    }
}
