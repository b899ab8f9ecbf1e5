//! One run, in the order in which it happens.
//!
//! 1. the folder and the record; 2. the network; 3. the backends; 4. the proxy's program, directory and port; 5. its start;
//! 6. the steps, with a look at the proxy's health after each; 7. the end of everything; 8. the checks; 9. the pages.
//!
//! What goes wrong on the way ends in the record, and as much as possible still happens.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use fake_backends::clock::RunClock;

use super::closing::{self, Finished, RunProblem};
use super::desk::Desk;
use super::holding::{failed_by_now, hold};
use super::interim::{Interim, something_ripens};
use super::interruption::{Cause, Interruption};
use super::proxy_log;
use super::pump::Pump;
use super::repeating::{Asked, repeat, repeated_where_it_helps};
use super::sampler::Sampler;
use super::securing::Secure;
use super::setting::{self, Backends, RunNetwork, port_for};
use super::steps::{DEATH_SHOWS_WITHIN, Stage, sentence};
use super::watching::Watching;
use harness_judge::check::{Verdict, needs_second_try};
use harness_model::adapter::Program;
use harness_model::catalogue::CheckId;
use harness_model::history::{
    self, Anomaly, EventKind, IntervalLog, Listener, ManifestFacts, NotKept, Recorder, RunFolder, SourceTree,
    names,
};
use harness_model::plan::{Pin, Plan, Step, StepKind};
use harness_run::proxy_under_test::ports::PortLease;
use harness_run::proxy_under_test::{
    Confinement, OutputLog, Place, Preparation, Preparing, ProxyUnderTest, StartProblem, Wish, without_home,
};
use harness_run::tls;
use harness_run::traffic::{Clients, KeyBook, Traffic};
use harness_tell::language::Language;

/// What a run is told.
pub struct RunOrder {
    /// What to do.
    pub plan: Plan,
    /// Where run folders go.
    pub out: PathBuf,
    /// The command that repeats the run.
    pub command: Vec<String>,
    /// Ends the run early.
    pub interruption: Interruption,
    /// Longest time that the run may take.
    pub max_duration: Option<Duration>,
    /// Whether proxy and backends stay up after the first step with a problem, or at the end, until the user interrupts.
    pub hold: bool,
    /// What whoever watches asks of it meanwhile.
    pub desk: Desk,
    /// Whether the build of a submission may use the network of the host.
    pub build_network: bool,
    /// Told what happens meanwhile.
    pub observer: Arc<dyn Observer>,
    /// Whether what fails is repeated with the proxy watched.
    pub watching: Watching,
    /// That it repeats a part of another run; a run of its own does not.
    pub repetition: Option<Repetition>,
}

/// A repetition of a part of a run, with something that the run had not.
pub struct Repetition {
    /// Its folder, in that of the run.
    pub folder: PathBuf,
    /// Whether the proxy is watched; otherwise it has a change of its source.
    pub watched: bool,
}

/// Shows a run while it lasts.
pub trait Observer: Send + Sync {
    /// The run has a folder, and its events can be heard.
    fn began(&self, plan: &Plan, run_directory: &Path, events: Listener);
    /// Something that takes long is done before the proxy can start.
    fn preparing(&self, preparation: &Preparation);
    /// These checks are repeated with the proxy watched.
    fn watching(&self, _checks: &[CheckId]) {}
    /// These checks are repeated with a small change of the program.
    fn trying(&self, _checks: &[CheckId]) {}
    /// Proxy and backends stay up until the user interrupts, or lets the run go on.
    fn holding(&self, held: &Held<'_>);
    /// A check is repeated in a run of its own, which begins now.
    fn repeating(&self, _check: CheckId) {}
    /// That run is over.
    fn repeated(&self, _finished: &Finished) {}
    /// The proxy and the backends are gone.
    fn ended(&self);
    /// Whether the pages of the run are to be drawn; a run that is one round of many is shown with the others.
    fn wants_pages(&self) -> bool {
        true
    }
    /// Where the private working directory lies; one that somebody wants to look into afterwards is kept.
    fn place(&self) -> Place {
        Place::Temporary
    }
}

/// What stays up until the user interrupts, or lets the run go on.
#[derive(Debug)]
pub struct Held<'a> {
    /// Where the proxy listens.
    pub proxy: std::net::SocketAddr,
    /// Where the backends listen.
    pub backends: &'a [harness_model::adapter::BackendAddress],
    /// Whether all of that is in a network that only the run can reach.
    pub elsewhere: bool,
    /// What had happened by then, with all checks that had failed.
    pub record: &'a history::Record,
    /// What the checks conclude of it.
    pub verdicts: &'a [Verdict],
}

