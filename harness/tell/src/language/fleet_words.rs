//! The words for fleets: what their checks saw, what was decided and why.
//!
//! `cloud_words` and the report ask here. No figure is computed here.

use super::cloud_words::time;
use super::{Counted, Decimal, InWords, Language, Milliseconds, Noun, Percent};
use crate::{say, words};
use harness_judge::check::{
    BreakSeen, EvenSeen, FleetFinding, LostSeen, RestsOn, ScaledSeen, SimulatedSeen, SlowSeen,
};
use harness_model::history::FleetDecision;
use harness_model::plan::{FleetPlan, Level, Policy};

/// So many requests a minute of the case.
pub fn per_minute(language: Language, load: Decimal) -> String {
    say!(language,
        en: "{load} requests a minute of the case", es: "{load} peticiones por minuto del caso", load = load)
}

/// What a check of a fleet saw.
pub(super) fn sentence(finding: &FleetFinding, language: Language) -> String {
    match finding {
        FleetFinding::Lost { runs } => each(runs, language, |run| &run.step, lost),
        FleetFinding::Even { runs } => each(runs, language, |run| &run.step, even),
        FleetFinding::Slow { runs } => each(runs, language, |run| &run.step, slow),
        FleetFinding::Scaled { runs } => each(runs, language, |run| &run.step, scaled),
        FleetFinding::Broken { runs } => each(runs, language, |run| &run.step, broken),
        FleetFinding::Simulated { runs } => each(runs, language, |run| &run.step, simulated),
    }
}

/// Each step by its name, where there are several.
fn each<T>(
    runs: &[T],
    language: Language,
    name: impl Fn(&T) -> &str,
    words: impl Fn(&T, Language) -> String,
) -> String {
    let one = |run| match runs.len() {
        1 => words(run, language),
        _ => format!("{}: {}", name(run), words(run, language)),
    };
    runs.iter().map(one).collect::<Vec<_>>().join("; ")
}

/// On what a figure rests; the first screen says what a compressed run cannot show.
fn rests_on(basis: RestsOn, language: Language) -> String {
    match basis {
        RestsOn::Run => say!(language, en: "measured in the run", es: "medido en la corrida"),
        RestsOn::Simulation => {
            say!(language, en: "simulated at the owner's pace", es: "simulado al ritmo del dueño")
        }
        RestsOn::Neither => say!(language,
            en: "open: the run is too compressed to show it, and the simulation cannot be believed (too far from the run, or a busy host)",
            es: "sin decidir: la corrida es muy comprimida para mostrarlo, y a la simulación no se le puede creer (lejos de la corrida, o un computador ocupado)"),
    }
}

/// What is not judged says so.
fn beside(judged: bool, language: Language) -> String {
    if judged {
        return String::new();
    }
    say!(language, en: "; only shown, not judged", es: "; solo se muestra, no se evalúa")
}

fn lost(run: &LostSeen, language: Language) -> String {
    let sent = Counted(run.sent, Noun::Request);
    let deaths = if run.deaths == 0 {
        String::new()
    } else {
        say!(language,
            en: ", {at_deaths} where {deaths} died (at most {allowed})",
            es: ", {at_deaths} donde {deaths} se cayó (a lo sumo {allowed})",
            at_deaths = run.at_deaths, deaths = Counted(run.deaths, Noun::Instance), allowed = run.allowed)
    };
    say!(language,
        en: "{sent} in the run, instances taken away {taken} times: {elsewhere} failed{deaths}; gave up after {patience}: {late} of {late_of}, {basis}{beside}",
        es: "{sent} en la corrida, se retiraron instancias {taken} veces: {elsewhere} fallidas{deaths}; desistieron tras {patience}: {late} de {late_of}, {basis}{beside}",
        sent = sent, taken = run.taken_away, elsewhere = run.elsewhere, deaths = deaths,
        patience = time(run.patience_ms as f64 / 1e3, language), late = run.late, late_of = run.late_of,
        basis = rests_on(run.basis, language), beside = beside(run.judged, language))
}

