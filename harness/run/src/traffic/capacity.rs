//! The search for a capacity: loads of rising rate, each a rung, until the highest that is kept is known well enough.
//!
//! The conductor calls it. Each rung is a bounded open loop of the load engine; between two of them everything that was sent
//! has ended. A rung is refused by what users would have seen, or unknown where the engine itself could not keep up.

use std::time::Duration;

use fake_backends::server::{Usage, Workplaces};

use super::ladder::Ladder;
use super::load::{self, Climbed, CpuMeter};
use super::{Problem, Traffic};
use harness_model::history::{CapacityRung, EventKind, PlaceUse, RungJudged};
use harness_model::plan::{CapacitySearch, Executor, Load, Step};
use harness_model::statistics::samples_needed;

/// Share of the limit by which requests may be sent late before a rung says nothing about the proxy.
const SEND_LAG_SHARE: f64 = 0.2;
/// Arrivals beyond the samples that a quantile needs: they come at random, and a few may end otherwise.
const MARGIN: f64 = 1.3;
/// A rung is prolonged until it has samples enough for its quantile, but to no more than this many times its length.
const LONGEST: u32 = 4;
/// A refused rung whose latency is within this factor of the limit, and whose errors are few, is tried once more,
/// as is one that was not measurable: on a machine that does other things too, one bad moment must not halve what is found.
const NEAR: f64 = 3.0;

/// Carries out the step. `places` tells how busy what stands behind the proxy was.
///
/// # Errors
/// No thread or timer is to be had.
pub async fn run(
    traffic: &Traffic,
    step: &Step,
    search: &CapacitySearch,
    places: &Workplaces,
    proxy_cpu: CpuMeter<'_>,
) -> Result<(), Problem> {
    let mut ladder = Ladder::new(search.from_per_second, search.to_per_second, search.precision);
    let mut number = 0;
    while let Some(rate) = ladder.next() {
        number += 1;
        let mut rung = climb(traffic, step, search, rate, number, places, proxy_cpu).await?;
        if is_near(&rung, search) || rung.judged == RungJudged::Unknown {
            number += 1;
            let again = climb(traffic, step, search, rate, number, places, proxy_cpu).await?;
            if again.judged == RungJudged::Kept || rung.judged == RungJudged::Unknown {
                rung = again;
            }
        }
        ladder.enter(rate, rung.judged);
        traffic.clients.recorder().record(EventKind::CapacityRung(Box::new(rung)));
    }
    Ok(())
}

fn is_near(rung: &CapacityRung, search: &CapacitySearch) -> bool {
    rung.judged == RungJudged::Refused
        && rung.errors as f64 <= rung.sent as f64 * search.error_rate * NEAR
        && rung.at_quantile.is_some_and(|latency| latency < search.limit.mul_f64(NEAR))
}

async fn climb(
    traffic: &Traffic,
    step: &Step,
    search: &CapacitySearch,
    rate: f64,
    number: u64,
    places: &Workplaces,
    proxy_cpu: CpuMeter<'_>,
) -> Result<CapacityRung, Problem> {
    let mut load: Load = search.load.clone();
    let (usual, max_in_flight) = (load.executor.duration(), load.executor.most_at_once());
    let not_counted = load.warmup + load.shape.cooldown;
    let needed = Duration::from_secs_f64(samples_needed(search.quantile) as f64 * MARGIN / rate);
    let duration = usual.max((needed + not_counted).min(usual * LONGEST));
    load.executor = Executor::ConstantArrivalRate { rate_per_second: rate, duration, max_in_flight };
    // Every rung asks for targets of its own, so that none of them is answered by what an earlier one left in a cache.
    load.path = load.path.replace("{rung}", &format!("{}-{number}", step.index));
    let seed = traffic.seed ^ ((step.index as u64) << 32) ^ number;
    let clock = traffic.clients.clock();
    let (began, before) = (clock.now(), places.usage(clock.now()));
    let climbed = load::climb(traffic, step.cycle, &load, seed, proxy_cpu).await?;
    let ended = began + duration;
    // What still works when the last arrival has come belongs to the rung; the drain after it does not make places idle.
    let elapsed = clock.now().since(began).max(ended.since(began)).as_secs_f64();
    let places = uses(&before, &places.usage(clock.now()), elapsed);
    Ok(rung(search, rate, &climbed, places))
}

fn uses(before: &[Usage], after: &[Usage], seconds: f64) -> Vec<PlaceUse> {
    let busy_before = |name: &str| before.iter().find(|usage| usage.name == name).map(|usage| usage.busy);
    let uses = after.iter().map(|usage| {
        let busy = usage.busy.saturating_sub(busy_before(&usage.name).unwrap_or_default()).as_secs_f64();
        let busy = busy / (seconds.max(1e-9) * f64::from(usage.places.max(1)));
        PlaceUse { name: usage.name.clone(), busy: busy.min(1.0), waiting: usage.waiting }
    });
    uses.collect()
}

fn rung(search: &CapacitySearch, rate: f64, climbed: &Climbed, places: Vec<PlaceUse>) -> CapacityRung {
    let at = |histogram: &harness_model::history::LatencyHistogram, quantile: f64| {
        let values = histogram.values();
        (!values.is_empty()).then(|| Duration::from_nanos(values.value_at_quantile(quantile)))
    };
    let enough = climbed.intended.len() >= samples_needed(search.quantile);
    let at_quantile = at(&climbed.intended, search.quantile).filter(|_| enough);
    let send_lag = at(&climbed.send_lag, search.quantile);
    let error_rate = climbed.errors as f64 / climbed.sent.max(1) as f64;
    // Where every connection was busy, requests were late because of those before them.
    let engine_late =
        !climbed.overloaded && send_lag.is_some_and(|lag| lag > search.limit.mul_f64(SEND_LAG_SHARE));
    let judged = match at_quantile {
        _ if engine_late => RungJudged::Unknown,
        _ if error_rate > search.error_rate => RungJudged::Refused,
        None => RungJudged::Unknown,
        Some(latency) if latency > search.limit => RungJudged::Refused,
        Some(_) => RungJudged::Kept,
    };
    let seconds = climbed.span.as_secs_f64();
    CapacityRung {
        tag: search.load.tag.clone(),
        rate_per_second: rate,
        good_per_second: (climbed.sent - climbed.errors.min(climbed.sent)) as f64 / seconds,
        sent: climbed.sent,
        errors: climbed.errors,
        p50: at(&climbed.intended, 0.5),
        at_quantile,
        send_lag,
        judged,
        proxy_cpu: climbed.proxy_cpu.map(|cpu| cpu.as_secs_f64() / seconds),
        places,
    }
}
