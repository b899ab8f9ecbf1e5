//! The proxy under test as the conductor sees it: prepare, start, kill, stop, look.
//!
//! The conductor owns one per run; `fault` acts through it. Every start, signal and end goes to the history through the
//! sink that it was given. It never sends a request but the one of [`readiness`](super::readiness).

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use fake_backends::clock::{Moment, RunClock};
use fake_backends::platform::Network;

use super::directory::{Place, WorkingDirectory};
use super::guard::{Isolation, Order, Wish, guard_program};
use super::process::{Ended, LAST_LINES, Process};
use super::program::{self, Preparation};
use super::readiness::{self, Answer, Listening, Ready};
use super::{OutputLog, StartProblem};
use crate::adapter::{Adapter, Launch};
use crate::history::{Anomaly, ConfigurationFile, EventKind, ProxyExit, ResourceSample};
use crate::platform::{self, Limits, Signal};

/// Takes every event of the proxy; called from several threads.
pub type EventSink = Arc<dyn Fn(EventKind) + Send + Sync>;

/// What [`ProxyUnderTest::prepare`] needs to know.
pub struct Preparing {
    /// The adapter.
    pub adapter: Adapter,
    /// Where the working directory lies.
    pub place: Place,
    /// The clock of the run.
    pub clock: RunClock,
    /// The network of the run.
    pub network: Network,
    /// Where the proxy's output goes.
    pub output: OutputLog,
    /// Where events go.
    pub sink: EventSink,
    /// Told of what takes long.
    pub announce: Arc<dyn Fn(&Preparation) + Send + Sync>,
    /// Limits of the proxy and all that it starts.
    pub limits: Limits,
    /// How it may be kept from outliving the harness.
    pub isolation: Wish,
}

/// A start, rendered.
#[derive(Clone, Debug)]
pub struct StartOrder {
    /// Command, files, environment, input.
    pub launch: Launch,
    /// Where it should listen.
    pub listen: SocketAddr,
    /// The TTL it is given, for the record.
    pub ttl: Option<Duration>,
    /// Whether the start is complete only with an answer.
    pub answer: Answer,
}

/// How an orderly stop went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StopOutcome {
    /// From the signal to the end of everything.
    pub took: Duration,
    /// Whether it did not end in the time that its adapter allows, and was killed.
    pub hung: bool,
    /// Exit status, where it ended by itself.
    pub code: Option<i32>,
    /// Signal, where one ended it.
    pub signal: Option<i32>,
    /// Processes that it left behind, which were killed.
    pub left: u32,
}

/// A proxy, prepared, perhaps running.
pub struct ProxyUnderTest {
    adapter: Adapter,
    directory: WorkingDirectory,
    program: PathBuf,
    guard_program: PathBuf,
    clock: RunClock,
    network: Network,
    output: OutputLog,
    sink: EventSink,
    limits: Limits,
    wish: Wish,
    launches: u32,
    process: Arc<Mutex<Option<Arc<Process>>>>,
}

/// Reads what the proxy uses, from any thread, whichever launch is running.
#[derive(Clone, Debug)]
pub struct ResourceProbe {
    process: Arc<Mutex<Option<Arc<Process>>>>,
}

impl ResourceProbe {
    /// What its processes use now; `None` while none runs.
    pub fn sample(&self) -> Option<ResourceSample> {
        let process = self.process.lock().unwrap_or_else(PoisonError::into_inner).clone()?;
        let usage = process.guard().state().lives().then(|| process.guard().usage())?;
        Some(ResourceSample {
            cpu: usage.cpu,
            resident_bytes: usage.resident_bytes,
            processes: usage.processes,
            threads: usage.threads,
            open_files: usage.open_files,
            context_switches: usage.context_switches,
        })
    }
}

/// A build that takes longer hangs.
const BUILD_WITHIN: Duration = Duration::from_secs(15 * 60);
/// Pause between two starts while the port is taken.
const RETRY_PAUSE: Duration = Duration::from_millis(250);
/// While the port may be taken, a proxy that lives without listening (F-8) is not waited for longer than this.
const PATIENCE_WHILE_TAKEN: Duration = Duration::from_secs(3);
/// What a build may see of the user's environment: where compilers and package managers keep their things.
const BUILD_ENVIRONMENT: [&str; 6] = ["HOME", "CARGO_HOME", "RUSTUP_HOME", "GOPATH", "LANG", "TMPDIR"];