fn even(run: &EvenSeen, language: Language) -> String {
    let epochs = match run.epochs {
        1 => say!(language, en: "1 epoch", es: "1 época"),
        epochs => say!(language, en: "{epochs} epochs", es: "{epochs} épocas", epochs = epochs),
    };
    say!(language,
        en: "{epochs} in which the same instances were up; in the least even one {instances} got between {fewest} and {most} requests each (a difference of at most {tolerated})",
        es: "{epochs} con las mismas instancias activas; en la menos pareja, {instances} recibieron entre {fewest} y {most} peticiones cada una (diferencia de a lo sumo {tolerated})",
        epochs = epochs, instances = Counted(run.instances, Noun::Instance), fewest = run.fewest, most = run.most,
        tolerated = run.tolerated)
}

fn slow(run: &SlowSeen, language: Language) -> String {
    let breaks = match &run.breaks {
        None => say!(language, en: "no period was over it", es: "ningún período lo superó"),
        Some(breaks) => say!(language,
            en: "the first period over it ended after {at}, at {rate} requests a second of the case on {healthy}",
            es: "el primer período que lo superó terminó a los {at}, con {rate} peticiones por segundo del caso en {healthy}",
            at = time(breaks.at, language), rate = Decimal(breaks.per_second, 0),
            healthy = Counted(breaks.healthy, Noun::Instance)),
    };
    // What is simulated is not late because the host was.
    let noise = noise(run.noise_ms.filter(|_| run.basis != RestsOn::Simulation), language);
    say!(language,
        en: "p50 {p50}, p99 {p99} of {samples} (limit {limit}), {basis}; {breaks}; the run itself: p99 {own}{noise}{beside}",
        es: "p50 {p50}, p99 {p99} de {samples} (límite {limit}), {basis}; {breaks}; la corrida misma: p99 {own}{noise}{beside}",
        p50 = Milliseconds(run.p50_ms), p99 = Milliseconds(run.p99_ms), samples = Counted(run.samples, Noun::Request),
        limit = Milliseconds(run.limit_ms), basis = rests_on(run.basis, language), breaks = breaks,
        own = Milliseconds(run.run_p99_ms), noise = noise, beside = beside(run.judged, language))
}

/// What is said of a host that does not keep time.
fn noise(milliseconds: Option<f64>, language: Language) -> String {
    milliseconds.map_or_else(String::new, |late| {
        say!(language,
            en: "; the host itself was late by {late}, too much for a control period",
            es: "; el propio computador se atrasó {late}, demasiado para un período de control", late = Milliseconds(late))
    })
}

fn scaled(run: &ScaledSeen, language: Language) -> String {
    let seen = match run.seen {
        (fewest, most) if fewest == most => {
            say!(language, en: "always {most}", es: "siempre {most}", most = Counted(most, Noun::Instance))
        }
        (fewest, most) => say!(language,
            en: "{fewest} to {most} instances", es: "de {fewest} a {most} instancias", fewest = fewest, most = most),
    };
    let short = match run.short_for {
        short if short > 0.0 => say!(language,
            en: "too few for the load for at most {short} in a row (tolerated {tolerated})",
            es: "muy pocas para la carga durante a lo sumo {short} seguidos (se toleran {tolerated})",
            short = time(short, language), tolerated = time(run.tolerated, language)),
        _ => say!(language, en: "never too few for the load", es: "nunca muy pocas para la carga"),
    };
    let turns = match run.turns {
        1 => say!(language, en: "1 change of direction", es: "1 cambio de sentido"),
        turns => {
            say!(language, en: "{turns} changes of direction", es: "{turns} cambios de sentido", turns = turns)
        }
    };
    say!(language,
        en: "{seen} (allowed {least_allowed} to {most_allowed}); {short}; {turns} (at most {turns_tolerated}); {cost}; the highest rate needs {peak} of the largest fleet{noise}",
        es: "{seen} (permitidas de {least_allowed} a {most_allowed}); {short}; {turns} (a lo sumo {turns_tolerated}); {cost}; la tasa más alta ocupa {peak} de la flota más grande{noise}",
        seen = seen, least_allowed = run.allowed.0, most_allowed = run.allowed.1, short = short, turns = turns,
        turns_tolerated = run.turns_tolerated,
        cost = cost(run.instance_hours, run.smallest_fixed.zip(run.fixed_hours), run.limit_ms, language),
        peak = Percent(run.peak_share), noise = noise(run.noise_ms, language))
}

