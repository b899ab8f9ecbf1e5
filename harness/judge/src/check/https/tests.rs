//! The checks of HTTPS on records made by hand.

use super::super::testkit::{Ask, Kit, moment};
use super::super::{Finding, HttpsFinding, Outcome, Verdict};
use harness_model::adapter::Setting;
use harness_model::catalogue::CheckId;
use harness_model::history::{
    CertificateSeen, EventKind, Handshake, HandshakeEnd, HostNoise, NoConnection, Offered, Purpose, Secured,
    TlsVersion,
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
    assert_eq!(of(HandshakeEnd::Refused { alert: None }, new()).outcome, Outcome::Pass, "it closed");
    // Silence and nonsense are neither spoken nor refused, whichever version was offered.
    for nothing in [NoConnection::NotInTime, NoConnection::OtherRecord(72), NoConnection::OtherVersion] {
        let nothing = || HandshakeEnd::Failed(nothing.clone());
        for (old, new) in [(nothing(), new()), (refused(), nothing())] {
            let verdict = of(old, new);
            assert_eq!(verdict.outcome, Outcome::Inconclusive);
            let open = HttpsFinding::LeftOpen { open: 1, handshakes: 2, end: nothing() };
            assert_eq!(finding(verdict), open);
        }
    }
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
    // Which of those that it was given is a question of the renewal.
    let second = [CertificateSeen::Given(2), CertificateSeen::Intermediate];
    assert_eq!(of(&second, None).outcome, Outcome::Pass);
    let foreign = of(&[CertificateSeen::Foreign], Some("UnknownIssuer"));
    assert_eq!(finding(foreign), HttpsFinding::CertificateForeign { count: 1, handshakes: 1 });
    let alone = of(&WHOLE[..1], Some("UnknownIssuer"));
    assert!(matches!(finding(alone), HttpsFinding::ChainIncomplete { shown: 1, .. }));
    assert!(matches!(finding(of(WHOLE, Some("Expired"))), HttpsFinding::CertificateDistrusted { .. }));
}

/// A renewal at 12 ms, while a request is on its way, and what clients were shown from 20 ms on.
fn renewal(at_once: u32, asked_at: f64, shown: &[u32]) -> Kit {
    let mut kit = Kit::new(1);
    kit.capabilities().settings = vec![Setting::Tls];
    kit.reloads();
    kit.start(0.0, 1);
    let mut exact = samples::exact(CheckId::HttpsReload, "/a/{n}", 2);
    (exact.renews_certificate, exact.at_once) = (true, at_once);
    kit.step(10.0, StepKind::Exact(exact));
    let secured = Secured {
        listen: "127.0.0.1:1".parse().unwrap(),
        name: "localhost".into(),
        number: 2,
        authority: "a.pem".into(),
    };
    kit.event(11.0, EventKind::Secured(secured));
    kit.event(12.0, EventKind::ProxyReloaded { launch: 1, backends: Vec::new() });
    kit.ask(Ask::get(Purpose::Exact, "/a/0", asked_at).by("b1"));
    for number in shown {
        let shown = [CertificateSeen::Given(*number), CertificateSeen::Intermediate];
        let handshake = shaken(None, &[], made(TlsVersion::Tls13, None, &shown));
        kit.event(21.0, EventKind::Handshake(Box::new(handshake)));
    }
    kit
}

#[test]
fn a_renewed_certificate_is_shown_and_nobody_loses_an_answer() {
    let renewed = renewal(1, 11.5, &[2]).judge(CheckId::HttpsReload);
    assert_eq!(renewed.outcome, Outcome::Pass, "{:?}", renewed.finding);
    assert_eq!(finding(renewed), HttpsFinding::CertificateRenewed { after_ms: 8.0, exchanges: 1 });
    let old = renewal(1, 11.5, &[1]).judge(CheckId::HttpsReload);
    assert_eq!(finding(old), HttpsFinding::CertificateNotRenewed { after_ms: 8.0 });
    let mut lost = renewal(1, 11.5, &[2]);
    lost.ask(Ask::get(Purpose::Exact, "/a/1", 11.5).by("b1").with_status(502));
    assert_eq!(lost.judge(CheckId::HttpsReload).outcome, Outcome::Fail);
}

