//! Compares what one side sent with what the other side got: request against attempt, attempt against answer.
//!
//! The rules of this family call it for one exchange at a time. What a proxy may change by right – hop-by-hop fields, `Host`,
//! `Via`, framing – is left out; what the backend was told to send is read from its script.

use fake_backends::behavior::{FieldLine, Plan as BackendPlan};
use fake_backends::content::{Content, Kind};
use fake_backends::journal::{Attempt, Outcome};
use xxhash_rust::xxh3::xxh3_64;

use super::amiss::Amiss;
use crate::check::integrity::wrong_answer;
use crate::check::ledger::{Asked, Ledger, origin_form};
use crate::check::seen::Wrong;
use harness_model::history::{ContentSeen, ExchangeEnd};

/// Fields of a request that belong to one connection, or that a proxy may add, replace or drop.
const OF_THE_HOP: &[&str] = &[
    "connection",
    "content-length",
    "expect",
    "forwarded",
    "host",
    "keep-alive",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "via",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-proto",
    "x-real-ip",
];

/// What is amiss between a request and the attempt that it became. Fields are looked at where `with_fields` says so: the check of
/// a body does not fail for the loss of a field.
pub(super) fn on_the_way_there(asked: &Asked<'_>, attempt: &Attempt, with_fields: bool) -> Option<Amiss> {
    let exchange = asked.exchange;
    if let Outcome::Malformed(how) = &attempt.outcome {
        return Some(Amiss::NotARequest { how: how.clone() });
    }
    // A proxy with a cache may ask for the whole where its client asked for the head (RFC 9110 §9.3.2 forbids nothing of
    // the kind): what the client gets is judged all the same.
    let asks_for_more = exchange.method == "HEAD" && attempt.method == "GET";
    if attempt.method != exchange.method && !asks_for_more {
        return Some(Amiss::Method { arrived: attempt.method.clone() });
    }
    if origin_form(&attempt.target) != exchange.target {
        return Some(Amiss::Target { arrived: attempt.target.clone() });
    }
    let sent = exchange.request_body_bytes;
    if attempt.body_complete.is_none() {
        return Some(Amiss::BodyShort { sent, arrived: attempt.body_bytes });
    }
    if attempt.body_bytes != sent {
        return Some(Amiss::BodyLength { sent, arrived: attempt.body_bytes });
    }
    if sent > 0
        && attempt.body_hash != xxh3_64(&Content::new(&exchange.target, 0, sent, Kind::Binary).to_vec())
    {
        return Some(Amiss::BodyBytes);
    }
    if attempt.extra_bytes > 0 {
        return Some(Amiss::RequestExtra { bytes: attempt.extra_bytes });
    }
    if !with_fields {
        return None;
    }
    let (of_client, arrived) = (fields(&exchange.request_head.0), fields(&attempt.head.0));
    for (name, _) in of_client.iter().filter(|(name, _)| !OF_THE_HOP.contains(&name.as_str())) {
        let (sent, arrived) = (joined(&of_client, name).unwrap_or_default(), joined(&arrived, name));
        if arrived.as_deref() != Some(&sent) {
            return Some(Amiss::Field { name: name.clone(), sent, arrived });
        }
    }
    None
}

/// What is amiss between what a backend sent and what the client got.
pub(super) fn on_the_way_back(ledger: &Ledger<'_>, asked: &Asked<'_>, attempt: &Attempt) -> Option<Amiss> {
    let exchange = asked.exchange;
    let (ExchangeEnd::Complete, Some(response)) = (&exchange.end, &exchange.response) else {
        return Some(Amiss::Answer { wrong: wrong_answer(asked).unwrap_or(Wrong::NoAnswer) });
    };
    if let Some(sent) = attempt.status.filter(|&sent| sent != response.status) {
        return Some(Amiss::Status { sent, came: response.status });
    }
    let bodiless = exchange.method == "HEAD" || matches!(response.status, 204 | 304);
    let beyond = response.body.extra_bytes;
    if bodiless && response.body.bytes + beyond > 0 {
        return Some(Amiss::UnwantedBody { bytes: response.body.bytes + beyond });
    }
    if let Some(ContentSeen::Damaged(how)) = &response.body.content {
        return Some(Amiss::Answer { wrong: Wrong::Damaged { how: how.clone() } });
    }
    if let Some(wrong) = wrong_answer(asked).filter(|wrong| !matches!(wrong, Wrong::Status { .. })) {
        return Some(Amiss::Answer { wrong });
    }
    let came = fields(&response.head.0);
    for (name, sent) in told_to_send(ledger, exchange.method.as_str(), &exchange.target) {
        let values = || came.iter().filter(|(found, _)| *found == name).map(|(_, value)| value.clone());
        // Several lines of one name may be joined by commas, but never those of Set-Cookie (RFC 9110 §5.3).
        let same = if name == "set-cookie" {
            values().eq(sent.iter().cloned())
        } else {
            joined(&came, &name).is_some_and(|came| came == sent.join(", "))
        };
        if !same {
            let came = joined(&came, &name);
            return Some(Amiss::AnswerField { name, sent: sent.join(", "), came });
        }
    }
    None
}

/// The fields that the script makes a backend send for a request, by name, in order.
fn told_to_send(ledger: &Ledger<'_>, method: &str, target: &str) -> Vec<(String, Vec<String>)> {
    let (_, plan) = ledger.plan.backends.script.plan_for(method, target);
    let mut told: Vec<(String, Vec<String>)> = Vec::new();
    for FieldLine { name, value } in respond_fields(plan) {
        let name = name.to_ascii_lowercase();
        match told.iter_mut().find(|(known, _)| *known == name) {
            Some((_, values)) => values.push(value.clone()),
            None => told.push((name, vec![value.clone()])),
        }
    }
    told
}

fn respond_fields(plan: &BackendPlan) -> &[FieldLine] {
    match plan {
        BackendPlan::Respond(respond) => &respond.fields,
        other => match other.inner().as_slice() {
            [one] => respond_fields(one),
            _ => &[],
        },
    }
}

/// The values of a field, joined.
fn joined(fields: &[(String, String)], name: &str) -> Option<String> {
    let values: Vec<&str> =
        fields.iter().filter(|(found, _)| found == name).map(|(_, value)| value.as_str()).collect();
    (!values.is_empty()).then(|| values.join(", "))
}

/// Names in lower case and values of the fields of a head.
fn fields(head: &[u8]) -> Vec<(String, String)> {
    String::from_utf8_lossy(head)
        .lines()
        .skip(1)
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.trim().to_ascii_lowercase(), value.trim().to_owned()))
        .collect()
}