/// Carries out a plan from beginning to end, on a thread of its own.
///
/// # Errors
/// The record could not be kept, or the world around the proxy not be set up. A proxy that does not start is no error
/// here: the record says so.
pub fn run(order: RunOrder) -> Result<Finished, RunProblem> {
    let asked = Asked::of(&order);
    let finished = repeated_where_it_helps(&asked, on_a_thread(order)?)?;
    while let Some(check) = asked.desk.take_repetition().filter(|_| asked.interruption.cause().is_none()) {
        repeat(&asked, check);
    }
    Ok(finished)
}

/// A run by itself, whatever is asked beside it.
pub(super) fn on_a_thread(order: RunOrder) -> Result<Finished, RunProblem> {
    // A thread of its own, because it enters the network of the run and stays there.
    let thread = std::thread::Builder::new().name("conductor".into()).spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        runtime.map_err(RunProblem::Setting)?.block_on(conduct(order))
    });
    thread.map_err(RunProblem::Setting)?.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

async fn conduct(mut order: RunOrder) -> Result<Finished, RunProblem> {
    // The time of one run may be over while others go on.
    order.interruption = order.interruption.of_one_run();
    // First of all: threads and processes stay where the one that starts them is.
    setting::keep_apart(&order.plan).map_err(RunProblem::Setting)?;
    let draw = order.observer.wants_pages();
    let clock = RunClock::start();
    let folder = match &order.repetition {
        Some(repetition) => RunFolder::create_at(&repetition.folder, &order.plan),
        None => RunFolder::create(&order.out, &order.plan, clock),
    };
    let folder = folder.map_err(RunProblem::Folder)?;
    let path = folder.path().to_path_buf();
    let output = OutputLog::create(&path.join(names::PROXY_OUTPUT)).map_err(RunProblem::Folder)?;
    let log = IntervalLog::begin(folder.intervals, clock).map_err(RunProblem::Folder)?;
    let recorder = Recorder::begin(folder.events, clock).map_err(RunProblem::Setting)?;
    let sink = recorder.clone();
    output.announce(Arc::new(move |until| sink.record(EventKind::Printed { until })));
    order.observer.began(&order.plan, &path, recorder.listen());

    let network = RunNetwork::choose(&order.plan.adapter, order.hold);
    network.network.enter().map_err(RunProblem::Setting)?;
    let mut facts = facts_of(&order.plan, &order.command, clock, &network);
    if let Some(problem) = network.unmet.clone() {
        let problem = not_ready(&recorder, problem);
        order.observer.ended();
        return closing::close(&order.plan, &path, &recorder, &output, facts, Some(problem), draw);
    }
    let backends =
        Backends::start(&order.plan, network.network.clone(), clock, &recorder).map_err(|error| {
            order.observer.ended();
            match order.plan.adapter.attached() {
                Some(_) => RunProblem::Elsewhere(error),
                None => RunProblem::Setting(error),
            }
        })?;
    let played = play(&order, backends, network, log, &recorder, &output, &path, &mut facts).await;
    order.observer.ended();
    let played = played.map_err(RunProblem::Elsewhere)?;
    closing::close(&order.plan, &path, &recorder, &output, facts, played, draw)
}