impl ProxyUnderTest {
    /// Finds or builds the program, makes the working directory and fills it.
    ///
    /// # Errors
    /// The program is missing or does not build, or the directory cannot be written.
    pub async fn prepare(preparing: Preparing) -> Result<ProxyUnderTest, StartProblem> {
        let Preparing { adapter, place, clock, network, output, sink, announce, limits, isolation } =
            preparing;
        let guard_program =
            guard_program().map_err(|error| StartProblem::Guard { error: error.to_string() })?;
        let (wanted, told) = (adapter.program.clone(), announce.clone());
        let located = tokio::task::spawn_blocking(move || program::locate_program(&wanted, &*told)).await;
        let program = located.map_err(|error| StartProblem::Guard { error: error.to_string() })??;
        let directory = WorkingDirectory::create(&place, &adapter.name)?;
        if let Some(source) = &adapter.copy_from {
            directory.copy_from(source)?;
        }
        let proxy = ProxyUnderTest {
            adapter,
            directory,
            program,
            guard_program,
            clock,
            network,
            output,
            sink,
            limits,
            wish: isolation,
            launches: 0,
            process: Arc::default(),
        };
        for command in &proxy.adapter.build {
            announce(&Preparation::Running { command: command.clone() });
            proxy.build(command).await?;
        }
        proxy.directory.create_directories(&proxy.adapter.directories)?;
        Ok(proxy)
    }

    /// The program, absolute: what `{{ program }}` means in an adapter.
    pub fn program(&self) -> &Path {
        &self.program
    }

    /// The working directory, absolute: what `{{ directory }}` means in an adapter.
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// The adapter.
    pub fn adapter(&self) -> &Adapter {
        &self.adapter
    }

    /// Number of the last launch; zero before the first.
    pub fn launches(&self) -> u32 {
        self.launches
    }

    /// Starts it and waits until it is ready. What an earlier launch left in the directory stays, its processes do not.
    ///
    /// While the port is still taken (by connections of an earlier life, which keep a proxy without SO_REUSEADDR from
    /// binding for a minute) it is started again and again, for as long as the adapter allows. The future may be dropped
    /// at any time: what runs then ends with [`ProxyUnderTest::kill`], or when `self` is dropped.
    ///
    /// # Errors
    /// It did not get ready; nothing of it runs any more.
    pub async fn start(&mut self, order: StartOrder) -> Result<Ready, StartProblem> {
        self.end_quietly().await;
        self.launches += 1;
        let argv = self.absolute(&order.launch.argv)?;
        self.directory.write_files(&order.launch.files)?;
        self.record(EventKind::ProxyStarting {
            launch: self.launches,
            argv: argv.clone(),
            listen: order.listen,
            configuration: configuration_of(&order.launch.files),
            ttl: order.ttl,
        });
        let began = self.clock.now();
        let mut attempts_before = 0;
        loop {
            let taken = self.taken(order.listen.port()).await;
            let may_retry = self.launches > 1 && self.clock.now().since(began) < self.adapter.rebind_within;
            if let Some(holder) = taken.holder {
                if !may_retry {
                    return Err(StartProblem::PortInUse { port: order.listen.port(), holder: Some(holder) });
                }
                attempts_before += 1;
                tokio::time::sleep(RETRY_PAUSE).await;
                continue;
            }
            match self.attempt(&order, &argv, began, attempts_before, taken.lingering).await {
                Ok(ready) => return Ok(ready),
                Err((problem, ended)) => {
                    let lingers = taken.lingering || self.taken(order.listen.port()).await.lingering;
                    let about_the_port = matches!(
                        problem,
                        StartProblem::DiedAtStart { .. } | StartProblem::NeverListened { .. }
                    );
                    self.end_quietly().await;
                    if may_retry && about_the_port && lingers {
                        attempts_before += 1;
                        tokio::time::sleep(RETRY_PAUSE).await;
                        continue;
                    }
                    if let Some(ended) = ended {
                        self.record(EventKind::ProxyExited(exit_event(self.launches, ended)));
                    }
                    return Err(problem);
                }
            }
        }
    }

    /// SIGKILL to everything beneath the guard, at once; returns when all of it is dead.
    pub async fn kill(&mut self) {
        let Some(process) = self.take_process() else { return };
        process.expect_end();
        self.record_signal(Signal::KILL);
        process.guard().end().await;
        self.wait_for_end(&process).await;
    }

