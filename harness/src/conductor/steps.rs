//! One arm per kind of step: what is done for it, by whom.
//!
//! The conductor calls [`Stage::carry_out`] for each step of the plan in order. Traffic is the business of `traffic`; what
//! is done to the proxy and to the backends is done here, through their handles. A step that cannot be carried out says
//! why; whether that matters is for the checks.

use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use fake_backends::server::Recording;

use super::proxy_log::Mark;
use super::pump::Pump;
use super::securing::{Secure, renews};
use super::setting::Backends;
use harness_model::adapter::{LaunchVariables, Setting, render};
use harness_model::history::{Adaptation, EventKind, IntervalLog, Stuck};
use harness_model::plan::{
    Balance, Bilingual, CaseStep, CloudStep, CrashLoad, Exact, ProxySettings, Restart, Step, StepKind,
};
use harness_run::proxy_under_test::ports::{self, PortLease};
use harness_run::proxy_under_test::{
    Answer, OutputLog, ProxyUnderTest, StartOrder, StartProblem, crash_after, put_down,
};
use harness_run::traffic::crash_load::CrashTraffic;
use harness_run::traffic::load::CpuMeter;
use harness_run::traffic::{
    KeyBook, Problem, Traffic, batches, callers, capacity, deliveries, exact, fill, handshakes, load,
    origins, overlap, overload, overtake, probe, reread, serial, sliding, uploads, users, votes,
};
use harness_tell::language::{Language, start_problem};

/// Everything that steps act on.
pub(super) struct Stage {
    pub(super) proxy: ProxyUnderTest,
    pub(super) backends: Backends,
    pub(super) traffic: Traffic,
    pub(super) book: KeyBook,
    pub(super) log: Mutex<IntervalLog>,
    pub(super) pump: Arc<Pump>,
    /// What the proxy has printed.
    pub(super) output: OutputLog,
    pub(super) settings: ProxySettings,
    /// Where it is told to listen, unless a step tells it another port.
    pub(super) usual_address: SocketAddr,
    /// Where it is told to listen now.
    pub(super) told: SocketAddr,
    /// The address at which it listens whatever it is told, and the port, where that is not the one that it is told.
    pub(super) elsewhere: Option<(IpAddr, Option<u16>)>,
    /// The ports that took the place of one that it could not bind again.
    pub(super) instead: Vec<PortLease>,
    /// Whether it needs so long to bind its port again that nobody waits for it a second time.
    pub(super) binds_late: bool,
    /// That other port, once there is one.
    pub(super) other_port: Option<PortLease>,
    /// Whether the plan itself has ended the proxy.
    pub(super) down_on_purpose: bool,
    /// After how long backends close a connection that is idle.
    pub(super) idle: Option<Duration>,
    /// What the backends do otherwise because of what this proxy does.
    pub(super) adapted: Vec<Adaptation>,
    /// How often it was looked at again in the middle of the run.
    pub(super) late_looks: u32,
    /// Why it needs a restart that was put off.
    pub(super) stuck: Option<Stuck>,
    /// The way to it by HTTPS, where there is one.
    pub(super) secure: Option<Secure>,
    /// Whether it was seen not to ask backends again that were back.
    pub(super) gives_up_for_good: bool,
}

/// Where a proxy listens that is told of no port.
const DEFAULT_PORT: u16 = 8080;
/// Another run of the harness may have it for so long.
const PORT_PATIENCE: Duration = Duration::from_secs(20);

/// The crash of a kill is drawn from numbers of its own, so that another step more or less does not move it.
const CRASH_PURPOSE: usize = 0x6372_6173;