/// From the proxy's program to the end of everything that runs. The problem, if the proxy never got ready.
#[expect(clippy::too_many_arguments, reason = "the parts of a run, each made before and needed after")]
async fn play(
    order: &RunOrder,
    backends: Backends,
    network: RunNetwork,
    log: IntervalLog,
    recorder: &Recorder,
    output: &OutputLog,
    run_directory: &Path,
    facts: &mut ManifestFacts,
) -> std::io::Result<Option<StartProblem>> {
    let pump = Arc::new(Pump::new(&backends.world.journal, recorder.clone()));
    let prepared = tokio::select! {
        prepared = prepare(order, &network, recorder, output) => prepared,
        cause = order.interruption.wait() => { note_interruption(recorder, cause); return Ok(None); }
    };
    let (proxy, lease, address) = match prepared {
        Ok(prepared) => prepared,
        Err(problem) => return Ok(Some(not_ready(recorder, problem))),
    };
    facts.program = without_home(&[proxy.program().display().to_string()]).pop();
    // What an interpreter runs lies in the copy; the interpreter itself is the same for everybody.
    let adapter = &order.plan.adapter;
    let interpreted = matches!(adapter.program, Program::Installed { .. }) && adapter.copy_from.is_some();
    facts.program_sha256 = match interpreted {
        true => history::hash_of_tree(proxy.directory()).ok(),
        false => history::hash_of_file(proxy.program()).ok(),
    };
    let secure = match Secure::for_run(&order.plan, &proxy, address, recorder, run_directory) {
        Ok(secure) => secure,
        Err(problem) => return Ok(Some(not_ready(recorder, problem))),
    };
    let tls = secure.as_ref().map(|secure| secure.tls.clone());
    let traffic = Traffic {
        clients: Clients::new(address, network.network.clone(), recorder.clone()).with(
            order.plan.adapter.request.clone(),
            backends.world.secret,
            tls,
        ),
        journal: backends.world.journal.clone(),
        capabilities: order.plan.adapter.capabilities.clone(),
        seed: order.plan.seed,
        second_try: false,
    };
    let mut stage = Stage {
        proxy,
        backends,
        traffic,
        book: KeyBook::default(),
        log: Mutex::new(log),
        pump,
        output: output.clone(),
        settings: order.plan.proxy.clone(),
        usual_address: address,
        told: address,
        elsewhere: None,
        instead: Vec::new(),
        binds_late: false,
        other_port: None,
        down_on_purpose: false,
        idle: order.plan.backends.idle,
        adapted: Vec::new(),
        late_looks: 0,
        stuck: None,
        secure,
        gives_up_for_good: false,
    };
    // Building the proxy does not count.
    let guard = TimeGuard::start(order);
    let problem = perform(order, &mut stage, recorder, run_directory).await;
    let enforced = stage.proxy.enforced();
    facts.isolation = Some(enforced.to_string());
    facts.not_kept = enforced.not_kept();
    if enforced.fenced.is_some() && network.refused {
        facts.not_kept.push(NotKept::Network);
    }
    end(&mut stage, order, recorder, run_directory).await;
    drop((lease, guard));
    stage.backends.everything_is_here()?;
    // What came in with this last look.
    stage.pump.drain_at_the_end();
    Ok(problem)
}

async fn prepare(
    order: &RunOrder,
    network: &RunNetwork,
    recorder: &Recorder,
    output: &OutputLog,
) -> Result<(ProxyUnderTest, Option<PortLease>, SocketAddr), StartProblem> {
    let (sink, observer) = (recorder.clone(), order.observer.clone());
    let preparing = Preparing {
        adapter: order.plan.adapter.clone(),
        // An optimised build takes a minute that nobody need wait for who measures nothing.
        optimised: order.plan.measures_speed() || !cfg!(debug_assertions),
        features: match order.plan.asks_for_tls() && tls::AVAILABLE {
            true => order.plan.adapter.tls_features.clone(),
            false => Vec::new(),
        },
        place: order.observer.place(),
        clock: recorder.clock(),
        network: network.network.clone(),
        output: output.clone(),
        sink: Arc::new(move |event| sink.record(event)),
        announce: Arc::new(move |preparation| observer.preparing(preparation)),
        confinement: Confinement { build_network: order.build_network, ..confinement(&order.plan) },
        isolation: Wish::default(),
        watched: order.repetition.as_ref().is_some_and(|repetition| repetition.watched),
    };
    let proxy = ProxyUnderTest::prepare(preparing).await?;
    let (lease, address) = port_for(&order.plan.adapter, order.plan.seed).await?;
    Ok((proxy, lease, address))
}

