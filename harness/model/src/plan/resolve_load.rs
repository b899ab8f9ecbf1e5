//! The load of a plan from that of a scenario: rates and weights parsed, defaults filled in, nonsense refused.
//!
//! Used by [`super::resolve_steps`] alone, before anything runs.

use std::time::Duration;

use super::resolve_checks::threshold;
use super::{CapacitySearch, Executor, Load, LoadShape, MixPart, RateStage, Spacing, VuStage};
use crate::scenario::{ExecutorFile, LoadStep};

/// A request that takes longer is a time-out, where the scenario says nothing.
const TIMEOUT: Duration = Duration::from_secs(10);
/// Most virtual users or requests in flight: beyond that a loopback address has no ports left.
const MOST_AT_ONCE: u32 = 25_000;

/// Leading share of a rung that is not counted, where the scenario says nothing: the line of those who wait must fill.
const RUNG_WARMUP: f64 = 0.2;
/// Share of errors at a rung that is still within limits, where the scenario says nothing.
const RUNG_ERRORS: f64 = 0.01;
/// Precision of a search, where the scenario says nothing.
const PRECISION: f64 = 0.1;

/// The search of a load step whose executor is `capacity`; `None` for every other.
pub(super) fn resolve_capacity(file: &LoadStep) -> Option<Result<CapacitySearch, String>> {
    let ExecutorFile::Capacity { from, to, slo, errors, precision, .. } = &file.executor else { return None };
    let search = || {
        let (quantile, limit) = threshold(slo).ok_or_else(|| {
            format!("`{slo}` is not a threshold: write a percentile and a time, such as `p(99)<50ms`")
        })?;
        let (from_per_second, to_per_second) = (some(from)?, some(to)?);
        if from_per_second > to_per_second {
            return Err("`from` is more than `to`".to_owned());
        }
        if limit.is_zero() {
            return Err("no answer takes no time: the limit of `slo` is more than 0".to_owned());
        }
        if precision.is_some_and(|share| share.0 <= 0.0) {
            return Err("a search never ends with a precision of 0%: 1% is the finest".to_owned());
        }
        Ok(CapacitySearch {
            load: resolve_load(file)?,
            from_per_second,
            to_per_second,
            quantile,
            limit,
            error_rate: errors.map_or(RUNG_ERRORS, |share| share.0),
            precision: precision.map_or(PRECISION, |share| share.0).max(0.01),
        })
    };
    Some(search())
}

/// The resolved form of a load step, or what is wrong with it.
pub(super) fn resolve_load(file: &LoadStep) -> Result<Load, String> {
    let (executor, mut shape) = executor(&file.executor)?;
    if executor.most_at_once() > MOST_AT_ONCE {
        return Err(format!("{} at once are too many: at most {MOST_AT_ONCE}", executor.most_at_once()));
    }
    shape.cooldown = file.cooldown.map_or(Duration::ZERO, |span| span.0);
    shape.threads = file.threads.clamp(1, 64);
    (shape.journal, shape.spread) = (file.journal, file.spread);
    shape.zipf = zipf(file.zipf, file.keys)?;
    for part in &file.mix {
        if !(part.weight.is_finite() && part.weight > 0.0) {
            return Err(format!("a weight is a number above zero, not {}", part.weight));
        }
        shape.mix.push(MixPart {
            tag: name(part.tag.as_ref().unwrap_or(&file.tag))?,
            weight: part.weight,
            method: part.method.clone(),
            path: target(&part.path)?,
            keys: part.keys,
            zipf: zipf(part.zipf, part.keys)?,
        });
    }
    let is_search = matches!(file.executor, ExecutorFile::Capacity { .. });
    let usual = if is_search { executor.duration().mul_f64(RUNG_WARMUP) } else { Duration::ZERO };
    let warmup = file.warmup.map_or(usual, |span| span.0);
    if warmup + shape.cooldown >= executor.duration() {
        return Err("nothing is left between warm-up and cool-down: a longer `duration` is needed".to_owned());
    }
    Ok(Load {
        executor,
        method: file.method.clone(),
        path: target(&file.path)?,
        keys: file.keys,
        warmup,
        tag: name(&file.tag)?,
        timeout: file.timeout.map_or(TIMEOUT, |span| span.0),
        connections: file.connections,
        shape,
    })
}

fn some_users(count: u32) -> Result<u32, String> {
    if count == 0 { Err("a load of 0 users sends nothing: at least 1".to_owned()) } else { Ok(count) }
}

fn executor(file: &ExecutorFile) -> Result<(Executor, LoadShape), String> {
    let open =
        |spacing: Spacing, burst: u32| LoadShape { spacing, burst: burst.max(1), ..LoadShape::default() };
    let closed = |think: Option<fake_backends::behavior::Span>| LoadShape {
        think: think.map_or(Duration::ZERO, |span| span.0),
        ..LoadShape::default()
    };
    Ok(match file {
        ExecutorFile::ConstantVus { vus, duration, think } => (
            Executor::ConstantVus { vus: some_users(*vus)?, duration: duration.0, iterations: 0 },
            closed(*think),
        ),
        ExecutorFile::RampingVus { start_vus, stages, think } => {
            let stages = stages.iter().map(|stage| VuStage { to: stage.vus, duration: stage.duration.0 });
            (Executor::RampingVus { start: *start_vus, stages: stages.collect() }, closed(*think))
        }
        // The first rung; the search makes the others of it.
        ExecutorFile::Capacity { from, rung, max_vus, arrivals, .. } => {
            let executor = Executor::ConstantArrivalRate {
                rate_per_second: some(from)?,
                duration: rung.0,
                max_in_flight: some_users(*max_vus)?,
            };
            (executor, open(*arrivals, 1))
        }
        ExecutorFile::ConstantArrivalRate { rate, duration, max_vus, arrivals, burst } => {
            let executor = Executor::ConstantArrivalRate {
                rate_per_second: some(rate)?,
                duration: duration.0,
                max_in_flight: some_users(*max_vus)?,
            };
            (executor, open(*arrivals, *burst))
        }
        ExecutorFile::RampingArrivalRate { start_rate, stages, max_vus, arrivals, burst } => {
            let stages: Result<Vec<RateStage>, String> = stages
                .iter()
                .map(|stage| {
                    Ok(RateStage { to_per_second: per_second(&stage.rate)?, duration: stage.duration.0 })
                })
                .collect();
            let executor = Executor::RampingArrivalRate {
                start_per_second: per_second(start_rate)?,
                stages: stages?,
                max_in_flight: some_users(*max_vus)?,
            };
            (executor, open(*arrivals, *burst))
        }
    })
}

