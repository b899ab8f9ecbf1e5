//! One of each finding, for the tests of sentences and of reports.
//!
//! The figures are made up. A new finding belongs here too, so that its sentence is asked for in both languages.

use harness_judge::check::{
    Amiss, ConcurrencyFinding, Difference, ExchangeFinding, ExpirySeen, Finding, HitsFinding,
    IntegrityFinding, Judgement, LatePattern, PersistenceFinding, ProxyFinding, RotationFinding,
    RotationPattern, Samples, Share, ThresholdSeen, TtlFinding, Wrong,
};
use harness_model::catalogue::CheckId;
use harness_model::history::{Cut, LimitReached};
use harness_model::plan::ClientKind;

pub(crate) fn seen() -> ExpirySeen {
    ExpirySeen {
        ttl_ms: 2_000.0,
        keys: 200,
        before: 104,
        after: 96,
        last_served_ms: Some(2_003.2),
        first_expired_ms: Some(2_010.9),
        early_ms: 0.0,
        late_ms: 0.0,
    }
}

fn threshold(judgement: Judgement) -> ThresholdSeen {
    ThresholdSeen {
        tag: "steady".into(),
        quantile: 0.99,
        limit_ms: 50.0,
        observed_ms: Some(12.34),
        samples: 1_000,
        samples_needed: 299,
        error_rate: 0.0,
        error_limit: 0.01,
        send_lag_ms: Some(0.1),
        host_noise_ms: Some(1.5),
        overloaded: false,
        judgement,
    }
}

