//! What the cache answers: the second GET of a resource, and never a POST.
//!
//! `evaluate` calls one function per check. A hit is an answer that no backend saw a request for; fields such as `X-Cache`
//! prove nothing and are not looked at.

use super::integrity::wrong_answer;
use super::judged::Judged;
use super::ledger::{Asked, Ledger, Origin, ms, ms_between};
use super::seen::{Difference, Samples, Wrong};
use super::{Finding, HitsFinding};
use harness_model::catalogue::Family;
use harness_model::history::{ExchangeEnd, Purpose, ResponseSeen};
use harness_model::plan::{CheckPlan, Step, StepKind};

/// Fields that a proxy may add, replace or drop (and whatever begins with [`OF_CACHES`]), or that say how the message is framed on this connection.
const NOT_END_TO_END: &[&str] = &[
    "age",
    "alt-svc",
    "cache-status",
    "connection",
    "content-length",
    "date",
    "keep-alive",
    "proxy-connection",
    "server",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "via",
    "warning",
    "x-varnish",
    "x-served-by",
    "x-proxy-cache",
];

/// How the fields begin in which caches tell of themselves: `X-Cache`, `X-Cache-Hits`, `X-Cache-Lookup`, `X-Cache-Status`.
const OF_CACHES: &str = "x-cache";

/// `cache.hit`: the second GET reaches no backend and equals the first.
pub(super) fn hit(ledger: &Ledger<'_>, check: &CheckPlan) -> Judged {
    let steps: Vec<usize> = ledger.steps_of(check).map(|step| step.index).collect();
    let confirmed: Vec<Asked<'_>> = asked_twice(ledger, &steps, |purpose| purpose == Purpose::Confirm);
    // A scenario without confirmations still asks for the same things again: within the TTL those must be hits too.
    let seconds = if confirmed.is_empty() {
        asked_twice(ledger, &steps, |purpose| {
            matches!(purpose, Purpose::Slide | Purpose::Probe | Purpose::Serial)
        })
    } else {
        confirmed
    };
    let (mut keys, mut missed, mut different) = (0u64, Vec::new(), Vec::new());
    for second in &seconds {
        let Some(first) = filling(ledger, second) else { continue };
        match ledger.origin(second) {
            // Who asks a backend for what is fresh has no hit, whatever the stamp of the answer says.
            Some(Origin::Cache) if let Some(arrived) = ledger.attempts_during(second).next() => {
                keys += 1;
                missed.push((arrived.line, second));
            }
            Some(Origin::Cache) => {
                keys += 1;
                if let Some(difference) = difference(&first, second) {
                    different.push((first.line, second, difference));
                }
            }
            Some(Origin::Backend(arrived)) => {
                keys += 1;
                missed.push((arrived.line, second));
            }
            None => {
                keys += 1;
                let wrong = wrong_answer(second).unwrap_or(Wrong::NoAnswer);
                different.push((first.line, second, Difference::End { wrong }));
            }
        }
    }
    let hits = keys - missed.len() as u64;
    if keys == 0 {
        return Judged::too_few(Samples::Keys, 0, 1);
    }
    if let Some((first_line, second, difference)) = different.first().cloned() {
        let finding = Finding::Hits(HitsFinding::HitDiffers {
            target: second.exchange.target.clone(),
            difference,
            count: different.len() as u64,
            hits,
        });
        return Judged::fail(finding, vec![second.line, first_line]);
    }
    let Some((_, second)) = missed.first() else {
        return Judged::pass(Finding::Hits(HitsFinding::HitsProven { keys }));
    };
    let target = second.exchange.target.clone();
    let evidence = missed.iter().flat_map(|(line, second)| [second.line, *line]).collect();
    if hits == 0 {
        Judged::fail(Finding::Hits(HitsFinding::NoHits { keys, target }), evidence)
    } else {
        Judged::fail(
            Finding::Hits(HitsFinding::SomeMisses { keys, missed: missed.len() as u64, target }),
            evidence,
        )
    }
}

