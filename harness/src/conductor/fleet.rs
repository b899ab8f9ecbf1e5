//! A fleet step: real backends are launched, drained and killed as instances, under an open loop of requests.
//!
//! `steps` calls it. What is decided comes from `fleet`, by what was measured at the instances; the proxy learns of it
//! through its adapter. What happened to the fleet is one entry of the record; its requests are counted, kept in histograms
//! and journalled like those of any load. Nothing here says whether it was right.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use fake_backends::applications::Usage;
use fake_backends::clock::Moment;
use fake_backends::server::Recording;
use tokio::task::JoinSet;

use super::steps::{Stage, in_words};
use harness_model::fleet::{Arrivals, Control, Group, Measured, name_of};
use harness_model::history::{
    Anomaly, EngineCounters, EventKind, Exchange, ExchangeEnd, FleetRun, FleetTick, LatencyHistogram,
    Measure, Purpose,
};
use harness_model::plan::{BackendChange, FleetPlan};
use harness_model::statistics::quantile_of_sorted;
use harness_run::traffic::{Pacer, Problem, Request};

/// Until a proxy that was told of the first instances serves by them alone; no request is sent meanwhile.
const SETTLE: Duration = Duration::from_millis(500);
/// An instance that still gets requests is taken away after so many seconds of the case, as target groups do.
const DRAIN_AT_MOST: f64 = 300.0;
/// About so many requests that were answered are recorded in full.
const SAMPLE: usize = 200;
/// Lost requests that are recorded in full.
const MOST_RECORDED: usize = 50;

impl Stage {
    /// Carries out a fleet step; afterwards every backend is up and known to the proxy again.
    ///
    /// # Errors
    /// The proxy cannot be told of other backends while it serves, or a backend cannot come or go.
    pub(super) async fn fleet(&mut self, tag: &str, plan: &FleetPlan) -> Result<(), Problem> {
        if self.proxy.adapter().reload_signal.is_none() {
            return Err(Problem::NoReload);
        }
        if !plan.is_journalled() {
            self.backends.set_recording(Recording::Counting);
        }
        let driven = Drive::new(self, tag, plan).drive().await;
        self.backends.set_recording(Recording::Full);
        let all: Vec<usize> = (0..self.backends.count()).collect();
        let restored = self.show(&all).await;
        driven.and(restored)
    }

    /// Exactly these backends are up, and the proxy has had time to learn it.
    async fn show(&mut self, places: &[usize]) -> Result<(), Problem> {
        for place in 0..self.backends.count() {
            self.turn(place, places.contains(&place))?;
        }
        self.tell(places).await?;
        tokio::time::sleep(SETTLE).await;
        Ok(())
    }

    fn turn(&mut self, place: usize, up: bool) -> Result<(), Problem> {
        let recorder = self.traffic.clients.recorder().clone();
        let change = BackendChange { which: vec![place], up };
        self.backends.change(&change, &recorder).map_err(|error| error.to_string().into())
    }

    /// The proxy is told of exactly these backends.
    async fn tell(&mut self, places: &[usize]) -> Result<(), Problem> {
        self.backends.list(places);
        let order = self.order().map_err(in_words)?;
        let names = places.iter().map(|place| name_of(*place)).collect();
        self.proxy.reload(&order.launch, names).await.map_err(in_words)
    }
}

/// A fleet that is being driven.
struct Drive<'a> {
    stage: &'a mut Stage,
    /// Under which its latencies are kept.
    tag: &'a str,
    plan: &'a FleetPlan,
    control: Control<'a>,
    group: Group,
    /// Those that were killed and whose death nobody has noticed yet.
    dead: Vec<usize>,
    /// Since when those drain, in seconds of the case.
    draining: Vec<(usize, f64)>,
    /// Usage of each place at the end of the last period.
    before: Vec<Usage>,
    /// Usage of all of them since the beginning.
    total: Usage,
    healthy_before: Vec<usize>,
    sending: JoinSet<()>,
    ended: Arc<Mutex<Vec<Exchange>>>,
    latencies: Vec<f64>,
    /// One request in so many is recorded in full.
    stride: u32,
    good: (u64, f64),
    /// How long a client waits, in real time.
    patience: Duration,
    /// When the interval of the log began, and what ended in it.
    since: Moment,
    interval: [(Measure, LatencyHistogram); 4],
    counters: EngineCounters,
    tick: FleetTick,
    run: FleetRun,
}

