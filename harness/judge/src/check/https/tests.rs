//! The checks of HTTPS on records made by hand.

use super::super::testkit::{Ask, Kit, moment};
use super::super::{Finding, HttpsFinding, Outcome, Verdict};
use harness_model::adapter::Setting;
use harness_model::catalogue::CheckId;
use harness_model::history::{
    CertificateSeen, EventKind, Handshake, HandshakeEnd, Offered, Purpose, Secured, TlsVersion,
};
use harness_model::plan::{Handshakes, StepKind, samples};

fn made(version: TlsVersion, protocol: Option<&str>, shown: &[CertificateSeen]) -> HandshakeEnd {
    HandshakeEnd::Made {
        version,
        protocol: protocol.map(str::to_owned),
        shown: shown.to_vec(),
        distrust: None,
        answered: Some(true),
    }
}

fn shaken(version: Option<TlsVersion>, protocols: &[&str], end: HandshakeEnd) -> Handshake {
    let protocols = protocols.iter().map(|&name| name.to_owned()).collect();
    let offered = Offered { version, protocols };
    Handshake { connection: None, offered, began: moment(20.0), ended: moment(21.0), end }
}

const WHOLE: &[CertificateSeen] = &[CertificateSeen::Given(1), CertificateSeen::Intermediate];

fn judged(check: CheckId, settings: &[Setting], handshakes: Vec<Handshake>) -> Verdict {
    let mut kit = Kit::new(3);
    kit.capabilities().settings = settings.to_vec();
    kit.start(0.0, 1);
    kit.step(10.0, StepKind::Handshakes(Handshakes { path: "/{n}".into() }));
    for handshake in handshakes {
        kit.event(21.0, EventKind::Handshake(Box::new(handshake)));
    }
    kit.judge(check)
}

fn finding(verdict: Verdict) -> HttpsFinding {
    let Finding::Https(finding) = verdict.finding else { panic!("{verdict:?}") };
    finding
}

#[test]
fn what_is_not_declared_is_not_asked() {
    let verdict = judged(CheckId::HttpsVersions, &[], Vec::new());
    assert_eq!(verdict.outcome, Outcome::Unsupported);
    assert_eq!(judged(CheckId::HttpsVersions, &[Setting::Tls], Vec::new()).outcome, Outcome::Inconclusive);
}

#[test]
fn an_outdated_version_that_is_spoken_and_one_of_today_that_is_not_are_failures() {
    let refused = || HandshakeEnd::Refused { alert: Some(70) };
    let of = |old: HandshakeEnd, new: HandshakeEnd| {
        let handshakes =
            vec![shaken(Some(TlsVersion::Tls10), &[], old), shaken(Some(TlsVersion::Tls13), &[], new)];
        judged(CheckId::HttpsVersions, &[Setting::Tls], handshakes)
    };
    let new = || made(TlsVersion::Tls13, None, WHOLE);
    assert_eq!(of(refused(), new()).outcome, Outcome::Pass);
    // Whoever closes, or talks nonsense, does not speak it either.
    assert_eq!(of(HandshakeEnd::Failed("x".into()), new()).outcome, Outcome::Pass);
    let late = HandshakeEnd::Failed("not in time".into());
    assert_eq!(of(refused(), late).outcome, Outcome::Inconclusive, "neither spoken nor refused");
    let spoken = of(made(TlsVersion::Tls10, None, &[]), new());
    assert_eq!(finding(spoken), HttpsFinding::OutdatedSpoken { version: TlsVersion::Tls10 });
    let missing = of(refused(), refused());
    assert_eq!(finding(missing), HttpsFinding::VersionRefused { version: TlsVersion::Tls13, end: refused() });
}