#[test]
fn one_worker_that_goes_on_with_the_old_certificate_is_seen_in_the_last_round() {
    let of = |shown: &[u32]| renewal(3, 11.5, shown).judge(CheckId::HttpsReload).outcome;
    assert_eq!(of(&[2, 1, 2, 2, 2]), Outcome::Pass, "soon, and not at once");
    assert_eq!(of(&[2, 2, 2, 1, 2]), Outcome::Fail);
}

#[test]
fn a_certificate_that_nobody_gave_is_no_old_one() {
    let mut kit = renewal(1, 11.5, &[]);
    let own = shaken(None, &[], made(TlsVersion::Tls13, None, &[CertificateSeen::Foreign]));
    kit.event(21.0, EventKind::Handshake(Box::new(own)));
    assert_eq!(kit.judge(CheckId::HttpsReload).outcome, Outcome::Inconclusive);
}

#[test]
fn a_renewal_while_nobody_waits_shows_nothing() {
    let idle = renewal(1, 13.0, &[2]).judge(CheckId::HttpsReload);
    assert_eq!(idle.outcome, Outcome::Inconclusive, "{:?}", idle.finding);
}

#[test]
fn an_old_certificate_is_left_open_where_the_host_had_no_cpu_for_the_new_one() {
    let of = |pressure: f64, waited: f64, others_took: f64| {
        let mut kit = renewal(1, 11.5, &[]);
        let shown = [CertificateSeen::Given(1), CertificateSeen::Intermediate];
        let mut old = shaken(None, &[], made(TlsVersion::Tls13, None, &shown));
        (old.began, old.ended) = (moment(12.0 + waited), moment(12.0 + waited));
        kit.event(12.0 + waited, EventKind::Handshake(Box::new(old)));
        // A tenth of it is beyond the backend.
        kit.ask(Ask::get(Purpose::Exact, "/a/1", 11.5).by("b1").taking(others_took * 10.0));
        let noise = HostNoise { cpu_pressure: Some(pressure), ..HostNoise::default() };
        kit.event(20_000.0, EventKind::HostNoise(noise));
        kit.judge(CheckId::HttpsReload)
    };
    let open = of(0.9, 2_500.0, 700.0);
    assert_eq!(open.outcome, Outcome::Inconclusive, "{:?}", open.finding);
    assert!(matches!(open.finding, Finding::BusyHost { .. }), "{:?}", open.finding);
    assert_eq!(of(0.1, 2_500.0, 700.0).outcome, Outcome::Fail, "the host had a CPU to spare");
    assert_eq!(of(0.9, 2_500.0, 100.0).outcome, Outcome::Fail, "others had theirs long before");
    assert_eq!(of(0.9, 500.0, 700.0).outcome, Outcome::Fail, "it had not waited long");
}

#[test]
fn who_closes_a_handshake_late_is_left_open_on_a_busy_host_and_who_says_why_is_not() {
    let of = |pressure: f64, took: f64, end: HandshakeEnd| {
        let mut kit = Kit::new(3);
        kit.capabilities().settings = vec![Setting::Tls];
        kit.step(10.0, StepKind::Handshakes(Handshakes { path: "/{n}".into() }));
        let mut late = shaken(Some(TlsVersion::Tls13), &[], end);
        (late.began, late.ended) = (moment(20.0), moment(20.0 + took));
        kit.event(20.0 + took, EventKind::Handshake(Box::new(late)));
        kit.ask(Ask::get(Purpose::Exact, "/beside", 20.0).by("b1").taking(18_000.0));
        let noise = HostNoise { cpu_pressure: Some(pressure), ..HostNoise::default() };
        kit.event(20_000.0, EventKind::HostNoise(noise));
        kit.judge(CheckId::HttpsVersions).outcome
    };
    let closed = || HandshakeEnd::Refused { alert: None };
    assert_eq!(of(0.9, 3_000.0, closed()), Outcome::Inconclusive);
    assert_eq!(of(0.1, 3_000.0, closed()), Outcome::Fail, "at rest");
    assert_eq!(of(0.9, 30.0, closed()), Outcome::Fail, "at once");
    assert_eq!(of(0.9, 3_000.0, HandshakeEnd::Refused { alert: Some(70) }), Outcome::Fail, "it said why");
}