/// How tightly the proxy is kept, and on which CPUs.
fn confinement(plan: &Plan) -> Confinement {
    let mut confinement = Confinement::of(&plan.adapter);
    confinement.limits.cpus = plan.pin.as_ref().map(Pin::proxy_bits);
    confinement
}

/// Start and steps.
async fn perform(
    order: &RunOrder,
    stage: &mut Stage,
    recorder: &Recorder,
    run_directory: &Path,
) -> Option<StartProblem> {
    let strain = stage.traffic.clients.strain().clone();
    let sampler = match Sampler::start(recorder.clone(), stage.proxy.probe(), stage.pump.clone(), strain) {
        Ok(sampler) => sampler,
        Err(error) => return Some(not_ready(recorder, StartProblem::Guard { error: error.to_string() })),
    };
    let ready = async {
        stage.start().await?;
        stage.look().await
    };
    let started = tokio::select! {
        started = ready => started,
        cause = order.interruption.wait() => { note_interruption(recorder, cause); return None; }
    };
    keep_source(stage, run_directory, recorder);
    if let Err(problem) = started {
        return Some(not_ready(recorder, problem));
    }
    // What the first step adds to is known before it begins.
    if let Some(sample) = stage.proxy.resources() {
        recorder.record(EventKind::Resources(sample));
    }
    stage.list_files();
    let mut interim = Interim::new(recorder.clock(), order.observer.wants_pages());
    // Checks that had failed when it was held the last time.
    let mut known = Vec::new();
    let mut held_after = None;
    for step in &order.plan.steps {
        // A running TTL waits for nobody: what a later step asks again for would be too old.
        if order.desk.wants_hold()
            && !something_ripens(&order.plan, step.index)
            && hold(order, stage, recorder, run_directory).await.is_some()
        {
            return None;
        }
        interim.before(step.index, &order.plan, recorder, run_directory);
        if let Some(because) = stage.not_asked(step, &order.plan) {
            recorder.enter_step(Some(step.index));
            recorder.record(EventKind::NotAsked { because, left_out: None });
            continue;
        }
        let performed = tokio::select! {
            performed = perform_step(stage, step, recorder, &sampler, &order.plan, run_directory) => performed,
            cause = order.interruption.wait() => { note_interruption(recorder, cause); return None; }
        };
        if performed == Performed::ProxyGone {
            break;
        }
        if order.hold {
            let failed = failed_by_now(recorder, run_directory);
            let more = failed.iter().any(|check| !known.contains(check));
            known = failed;
            if performed == Performed::WithProblem || more {
                order.desk.hold();
                held_after = Some(step.index);
                if hold(order, stage, recorder, run_directory).await.is_some() {
                    return None;
                }
            }
        }
    }
    recorder.enter_step(None);
    // Nothing has happened since, where the last step was such a one.
    if order.hold && (held_after.is_none() || held_after != order.plan.steps.last().map(|step| step.index)) {
        order.desk.hold();
        hold(order, stage, recorder, run_directory).await;
    }
    None
}

/// Keeps the source of a submission as it was started, so that a report can show the line that it names.
fn keep_source(stage: &Stage, run_directory: &Path, recorder: &Recorder) {
    if stage.proxy.adapter().copy_from.is_none() {
        return;
    }
    let source = SourceTree::beneath(stage.proxy.directory());
    let kept = serde_json::to_vec(&source)
        .map_err(std::io::Error::from)
        .and_then(|text| std::fs::write(run_directory.join(names::SOURCE), text));
    if let Err(error) = kept {
        let what = format!("the source could not be kept: {error}");
        recorder.record(EventKind::Anomaly(Anomaly { what, exchange: None }));
    }
}