#[test]
fn a_protocol_is_taken_from_the_offer_or_none_and_then_spoken() {
    let of = |settings: &[Setting], offered: &[&str], end: HandshakeEnd| {
        judged(CheckId::HttpsAlpn, settings, vec![shaken(None, offered, end)])
    };
    let tls = &[Setting::Tls][..];
    let both = &[Setting::Tls, Setting::Http2][..];
    let with = |protocol: Option<&str>| made(TlsVersion::Tls13, protocol, WHOLE);
    let refused = || HandshakeEnd::Refused { alert: Some(120) };
    for (settings, offered, end) in [
        (tls, &["http/1.1"][..], with(Some("http/1.1"))),
        (tls, &["http/1.1"], with(None)),
        (tls, &["h2", "http/1.1"], with(Some("http/1.1"))),
        (tls, &["h2"], refused()),
        (tls, &["h2"], with(None)),
        (both, &["h2"], with(Some("h2"))),
        (both, &["harness/1"], refused()),
        (both, &["harness/1"], with(None)),
    ] {
        let verdict = of(settings, offered, end.clone());
        assert_eq!(verdict.outcome, Outcome::Pass, "{offered:?} {end:?}: {:?}", verdict.finding);
    }
    for (settings, offered, end) in [
        (tls, &["http/1.1"][..], refused()),
        (both, &["h2"], refused()),
        (both, &["h2"], with(None)),
        (tls, &["harness/1"], with(Some("harness/1"))),
        (tls, &["http/1.1"], with(Some("h2"))),
    ] {
        assert_eq!(of(settings, offered, end.clone()).outcome, Outcome::Fail, "{offered:?} {end:?}");
    }
    let mut mute = with(Some("http/1.1"));
    if let HandshakeEnd::Made { answered, .. } = &mut mute {
        *answered = Some(false);
    }
    let silent = of(tls, &["http/1.1"], mute);
    assert!(matches!(finding(silent), HttpsFinding::ProtocolNotSpoken { .. }));
}

#[test]
fn the_certificate_is_the_given_one_with_all_above_it() {
    let of = |shown: &[CertificateSeen], why: Option<&str>| {
        let mut end = made(TlsVersion::Tls13, None, shown);
        if let HandshakeEnd::Made { distrust, .. } = &mut end {
            *distrust = why.map(str::to_owned);
        }
        judged(CheckId::HttpsCertificate, &[Setting::Tls], vec![shaken(None, &[], end)])
    };
    assert_eq!(of(WHOLE, None).outcome, Outcome::Pass);
    let foreign = of(&[CertificateSeen::Foreign], Some("UnknownIssuer"));
    assert_eq!(finding(foreign), HttpsFinding::CertificateForeign { count: 1, handshakes: 1 });
    let alone = of(&WHOLE[..1], Some("UnknownIssuer"));
    assert!(matches!(finding(alone), HttpsFinding::ChainIncomplete { shown: 1, .. }));
    assert!(matches!(finding(of(WHOLE, Some("Expired"))), HttpsFinding::CertificateDistrusted { .. }));
}

#[test]
fn a_renewed_certificate_is_shown_and_nobody_loses_an_answer() {
    let of = |last: u32, answered: bool| {
        let mut kit = Kit::new(1);
        kit.capabilities().settings = vec![Setting::Tls];
        kit.reloads();
        kit.start(0.0, 1);
        let mut exact = samples::exact(CheckId::HttpsReload, "/a/{n}", 2);
        exact.renews_certificate = true;
        kit.step(10.0, StepKind::Exact(exact));
        let secured = Secured {
            listen: "127.0.0.1:1".parse().unwrap(),
            name: "localhost".into(),
            number: 2,
            authority: "a.pem".into(),
        };
        kit.event(11.0, EventKind::Secured(secured));
        kit.event(12.0, EventKind::ProxyReloaded { launch: 1, backends: Vec::new() });
        let shown = [CertificateSeen::Given(last), CertificateSeen::Intermediate];
        let handshake = shaken(None, &[], made(TlsVersion::Tls13, None, &shown));
        kit.event(21.0, EventKind::Handshake(Box::new(handshake)));
        let status = if answered { 200 } else { 502 };
        kit.ask(Ask::get(Purpose::Exact, "/a/0", 15.0).by("b1").with_status(status));
        kit.judge(CheckId::HttpsReload)
    };
    let renewed = of(2, true);
    assert_eq!(renewed.outcome, Outcome::Pass);
    assert_eq!(finding(renewed), HttpsFinding::CertificateRenewed { after_ms: 8.0, exchanges: 1 });
    assert_eq!(finding(of(1, true)), HttpsFinding::CertificateNotRenewed { after_ms: 8.0 });
    assert_eq!(of(2, false).outcome, Outcome::Fail);
}
