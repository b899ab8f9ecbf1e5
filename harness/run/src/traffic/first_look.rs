//! The first look: what a proxy does with a backend that keeps its connection, and with a body that is no text.
//!
//! The conductor asks it of a proxy that has just got ready, before the first step. What it finds is a fact for the record;
//! what follows from it is the conductor's business. Targets are those of readiness, so that no check takes them for traffic.

use std::time::Duration;

use fake_backends::behavior::{Plan, Span};
use fake_backends::clock::Moment;
use fake_backends::server::Manners;

use super::client::Watched;
use super::{Request, Traffic};
use crate::proxy_under_test::readiness::TARGET_PREFIX;
use harness_model::history::{BinaryBody, ContentSeen, ExchangeEnd, KeptOpen, Look, Purpose};

/// How long a backend keeps its connection after an answer, and how long once more where that seemed to be waited for: an
/// honest proxy on a busy machine may be slower than the first, and is then quicker than the second.
const KEPT_FOR: [Duration; 2] = [Duration::from_millis(400), Duration::from_millis(1_200)];
/// Whoever waits for a close goes on so soon after it.
const AFTER_CLOSE: Duration = Duration::from_secs(2);
/// Long enough for any small answer.
const PATIENCE: Duration = Duration::from_secs(3);
/// With its head in one segment, and more than any text could hide.
pub const BINARY_BYTES: u64 = 3 << 10;

/// What every request gets whose bytes are not the question.
///
/// # Panics
/// Never: the plan is a constant.
pub fn plain_text() -> Plan {
    serde_json::from_str(r#"{"respond": {"body": "text 200B"}}"#).expect("a plan")
}

/// Whether a proxy waits for its backend's end of file where a plain GET gets this answer.
pub async fn kept_open(traffic: &Traffic, manners: &Manners, given: &Plan) -> Look {
    let mut look = KeptOpen::Unknown;
    for kept_for in KEPT_FOR {
        manners.change(|manner| {
            (manner.closes, manner.idle) = (false, Some(Span(kept_for)));
            manner.instead = Some(given.clone());
        });
        look = watch_once(traffic, kept_for).await;
        if !look.waits() {
            return Look::KeptOpen { kept_for, seen: look };
        }
    }
    Look::KeptOpen { kept_for: KEPT_FOR[1], seen: look }
}

async fn watch_once(traffic: &Traffic, kept_for: Duration) -> KeptOpen {
    let target = |number: u32| format!("{TARGET_PREFIX}look-{}-{number}", kept_for.as_millis());
    let first = target(1);
    let watched = traffic.clients.watch([first.clone(), target(2)], kept_for + AFTER_CLOSE).await;
    let attempts = traffic.journal.snapshot();
    let Some(attempt) = attempts.iter().rev().find(|attempt| attempt.target.ends_with(&first)) else {
        return KeptOpen::Unknown;
    };
    // One that was over before was not kept: the proxy had closed it, or asked for that.
    let close = attempt.finished + kept_for;
    let connections = traffic.journal.connections();
    let connection = connections.iter().find(|one| one.connection == attempt.connection);
    let kept = connection.is_some_and(|one| one.closed.is_none_or(|closed| closed >= close));
    seen(watched, kept.then_some(close))
}

/// What follows from the moments of one look; `closed` is when the backend closed the connection that it had kept.
fn seen(watched: Watched, closed: Option<Moment>) -> KeptOpen {
    let (Some(answered), Some(closed)) = (watched.answered, closed) else {
        return if watched.answered.is_some() { KeptOpen::NotWaitedFor } else { KeptOpen::Unknown };
    };
    if answered >= closed {
        return KeptOpen::AnswerWaited { after_close: answered.since(closed) };
    }
    match watched.free {
        Some(free) if free >= closed => KeptOpen::ConnectionWaited { after_close: free.since(closed) },
        _ => KeptOpen::NotWaitedFor,
    }
}

/// What becomes of a small binary body; `None` where our own client could not ask. Whether the proxy died of it the caller
/// has to see.
pub async fn binary_body(traffic: &Traffic, manners: &Manners) -> Option<BinaryBody> {
    manners.change(|manner| {
        manner.text = false;
        manner.instead =
            serde_json::from_value(serde_json::json!({"respond": {"body": format!("{BINARY_BYTES}B")}})).ok();
    });
    let target = format!("{TARGET_PREFIX}look-binary");
    let mut request = Request::get(Purpose::Readiness, 0, target, traffic.clients.clock().now());
    request.timeout = PATIENCE;
    let exchange = traffic.clients.ask_unrecorded(&mut None, &request, None).await;
    let (status, body) = exchange.response.map_or((0, None), |it| (it.status, Some(it.body)));
    let bytes = body.as_ref().map_or(0, |body| body.bytes);
    let whole = body.as_ref().is_some_and(|body| matches!(body.content, Some(ContentSeen::Whole { .. })));
    Some(match exchange.end {
        ExchangeEnd::Complete if whole => BinaryBody::Whole,
        ExchangeEnd::Complete => BinaryBody::Altered { status, bytes },
        ExchangeEnd::TimedOut => BinaryBody::Unanswered { bytes },
        ExchangeEnd::Ours { .. } => return None,
        _ => BinaryBody::CutShort { bytes },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_comes_after_the_close_has_waited_for_it() {
        let watched =
            |answered, free: u64| Watched { answered: Some(Moment(answered)), free: Some(Moment(free)) };
        let closed = Some(Moment(400));
        assert_eq!(seen(watched(10, 20), closed), KeptOpen::NotWaitedFor);
        assert_eq!(seen(watched(10, 20), None), KeptOpen::NotWaitedFor);
        assert!(matches!(seen(watched(10, 401), closed), KeptOpen::ConnectionWaited { .. }));
        assert!(matches!(seen(watched(401, 402), closed), KeptOpen::AnswerWaited { .. }));
        assert_eq!(seen(Watched::default(), closed), KeptOpen::Unknown);
    }
}