/// One of each finding; where a finding has several sentences, one of each of those.
pub(crate) fn all() -> Vec<Finding> {
    let target = || "/t/17".to_owned();
    let wrong = || Wrong::Damaged { how: "checksum".into() };
    let shares =
        || vec![Share { backend: "b1".into(), attempts: 40 }, Share { backend: "b2".into(), attempts: 38 }];
    let late = |pattern| {
        Finding::Ttl(TtlFinding::ServedPastTtl {
            target: target(),
            age_ms: 4_120.4,
            past_ms: 2_120.4,
            count: 96,
            seen: seen(),
            pattern,
        })
    };
    let mut all = vec![
        Finding::Exchange(ExchangeFinding::WaitsForBackendsEnd {
            kept_for_ms: 1_200.0,
            after_close_ms: 3.0,
            answer: true,
        }),
        Finding::Exchange(ExchangeFinding::WaitsForBackendsEnd {
            kept_for_ms: 1_200.0,
            after_close_ms: 3.0,
            answer: false,
        }),
        Finding::Exchange(ExchangeFinding::ClosesUnsaid { target: target(), closed: 7, went_on: 0 }),
        Finding::Exchange(ExchangeFinding::ClosesAsSaid { went_on: 12, said: 3 }),
        Finding::Exchange(ExchangeFinding::AddedToEach {
            requests: 48,
            least_ms: 101.4,
            median_ms: 103.0,
            limit_ms: 50.0,
            varies_ms: 4.0,
        }),
        Finding::NotSent { requests: 3, said: "too many open files".into() },
        Finding::CutOffByUs {
            target: target(),
            bytes: 3_000_000,
            given_ms: Some(5_000.0),
            pressure: Some(0.8),
        },
        Finding::CutOffByUs { target: target(), bytes: 0, given_ms: Some(9_000.0), pressure: Some(1.0) },
        Finding::DependsOn { check: CheckId::CacheHit },
        Finding::NoControl { check: CheckId::CacheHit },
        Finding::NoControl { check: CheckId::ForwardOnce },
        Finding::NoControl { check: CheckId::RotationSerialCycle },
        Finding::Integrity(IntegrityFinding::FewOfBackends { right: 1, of_nobody: 56 }),
        Finding::Integrity(IntegrityFinding::FewOfBackends { right: 0, of_nobody: 56 }),
        Finding::DeclaredUnsupported { capability: "cache: memory".into() },
        Finding::Attached,
        Finding::CutShort { ended: 28, steps: 119 },
        Finding::Exchange(ExchangeFinding::ClientWaitsForClose { kept_ms: 1_200.0 }),
        Finding::StepProblem { problem: "curl is not installed".into() },
        Finding::PassedOnSecondTry {
            first: Box::new(Finding::Concurrency(ConcurrencyFinding::NotInsideAtOnce {
                asked: 10,
                inside: 4,
            })),
            pressure_first: Some(0.9),
            pressure_second: None,
        },
        Finding::BusyHost {
            found: Box::new(Finding::Concurrency(ConcurrencyFinding::NotInsideAtOnce {
                asked: 10,
                inside: 9,
            })),
            pressure: Some(0.9),
            stood_still_ms: 120.0,
        },
        Finding::Hits(HitsFinding::HitsProven { keys: 5 }),
        Finding::Hits(HitsFinding::NoHits { keys: 5, target: target() }),
        Finding::Hits(HitsFinding::SomeMisses { keys: 5, missed: 2, target: target() }),
        Finding::Hits(HitsFinding::PostsReachedBackends { posts: 5, tempting: 4 }),
        Finding::Hits(HitsFinding::PostFromCache { target: target(), count: 5, posts: 5 }),
        Finding::Hits(HitsFinding::PostNotForwarded { target: target(), wrong: wrong(), count: 1, posts: 5 }),
        Finding::Ttl(TtlFinding::Expiry(seen())),
        Finding::Ttl(TtlFinding::Expiry(ExpirySeen { late_ms: 1_000.0, ..seen() })),
        late(LatePattern::NeverExpires),
        late(LatePattern::TwiceTheTtl),
        late(LatePattern::Late),
        late(LatePattern::Mixed),
        Finding::Ttl(TtlFinding::ExpiredEarly {
            target: target(),
            age_ms: 1_500.0,
            short_ms: 500.0,
            count: 7,
            seen: seen(),
        }),
        Finding::Ttl(TtlFinding::TooFewProbes { before: 3, after: 4, needed: 10, ttl_ms: 2_000.0 }),
        Finding::Ttl(TtlFinding::ResolutionTooCoarse { declared_ms: 2_000.0, at_most_ms: 1_000.0 }),
        Finding::Ttl(TtlFinding::TwoValues { first: seen(), second: seen() }),
        Finding::Ttl(TtlFinding::OneAgeForTwoValues { first: seen(), second: seen() }),
        Finding::Ttl(TtlFinding::ResourcesExpireApart { keys: 40, stored_apart_ms: 2_000.0, outlived: 20 }),
        Finding::Ttl(TtlFinding::ResourcesExpireTogether {
            keys: 40,
            stored_apart_ms: 2_000.0,
            youngest_ms: 640.0,
            oldest_ms: 1_970.0,
        }),
        Finding::Ttl(TtlFinding::HitsDoNotProlong {
            keys: 10,
            hits: 60,
            oldest_ms: 1_890.0,
            ttl_ms: 2_000.0,
        }),
        Finding::Ttl(TtlFinding::HitsProlong {
            target: target(),
            age_ms: 4_800.0,
            ttl_ms: 2_000.0,
            hits: 16,
            count: 10,
            keys: 10,
        }),
        Finding::Ttl(TtlFinding::RestartMayProlong { seen: seen(), restarts: 1 }),
        Finding::Ttl(TtlFinding::AgeGoesOnOverRestart { seen: seen(), restarts: 1 }),
        Finding::Ttl(TtlFinding::RestartProlongs {
            target: target(),
            age_ms: 2_700.0,
            count: 3,
            seen: seen(),
        }),
        Finding::Ttl(TtlFinding::RestartForgets { target: target(), age_ms: 700.0, count: 3, seen: seen() }),
        Finding::Persistence(PersistenceFinding::KeptAfterKill { keys: 30, kills: 3, backends_down: true }),
        Finding::Persistence(PersistenceFinding::KeptAfterKill { keys: 30, kills: 3, backends_down: false }),
        Finding::Persistence(PersistenceFinding::LostAfterKill {
            keys: 30,
            lost: 30,
            target: target(),
            wrong: Wrong::FromBackend,
            kills: 3,
        }),
        Finding::Persistence(PersistenceFinding::DidNotStartAgain {
            code: Some(1),
            last_lines: vec!["address in use".into()],
        }),
        Finding::Persistence(PersistenceFinding::DidNotStartAgain { code: None, last_lines: Vec::new() }),
        Finding::ForAPerson,
        Finding::Exchange(ExchangeFinding::NotFoundKept { target: target() }),
        Finding::Exchange(ExchangeFinding::NotFoundAskedAgain { exchanges: 2 }),
        Finding::Persistence(PersistenceFinding::ExpiredBeforeReread { keys: 30, ttl_ms: 2_000.0 }),
        Finding::Persistence(PersistenceFinding::WholeAfterKill { kills: 20, reread: 400, from_cache: 200 }),
        Finding::Persistence(PersistenceFinding::WrongAfterKill {
            target: target(),
            wrong: wrong(),
            count: 2,
            reread: 400,
            kills: 20,
        }),
        Finding::Persistence(PersistenceFinding::CacheFiles {
            files: 30,
            bytes: 30_720,
            example: "cache/1".into(),
        }),
        Finding::Persistence(PersistenceFinding::NoCacheFiles { files: 2, cached_bytes: 30_720 }),
        Finding::Persistence(PersistenceFinding::ReboundAtOnce { starts: 3, slowest_ms: 12.0 }),
        Finding::Persistence(PersistenceFinding::ReboundLate {
            after_ms: 61_000.0,
            vain: 30,
            starts: 1,
            given_up: false,
        }),
        Finding::Persistence(PersistenceFinding::ReboundLate {
            after_ms: 60_000.0,
            vain: 26,
            starts: 2,
            given_up: true,
        }),
        Finding::Concurrency(ConcurrencyFinding::FastOvertook {
            fast: 10,
            slow_ms: 1_000.0,
            slowest_ms: 4.0,
        }),
        Finding::Concurrency(ConcurrencyFinding::FastWaited {
            target: target(),
            waited_ms: 950.0,
            slow_ms: 1_000.0,
            waiting: 10,
            fast: 10,
        }),
        Finding::Concurrency(ConcurrencyFinding::SlowWentWrong { target: target(), wrong: Wrong::TimedOut }),
        Finding::Concurrency(ConcurrencyFinding::InsideAtOnce { asked: 10, inside: 10 }),
        Finding::Concurrency(ConcurrencyFinding::OwnAnswers { exchanges: 500, at_once: 50 }),
        Finding::Concurrency(ConcurrencyFinding::ClientKindsServed {
            kinds: vec![ClientKind::Raw, ClientKind::Curl],
            exchanges: 6,
        }),
        Finding::Concurrency(ConcurrencyFinding::ClientKindUnserved {
            kind: ClientKind::Reqwest,
            target: target(),
            wrong: Wrong::NoAnswer,
            count: 3,
            exchanges: 3,
        }),
        Finding::Concurrency(ConcurrencyFinding::ColdKey { requests: 50, attempts: 50 }),
        Finding::Integrity(IntegrityFinding::BodiesRight { exchanges: 900, bytes: 921_600 }),
        Finding::Proxy(ProxyFinding::Lived { launches: 2, exchanges: 900 }),
        Finding::Proxy(ProxyFinding::Died {
            code: None,
            signal: Some(13),
            after: Some(target()),
            last_lines: vec!["bye".into()],
        }),
        Finding::Proxy(ProxyFinding::StoppedByLimit {
            limit: LimitReached::Written(1_000_000_000),
            after: Some(target()),
        }),
        Finding::Proxy(ProxyFinding::StoppedByLimit { limit: LimitReached::Memory, after: None }),
        Finding::Proxy(ProxyFinding::Died {
            code: Some(1),
            signal: None,
            after: None,
            last_lines: Vec::new(),
        }),
        Finding::Rotation(RotationFinding::ExactCycle {
            requests: 30,
            order: vec!["b1".into(), "b2".into()],
            chance: 1e-9,
        }),
        Finding::Rotation(RotationFinding::EvenWithinRotations { requests: 30, spread: 2, rotations: 4 }),
        Finding::Rotation(RotationFinding::TurnPerConnection {
            requests: 24,
            connections: 1,
            over: 25,
            backends: vec!["b1".into(), "b2".into()],
        }),
        Finding::Rotation(RotationFinding::BackendsLeftOut { names: vec!["b2".into()], shares: shares() }),
        Finding::Rotation(RotationFinding::DoubledAttempts {
            target: target(),
            attempts: 2,
            count: 30,
            requests: 30,
        }),
        Finding::Rotation(RotationFinding::NotForwarded {
            target: target(),
            wrong: Wrong::Status { status: 502 },
            count: 1,
            requests: 30,
        }),
        Finding::Rotation(RotationFinding::EvenBatches {
            batches: 25,
            size: 12,
            spread: 1,
            allowed: 1,
            power: 0.88,
            shares: shares(),
        }),
        Finding::Rotation(RotationFinding::HitsAndTurns { take_turn: true, hits: 6 }),
        Finding::Rotation(RotationFinding::HitsAndTurns { take_turn: false, hits: 6 }),
        Finding::Exchange(ExchangeFinding::AsAsked { exchanges: 6 }),
        Finding::Exchange(ExchangeFinding::LeftSilentBackend { after_ms: 30_002.0, within_ms: 31_000.0 }),
        Finding::Exchange(ExchangeFinding::CameBackToSilentBackend { within_ms: 65_000.0 }),
        Finding::Exchange(ExchangeFinding::AtRest { cpu: 0.01, threads: 0, files: 2 }),
    ];
    for amiss in [
        Amiss::NotForwarded { wrong: Some(wrong()) },
        Amiss::NotForwarded { wrong: None },
        Amiss::SentTwice { attempts: 2 },
        Amiss::Method { arrived: "GET".into() },
        Amiss::Target { arrived: "/t".into() },
        Amiss::Field { name: "accept".into(), sent: "a".into(), arrived: None },
        Amiss::Field { name: "accept".into(), sent: "a".repeat(99), arrived: Some("b".into()) },
        Amiss::BodyShort { sent: 10, arrived: 1 },
        Amiss::BodyLength { sent: 10, arrived: 12 },
        Amiss::BodyBytes,
        Amiss::RequestExtra { bytes: 3 },
        Amiss::NotARequest { how: "no version".into() },
        Amiss::Answer { wrong: wrong() },
        Amiss::Status { sent: 404, came: 200 },
        Amiss::AnswerField { name: "set-cookie".into(), sent: "a".into(), came: None },
        Amiss::AnswerField { name: "set-cookie".into(), sent: "a".into(), came: Some("b".into()) },
        Amiss::UnwantedBody { bytes: 40 },
        Amiss::NotKept,
        Amiss::SuccessOfNothing { status: 200 },
        Amiss::NoAnswer { wrong: Wrong::TimedOut },
        Amiss::PassedOffAsWhole { bytes: 1_000 },
        Amiss::Kept,
        Amiss::NotKeptInCache,
        Amiss::NotAskedAgain { backend: "b2".into(), for_ms: 60_000 },
        Amiss::StatusOfHit { sent: 404, came: 200 },
        Amiss::Differs { difference: Difference::Bytes },
    ] {
        all.push(Finding::Exchange(ExchangeFinding::Amiss {
            method: "GET".into(),
            target: target(),
            amiss,
            count: 1,
            exchanges: 6,
        }));
    }
    for wrong in [
        Wrong::Foreign { of: "/t/18".into() },
        Wrong::CutShort { received: 10, how: Cut::Head { head_bytes: 10, error: None } },
        Wrong::CutShort { received: 10, how: Cut::Body { body_bytes: 10, announced: Some(20), error: None } },
        Wrong::CutShort { received: 10, how: Cut::ClientLeft { left_after: 10 } },
        Wrong::ExtraBytes { extra: 1 },
        Wrong::NotConnected { how: "refused".into() },
        Wrong::Malformed { how: "no status".into() },
        Wrong::OldVersion,
        Wrong::OfNobody,
        Wrong::OfAHead,
    ] {
        all.push(Finding::Concurrency(ConcurrencyFinding::NotOwnAnswer {
            target: target(),
            wrong: wrong.clone(),
            count: 2,
            exchanges: 500,
            at_once: 50,
        }));
        all.push(Finding::Integrity(IntegrityFinding::WrongBody {
            target: target(),
            wrong,
            count: 1,
            exchanges: 500,
        }));
    }
    for difference in [
        Difference::Status { miss: 200, hit: 304 },
        Difference::Field { name: "content-type".into(), miss: Some("a".into()), hit: None },
        Difference::Field { name: "content-type".into(), miss: Some("a".into()), hit: Some("b".into()) },
        Difference::Length { miss: 10, hit: 11 },
        Difference::Bytes,
        Difference::End { wrong: Wrong::TimedOut },
    ] {
        all.push(Finding::Hits(HitsFinding::HitDiffers { target: target(), difference, count: 1, hits: 5 }));
    }
    for pattern in [
        RotationPattern::Global,
        RotationPattern::PerWorker,
        RotationPattern::PerConnection,
        RotationPattern::Weighted,
        RotationPattern::Random,
        RotationPattern::Racy,
        RotationPattern::Sticky { backend: "b2".into() },
        RotationPattern::LeavesOut,
        RotationPattern::Unknown,
    ] {
        all.push(Finding::Rotation(RotationFinding::CycleBroken {
            position: 8,
            expected: "b2".into(),
            saw: "b1".into(),
            sequence: vec!["b1".into()],
            requests: 30,
            pattern: pattern.clone(),
        }));
        all.push(Finding::Rotation(RotationFinding::UnevenBatches {
            batch: 4,
            batches: 25,
            size: 12,
            spread: 5,
            allowed: 1,
            shares: shares(),
            pattern: pattern.clone(),
        }));
        all.push(Finding::Rotation(RotationFinding::RotationScope { pattern, requests: 60 }));
    }
    for judgement in [
        Judgement::Within,
        Judgement::Exceeded,
        Judgement::TooManyErrors,
        Judgement::NoMeans,
        Judgement::NothingMeasured,
        Judgement::TooFewSamples,
        Judgement::SentTooLate,
        Judgement::HostTooNoisy,
        Judgement::SmallHost,
    ] {
        all.push(Finding::Latencies { thresholds: vec![threshold(judgement)] });
    }
    for of in [
        Samples::Requests,
        Samples::Batches,
        Samples::Keys,
        Samples::Hits,
        Samples::ClientKinds,
        Samples::TemptingPosts,
        Samples::RereadsFromCache,
        Samples::Backends,
    ] {
        all.push(Finding::TooFew { of, have: 1, needed: 10 });
    }
    all.extend(super::log_words::samples());
    all.extend(super::case_words::samples().into_iter().map(Finding::Case));
    all.extend(super::config_words::samples());
    all.extend(super::http2_words::samples());
    all.extend(super::https_words::samples());
    all.extend(super::cloud_words::samples().into_iter().map(Finding::Cloud));
    all
}