/// `cache.post`: every POST reaches a backend.
pub(super) fn post(ledger: &Ledger<'_>, check: &CheckPlan) -> Judged {
    // Where backends fail on purpose, or have failed just before, it is not the cache that keeps a POST from them.
    let of_failures =
        |step: &Step| matches!(&step.kind, StepKind::Exact(exact) if exact.asks.family() == Family::Failures);
    let steps = ledger.steps_of(check).filter(|step| !of_failures(step));
    let steps: Vec<usize> = steps.map(|step| step.index).collect();
    let of_steps = |asked: &&Asked<'_>| asked.step.is_some_and(|step| steps.contains(&step));
    let (mut posts, mut tempting, mut cached, mut lost) = (0u64, 0u64, Vec::new(), Vec::new());
    for asked in ledger.asked.iter().filter(of_steps).filter(|asked| asked.exchange.method == "POST") {
        posts += 1;
        let answered_before =
            |other: &Asked<'_>| other.exchange.finished <= asked.sent() && other.succeeded();
        tempting +=
            u64::from(ledger.requests_for(&asked.exchange.target).any(|other| answered_before(&other)));
        let reached = ledger.attempts_during(asked).any(|arrived| arrived.attempt.method == "POST");
        if !reached {
            if asked.succeeded() { cached.push(asked) } else { lost.push(asked) }
        }
    }
    if let Some(first) = cached.first() {
        let finding = Finding::Hits(HitsFinding::PostFromCache {
            target: first.exchange.target.clone(),
            count: cached.len() as u64,
            posts,
        });
        return Judged::fail(finding, cached.iter().map(|asked| asked.line).collect());
    }
    if let Some(first) = lost.first() {
        let finding = Finding::Hits(HitsFinding::PostNotForwarded {
            target: first.exchange.target.clone(),
            wrong: wrong_answer(first).unwrap_or(Wrong::NoAnswer),
            count: lost.len() as u64,
            posts,
        });
        return Judged::fail(finding, lost.iter().map(|asked| asked.line).collect());
    }
    if tempting == 0 {
        return Judged::too_few(Samples::TemptingPosts, 0, 1);
    }
    Judged::pass(Finding::Hits(HitsFinding::PostsReachedBackends { posts, tempting }))
}

fn asked_twice<'a>(ledger: &Ledger<'a>, steps: &[usize], fits: impl Fn(Purpose) -> bool) -> Vec<Asked<'a>> {
    ledger
        .asked
        .iter()
        .filter(|asked| asked.exchange.method == "GET" && fits(asked.exchange.purpose))
        .filter(|asked| asked.step.is_some_and(|step| steps.contains(&step)))
        .copied()
        .collect()
}

/// The last GET of the same target that a backend answered, where the entry must still be there: same process, cache not
/// wiped, stored long enough ago for a proxy that stores late, and surely within the TTL.
fn filling<'a>(ledger: &Ledger<'a>, second: &Asked<'a>) -> Option<Asked<'a>> {
    let before = ledger
        .requests_for(&second.exchange.target)
        .take_while(|asked| asked.exchange.id != second.exchange.id)
        .filter(|asked| asked.exchange.method == "GET" && asked.succeeded())
        .filter(|asked| matches!(ledger.origin(asked), Some(Origin::Backend(_))))
        .last()?;
    let capabilities = &ledger.plan.adapter.capabilities;
    let (from, until) = (before.sent(), second.exchange.finished);
    let stored = ms_between(before.exchange.finished, second.sent()) >= ms(capabilities.store_lag);
    let fresh = second
        .step
        .and_then(|step| ledger.ttl_at(step))
        .is_none_or(|ttl| ms_between(from, until) < ttl - ms(capabilities.ttl_resolution.early));
    let undisturbed = ledger.launches_between(from, until) == 0 && !ledger.wiped_between(from, until);
    (stored && fresh && undisturbed).then_some(before)
}

/// In what a hit differs from the miss that filled it; `None` where it does not.
pub(super) fn difference(first: &Asked<'_>, second: &Asked<'_>) -> Option<Difference> {
    if second.exchange.end != ExchangeEnd::Complete {
        return Some(Difference::End { wrong: wrong_answer(second).unwrap_or(Wrong::NoAnswer) });
    }
    let (miss, hit) = (first.exchange.response.as_ref()?, second.exchange.response.as_ref()?);
    if miss.status != hit.status {
        return Some(Difference::Status { miss: miss.status, hit: hit.status });
    }
    if miss.body.bytes != hit.body.bytes {
        return Some(Difference::Length { miss: miss.body.bytes, hit: hit.body.bytes });
    }
    if miss.body.hash != hit.body.hash {
        return Some(Difference::Bytes);
    }
    if hit.body.extra_bytes > 0 {
        return Some(Difference::End { wrong: Wrong::ExtraBytes { extra: hit.body.extra_bytes } });
    }
    field_difference(miss, hit)
}

