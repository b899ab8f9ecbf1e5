//! One request of a load as an exchange of the record, made only for those that are kept.
//!
//! The worker calls it for anomalies and for the sample. The body of a load's answer is not kept beyond its first 4 KiB.

use fake_backends::clock::Moment;
use fake_backends::content::{Identity, Secret};
use fake_backends::journal::BODY_KEPT_BYTES;
use fake_backends::stamp::Stamp;
use fake_backends::wire::{lines_of, split_field};
use xxhash_rust::xxh3::xxh3_64;

use super::connection::{Connection, Ended};
use super::proof::Proven;
use harness_model::history::{BodySeen, ContentSeen, Exchange, Purpose, ResponseSeen, WireBytes};
use harness_model::plan::ClientKind;

/// The exchange of a request that has just ended on `connection`, with its numbers in the run and in its step. `start` is the moment from which its times count.
pub(super) fn exchange(
    (id, number): (u64, u64),
    method: &str,
    connection: &Connection,
    ended: &Ended,
    proven: Option<&Proven>,
    start: Moment,
    finished: u64,
) -> Exchange {
    let target = target_of(connection, ended);
    let at = |offset: u64| Moment(start.0 + offset);
    let answer = &connection.answer;
    let response = (answer.status != 0).then(|| ResponseSeen {
        status: answer.status,
        head: WireBytes(answer.head.clone()),
        body: BodySeen {
            bytes: connection.proof.bytes(),
            hash: xxh3_64(connection.proof.kept()),
            start: WireBytes(connection.proof.kept().iter().take(BODY_KEPT_BYTES).copied().collect()),
            extra_bytes: ended.extra as u64,
            content: match proven {
                Some(Proven::Right) => whose(connection),
                Some(Proven::Wrong(content)) => Some(content.clone()),
                Some(Proven::Foreign(what)) if (200..300).contains(&answer.status) => {
                    Some(ContentSeen::Damaged(format!("not content of the backends: {what}")))
                }
                _ => None,
            },
        },
        stamp: stamp(&answer.head, connection.proof.secret()),
    });
    Exchange {
        id,
        purpose: Purpose::Load,
        client: ClientKind::Raw,
        connection: Some(connection.number),
        request_on_connection: connection.requests,
        // Numbers of the record have 32 bits; a load of more requests is not judged by them.
        number: u32::try_from(number).unwrap_or(u32::MAX),
        group: 0,
        method: method.to_owned(),
        target,
        request_head: WireBytes(connection.out.clone()),
        request_body_bytes: 0,
        intended: at(ended.request.intended),
        sent: Some(at(ended.request.sent)),
        head_received: None,
        finished: at(finished),
        end: ended.end.clone(),
        response,
        reconnected: None,
        patience: None,
    }
}

/// The target of a request, as it was written.
pub(super) fn target_of(connection: &Connection, ended: &Ended) -> String {
    let target = connection.out.get(ended.request.written.target.clone()).unwrap_or_default();
    String::from_utf8_lossy(target).into_owned()
}

/// Key and version of a body that is right; of long ones the beginning alone is kept, which does not tell.
fn whose(connection: &Connection) -> Option<ContentSeen> {
    match connection.proof.verified() {
        Ok(Identity::Named { key, version, .. }) => Some(ContentSeen::Whole { key, version }),
        _ => None,
    }
}

fn stamp(head: &[u8], secret: Secret) -> Option<Stamp> {
    let fields: Vec<(String, Vec<u8>)> = lines_of(head)
        .skip(1)
        .filter_map(|line| split_field(line))
        .map(|(name, value)| (String::from_utf8_lossy(name).into_owned(), value.to_vec()))
        .collect();
    Stamp::read(fields.iter().map(|(name, value)| (name.as_str(), value.as_slice())), secret)
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::connection::{Connection, Ended, InFlight};
    use super::super::requests::Written;
    use super::*;
    use harness_model::history::ExchangeEnd;

    pub(in crate::traffic::load) fn exchange() -> Exchange {
        let mut connection = Connection::default();
        connection.out = b"GET /a HTTP/1.1\r\n\r\n".to_vec();
        let written = Written { kind: 0, key: None, target: 4..6 };
        let request = InFlight { written, intended: 5, sent: 7, again: false };
        let ended = Ended { request, end: ExchangeEnd::TimedOut, extra: 0 };
        super::exchange((1, 2), "GET", &connection, &ended, None, Moment(100), 9)
    }

    #[test]
    fn times_count_from_the_start_of_the_load() {
        let exchange = exchange();
        assert_eq!(
            (exchange.intended, exchange.sent, exchange.finished),
            (Moment(105), Some(Moment(107)), Moment(109))
        );
        assert_eq!(exchange.target, "/a");
        assert!(exchange.response.is_none());
    }
}