impl Stage {
    /// Carries out one step.
    ///
    /// # Errors
    /// Why it could not be carried out.
    pub(super) async fn carry_out(&mut self, step: &Step) -> Result<(), Problem> {
        if let Some(problem) = self.no_way_by_tls(step) {
            return Err(problem);
        }
        let (traffic, book) = (&self.traffic, &mut self.book);
        match &step.kind {
            StepKind::Fill(plan) => {
                fill::run(traffic, book, step, plan).await?;
                // Once is enough to see where a cache lies; a cache of thousands of files would fill the record.
                if step.cycle == 0 {
                    self.list_files();
                }
                Ok(())
            }
            StepKind::Probe(plan) => probe::run(traffic, book, step, plan).await,
            StepKind::Sliding(plan) => sliding::run(traffic, book, step, plan).await,
            StepKind::Reread(plan) => reread::run(traffic, book, step, plan).await,
            StepKind::Serial(plan) => serial::run(traffic, step, plan).await,
            StepKind::Batches(plan) => batches::run(traffic, step, plan).await,
            StepKind::Overlap(plan) => overlap::run(traffic, step, plan).await,
            StepKind::Overtake(plan) => overtake::run(traffic, step, plan).await,
            StepKind::Load(plan) => {
                let loaded = async |cpu: CpuMeter<'_>| load::run(traffic, step, plan, &self.log, cpu).await;
                self.counting(plan.shape.journal, loaded).await
            }
            StepKind::Capacity(search) => {
                let places = &self.backends.world.workplaces;
                let climbed =
                    async |cpu: CpuMeter<'_>| capacity::run(traffic, step, search, places, cpu).await;
                self.counting(false, climbed).await
            }
            StepKind::Crash(_) | StepKind::Restart(_) if self.proxy.adapter().attached().is_some() => {
                Err(Problem::Attached)
            }
            StepKind::Crash(plan) => self.crash(step, plan).await,
            StepKind::Restart(plan) => self.restart(plan).await,
            StepKind::Backends(change) => {
                let recorder = self.traffic.clients.recorder().clone();
                self.backends.change(change, &recorder).map_err(|error| error.to_string().into())
            }
            StepKind::Cloud(CloudStep::Users(plan)) => users::run(traffic, plan).await,
            StepKind::Cloud(CloudStep::Deliveries(plan)) => deliveries::run(traffic, step, plan).await,
            StepKind::Cloud(CloudStep::Fleet(plan)) => {
                self.fleet(step.label.as_deref().unwrap_or("fleet"), plan).await
            }
            StepKind::Handshakes(plan) => handshakes::run(traffic, plan).await,
            StepKind::Exact(plan) if renews(&step.kind) => self.exact_with_renewal(step, plan).await,
            StepKind::Exact(plan) if plan.asks.is_about_the_log() => self.exact_with_log(step, plan).await,
            StepKind::Case(CaseStep::Callers(plan)) => {
                callers::run(traffic, plan, &self.backends.socket_addresses()).await;
                Ok(())
            }
            StepKind::Case(CaseStep::Uploads(plan)) => uploads::run(traffic, plan).await,
            StepKind::Case(CaseStep::Origins(plan)) => {
                origins::run(traffic, plan).await;
                Ok(())
            }
            StepKind::Case(CaseStep::Votes(plan)) => votes::run(traffic, plan).await,
            StepKind::Case(CaseStep::Overload(plan)) => {
                let overloaded =
                    async |cpu: CpuMeter<'_>| overload::run(traffic, step, plan, &self.log, cpu).await;
                self.counting(false, overloaded).await
            }
            StepKind::Exact(plan) => match plan.keep_asking {
                None => exact::run(traffic, step, plan).await,
                Some(most) => {
                    let back = self.backends.names_up(self.settings.backends.unwrap_or(usize::MAX));
                    // Who did not ask them again in all that time does not do so a second time.
                    let most = if self.gives_up_for_good { Duration::ZERO } else { most };
                    let asked = exact::keep_asking(traffic, step, plan, most, &back).await;
                    self.gives_up_for_good |= !asked;
                    Ok(())
                }
            },
            StepKind::Wait { duration } => {
                tokio::time::sleep(*duration).await;
                Ok(())
            }
        }
    }

    /// Records what lies in the directory of the proxy.
    pub(super) fn list_files(&self) {
        let files = self.proxy.files();
        self.traffic.clients.recorder().record(EventKind::FilesSeen { files });
    }

    pub(super) fn order(&self) -> Result<StartOrder, StartProblem> {
        let (told, listen) = (self.told, self.traffic.clients.address());
        let adapter = self.proxy.adapter();
        let milliseconds = self.settings.ttl.map(|ttl| u64::try_from(ttl.as_millis()).unwrap_or(u64::MAX));
        let declared = |setting: Setting| adapter.capabilities.settings.contains(&setting);
        let (throttle, allow) = (self.settings.throttle, &self.settings.allow);
        let health = self.settings.health.as_ref().filter(|_| declared(Setting::HealthChecks));
        let listed = self.settings.backends.unwrap_or(usize::MAX);
        let variables = self.with_tls(LaunchVariables {
            program: self.proxy.program().to_string_lossy().into_owned(),
            directory: self.proxy.directory().to_string_lossy().into_owned(),
            host: told.ip().to_string(),
            port: (!self.leaves_port_out()).then(|| told.port()),
            backends: self.backends.addresses().into_iter().take(listed).collect(),
            ttl_seconds: milliseconds.map(|ms| ms.div_ceil(1000)),
            ttl_milliseconds: milliseconds,
            ttl_minutes: self.settings.ttl.map(|ttl| ttl.as_secs_f64() / 60.0),
            ttl_whole_minutes: milliseconds.map(|ms| ms.div_ceil(60_000)),
            balance: match self.settings.balance {
                Some(Balance::LeastConnections) if declared(Setting::LeastConnections) => {
                    Some("least_connections".to_owned())
                }
                Some(Balance::RoundRobin) => Some("round_robin".to_owned()),
                _ => None,
            },
            throttle: throttle.filter(|_| declared(Setting::Throttle)),
            // A tenth of a second's worth: clients come in bursts that harm nobody.
            throttle_burst: throttle.unwrap_or(0).div_ceil(10),
            allow: allow.iter().filter(|_| declared(Setting::Allow)).map(ToString::to_string).collect(),
            health_path: health.map(|health| health.path.clone()),
            health_milliseconds: health
                .map(|health| u64::try_from(health.interval.as_millis()).unwrap_or(u64::MAX)),
            health_failures: health.map(|health| health.failures),
            health_successes: health.map(|health| health.successes),
            tls_port: None,
            certificate: None,
            key: None,
            certificate_and_key: None,
            authority: None,
            http2: false,
        });
        let launch = render(adapter, &variables).map_err(|error| StartProblem::File {
            path: adapter.origin.clone().into(),
            error: error.to_string(),
        })?;
        let answer = if self.backends.any_up() { Answer::Required } else { Answer::NotAsked };
        Ok(StartOrder {
            launch,
            told,
            listen,
            rebind_within: self.rebind_within(),
            ttl: self.settings.ttl,
            answer,
        })
    }