    /// Asks it to end as its adapter says, waits as long as the adapter allows, then kills what is left.
    ///
    /// `None` if it was not running.
    pub async fn stop(&mut self) -> Option<StopOutcome> {
        let process = self.take_process()?;
        let signal = self.adapter.stop_signal.parse().unwrap_or(Signal::TERMINATE);
        let began = self.clock.now();
        process.expect_end();
        self.record_signal(signal);
        // An error means that the guard has ended, which the state tells as well.
        let _ = process.guard().signal(signal);
        let within = self.adapter.stop_within;
        let in_time = tokio::time::timeout(within, process.guard().wait_until(|state| !state.lives())).await;
        let hung = in_time.is_err();
        if !hung {
            // Helpers of a proxy that has ended usually follow within milliseconds.
            let _ = tokio::time::timeout(
                within.min(Duration::from_secs(1)),
                process.guard().wait_until(|_| false),
            )
            .await;
        }
        let left = process.guard().program_processes().len();
        if hung {
            let what = format!("hung at stop: still running {within:?} after {signal}");
            self.record(EventKind::Anomaly(Anomaly { what, exchange: None }));
            self.record_signal(Signal::KILL);
        }
        let state = process.guard().end().await;
        self.wait_for_end(&process).await;
        Some(StopOutcome {
            took: self.clock.now().since(began),
            hung,
            code: state.exit.and_then(|exit| exit.code),
            signal: state.exit.and_then(|exit| exit.signal),
            left: if hung { 0 } else { u32::try_from(left).unwrap_or(u32::MAX) },
        })
    }

    /// Sends a signal to its main process, such as SIGSTOP or SIGHUP.
    ///
    /// # Errors
    /// It is not running.
    pub fn signal(&self, signal: Signal) -> std::io::Result<()> {
        let process = self.current().ok_or(std::io::ErrorKind::NotFound)?;
        self.record_signal(signal);
        process.guard().signal(signal)
    }

    /// Whether it runs.
    pub fn is_alive(&self) -> bool {
        self.current().is_some_and(|process| process.guard().state().lives())
    }

    /// Waits until it ends by itself; for ever while none runs.
    pub async fn ended(&self) {
        match self.current() {
            Some(process) => drop(process.guard().wait_until(|state| !state.lives()).await),
            None => std::future::pending().await,
        }
    }

    /// Pid of its main process in the harness's own namespace, while it runs.
    pub fn pid(&self) -> Option<i32> {
        self.current()?.guard().program_pid()
    }

    /// All its processes, in the harness's own namespace.
    pub fn processes(&self) -> Vec<i32> {
        self.current().map(|process| process.guard().program_processes()).unwrap_or_default()
    }

    /// How it is kept from outliving the harness, while it runs.
    pub fn isolation(&self) -> Option<Isolation> {
        self.current()?.guard().state().isolation
    }

    /// What reads its use of CPU, memory and descriptors; stays valid over restarts.
    pub fn probe(&self) -> ResourceProbe {
        ResourceProbe { process: self.process.clone() }
    }

    /// What its processes use now; `None` while none runs.
    pub fn resources(&self) -> Option<ResourceSample> {
        self.probe().sample()
    }

    /// The files beneath its directory: relative path and length.
    pub fn files(&self) -> Vec<(String, u64)> {
        self.directory.files()
    }

    /// The last lines that it printed in this launch.
    pub fn last_lines(&self) -> Vec<String> {
        self.output.last_lines(LAST_LINES)
    }

    /// Removes what its adapter says is left from one scenario to the next. Only while it does not run.
    ///
    /// # Errors
    /// Something cannot be removed.
    pub fn wipe(&self) -> Result<(), StartProblem> {
        self.directory.wipe(&self.adapter.wipe)?;
        self.directory.create_directories(&self.adapter.directories)
    }

