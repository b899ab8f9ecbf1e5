//! HTTPS, judged: the versions of TLS, the protocol that is chosen, the certificate that is shown, and another one while it serves.
//!
//! Whether answers over TLS are the right ones is a question of `fidelity`, by the same rules as without. Only what clients saw in
//! handshakes counts here; what the proxy was given stands in the record beside it.

#[cfg(test)]
mod tests;

use super::fidelity::{self, Rule};
use super::judged::Judged;
use super::ledger::{Ledger, ms_between};

use super::{Finding, HttpsFinding, Outcome};
use harness_model::adapter::Setting;
use harness_model::history::{CertificateSeen, EventKind, Handshake, HandshakeEnd, Purpose};
use harness_model::plan::{CheckPlan, StepKind};

const HTTP1: &str = "http/1.1";
const HTTP2: &str = "h2";

/// A handshake with its line in the record.
type Tried<'a> = (usize, &'a Handshake);

/// The handshakes of the last try of every step that is made for them.
fn tried<'a>(ledger: &Ledger<'a>, check: &'a CheckPlan) -> Vec<Tried<'a>> {
    let of = |step: usize| handshakes(ledger, step);
    let steps = ledger.steps_of(check).filter(|step| matches!(step.kind, StepKind::Handshakes(_)));
    steps.flat_map(|step| of(step.index)).collect()
}

fn handshakes<'a>(ledger: &Ledger<'a>, step: usize) -> Vec<Tried<'a>> {
    let started = |kind: &EventKind| matches!(kind, EventKind::StepStarted);
    let events = ledger.events;
    let last_try = events.iter().rposition(|event| event.step == Some(step) && started(&event.event));
    let of_step = events.iter().enumerate().skip(last_try.unwrap_or(0));
    of_step
        .filter_map(|(line, event)| match &event.event {
            EventKind::Handshake(handshake) if event.step == Some(step) => Some((line, &**handshake)),
            _ => None,
        })
        .collect()
}