/// Instance-hours beside those of the smallest fixed fleet that does what is asked.
pub(super) fn cost(hours: f64, fixed: Option<(u64, f64)>, limit_ms: f64, language: Language) -> String {
    match fixed {
        Some((size, fixed)) if (hours - fixed).abs() < 0.005 => say!(language,
            en: "{hours} instance-hours, as many as the smallest fixed fleet that holds p99 {limit} and loses nobody ({size})",
            es: "{hours} horas de instancia, las mismas que la flota fija más pequeña que sostiene p99 {limit} sin perder a nadie ({size})",
            hours = Decimal(hours, 2), limit = Milliseconds(limit_ms), size = Counted(size, Noun::Instance)),
        Some((size, fixed)) if hours < fixed => say!(language,
            en: "{hours} instance-hours, {saved} less than the {fixed} of the smallest fixed fleet that holds p99 {limit} and loses nobody ({size})",
            es: "{hours} horas de instancia, {saved} menos que las {fixed} de la flota fija más pequeña que sostiene p99 {limit} sin perder a nadie ({size})",
            hours = Decimal(hours, 2), saved = Percent(1.0 - hours / fixed.max(f64::MIN_POSITIVE)), fixed = Decimal(fixed, 2),
            limit = Milliseconds(limit_ms), size = Counted(size, Noun::Instance)),
        Some((size, fixed)) => say!(language,
            en: "{hours} instance-hours, {more} more than the {fixed} of the smallest fixed fleet that holds p99 {limit} and loses nobody ({size})",
            es: "{hours} horas de instancia, {more} más que las {fixed} de la flota fija más pequeña que sostiene p99 {limit} sin perder a nadie ({size})",
            hours = Decimal(hours, 2), more = Percent(hours / fixed.max(f64::MIN_POSITIVE) - 1.0), fixed = Decimal(fixed, 2),
            limit = Milliseconds(limit_ms), size = Counted(size, Noun::Instance)),
        None => say!(language,
            en: "{hours} instance-hours; no fixed fleet was found that holds p99 {limit} and loses nobody",
            es: "{hours} horas de instancia; no se encontró una flota fija que sostenga p99 {limit} sin perder a nadie",
            hours = Decimal(hours, 2), limit = Milliseconds(limit_ms)),
    }
}

fn broken(run: &BreakSeen, language: Language) -> String {
    let basis = rests_on(run.basis, language);
    let found = match &run.breaks {
        None => say!(language,
            en: "no period had a p99 over {limit}, up to {tried} requests a second of the case; the largest fleet is full at {full}",
            es: "ningún período tuvo un p99 sobre {limit}, hasta {tried} peticiones por segundo del caso; la flota más grande se llena con {full}",
            limit = Milliseconds(run.limit_ms), tried = Decimal(run.tried_per_second, 0), full = Decimal(run.full_per_second, 0)),
        Some(breaks) => say!(language,
            en: "p99 over {limit} from {rate} requests a second of the case on, on {healthy}: {share} of the {full} that fill the largest fleet",
            es: "p99 sobre {limit} desde {rate} peticiones por segundo del caso, en {healthy}: {share} de las {full} que llenan la flota más grande",
            limit = Milliseconds(run.limit_ms), rate = Decimal(breaks.per_second, 0),
            healthy = Counted(breaks.healthy, Noun::Instance), share = Percent(breaks.per_second / run.full_per_second),
            full = Decimal(run.full_per_second, 0)),
    };
    format!("{found} ({basis})")
}