/// The first end-to-end field of the miss that the hit lacks or has otherwise. Fields that only the hit has were added by
/// the proxy, which it may do.
fn field_difference(miss: &ResponseSeen, hit: &ResponseSeen) -> Option<Difference> {
    let (of_miss, of_hit) = (fields(&miss.head.0), fields(&hit.head.0));
    for (name, _) in &of_miss {
        if NOT_END_TO_END.contains(&name.as_str()) || name.starts_with(OF_CACHES) {
            continue;
        }
        let values = |fields: &[(String, String)]| -> Option<String> {
            let all: Vec<&str> =
                fields.iter().filter(|(n, _)| n == name).map(|(_, value)| value.as_str()).collect();
            // Several lines of one name may be joined by commas (RFC 9110 §5.2).
            (!all.is_empty()).then(|| all.join(", "))
        };
        let (miss, hit) = (values(&of_miss), values(&of_hit));
        if miss != hit {
            return Some(Difference::Field { name: name.clone(), miss, hit });
        }
    }
    None
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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use crate::check::testkit::{Ask, Kit};
    use crate::check::{Cause, Difference, Finding, HitsFinding, Outcome};
    use harness_model::adapter::CacheMedium;
    use harness_model::catalogue::CheckId;
    use harness_model::history::{ContentSeen, Purpose};
    use harness_model::plan::{ClientKind, Connections, Fill, Serial, StepKind, samples};

    fn filled(kit: &mut Kit, second: impl Fn(u32, Ask) -> Ask) {
        let spread = Duration::ZERO;
        kit.step(0.0, StepKind::Fill(Fill { keys: 5, path: "/k/{key}".into(), vus: 1, confirm: 5, spread }));
        for key in 0..5 {
            kit.ask(Ask::get(Purpose::Fill, &format!("/k/{key}"), f64::from(key) * 10.0).by("b1"));
        }
        for key in 0..5 {
            kit.ask(second(
                key,
                Ask::get(Purpose::Confirm, &format!("/k/{key}"), 100.0 + f64::from(key) * 10.0),
            ));
        }
    }

    #[test]
    fn a_second_get_that_no_backend_sees_is_a_hit() {
        let mut kit = Kit::new(3);
        filled(&mut kit, |_, ask| ask);
        let verdict = kit.judge(CheckId::CacheHit);
        assert_eq!(
            (verdict.outcome, verdict.finding),
            (Outcome::Pass, Finding::Hits(HitsFinding::HitsProven { keys: 5 }))
        );
    }

    #[test]
    fn no_hit_at_all_fails_and_blocks_what_depends_on_it() {
        let mut kit = Kit::new(3);
        filled(&mut kit, |_, ask| ask.by("b2"));
        kit.check(CheckId::CacheHit);
        kit.check(CheckId::TtlExpiry);
        let verdicts = crate::check::evaluate(&kit.record);
        assert!(matches!(verdicts[0].finding, Finding::Hits(HitsFinding::NoHits { keys: 5, .. })));
        assert_eq!(verdicts[0].cause, Some(Cause::NothingCached));
        assert_eq!(verdicts[1].outcome, Outcome::Blocked);
        assert_eq!(verdicts[1].finding, Finding::DependsOn { check: CheckId::CacheHit });
    }

    #[test]
    fn a_proxy_that_declares_no_cache_is_unsupported_and_never_failed() {
        let mut kit = Kit::new(3);
        kit.capabilities().cache = CacheMedium::None;
        filled(&mut kit, |_, ask| ask.by("b2"));
        assert_eq!(kit.judge(CheckId::CacheHit).outcome, Outcome::Unsupported);
        assert_eq!(kit.judge(CheckId::TtlExpiry).outcome, Outcome::Unsupported);
        assert_eq!(kit.judge(CheckId::PersistenceSurvivesKill).outcome, Outcome::Unsupported);
    }

    #[test]
    fn a_single_miss_among_hits_is_counted() {
        let mut kit = Kit::new(3);
        filled(&mut kit, |key, ask| if key == 3 { ask.by("b2") } else { ask });
        let verdict = kit.judge(CheckId::CacheHit);
        assert_eq!(
            verdict.finding,
            Finding::Hits(HitsFinding::SomeMisses { keys: 5, missed: 1, target: "/k/3".into() })
        );
        assert_eq!(verdict.outcome, Outcome::Fail);
    }

    #[test]
    fn a_second_get_within_the_store_lag_or_after_the_ttl_proves_nothing() {
        let mut early = Kit::new(3);
        early.capabilities().store_lag = Duration::from_millis(300);
        filled(&mut early, |_, ask| ask.by("b2"));
        assert_eq!(early.judge(CheckId::CacheHit).outcome, Outcome::Inconclusive);
        let mut late = Kit::new(3);
        filled(&mut late, |_, mut ask| {
            ask.at += 2_000.0;
            ask.by("b2")
        });
        assert_eq!(late.judge(CheckId::CacheHit).outcome, Outcome::Inconclusive);
    }

    #[test]
    fn a_hit_that_differs_from_its_miss_fails() {
        let mut kit = Kit::new(3);
        filled(&mut kit, |key, mut ask| {
            ask.bytes += u64::from(key == 2);
            ask
        });
        let verdict = kit.judge(CheckId::CacheHit);
        let Finding::Hits(HitsFinding::HitDiffers { target, difference, count: 1, hits: 5 }) =
            verdict.finding
        else {
            panic!()
        };
        assert_eq!((target.as_str(), difference), ("/k/2", Difference::Length { miss: 1_000, hit: 1_001 }));
    }

    fn posts(kit: &mut Kit, post: impl Fn(Ask) -> Ask) {
        let serial = Serial {
            requests: 3,
            method: "POST".into(),
            path: "/k/{n}".into(),
            body_bytes: 10,
            connections: Connections::Each,
            client: ClientKind::Raw,
        };
        kit.step(500.0, StepKind::Serial(serial));
        for key in 0..3 {
            let ask = Ask::get(Purpose::Serial, &format!("/k/{key}"), 500.0 + f64::from(key) * 10.0);
            kit.ask(post(ask.with_method("POST")));
        }
    }

    #[test]
    fn a_post_answered_without_a_backend_fails_and_one_that_reaches_it_passes() {
        let mut good = Kit::new(3);
        filled(&mut good, |_, ask| ask);
        posts(&mut good, |ask| ask.by("b3"));
        let verdict = good.judge(CheckId::CachePost);
        assert_eq!(
            verdict.finding,
            Finding::Hits(HitsFinding::PostsReachedBackends { posts: 3, tempting: 3 })
        );
        let mut guilty = Kit::new(3);
        filled(&mut guilty, |_, ask| ask);
        posts(&mut guilty, |ask| ask);
        let verdict = guilty.judge(CheckId::CachePost);
        assert_eq!(
            verdict.finding,
            Finding::Hits(HitsFinding::PostFromCache { target: "/k/0".into(), count: 3, posts: 3 })
        );
    }

    #[test]
    fn a_post_that_finds_no_backend_after_all_of_them_have_failed_is_no_matter_of_the_cache() {
        let mut kit = Kit::new(3);
        filled(&mut kit, |_, ask| ask);
        posts(&mut kit, |ask| ask.by("b3"));
        kit.step(800.0, StepKind::Exact(samples::exact(CheckId::FailuresPostOnce, "/taken/{n}", 1)));
        let refused = Ask::get(Purpose::Exact, "/taken/0", 810.0).with_method("POST");
        kit.ask(refused.with_status(502).of_the_proxy_itself());
        assert_eq!(kit.judge(CheckId::CachePost).outcome, Outcome::Pass);
    }

    #[test]
    fn posts_that_nothing_tempts_prove_nothing_and_refused_ones_fail() {
        let mut kit = Kit::new(3);
        posts(&mut kit, |ask| ask.by("b1"));
        assert_eq!(kit.judge(CheckId::CachePost).outcome, Outcome::Inconclusive);
        let mut refused = Kit::new(3);
        posts(&mut refused, |ask| ask.with_status(405).with_content(ContentSeen::Damaged("no".into())));
        assert!(matches!(
            refused.judge(CheckId::CachePost).finding,
            Finding::Hits(HitsFinding::PostNotForwarded { count: 3, .. })
        ));
    }
}