    /// One start: guard, LISTEN, one GET.
    async fn attempt(
        &mut self,
        order: &StartOrder,
        argv: &[String],
        began: Moment,
        attempts_before: u32,
        lingering: bool,
    ) -> Result<Ready, (StartProblem, Option<Ended>)> {
        let guarded = Order {
            argv: argv.to_vec(),
            environment: with_path(order.launch.environment.clone()),
            directory: self.directory.path().to_path_buf(),
            stdin: order.launch.stdin.clone(),
            limits: self.limits,
        };
        let process = self.launch(guarded).map_err(|problem| (problem, None))?;
        process.guard().wait_until(|state| state.pid.is_some() || state.refused.is_some()).await;
        let patience = self.adapter.ready_within;
        let patience = if lingering { patience.min(PATIENCE_WHILE_TAKEN) } else { patience };
        let until = process.began() + patience;
        match readiness::wait_for_listening(process.guard(), order.listen, &self.clock, until).await {
            Listening::Yes => {}
            Listening::Ended => return Err(self.died(&process, argv, attempts_before).await),
            Listening::TimeIsUp(listens_on) => {
                let problem = StartProblem::NeverListened {
                    expected: order.listen,
                    listens_on,
                    waited: patience,
                    attempts_before,
                    last_lines: self.last_lines(),
                };
                return Err((problem, None));
            }
        }
        let listening_after = self.clock.now().since(began);
        let status = match order.answer {
            Answer::NotAsked => None,
            Answer::Required => Some(self.first_answer(&process, order, argv, attempts_before).await?),
        };
        let answered_after = status.map(|_| self.clock.now().since(began));
        let launch = self.launches;
        self.record(EventKind::ProxyReady {
            launch,
            listening_after,
            answered_after,
            status,
            attempts_before,
        });
        let sink = self.sink.clone();
        process.announce_end(move |ended| sink(EventKind::ProxyExited(exit_event(launch, ended))));
        Ok(Ready { listening_after, answered_after, status, attempts_before })
    }