fn simulated(run: &SimulatedSeen, language: Language) -> String {
    let noise = noise(run.noise_ms, language);
    say!(language,
        en: "the simulation was never more than {apart} apart, a period earlier or later; p99 {real} in the real run, {simulated} in the simulation of the same instances; lost {real_lost} and {simulated_lost}{noise}",
        es: "la simulación nunca difirió en más de {apart}, un período antes o después; p99 {real} en la realidad, {simulated} en la simulación de las mismas instancias; perdidas {real_lost} y {simulated_lost}{noise}",
        apart = Counted(run.apart, Noun::Instance), real = Milliseconds(run.real_p99_ms),
        simulated = Milliseconds(run.simulated_p99_ms), real_lost = run.real_lost, simulated_lost = run.simulated_lost,
        noise = noise)
}

/// What a fleet step does.
pub(super) fn doing(plan: &FleetPlan, language: Language) -> String {
    say!(language,
        en: "{least} to {most} instances under load; {compressed}",
        es: "de {least} a {most} instancias bajo carga; {compressed}",
        least = plan.least as u64, most = plan.most as u64, compressed = compressed(plan, language))
}

/// How the run stands for the case: the figures of the owner, and those of the run beside them.
pub fn compressed(plan: &FleetPlan, language: Language) -> String {
    let peak = plan.peak();
    let (minute, second) = (Decimal(peak * 60.0, 0), Decimal(plan.in_the_run(peak), 0));
    if plan.scale <= 1.0 && plan.weight() <= 1.0 {
        return say!(language,
            en: "at the owner's pace, up to {minute} requests a minute",
            es: "al ritmo del dueño, hasta {minute} peticiones por minuto", minute = minute);
    }
    say!(language,
        en: "{scale} s of the case in one second, each request for {weight} of the case: up to {minute} requests a minute of the case are {second} a second in the run",
        es: "{scale} s del caso en un segundo, cada petición por {weight} del caso: hasta {minute} peticiones por minuto del caso son {second} por segundo en la corrida",
        scale = Decimal(plan.scale, 1), weight = Decimal(plan.weight(), 1), minute = minute, second = second)
}

/// What fleet steps that stand for more than themselves cannot show, for the first screen; `None` where there are none.
pub fn cannot_show(steps: &[(String, FleetPlan)], language: Language) -> Option<String> {
    // Steps that are compressed alike are named together.
    let mut each: Vec<(String, Vec<&str>)> = Vec::new();
    for (name, plan) in steps.iter().filter(|(_, plan)| plan.scale > 1.0) {
        let how = compressed(plan, language);
        match each.iter_mut().find(|(known, _)| *known == how) {
            Some((_, names)) => names.push(name),
            None => each.push((how, vec![name])),
        }
    }
    let each: Vec<String> = each.iter().map(|(how, names)| format!("{}: {how}", names.join(", "))).collect();
    let grain = |plan: &FleetPlan| plan.weight() * plan.service.mean_seconds();
    let grain = steps.iter().map(|(_, plan)| grain(plan)).fold(0.0, f64::max);
    (!each.is_empty()).then(|| say!(language,
        en: "Compressed time. {each}. One request of the run takes up to {grain} of the case: the run shows how instances come and go, who gets how much and what fails, but no shorter waits. Verdicts about those rest on the simulation at the owner's pace, or stay inconclusive, and say so.",
        es: "Tiempo comprimido. {each}. Una petición de la corrida dura hasta {grain} del caso: la corrida muestra cómo van y vienen las instancias, cuánto recibe cada una y qué falla, pero no esperas más cortas. Los resultados sobre esas se apoyan en la simulación al ritmo del dueño, o quedan inconclusos, y lo dicen.",
        each = each.join("; "), grain = time(grain, language)))
}