/// The verdict on handshakes of which each is right or not, or shows nothing: one of those leaves open what no other one fails.
fn each<'a>(
    tried: &[Tried<'a>],
    is_open: impl Fn(&Handshake) -> bool,
    right: impl FnOnce(u64) -> HttpsFinding,
    wrong: impl Fn(&'a Handshake) -> Option<HttpsFinding>,
) -> Judged {
    if tried.is_empty() {
        return Judged::not_reached();
    }
    let decided = tried.iter().filter(|(_, handshake)| !is_open(handshake));
    let mut amiss = decided.filter_map(|&(line, handshake)| Some((line, wrong(handshake)?)));
    let Some((line, first)) = amiss.next() else {
        let mut open = tried.iter().filter(|(_, handshake)| is_open(handshake));
        if let Some((line, first)) = open.next() {
            let (open, handshakes) = (1 + open.count() as u64, tried.len() as u64);
            let finding = HttpsFinding::LeftOpen { open, handshakes, end: first.end.clone() };
            return Judged::inconclusive(Finding::Https(finding)).with_evidence([*line]);
        }
        return Judged::pass(Finding::Https(right(tried.len() as u64)));
    };
    let evidence = [line].into_iter().chain(amiss.map(|(line, _)| line)).collect();
    Judged::fail(Finding::Https(first), evidence)
}

/// Whether it never became a connection, or not in time: neither spoken nor refused.
fn has_failed(handshake: &Handshake) -> bool {
    matches!(handshake.end, HandshakeEnd::Failed(_))
}

/// TLS 1.2 and 1.3 are spoken (RFC 9325 §3.1.1), 1.0 and 1.1 are not (RFC 8996).
pub(super) fn versions(ledger: &Ledger<'_>, check: &CheckPlan) -> Judged {
    let mut tried = tried(ledger, check);
    tried.retain(|(_, handshake)| handshake.offered.version.is_some());
    let right = |handshakes| HttpsFinding::VersionsRight { handshakes };
    // An alert or a close refuses; who says nothing, or nonsense, may still speak it to another client.
    each(&tried, has_failed, right, |handshake| {
        let version = handshake.offered.version?;
        let spoken = matches!(handshake.end, HandshakeEnd::Made { .. });
        match (version.is_outdated(), spoken) {
            (true, true) => Some(HttpsFinding::OutdatedSpoken { version }),
            (false, false) => Some(HttpsFinding::VersionRefused { version, end: handshake.end.clone() }),
            _ => None,
        }
    })
}

/// Of what the client offers one is chosen and spoken; where it offers nothing, HTTP/1.1 is (RFC 7301 §3.2, RFC 9113 §3.2).
pub(super) fn alpn(ledger: &Ledger<'_>, check: &CheckPlan) -> Judged {
    let http2 = ledger.plan.adapter.capabilities.settings.contains(&Setting::Http2);
    let mut tried = tried(ledger, check);
    tried.retain(|(_, handshake)| handshake.offered.version.is_none_or(|version| !version.is_outdated()));
    let right = |handshakes| HttpsFinding::ProtocolsRight { handshakes };
    let came_late =
        |handshake: &Handshake| matches!(handshake.end, HandshakeEnd::Made { answered: None, .. });
    each(
        &tried,
        |handshake| has_failed(handshake) || came_late(handshake),
        right,
        |handshake| {
            let offered = &handshake.offered.protocols;
            let offers = |name: &str| offered.iter().any(|one| one == name);
            let must_take = offered.is_empty() || offers(HTTP1) || http2 && offers(HTTP2);
            let HandshakeEnd::Made { protocol: chosen, answered, .. } = &handshake.end else {
                let (offered, end) = (offered.clone(), handshake.end.clone());
                // One that speaks one version alone is told so by the check of versions.
                return (must_take && handshake.offered.version.is_none())
                    .then_some(HttpsFinding::OfferRefused { offered, end });
            };
            let known = |name: &str| (name == HTTP1 || name == HTTP2) && offers(name);
            if let Some(invented) = chosen.as_deref().filter(|name| !known(name)) {
                let (offered, chosen) = (offered.clone(), invented.to_owned());
                return Some(HttpsFinding::ProtocolInvented { offered, chosen });
            }
            if http2 && offered == &[HTTP2] && chosen.is_none() {
                let (offered, end) = (offered.clone(), handshake.end.clone());
                return Some(HttpsFinding::OfferRefused { offered, end });
            }
            // Who takes none of what was offered need not speak anything.
            let spoken = *answered == Some(true) || chosen.is_none() && !must_take;
            (!spoken)
                .then(|| HttpsFinding::ProtocolNotSpoken { offered: offered.clone(), chosen: chosen.clone() })
        },
    )
}

/// A certificate that it was given is shown, first of a chain up to the authority (RFC 8446 §4.4.2). Which of several it is says how soon it
/// reads a new one, and that is asked of it by [`reload`] alone: one cause, one red line.
pub(super) fn certificate(ledger: &Ledger<'_>, check: &CheckPlan) -> Judged {
    let mut tried = tried(ledger, check);
    tried.retain(|(_, handshake)| shown(handshake).is_some());
    let handshakes = tried.len() as u64;
    let foreign =
        |handshake: &Handshake| !matches!(shown(handshake), Some(([CertificateSeen::Given(_), ..], _)));
    let count = tried.iter().filter(|(_, handshake)| foreign(handshake)).count() as u64;
    let right = |handshakes| HttpsFinding::CertificateRight { handshakes };
    each(&tried, has_failed, right, |handshake| {
        let (chain, distrust) = shown(handshake)?;
        if foreign(handshake) {
            return Some(HttpsFinding::CertificateForeign { count, handshakes });
        }
        if !chain.contains(&CertificateSeen::Intermediate) {
            let (shown, distrust) = (chain.len() as u64, distrust.clone());
            return Some(HttpsFinding::ChainIncomplete { shown, distrust });
        }
        distrust.clone().map(|distrust| HttpsFinding::CertificateDistrusted { distrust })
    })
}

/// What was shown in a handshake in which a certificate could be seen.
fn shown(handshake: &Handshake) -> Option<(&[CertificateSeen], &Option<String>)> {
    match &handshake.end {
        HandshakeEnd::Made { version, shown, distrust, .. } if !version.is_outdated() => {
            Some((shown, distrust))
        }
        _ => None,
    }
}

/// Told that there is another certificate, it shows that one and loses no exchange meanwhile.
pub(super) fn reload(ledger: &Ledger<'_>, check: &CheckPlan) -> Judged {
    let judged = fidelity::judged(ledger, check, Rule::Served);
    let exchanges = match &judged.finding {
        Finding::Exchange(super::ExchangeFinding::AsAsked { exchanges })
            if judged.outcome == Outcome::Pass =>
        {
            *exchanges
        }
        _ => return judged,
    };
    for step in ledger.steps_of(check) {
        let StepKind::Exact(exact) = &step.kind else { continue };
        if exact.asks != check.id || !exact.renews_certificate {
            continue;
        }
        let in_step = || ledger.events.iter().filter(|event| event.step == Some(step.index));
        let told = in_step().rev().find(|event| matches!(event.event, EventKind::ProxyReloaded { .. }));
        let number = in_step().rev().find_map(|event| match &event.event {
            EventKind::Secured(secured) => Some(secured.number),
            _ => None,
        });
        let (Some(told), Some(number)) = (told, number) else { return Judged::not_reached() };
        if !told_meanwhile(ledger, step.index) {
            return Judged::not_reached();
        }
        let mut after = handshakes(ledger, step.index);
        after.retain(|(_, handshake)| handshake.began > told.at && shown(handshake).is_some());
        after.sort_by_key(|(_, handshake)| handshake.began);
        let is_new = |handshake: &Handshake| {
            shown(handshake).and_then(|(chain, _)| chain.first()) == Some(&CertificateSeen::Given(number))
        };
        // All of the last round: one worker of several that goes on with the old one is one too many.
        let last = after.iter().rev().take(exact.at_once.max(1) as usize);
        if let Some(&(line, old)) = last.clone().find(|(_, handshake)| !is_new(handshake)) {
            let own = shown(old).and_then(|(chain, _)| chain.first());
            if !matches!(own, Some(CertificateSeen::Given(_))) {
                // One that it was never given is no old one, and a red line of `certificate`.
                return Judged::not_reached().with_evidence([line]);
            }
            let after_ms = ms_between(told.at, old.began);
            let finding = HttpsFinding::CertificateNotRenewed { after_ms };
            return Judged::fail(Finding::Https(finding), vec![line]);
        }
        let Some((_, first)) = after.iter().find(|(_, handshake)| is_new(handshake)) else {
            return Judged::not_reached();
        };
        let after_ms = ms_between(told.at, first.began);
        return Judged::pass(Finding::Https(HttpsFinding::CertificateRenewed { after_ms, exchanges }));
    }
    Judged::not_reached()
}

/// Whether answers were on their way when the proxy was told to read its files again: where none was, nothing could be lost.
pub(super) fn told_meanwhile(ledger: &Ledger<'_>, step: usize) -> bool {
    let mut of_step = ledger.events.iter().filter(|event| event.step == Some(step));
    let told = of_step.rfind(|event| matches!(event.event, EventKind::ProxyReloaded { .. }));
    told.is_some_and(|told| {
        let asked = ledger.requests_of(step, Purpose::Exact);
        asked.iter().any(|asked| asked.sent() < told.at && told.at < asked.exchange.finished)
    })
}