    /// GETs until one is answered, the program ends or time is up. A proxy may listen a moment before it can answer.
    async fn first_answer(
        &self,
        process: &Process,
        order: &StartOrder,
        argv: &[String],
        attempts_before: u32,
    ) -> Result<u16, (StartProblem, Option<Ended>)> {
        const AT_LEAST: Duration = Duration::from_secs(2);
        let until = (process.began() + self.adapter.ready_within).max(self.clock.now() + AT_LEAST);
        for number in 0.. {
            let left = until.since(self.clock.now()).max(Duration::from_millis(100));
            let target = format!("{}{}-{attempts_before}-{number}", readiness::TARGET_PREFIX, self.launches);
            let (network, clock, listen) = (self.network.clone(), self.clock, order.listen);
            let asked = on_own_thread(move || readiness::get_once(&network, &clock, listen, &target, left));
            let instead = tokio::select! {
                answer = asked => match answer {
                    Some(Ok(status)) => return Ok(status),
                    Some(Err(instead)) => instead,
                    None => super::NoAnswer::NotConnected("no thread".into()),
                },
                _ = process.guard().wait_until(|state| !state.lives()) => {
                    return Err(self.died(process, argv, attempts_before).await);
                }
            };
            if self.clock.now() >= until {
                let (address, waited) = (order.listen, self.adapter.ready_within);
                return Err((
                    StartProblem::DoesNotAnswer { address, instead, waited, last_lines: self.last_lines() },
                    None,
                ));
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        unreachable!("the loop above has no end of its own")
    }

    async fn died(
        &self,
        process: &Process,
        argv: &[String],
        attempts_before: u32,
    ) -> (StartProblem, Option<Ended>) {
        let state = process.guard().state();
        if let Some(error) = state.refused {
            let program = argv.first().cloned().unwrap_or_default();
            return (StartProblem::NotExecutable { program, error }, None);
        }
        let after = self.clock.now().since(process.began());
        match process.ended() {
            Some(ended) => {
                let problem = StartProblem::DiedAtStart {
                    code: ended.exit.code,
                    signal: ended.exit.signal,
                    after,
                    attempts_before,
                    last_lines: ended.last_lines.clone(),
                };
                (problem, Some(ended))
            }
            // The guard ended before it could start anything: its own last words are in the output.
            None => (StartProblem::Guard { error: self.last_lines().join(" ") }, None),
        }
    }

    fn launch(&self, order: Order) -> Result<Arc<Process>, StartProblem> {
        let terminal = self.adapter.terminal;
        let guard = (self.guard_program.as_path(), self.wish);
        let process = Process::start(guard, &self.network, &self.clock, order, terminal, &self.output)?;
        let process = Arc::new(process);
        *self.process.lock().unwrap_or_else(PoisonError::into_inner) = Some(process.clone());
        Ok(process)
    }

    async fn build(&self, command: &[String]) -> Result<(), StartProblem> {
        let mut environment = with_path(BTreeMap::new());
        for name in BUILD_ENVIRONMENT {
            if let Ok(value) = std::env::var(name) {
                environment.insert(name.to_string(), value);
            }
        }
        let order = Order {
            argv: self.absolute(command)?,
            environment,
            directory: self.directory.path().to_path_buf(),
            stdin: None,
            limits: Limits::default(),
        };
        let guard = (self.guard_program.as_path(), self.wish);
        let process = Process::start(guard, &self.network, &self.clock, order, false, &self.output)?;
        let ended = process.guard().wait_until(|state| state.exit.is_some());
        let code = match tokio::time::timeout(BUILD_WITHIN, ended).await {
            Ok(state) => match state.refused {
                Some(error) => return Err(StartProblem::NotExecutable { program: command.join(" "), error }),
                None => state.exit.and_then(|exit| exit.code),
            },
            Err(_) => None,
        };
        if code == Some(0) {
            return Ok(());
        }
        Err(StartProblem::BuildFailed {
            command: command.to_vec(),
            code,
            last_lines: self.output.last_lines(30),
        })
    }

    /// A command whose program is looked up as the adapter's own would be; a path is relative to the directory.
    fn absolute(&self, argv: &[String]) -> Result<Vec<String>, StartProblem> {
        let mut argv = argv.to_vec();
        if let Some(first) = argv.first_mut() {
            let found = if first.contains('/') {
                self.directory.path().join(&*first)
            } else {
                program::find_installed(first, None)?
            };
            *first = found.to_string_lossy().into_owned();
        }
        Ok(argv)
    }

    /// Who keeps the port from being bound, in the network of the run.
    async fn taken(&self, port: u16) -> Taken {
        let network = self.network.clone();
        let look = on_own_thread(move || {
            // Where the network cannot be entered the start itself will say so.
            network.enter().ok()?;
            Some(Taken {
                holder: platform::holder_of_port(port),
                lingering: platform::port_is_mentioned(port),
            })
        });
        look.await.flatten().unwrap_or_default()
    }

    fn current(&self) -> Option<Arc<Process>> {
        self.process.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn take_process(&self) -> Option<Arc<Process>> {
        self.process.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Ends whatever runs, without an event: a start that failed, or one that was given up.
    async fn end_quietly(&self) {
        if let Some(process) = self.take_process() {
            process.expect_end();
            process.guard().end().await;
        }
    }

    /// Its end is in the history before the caller goes on.
    async fn wait_for_end(&self, process: &Process) {
        for _ in 0..200 {
            if process.ended().is_some() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    fn record(&self, event: EventKind) {
        (self.sink)(event);
    }

    fn record_signal(&self, signal: Signal) {
        self.record(EventKind::ProxySignalled { launch: self.launches, signal: signal.to_string() });
    }
}

#[derive(Debug, Default)]
struct Taken {
    /// Who listens.
    holder: Option<platform::Holder>,
    /// Whether any socket has the port, such as a connection in TIME_WAIT.
    lingering: bool,
}

fn exit_event(launch: u32, ended: Ended) -> ProxyExit {
    ProxyExit {
        launch,
        code: ended.exit.code,
        signal: ended.exit.signal,
        expected: ended.expected,
        last_lines: ended.last_lines,
    }
}

fn configuration_of(files: &BTreeMap<String, String>) -> Vec<ConfigurationFile> {
    files.iter().map(|(path, text)| ConfigurationFile { path: path.clone(), text: text.clone() }).collect()
}

/// Nothing of the user's environment but PATH, unless the adapter says otherwise.
fn with_path(mut environment: BTreeMap<String, String>) -> BTreeMap<String, String> {
    let inherited = || std::env::var("PATH").unwrap_or_else(|_| "/usr/local/bin:/usr/bin:/bin".into());
    environment.entry("PATH".into()).or_insert_with(inherited);
    environment
}

/// On a thread that ends afterwards: a thread of a pool that enters a network namespace would stay in it.
async fn on_own_thread<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    let (sender, receiver) = tokio::sync::oneshot::channel();
    let work = move || drop(sender.send(work()));
    std::thread::Builder::new().name("in-network".into()).spawn(work).ok()?;
    receiver.await.ok()
}