/// The panels of the figure of a fleet, and its axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FleetWord {
    /// Requests per minute of the case.
    Load,
    /// How many instances.
    Instances,
    /// 99th percentile.
    Latency,
    /// The axis of time.
    Minutes,
}

words!(FleetWord {
    FleetWord::Load => { en: "load (requests a minute of the case)", es: "carga (peticiones por minuto del caso)" },
    FleetWord::Instances => { en: "instances", es: "instancias" },
    FleetWord::Latency => { en: "p99 of each period (ms of the run)", es: "p99 de cada período (ms de la corrida)" },
    FleetWord::Minutes => { en: "time of the case (min)", es: "tiempo del caso (min)" },
});

impl FleetWord {
    /// What the lines of a panel are; a simulation may stand beside a real run.
    pub fn key(self, beside: bool, language: Language) -> String {
        match self {
            FleetWord::Load => say!(language,
                en: "dark: sent · green: capacity · triangle: lost", es: "oscuro: enviadas · verde: capacidad · triángulo: perdidas"),
            FleetWord::Instances if !beside => say!(language,
                en: "blue: healthy · grey: with those being set up · cross: died",
                es: "azul: activas · gris: con las que se preparan · cruz: caída"),
            FleetWord::Instances => say!(language,
                en: "blue: healthy · grey: with those being set up · wide: simulation · cross: died",
                es: "azul: activas · gris: con las que se preparan · ancha: simulación · cruz: caída"),
            FleetWord::Latency if beside => {
                say!(language, en: "dark: real · brown: simulation", es: "oscuro: real · marrón: simulación")
            }
            FleetWord::Latency | FleetWord::Minutes => String::new(),
        }
    }
}

/// Title of the figure of a fleet.
pub fn title(name: &str, sent: u64, plan: &FleetPlan, language: Language) -> String {
    say!(language,
        en: "Fleet under load: {name}, {sent}, {scale} s of the case in one second, each request for {weight}",
        es: "Flota bajo carga: {name}, {sent}, {scale} s del caso en un segundo, cada petición por {weight}",
        name = name, sent = Counted(sent, Noun::Request), scale = Decimal(plan.scale, 1), weight = Decimal(plan.weight(), 1))
}

/// A decision with its reason: `2 → 4: occupancy 71 %, above 65 % for 3 min`.
pub fn decision(plan: &FleetPlan, decision: &FleetDecision, language: Language) -> String {
    let reason = match (plan.policies.get(decision.policy), decision.measured) {
        (Some(Policy::Out { above, lasting, .. }), Some(measured)) => say!(language,
            en: "{seen}, above {level} for {lasting}", es: "{seen}, por encima de {level} durante {lasting}",
            seen = seen(*above, measured, language), level = bare(*above, language), lasting = time(*lasting, language)),
        (Some(Policy::In { below, lasting, .. }), Some(measured)) => say!(language,
            en: "{seen}, below {level} for {lasting}", es: "{seen}, por debajo de {level} durante {lasting}",
            seen = seen(*below, measured, language), level = bare(*below, language), lasting = time(*lasting, language)),
        (Some(Policy::Target { keep, .. }), Some(measured)) => say!(language,
            en: "{seen}, target {level}", es: "{seen}, objetivo {level}",
            seen = seen(*keep, measured, language), level = bare(*keep, language)),
        _ => say!(language, en: "as scheduled", es: "según el horario"),
    };
    format!("{} → {}: {reason}", decision.from, decision.to)
}

fn seen(level: Level, measured: f64, language: Language) -> String {
    match level {
        Level::Occupancy(_) => {
            say!(language, en: "occupancy {share}", es: "ocupación {share}", share = Percent(measured))
        }
        Level::RequestsPerMinute(_) => say!(language,
            en: "{rate} requests per minute and instance", es: "{rate} peticiones por minuto e instancia",
            rate = Decimal(measured, 0)),
        Level::StayMs(_) => say!(language,
            en: "{time} at the instance", es: "{time} en la instancia", time = Milliseconds(measured)),
        Level::Connections(_) => say!(language,
            en: "{n} open connections for each instance", es: "{n} conexiones abiertas por instancia",
            n = Decimal(measured, 0)),
    }
}