/// How a step went, as far as the next one is concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Performed {
    Well,
    WithProblem,
    /// It does not run, and cannot be brought back.
    ProxyGone,
}

async fn perform_step(
    stage: &mut Stage,
    step: &Step,
    recorder: &Recorder,
    sampler: &Sampler,
    plan: &Plan,
    run_directory: &Path,
) -> Performed {
    recorder.enter_step(Some(step.index));
    let mut performed = perform_once(stage, step, recorder, sampler, plan, run_directory).await;
    // Only what rests on time is tried again, in order to be classified; what is certain stays as it is.
    let rests_on_time =
        matches!(step.kind, StepKind::Overlap(_) | StepKind::Overtake(_) | StepKind::Batches(_));
    if rests_on_time && performed != Performed::ProxyGone {
        recorder.flush();
        // A record that cannot be read is reported when the run is closed.
        let again = history::read(run_directory)
            .is_ok_and(|record| needs_second_try(plan, &record.events, step.index));
        if again {
            stage.traffic.second_try = true;
            performed = perform_once(stage, step, recorder, sampler, plan, run_directory).await;
            stage.traffic.second_try = false;
        }
    }
    performed
}

async fn perform_once(
    stage: &mut Stage,
    step: &Step,
    recorder: &Recorder,
    sampler: &Sampler,
    plan: &Plan,
    run_directory: &Path,
) -> Performed {
    if let Some(manners) = stage.backends.manners() {
        manners.set(stage.manner(Some(step)));
    }
    let (unanswered, broken) = (stage.traffic.clients.unanswered(), stage.traffic.clients.broken());
    stage.traffic.clients.begin_step();
    recorder.record(EventKind::StepStarted);
    let result = stage.carry_out(step).await;
    let unanswered = stage.traffic.clients.unanswered() - unanswered;
    let asked_nothing = matches!(step.kind, StepKind::Backends(_) | StepKind::Wait { .. });
    // A connection that broke is how a death shows first; its guard may be heard of later where the host is busy.
    let broke = stage.traffic.clients.broken() > broken;
    let moment = if broke {
        stage.traffic.clients.strain().stretched(DEATH_AFTER_A_BREAK)
    } else {
        DEATH_SHOWS_WITHIN
    };
    let alive = asked_nothing || lives(stage, moment).await;
    stage.pump.drain();
    sampler.note_noise();
    let problem = result.err();
    let mut performed = if problem.is_some() { Performed::WithProblem } else { Performed::Well };
    recorder.record(EventKind::StepEnded { problem });
    if matches!(step.kind, StepKind::Restart(_)) && !stage.proxy.is_alive() {
        return Performed::ProxyGone;
    }
    // A proxy that dies of what a client does is a finding of its own, and must not be the end of all others (F-9).
    if !alive && !stage.down_on_purpose {
        performed = match stage.start().await {
            Ok(_) => Performed::WithProblem,
            Err(problem) => {
                let what =
                    format!("did not start again after its death: {}", sentence(&problem, Language::En));
                recorder.record(EventKind::Anomaly(Anomaly { what, exchange: None }));
                Performed::ProxyGone
            }
        };
    } else if stage.let_go(unanswered, step, plan).await {
        stage.look_again(unanswered, step, plan, run_directory).await;
    } else {
        performed = Performed::ProxyGone;
    }
    performed
}

/// The time in which a death that has broken a connection is heard of, on a host with a CPU to spare.
const DEATH_AFTER_A_BREAK: Duration = Duration::from_millis(150);

/// Whether the proxy still runs a moment after a step: its death reaches us through its guard.
async fn lives(stage: &Stage, moment: Duration) -> bool {
    if stage.down_on_purpose {
        return false;
    }
    tokio::time::timeout(moment, stage.proxy.ended()).await.is_err()
}