    /// Asks for much, of which the backends leave numbers only, unless a check will read their journal. What asks is given a
    /// meter of the CPU time of the proxy.
    async fn counting(
        &self,
        journal: bool,
        asking: impl AsyncFnOnce(CpuMeter<'_>) -> Result<(), Problem>,
    ) -> Result<(), Problem> {
        if !journal {
            self.backends.set_recording(Recording::Counting);
        }
        let probe = self.proxy.probe();
        let result = asking(&move || probe.sample().map(|sample| sample.cpu)).await;
        self.backends.set_recording(Recording::Full);
        result
    }

    /// Sends requests about whose lines in the log something is asked, and keeps what the proxy logs meanwhile.
    async fn exact_with_log(&self, step: &Step, plan: &Exact) -> Result<(), Problem> {
        let mark = Mark::of(self);
        exact::run(&self.traffic, step, plan).await?;
        let excerpt = mark.excerpt(self, &exact::targets(step, plan)).await;
        self.traffic.clients.recorder().record(EventKind::ProxyLogged(excerpt));
        Ok(())
    }

    /// Kills the proxy at an instant that the seed draws, in the middle of traffic that fills its cache.
    async fn crash(&mut self, step: &Step, plan: &CrashLoad) -> Result<(), Problem> {
        let mut random = self.traffic.random(step.index ^ CRASH_PURPOSE);
        let span = plan.after_most.saturating_sub(plan.after_least);
        let after = plan.after_least + span.mul_f64(random.unit());
        let writers = (plan.vus > 0).then(|| CrashTraffic::start(&self.traffic, step.cycle, plan));
        self.down_on_purpose = true;
        let ran = crash_after(&mut self.proxy, after)
            .await
            .map_err(|error| Problem::Engine { said: error.to_string() })?;
        if let Some(writers) = writers {
            self.book.enter_crash_keys(writers.stop().await);
        }
        if ran { Ok(()) } else { Err(Problem::EndedBefore) }
    }

    async fn restart(&mut self, plan: &Restart) -> Result<(), Problem> {
        if let Some(settings) = &plan.settings {
            self.settings = settings.clone();
            self.listen_where_told().await?;
        }
        self.down_on_purpose = true;
        put_down(&mut self.proxy, plan).await.map_err(in_words)?;
        self.start().await.map_err(in_words)?;
        Ok(())
    }
}

impl Stage {
    /// Whether it is told of no port.
    pub(super) fn leaves_port_out(&self) -> bool {
        let adapter = self.proxy.adapter();
        self.settings.default_port
            && adapter.fixed_port.is_none()
            && adapter.capabilities.settings.contains(&Setting::DefaultPort)
    }

    /// From the next start on proxy and clients use the port that the settings name; one that it insists on stays.
    async fn listen_where_told(&mut self) -> Result<(), Problem> {
        let mut address = self.usual_address;
        if self.settings.another_port && self.proxy.adapter().fixed_port.is_none() {
            if self.other_port.is_none() {
                let next = u64::from(self.usual_address.port()) + 1;
                self.other_port = Some(PortLease::any(next).map_err(in_words)?);
            }
            address.set_port(self.other_port.as_ref().map_or(address.port(), PortLease::port));
        }
        if self.leaves_port_out() {
            let network = self.traffic.clients.network().clone();
            let free = move || network.enter().is_ok() && ports::is_free(DEFAULT_PORT);
            if !std::thread::spawn(free).join().unwrap_or(false) {
                return Err(in_words(StartProblem::PortInUse { port: DEFAULT_PORT, holder: None }));
            }
            // In a network of the run's own no other run can have it.
            if !self.traffic.clients.network().is_private() {
                self.other_port =
                    Some(PortLease::fixed(DEFAULT_PORT, PORT_PATIENCE).await.map_err(in_words)?);
            }
            address.set_port(DEFAULT_PORT);
        }
        self.ask_where_told(address);
        Ok(())
    }
}

/// A problem as the record holds it.
pub(super) fn in_words(problem: StartProblem) -> Problem {
    Problem::NotReady(Bilingual {
        en: sentence(&problem, Language::En),
        es: sentence(&problem, Language::Es),
    })
}

/// The same as one sentence.
pub(super) fn sentence(problem: &StartProblem, language: Language) -> String {
    let words = start_problem(language, problem);
    [vec![words.title], words.details, words.last_lines].concat().join("; ")
}

/// The time between two looks at a proxy that may have died.
pub(super) const DEATH_SHOWS_WITHIN: Duration = Duration::from_millis(20);