/// A level as it is written.
pub(super) fn bare(level: Level, language: Language) -> String {
    match level {
        Level::Occupancy(share) => Percent(share).in_words(language),
        Level::RequestsPerMinute(figure) | Level::Connections(figure) => {
            Decimal(figure, 0).in_words(language)
        }
        Level::StayMs(ms) => Milliseconds(ms).in_words(language),
    }
}

/// One of each finding, for the tests of sentences.
#[cfg(test)]
pub(super) fn samples() -> Vec<FleetFinding> {
    use harness_judge::check::Breaks;
    let lost = |deaths: u64, elsewhere: u64| LostSeen {
        step: "day".into(),
        sent: 4_300,
        deaths,
        at_deaths: 2 * deaths,
        allowed: 5,
        elsewhere,
        late: elsewhere,
        late_of: 171_000,
        basis: RestsOn::Simulation,
        patience_ms: 10_000,
        judged: deaths == 0,
        taken_away: 2,
    };
    let slow = |breaks, noise_ms: Option<f64>| SlowSeen {
        step: "ramp".into(),
        samples: 4_300,
        p50_ms: 18.0,
        p99_ms: 210.0,
        limit_ms: 400.0,
        basis: if noise_ms.is_some() { RestsOn::Run } else { RestsOn::Neither },
        run_p99_ms: 31.0,
        judged: noise_ms.is_none(),
        breaks,
        noise_ms,
    };
    let even =
        EvenSeen { step: "day".into(), epochs: 5, instances: 3, most: 202, fewest: 199, tolerated: 12 };
    let scaled = |fixed: Option<(u64, f64)>| ScaledSeen {
        step: "day".into(),
        seen: (2, 6),
        allowed: (2, 6),
        short_for: 90.0,
        tolerated: 600.0,
        turns: 1,
        turns_tolerated: 3,
        instance_hours: 4.25,
        smallest_fixed: fixed.map(|fixed| fixed.0),
        fixed_hours: fixed.map(|fixed| fixed.1),
        limit_ms: 500.0,
        peak_share: 0.72,
        noise_ms: None,
    };
    let simulated = |noise_ms| SimulatedSeen {
        step: "day".into(),
        apart: 1,
        real_p99_ms: 210.0,
        simulated_p99_ms: 190.0,
        real_lost: 2,
        simulated_lost: 3,
        noise_ms,
    };
    let broken = |breaks| BreakSeen {
        step: "beyond".into(),
        limit_ms: 500.0,
        basis: RestsOn::Simulation,
        breaks,
        full_per_second: 300.0,
        tried_per_second: 360.0,
    };
    let breaks = Breaks { at: 420.0, per_second: 120.0, healthy: 2 };
    vec![
        FleetFinding::Lost { runs: vec![lost(0, 0)] },
        FleetFinding::Lost { runs: vec![lost(1, 3), lost(0, 0)] },
        FleetFinding::Even { runs: vec![even] },
        FleetFinding::Slow { runs: vec![slow(None, None)] },
        FleetFinding::Slow { runs: vec![slow(Some(breaks), Some(9.0))] },
        FleetFinding::Scaled {
            runs: vec![scaled(Some((5, 7.5))), scaled(Some((3, 4.0))), scaled(Some((4, 4.25))), scaled(None)],
        },
        FleetFinding::Broken { runs: vec![broken(None)] },
        FleetFinding::Broken { runs: vec![broken(Some(breaks))] },
        FleetFinding::Simulated { runs: vec![simulated(None)] },
        FleetFinding::Simulated { runs: vec![simulated(Some(12.0))] },
    ]
}