/// A busy machine may show a death a moment late.
const LAST_LOOK: Duration = Duration::from_millis(150);

/// Ends everything and keeps what is worth keeping. After an interruption it is killed: whoever pressed Ctrl-C waits.
async fn end(stage: &mut Stage, order: &RunOrder, recorder: &Recorder, run_directory: &Path) {
    stage.list_files();
    if order.interruption.cause().is_some() {
        stage.proxy.kill().await;
    } else {
        // A death in the last step must not be taken for the end that is asked for now.
        if !stage.down_on_purpose {
            let _ = tokio::time::timeout(LAST_LOOK, stage.proxy.ended()).await;
        }
        stage.proxy.stop().await;
    }
    stage.pump.drain();
    if let Some((events, not_watched)) = stage.proxy.watched() {
        events.into_iter().for_each(|watched| recorder.record(EventKind::Watched(Box::new(watched))));
        not_watched.into_iter().for_each(|why| recorder.record(EventKind::NotWatched { why }));
    }
    proxy_log::keep(stage, &run_directory.join(names::PROXY_LOG), recorder);
    if let Err(error) = stage.log.get_mut().unwrap_or_else(std::sync::PoisonError::into_inner).flush() {
        let what = format!("the interval log could not be written: {error}");
        recorder.record(EventKind::Anomaly(Anomaly { what, exchange: None }));
    }
}

pub(super) fn note_interruption(recorder: &Recorder, cause: Cause) {
    recorder.record(cause.event());
}

fn not_ready(recorder: &Recorder, problem: StartProblem) -> StartProblem {
    let what = format!("the proxy did not get ready: {}", sentence(&problem, Language::En));
    recorder.record(EventKind::Anomaly(Anomaly { what, exchange: None }));
    problem
}

/// What the manifest says of a run before it has begun.
pub(super) fn facts_of(
    plan: &Plan,
    command: &[String],
    clock: RunClock,
    network: &RunNetwork,
) -> ManifestFacts {
    let zone = jiff::tz::TimeZone::system();
    let started = jiff::Timestamp::try_from(clock.wall_start())
        .map(|time| time.to_zoned(zone).strftime("%Y-%m-%dT%H:%M:%S%:z").to_string());
    ManifestFacts {
        harness: env!("CARGO_PKG_VERSION").to_owned(),
        profile: if cfg!(debug_assertions) { "dev" } else { "release" }.to_owned(),
        seed: plan.seed,
        command: command.to_vec(),
        started: started.unwrap_or_default(),
        host: serde_json::to_value(harness_platform::host_facts()).unwrap_or_default(),
        network: network.description.clone(),
        ..ManifestFacts::default()
    }
}

/// A number that differs from call to call, for those who want a seed and do not care which.
pub fn drawn_number() -> u32 {
    let since = RunClock::start().wall_start().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    since.subsec_nanos() ^ (since.as_secs() as u32).rotate_left(16)
}

/// Ends the run when its time is over; does nothing once it is dropped. Time in which the run is held does not count.
struct TimeGuard(Option<tokio::task::JoinHandle<()>>);

/// Whether it is held is looked at so often.
const HELD_LOOK: Duration = Duration::from_millis(500);

impl TimeGuard {
    fn start(order: &RunOrder) -> TimeGuard {
        let (interruption, desk) = (order.interruption.clone(), order.desk.clone());
        TimeGuard(order.max_duration.map(|time| {
            tokio::spawn(async move {
                let mut left = time;
                while !left.is_zero() {
                    let part = left.min(HELD_LOOK);
                    tokio::time::sleep(part).await;
                    if !desk.is_held() {
                        left -= part;
                    }
                }
                interruption.set(Cause::TimeOver);
            })
        }))
    }
}

impl Drop for TimeGuard {
    fn drop(&mut self) {
        if let Some(task) = &self.0 {
            task.abort();
        }
    }
}