impl<'a> Drive<'a> {
    fn new(stage: &'a mut Stage, tag: &'a str, plan: &'a FleetPlan) -> Drive<'a> {
        Drive {
            tag,
            control: Control::new(plan),
            group: Group::new(plan.beginning(), plan.most),
            dead: Vec::new(),
            draining: Vec::new(),
            before: vec![Usage::default(); plan.most],
            total: Usage::default(),
            healthy_before: (0..plan.beginning()).collect(),
            sending: JoinSet::new(),
            ended: Arc::default(),
            latencies: Vec::new(),
            stride: 1,
            good: (0, 0.0),
            patience: plan.patience_in_the_run(),
            since: stage.traffic.clients.clock().now(),
            interval: Measure::ALL.map(|measure| (measure, LatencyHistogram::default())),
            counters: EngineCounters::default(),
            tick: FleetTick::default(),
            run: FleetRun::default(),
            stage,
            plan,
        }
    }

    async fn drive(mut self) -> Result<(), Problem> {
        let seed = self.stage.traffic.seed;
        let service = self.plan.service_in_the_run();
        self.stage.backends.instances.set_model(self.plan.places, service, seed);
        self.group.healthy().iter().for_each(|place| self.stage.backends.instances.launch(&name_of(*place)));
        self.stage.show(&self.group.healthy()).await?;
        let clock = self.stage.traffic.clients.clock();
        let mut pacer = Pacer::new(clock)?;
        let begin = clock.now();
        self.since = begin;
        let probe = self.stage.proxy.probe();
        let cpu = move || probe.sample().map(|sample| sample.cpu);
        let cpu_before = cpu();
        let moment = |seconds: f64| begin + Duration::from_secs_f64(seconds.max(0.0));
        let plan = self.plan;
        let mut arrivals = Arrivals::new(plan).peekable();
        self.stride = (Arrivals::new(plan).count() / SAMPLE).max(1) as u32;
        let mut deaths: Vec<f64> = plan.fails.iter().map(|at| at / plan.scale).collect();
        deaths.sort_by(|a, b| b.total_cmp(a));
        let periods = (plan.length() / plan.period).ceil() as usize;
        let (mut number, mut sent) = (1, 0);
        while number <= periods {
            let period_ends = number as f64 * plan.period / plan.scale;
            let death = deaths.last().copied().unwrap_or(f64::INFINITY);
            let arrival = arrivals.peek().copied().unwrap_or(f64::INFINITY);
            let next = period_ends.min(death).min(arrival);
            pacer.until(moment(next)).await?;
            if next == death {
                deaths.pop();
                self.die()?;
            } else if next == arrival {
                arrivals.next();
                self.send(sent, moment(arrival));
                sent += 1;
            } else {
                self.end_period(number as f64 * plan.period).await?;
                number += 1;
            }
        }
        // Every one of them has its own deadline.
        while self.sending.join_next().await.is_some() {}
        let used = cpu().zip(cpu_before).map(|(now, before)| now.saturating_sub(before));
        self.finish(clock.now().since(begin), used)
    }

    fn send(&mut self, number: u32, due: Moment) {
        let clients = self.stage.traffic.clients.clone();
        let mut request = Request::get(Purpose::Load, number, format!("/instance/{number}"), due);
        request.timeout = self.patience;
        let ended = Arc::clone(&self.ended);
        self.run.sent += 1;
        self.tick.sent += 1;
        while self.sending.try_join_next().is_some() {}
        self.sending.spawn(async move {
            let exchange = clients.ask_unrecorded(&mut None, &request, None).await;
            ended.lock().unwrap_or_else(PoisonError::into_inner).push(exchange);
        });
    }

    /// One dies that nobody expects to; the control plane learns it at the end of the period.
    fn die(&mut self) -> Result<(), Problem> {
        let alive = self.group.healthy().into_iter().find(|place| !self.dead.contains(place));
        let Some(place) = alive else { return Ok(()) };
        self.dead.push(place);
        self.stage.turn(place, false)
    }

    async fn end_period(&mut self, now: f64) -> Result<(), Problem> {
        let known = self.group.healthy();
        for place in std::mem::take(&mut self.dead) {
            self.tick.died = Some(name_of(place));
            self.group.end(place);
        }
        let mut latencies = self.count_ended();
        let used = self.usages();
        let measured = self.measure(now, &used);
        self.end_drained(now, &used)?;
        self.tick.at = now;
        self.tick.occupancy = measured.occupancy;
        latencies.sort_by(f64::total_cmp);
        self.tick.p50_ms = quantile_of_sorted(&latencies, 0.5).map(|seconds| seconds * 1e3);
        self.tick.p99_ms = quantile_of_sorted(&latencies, 0.99).map(|seconds| seconds * 1e3);
        self.latencies.extend(latencies);
        self.write_interval()?;
        self.tick.decision = self.control.decide(&measured);
        self.group.reconcile(self.control.desired(), now, self.plan.provisioning);
        for place in self.group.draining() {
            if !self.draining.iter().any(|(known, _)| *known == place) {
                self.draining.push((place, now));
            }
        }
        let present = self.group.present();
        for place in self.group.ripen(now) {
            self.stage.backends.instances.launch(&name_of(place));
            self.before[place] = Usage::default();
            self.stage.turn(place, true)?;
        }
        let healthy = self.group.healthy();
        if healthy != known && !healthy.is_empty() {
            self.stage.tell(&healthy).await?;
        }
        self.tick.healthy = healthy.len();
        self.tick.launching = self.group.launching();
        self.healthy_before = healthy;
        self.run.instance_hours += present as f64 * self.plan.period / 3600.0;
        self.run.ticks.push(std::mem::take(&mut self.tick));
        Ok(())
    }

    /// What each place was used since the end of the last period.
    fn usages(&mut self) -> Vec<Usage> {
        let mut since = Vec::with_capacity(self.before.len());
        for (place, before) in self.before.iter_mut().enumerate() {
            let now = self.stage.backends.instances.usage(&name_of(place));
            let used = Usage {
                arrived: now.arrived.saturating_sub(before.arrived),
                inside: now.inside,
                served: now.served.saturating_sub(before.served),
                taken: now.taken.saturating_sub(before.taken),
                drawn: now.drawn.saturating_sub(before.drawn),
                stayed: now.stayed.saturating_sub(before.stayed),
            };
            self.total.served += used.served;
            self.total.taken += used.taken;
            self.total.drawn += used.drawn;
            self.total.stayed += used.stayed;
            *before = now;
            since.push(used);
        }
        since
    }

    fn measure(&mut self, now: f64, used: &[Usage]) -> Measured {
        let healthy = self.group.healthy();
        let count = healthy.len().max(1) as f64;
        let taken: Duration = healthy.iter().map(|&place| used[place].taken).sum();
        let arrived: u64 = healthy.iter().map(|&place| used[place].arrived).sum();
        let stayed: Duration = healthy.iter().map(|&place| used[place].stayed).sum();
        let served: u64 = healthy.iter().map(|&place| used[place].served).sum();
        let places = count * f64::from(self.plan.places);
        let whole = healthy.iter().filter(|place| self.healthy_before.contains(place));
        self.tick.arrived = whole.map(|&place| (name_of(place), used[place].arrived)).collect();
        Measured {
            at: now,
            healthy: healthy.len(),
            occupancy: (taken.as_secs_f64() / (places * self.plan.period / self.plan.scale)).min(1.0),
            requests_per_minute: arrived as f64 * self.plan.weight() / count * 60.0 / self.plan.period,
            ..Measured::default()
        }
        .staying(self.plan, stayed.as_secs_f64(), served)
    }

    /// Ends the instances to which nothing comes any more, and those that have drained for too long.
    fn end_drained(&mut self, now: f64, used: &[Usage]) -> Result<(), Problem> {
        for (place, since) in std::mem::take(&mut self.draining) {
            let silent = used[place].arrived == 0 && used[place].inside == 0;
            if silent || now - since >= DRAIN_AT_MOST {
                self.stage.turn(place, false)?;
                self.group.end(place);
            } else {
                self.draining.push((place, since));
            }
        }
        Ok(())
    }

    /// Latencies in seconds of the requests that ended since the last time; those that were lost are counted.
    fn count_ended(&mut self) -> Vec<f64> {
        let ended = std::mem::take(&mut *self.ended.lock().unwrap_or_else(PoisonError::into_inner));
        let mut latencies = Vec::with_capacity(ended.len());
        for exchange in ended {
            let since = |moment: Moment| exchange.finished.since(moment);
            let (waited, sent) = (since(exchange.intended), exchange.sent.unwrap_or(exchange.intended));
            let latency = waited.as_secs_f64();
            let status = exchange.response.as_ref().map(|response| response.status);
            let [(_, intended), (_, service), (_, lag), (_, error)] = &mut self.interval;
            lag.record(sent.since(exchange.intended));
            if exchange.end == ExchangeEnd::Complete && status == Some(200) {
                intended.record(waited);
                service.record(since(sent));
                self.good = (self.good.0 + 1, self.good.1 + latency);
                latencies.push(latency);
                if exchange.number.is_multiple_of(self.stride) {
                    self.stage.traffic.clients.recorder().record(EventKind::Exchange(Box::new(exchange)));
                }
                continue;
            }
            error.record(waited);
            match (&exchange.end, status) {
                // An error that comes fast must not make the fleet look fast; one that came too late was at least as late.
                (ExchangeEnd::TimedOut, _) => {
                    latencies.push(latency.max(self.patience.as_secs_f64()));
                    self.tick.late += 1;
                    self.run.late += 1;
                    self.counters.timed_out += 1;
                }
                (ExchangeEnd::Complete, Some(_)) => self.counters.wrong_status += 1,
                _ => self.counters.broken += 1,
            }
            self.tick.lost += 1;
            self.run.lost += 1;
            if self.run.lost as usize <= MOST_RECORDED {
                let what = "a request to the fleet was lost".to_owned();
                let anomaly = Anomaly { what, exchange: Some(Box::new(exchange)) };
                self.stage.traffic.clients.recorder().record(EventKind::Anomaly(anomaly));
            }
        }
        latencies
    }

    /// What ended since the last time, into the interval log.
    fn write_interval(&mut self) -> Result<(), Problem> {
        let now = self.stage.traffic.clients.clock().now();
        let start = std::mem::replace(&mut self.since, now);
        let mut log = self.stage.log.lock().unwrap_or_else(PoisonError::into_inner);
        for (measure, histogram) in &mut self.interval {
            let ended = std::mem::take(histogram);
            let written = log.append(self.tag, *measure, start, now.since(start), &ended);
            written.map_err(|error| Problem::Engine { said: error.to_string() })?;
        }
        Ok(())
    }

    /// Its requests in numbers, like those of any load.
    fn count(&mut self, took: Duration, proxy_cpu: Option<Duration>) {
        let seconds = took.as_secs_f64();
        let asked = self.run.sent as f64 / self.plan.real_time().as_secs_f64().max(f64::MIN_POSITIVE);
        let engine = EngineCounters {
            asked_per_second: Some(asked),
            reached_per_second: asked,
            rate_reached: true,
            // Each request has a connection of its own.
            connections_opened: self.run.sent,
            ..std::mem::take(&mut self.counters)
        };
        self.stage.traffic.clients.recorder().record(EventKind::LoadCounters {
            tag: self.tag.to_owned(),
            sent: self.run.sent,
            good: self.good.0,
            errors: self.run.lost,
            corrupt: 0,
            overloaded: false,
            seconds,
            proxy_cpu,
            engine,
        });
    }

    fn finish(mut self, took: Duration, proxy_cpu: Option<Duration>) -> Result<(), Problem> {
        let last = self.count_ended();
        self.write_interval()?;
        self.count(took, proxy_cpu);
        // Those that ended badly after the last period belong to it.
        if let Some(tick) = self.run.ticks.last_mut() {
            tick.lost += std::mem::take(&mut self.tick.lost);
            tick.late += std::mem::take(&mut self.tick.late);
        }
        self.latencies.extend(last);
        self.usages();
        if self.total.served == 0 && self.run.sent > 0 {
            return Err(Problem::NoInstance);
        }
        let mean_ms = |time: Duration| time.as_secs_f64() * 1e3 / self.total.served.max(1) as f64;
        self.run.in_place_ms = mean_ms(self.total.taken) - mean_ms(self.total.drawn);
        self.run.on_the_way_ms = self.good.1 * 1e3 / self.good.0.max(1) as f64 - mean_ms(self.total.stayed);
        self.latencies.sort_by(f64::total_cmp);
        self.run.p50_ms = quantile_of_sorted(&self.latencies, 0.5).unwrap_or(0.0) * 1e3;
        self.run.p99_ms = quantile_of_sorted(&self.latencies, 0.99).unwrap_or(0.0) * 1e3;
        let run = std::mem::take(&mut self.run);
        self.stage.traffic.clients.recorder().record(EventKind::Fleet(Box::new(run)));
        Ok(())
    }
}
