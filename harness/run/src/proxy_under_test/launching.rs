//! Starts a proxy and sees it through to its first answer, again and again while its port is still taken.
//!
//! The conductor calls [`ProxyUnderTest::start`] at the beginning of a run and after every crash. A start that fails leaves
//! nothing running and says why; nothing here decides what happens then.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use fake_backends::clock::Moment;

use super::guard::Order;
use super::preparing::with_path;
use super::process::{Ended, Process};
use super::program::{Unfit, unfit, without_home};
use super::readiness::{self, Answer, Listening, Ready};
use super::subject::{ProxyUnderTest, exit_event};
use super::{NoAnswer, StartProblem, interpreted, ports};
use harness_model::adapter::{Launch, Rewritten};
use harness_model::history::{ConfigurationFile, EventKind, SourceTree};

/// A start, rendered.
#[derive(Clone, Debug)]
pub struct StartOrder {
    /// Command, files, environment, input.
    pub launch: Launch,
    /// Where it is told to listen.
    pub told: SocketAddr,
    /// Where it is expected to: elsewhere, where it does not do as it is told.
    pub listen: SocketAddr,
    /// How long it may be tried again while its port is still taken.
    pub rebind_within: Duration,
    /// The TTL it is given, for the record.
    pub ttl: Option<Duration>,
    /// Whether the start is complete only with an answer.
    pub answer: Answer,
}

/// Pause between two starts while the port is taken.
const RETRY_PAUSE: Duration = Duration::from_millis(250);
/// While the port may be taken, a proxy that lives without listening (F-8) is not waited for longer than this.
const PATIENCE_WHILE_TAKEN: Duration = Duration::from_secs(3);
/// A start on a busy machine may take so many times as long as the first one did.
const SLOWER_THAN_USUAL: u32 = 8;
/// How long a proxy that says itself that it cannot serve yet is given: some look at their backends before they ask them anything.
const WARMING: Duration = Duration::from_secs(3);
/// How it says so (RFC 9110 §15.6.4).
const UNAVAILABLE: u16 = 503;
/// Pause between two readiness requests.
pub(super) const ANSWER_PAUSE: Duration = Duration::from_millis(50);