/// Most arrivals per second: several times what the load engine sends, so that what is asked for beyond it is a slip.
pub(super) const MOST_PER_SECOND: f64 = 1_000_000.0;

/// A rate above zero.
pub(super) fn some(text: &str) -> Result<f64, String> {
    match per_second(text)? {
        rate if rate > 0.0 => Ok(rate),
        _ => Err(format!("`{text}` sends nothing")),
    }
}

/// `500/s`, `30/m`: arrivals per second.
pub(super) fn per_second(text: &str) -> Result<f64, String> {
    let complaint = || format!("`{text}` is not a rate: write arrivals per time, such as `500/s` or `90/m`");
    let (number, unit) = text.split_once('/').ok_or_else(complaint)?;
    let number: f64 = number.trim().parse().map_err(|_| complaint())?;
    let per_second = match unit.trim() {
        "s" => number,
        "m" | "min" => number / 60.0,
        _ => return Err(complaint()),
    };
    if per_second > MOST_PER_SECOND {
        return Err(format!("`{text}` is too many: at most {MOST_PER_SECOND}/s"));
    }
    (per_second.is_finite() && per_second >= 0.0).then_some(per_second).ok_or_else(complaint)
}

fn zipf(exponent: Option<f64>, keys: u32) -> Result<Option<f64>, String> {
    match exponent {
        Some(exponent) if !(exponent.is_finite() && exponent > 0.0) => {
            Err(format!("an exponent of Zipf's law is a number above zero, not {exponent}"))
        }
        Some(_) if keys == 0 => Err("`zipf` needs `keys`: how many there are to draw from".to_owned()),
        exponent => Ok(exponent),
    }
}

/// Tags are names in the interval log and in thresholds.
fn name(tag: &str) -> Result<String, String> {
    let fits = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.');
    if !tag.is_empty() && tag.chars().all(fits) {
        return Ok(tag.to_owned());
    }
    Err(format!("`{tag}` is no name for histograms: letters, digits, `-`, `_` and `.` only"))
}

/// A target that can stand in a request line.
fn target(path: &str) -> Result<String, String> {
    if path.starts_with('/') && path.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Ok(path.to_owned());
    }
    Err(format!("`{path}` is no target: it begins with `/` and has no blanks"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolved(yaml: &str) -> Result<Load, String> {
        let file = crate::scenario::parse::<LoadStep>(&yaml.into(), std::path::Path::new("load.yaml"));
        resolve_load(&file.map_err(|problem| format!("{:?}", problem.what))?)
    }

    #[test]
    fn rates_have_units() {
        assert_eq!(per_second("500/s"), Ok(500.0));
        assert_eq!(per_second("90/m"), Ok(1.5));
        for wrong in ["500", "/s", "x/s", "5/h", "-1/s", "inf/s", "99999999999/s"] {
            assert!(per_second(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_mix_with_stages_is_resolved() {
        let load = resolved(
            "{tag: main, path: '/a/{key}', keys: 100, zipf: 1.1, warmup: 1s, cooldown: 500ms,
              executor: {ramping-arrival-rate: {start_rate: 0/s, arrivals: poisson, burst: 3,
                stages: [{rate: 100/s, duration: 2s}, {rate: 100/s, duration: 3s}]}},
              mix: [{weight: 0.5, path: '/b/{n}', tag: other}]}",
        )
        .unwrap();
        assert_eq!(load.executor.duration(), Duration::from_secs(5));
        assert_eq!((load.tags(), load.shape.burst), (vec!["main", "other"], 3));
        assert_eq!(load.shape.spacing, Spacing::Poisson);
    }

    #[test]
    fn nonsense_is_refused() {
        let vus = "executor: {constant-vus: {vus: 1, duration: 1s}}";
        for wrong in [
            format!("{{tag: t, path: '/', {vus}, warmup: 2s}}"),
            "{tag: t, path: '/', executor: {constant-vus: {vus: 0, duration: 1s}}}".to_owned(),
            "{tag: t, path: '/', executor: {constant-arrival-rate: {rate: 9/s, duration: 1s, max_vus: 0}}}"
                .to_owned(),
            format!("{{tag: t, path: '/ a', {vus}}}"),
            format!("{{tag: 'a b', path: '/', {vus}}}"),
            format!("{{tag: t, path: '/', {vus}, zipf: 1.0}}"),
            format!("{{tag: t, path: '/', {vus}, mix: [{{weight: 0, path: '/'}}]}}"),
            "{tag: t, path: '/', executor: {constant-arrival-rate: {rate: 0/s, duration: 1s}}}".to_owned(),
        ] {
            assert!(resolved(&wrong).is_err(), "{wrong}");
        }
    }
}