impl ProxyUnderTest {
    /// Starts it and waits until it is ready. What an earlier launch left in the directory stays, its processes do not.
    ///
    /// While the port is still taken (by connections of an earlier life, which keep a proxy without SO_REUSEADDR from
    /// binding for a minute) it is started again and again, for as long as the adapter allows. The future may be dropped
    /// at any time: what runs then ends with [`ProxyUnderTest::kill`], or when `self` is dropped.
    ///
    /// # Errors
    /// It did not get ready; nothing of it runs any more.
    pub async fn start(&mut self, order: StartOrder) -> Result<Ready, StartProblem> {
        if self.adapter.attached().is_some() {
            return self.attach(&order).await;
        }
        self.end_quietly().await;
        self.launches += 1;
        self.commands = order.launch.commands.clone();
        self.directory.write_files(&order.launch.files)?;
        self.rewrite(&order.launch.rewritten).await?;
        let argv = self.absolute(&order.launch.argv)?;
        self.argv.clone_from(&argv);
        self.record(EventKind::ProxyStarting {
            launch: self.launches,
            argv: without_home(&argv),
            listen: order.told,
            configuration: configuration_of(&order.launch),
            patches: patches_of(&order.launch.rewritten),
            ttl: order.ttl,
        });
        self.sources = self.read_sources();
        let began = self.clock.now();
        let mut attempts_before = 0;
        loop {
            let taken = self.taken(order.listen).await;
            let time_left = self.clock.now().since(began) < order.rebind_within;
            if let Some(holder) = taken.holder {
                // At the first start it is somebody else; later it may be an end that takes its time.
                if self.launches == 1 || !time_left {
                    return Err(StartProblem::PortInUse { port: order.listen.port(), holder: Some(holder) });
                }
                attempts_before += 1;
                tokio::time::sleep(RETRY_PAUSE).await;
                continue;
            }
            match self.attempt(&order, &argv, began, attempts_before, taken.lingering).await {
                Ok(ready) => {
                    self.rebinds |= taken.lingering && attempts_before == 0;
                    return Ok(ready);
                }
                Err((problem, ended)) => {
                    let lingers = taken.lingering || self.taken(order.listen).await.lingering;
                    let about_the_port = match &problem {
                        // What could bind a port with lingering connections once can do so again.
                        StartProblem::DiedAtStart { .. } if self.rebinds => false,
                        StartProblem::DiedAtStart { last_lines, .. } => !tells_of_something_else(last_lines),
                        problem => matches!(problem, StartProblem::NeverListened { .. }),
                    };
                    self.end_quietly().await;
                    // Backends of this run have the port at addresses of their own, and it wants it at every one.
                    if let Some(holder) = taken.beside.filter(|_| about_the_port) {
                        return Err(StartProblem::PortInUse {
                            port: order.listen.port(),
                            holder: Some(holder),
                        });
                    }
                    if time_left && about_the_port && lingers {
                        attempts_before += 1;
                        tokio::time::sleep(RETRY_PAUSE).await;
                        continue;
                    }
                    self.limits.at_the_end(&self.sink);
                    // A start in vain for the sake of its port is no death; whoever starts it says what became of the port.
                    if let Some(ended) = ended.filter(|_| !(about_the_port && lingers)) {
                        self.record(EventKind::ProxyExited(exit_event(self.launches, ended)));
                    }
                    return Err(problem);
                }
            }
        }
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
        let mut environment = with_path(order.launch.environment.clone());
        let command = match &self.watch {
            Some(watch) => watch.for_start(argv.to_vec(), &mut environment, self.directory.path()),
            None => argv.to_vec(),
        };
        let guarded = Order {
            argv: command,
            environment,
            directory: self.directory.path().to_path_buf(),
            // Open, though nothing comes: a program that waits for a key to end would end at once.
            stdin: order.launch.stdin.clone().or_else(|| Some(String::new())),
            limits: self.confinement.limits,
            doors: self.doors(),
            reach: self.reach.clone(),
            hosts: hosts_file(&self.adapter.hosts),
            aside: self.directory.aside().to_path_buf(),
            user: self.user,
            orphans: self.directory.temporary(),
        };
        self.limits = self.limits_of_a_start();
        let process = self.launch(guarded).map_err(|problem| (problem, None))?;
        // From the first moment: who never listens is waited for, and can write meanwhile.
        self.limits.watch(&process, self.sink.clone());
        let state = process.guard().wait_until(|state| state.pid.is_some() || state.refused.is_some()).await;
        self.enforced = self.enforced_by(&state);
        if state.pid.is_some() {
            self.find_outside().await.map_err(|problem| (problem, None))?;
        }
        let patience = self.adapter.ready_within;
        let patience = if lingering { patience.min(self.patience_while_taken()) } else { patience };
        let until = process.began() + patience;
        let outside = *self.outside.lock().unwrap_or_else(PoisonError::into_inner);
        let watched = (process.guard(), outside);
        match readiness::wait_for_listening(watched, order.listen, &self.clock, until).await {
            Listening::Yes => {}
            Listening::Ended => return Err(self.died(&process, argv, attempts_before)),
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
        self.usual_start.get_or_insert(listening_after);
        let status = match order.answer {
            Answer::NotAsked => None,
            Answer::Required => Some(self.first_answer(&process, order, argv, attempts_before).await?),
        };
        let answered_after = status.map(|_| self.clock.now().since(began));
        let launch = self.launches;
        let not_handed_in = self.not_handed_in(order.listen).await;
        self.record(EventKind::ProxyReady {
            launch,
            listening_after,
            answered_after,
            status,
            attempts_before,
            edited: self.edited_sources(),
            not_handed_in,
        });
        let (sink, limits) = (self.sink.clone(), self.limits.clone());
        process.announce_end(move |ended| {
            limits.at_the_end(&sink);
            sink(EventKind::ProxyExited(exit_event(launch, ended)));
        });
        Ok(Ready { listening_after, answered_after, status, attempts_before })
    }

    /// The sources that lie in all folders that it writes into.
    fn read_sources(&self) -> SourceTree {
        let mut sources = SourceTree::beneath(self.directory.path());
        sources.files.extend(SourceTree::beneath(self.directory.aside()).files);
        sources
    }

    /// What its start command has changed of them: what it was told did not come by a configuration then.
    fn edited_sources(&self) -> Vec<String> {
        let now = self.read_sources();
        self.sources.edited(&now).into_iter().map(|file| file.path.clone()).collect()
    }

    /// The command of what listens, where an interpreter was handed anything but a file of the submission.
    async fn not_handed_in(&self, listen: SocketAddr) -> Option<String> {
        self.adapter.copy_from.as_ref()?;
        let holder = self.taken(listen).await.holder?;
        interpreted::not_handed_in(holder.pid?, &self.sources)
    }

    /// A proxy that usually takes its time to listen gets more of it, or it would be killed again and again on a busy machine.
    fn patience_while_taken(&self) -> Duration {
        let usual = self.usual_start.unwrap_or_default();
        PATIENCE_WHILE_TAKEN.max(usual * SLOWER_THAN_USUAL)
    }

    /// GETs until one is answered, the program ends or time is up. A proxy may listen a moment before it can answer, and say so.
    async fn first_answer(
        &mut self,
        process: &Process,
        order: &StartOrder,
        argv: &[String],
        attempts_before: u32,
    ) -> Result<u16, (StartProblem, Option<Ended>)> {
        const AT_LEAST: Duration = Duration::from_secs(2);
        let warming = if self.warms_up == Some(false) { Duration::ZERO } else { WARMING };
        let (warm_at, mut was_early) = (self.clock.now() + warming, false);
        let until = (process.began() + self.adapter.ready_within).max(self.clock.now() + AT_LEAST);
        let mut number = 0;
        loop {
            let left = until.since(self.clock.now()).max(Duration::from_millis(100));
            let target = format!("{}{}-{attempts_before}-{number}", readiness::TARGET_PREFIX, self.launches);
            let (network, clock, listen) = (self.network.clone(), self.clock, order.listen);
            let shape = self.adapter.request.clone();
            let asked =
                on_own_thread(move || readiness::get_once(&network, &clock, listen, &target, &shape, left));
            let instead = tokio::select! {
                answer = asked => match answer {
                    Some(Ok(UNAVAILABLE)) if self.clock.now() < warm_at => {
                        was_early = true;
                        tokio::time::sleep(ANSWER_PAUSE).await;
                        number += 1;
                        continue;
                    }
                    Some(Ok(status)) => {
                        self.warms_up = was_early.then_some(status != UNAVAILABLE).or(self.warms_up);
                        return Ok(status);
                    }
                    Some(Err(instead)) => instead,
                    None => NoAnswer::NotConnected("no thread".into()),
                },
                _ = process.guard().wait_until(|state| !state.lives()) => {
                    let (problem, ended) = self.died(process, argv, attempts_before);
                    return Err((of_a_request(problem), ended));
                }
            };
            let hopeless = matches!(instead, NoAnswer::NotHttp(_));
            if hopeless || self.clock.now() >= until {
                let (address, waited) = (order.listen, self.adapter.ready_within);
                return Err((
                    StartProblem::DoesNotAnswer { address, instead, waited, last_lines: self.last_lines() },
                    None,
                ));
            }
            tokio::time::sleep(ANSWER_PAUSE).await;
            number += 1;
        }
    }

    fn died(
        &self,
        process: &Process,
        argv: &[String],
        attempts_before: u32,
    ) -> (StartProblem, Option<Ended>) {
        let state = process.guard().state();
        let program = argv.first().cloned().unwrap_or_default();
        let unfit = unfit(Path::new(&program));
        // A shell takes up what the system refuses, and dies of a foreign program with words about its syntax; `env` looks for an
        // interpreter with a carriage return in its name.
        if state.refused.is_some() || matches!(unfit, Some(Unfit::OtherMachine | Unfit::LineEnds)) {
            let error = state.refused.unwrap_or_default();
            return (StartProblem::NotExecutable { program, error, unfit }, None);
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

    /// Who keeps the address from being bound, in the network of the run.
    async fn taken(&self, listen: SocketAddr) -> Taken {
        let network = self.network.clone();
        let look = on_own_thread(move || {
            // Where the network cannot be entered the start itself will say so.
            network.enter().ok()?;
            Some(Taken {
                holder: harness_platform::holder_of(listen),
                beside: harness_platform::holder_of(ports::everywhere(listen.port())),
                lingering: !ports::can_be_bound(listen),
            })
        });
        look.await.flatten().unwrap_or_default()
    }
}

/// A death after it had bound its port: another start would end the same way.
fn of_a_request(problem: StartProblem) -> StartProblem {
    match problem {
        StartProblem::DiedAtStart { code, signal, last_lines, .. } => {
            StartProblem::DiedOfRequest { code, signal, last_lines }
        }
        other => other,
    }
}

/// Whether the last words of a program name an error that has nothing to do with its port. One that says nothing, or nothing
/// of an error, may well have failed to bind it.
fn tells_of_something_else(last_lines: &[String]) -> bool {
    const ERROR: [&str; 12] = [
        "error",
        "exception",
        "traceback",
        "panic",
        "fail",
        "fatal",
        "no such",
        "denied",
        "invalid",
        "corrupt",
        "cannot",
        "not found",
    ];
    const PORT: [&str; 10] = [
        "in use",
        "inuse",
        "en uso",
        "bind",
        "errno 98",
        "os error 98",
        "address",
        "port ",
        "puerto",
        "socket",
    ];
    let text = last_lines.join("\n").to_lowercase();
    let names = |words: &[&str]| words.iter().any(|word| text.contains(word));
    names(&ERROR) && !names(&PORT)
}

#[derive(Debug, Default)]
struct Taken {
    /// Who listens there.
    holder: Option<harness_platform::Holder>,
    /// Who listens at its port, there or at another address.
    beside: Option<harness_platform::Holder>,
    /// Whether any socket has the address, such as a connection in TIME_WAIT.
    lingering: bool,
}

fn configuration_of(launch: &Launch) -> Vec<ConfigurationFile> {
    let rewritten = launch.rewritten.iter().filter(|file| !file.patch).map(|file| (&file.path, &file.text));
    let all = launch.files.iter().chain(rewritten);
    all.map(|(path, text)| ConfigurationFile { path: path.clone(), text: text.clone() }).collect()
}

fn patches_of(rewritten: &[Rewritten]) -> Vec<ConfigurationFile> {
    let patches = rewritten.iter().filter(|file| file.patch);
    patches.map(|file| ConfigurationFile { path: file.path.clone(), text: file.diff.clone() }).collect()
}

/// What stands in its `/etc/hosts`, where names are to lead elsewhere.
fn hosts_file(hosts: &BTreeMap<String, IpAddr>) -> Option<String> {
    let own = "127.0.0.1 localhost\n::1 localhost\n".to_owned();
    let lines = hosts.iter().map(|(name, address)| format!("{address} {name}\n"));
    (!hosts.is_empty()).then(|| own + &lines.collect::<String>())
}

/// On a thread that ends afterwards: a thread of a pool that enters a network namespace would stay in it.
pub(super) async fn on_own_thread<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    let (sender, receiver) = tokio::sync::oneshot::channel();
    let work = move || drop(sender.send(work()));
    std::thread::Builder::new().name("in-network".into()).spawn(work).ok()?;
    receiver.await.ok()
}

#[cfg(test)]
mod tests {
    use super::tells_of_something_else;

    #[test]
    fn only_an_error_that_is_not_about_the_port_speaks_against_it() {
        let tells =
            |text: &str| tells_of_something_else(&text.lines().map(str::to_owned).collect::<Vec<_>>());
        for port in [
            "",
            "starting the proxy",
            "bind: Address already in use",
            "OSError: [Errno 98] Address already in use",
            "error: no se pudo abrir el puerto 8080",
            "thread 'main' panicked: Os { code: 98, kind: AddrInUse }",
        ] {
            assert!(!tells(port), "{port}");
        }
        for other in [
            "Traceback (most recent call last):\njson.decoder.JSONDecodeError: Expecting value",
            "fatal: cannot read index.dat",
            "no such backend: alpha",
        ] {
            assert!(tells(other), "{other}");
        }
    }
}
