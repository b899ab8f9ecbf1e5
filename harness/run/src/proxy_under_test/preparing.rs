//! Makes a proxy under test: its program, its private directory, its build.
//!
//! The conductor calls [`ProxyUnderTest::prepare`] once per run, before there are backends. Nothing of the proxy itself is
//! started here, only the commands that build it, and those under a guard too.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use fake_backends::clock::RunClock;
use fake_backends::platform::Network;

use super::confinement::{Confinement, Enforced};
use super::directory::{Place, WorkingDirectory};
use super::guard::{Order, Wish, guard_program};
use super::launching::on_own_thread;
use super::process::Process;
use super::program::{self, Preparation, unfit};
use super::subject::{EventSink, ProxyUnderTest, limits_of_a_start};
use super::{OutputLog, StartProblem};
use crate::watch::Watch;
use harness_model::adapter::{Adapter, OwnCommands, Rewritten};
use harness_model::history::SourceTree;
use harness_platform::Reach;

/// What [`ProxyUnderTest::prepare`] needs to know.
pub struct Preparing {
    /// The adapter.
    pub adapter: Adapter,
    /// Whether a program of this workspace is built for speed.
    pub optimised: bool,
    /// Features that one is built with beside its usual ones.
    pub features: Vec<String>,
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
    /// What the proxy, its build and all that they start are kept to.
    pub confinement: Confinement,
    /// How it may be kept from outliving the harness.
    pub isolation: Wish,
    /// Whether its calls are watched.
    pub watched: bool,
}

/// A build that takes longer hangs, all its commands together.
const BUILD_WITHIN: Duration = Duration::from_secs(15 * 60);
/// What a build may see of the user's environment: where compilers and package managers keep their things.
const BUILD_ENVIRONMENT: [&str; 5] = ["CARGO_HOME", "RUSTUP_HOME", "GOPATH", "LANG", "TMPDIR"];

/// What tells compilers and package managers that there is no network, and to take what lies here.
const OFFLINE: [(&str, &str); 3] =
    [("CARGO_NET_OFFLINE", "true"), ("GOPROXY", "off"), ("npm_config_offline", "true")];

/// Lines of a failed build that are worth showing.
const BUILD_LINES: usize = 30;
/// Where builds put temporary files, relative to the working directory.
const TEMPORARY: &str = ".harness-build";

impl ProxyUnderTest {
    /// Finds or builds the program, makes the working directory and fills it.
    ///
    /// # Errors
    /// The program is missing or does not build, or the directory cannot be written.
    pub async fn prepare(preparing: Preparing) -> Result<ProxyUnderTest, StartProblem> {
        let Preparing {
            adapter,
            optimised,
            features,
            place,
            clock,
            network,
            output,
            sink,
            announce,
            confinement,
            isolation,
            watched,
        } = preparing;
        let guard_program =
            guard_program().map_err(|error| StartProblem::Guard { error: error.to_string() })?;
        let (wanted, told) = (adapter.program.clone(), announce.clone());
        // On the host's network, because cargo may have to fetch what the program depends on.
        let locate = move || {
            let locate = move || Ok(program::locate_program(&wanted, &features, optimised, &*told));
            let thread = Network::host().start_thread("program-locator", locate)?;
            thread.join().unwrap_or_else(|_| Err(std::io::Error::other("it panicked")))
        };
        let in_vain = |error: String| StartProblem::Guard { error };
        let located = on_own_thread(locate).await.ok_or_else(|| in_vain("no thread".into()))?;
        let program = located.map_err(|error| in_vain(error.to_string()))??;
        let mut directory = WorkingDirectory::create(&place, &adapter.name)?;
        if let Some(bytes) = confinement.directory_bytes.filter(|_| confinement.fenced) {
            directory.limit_to(bytes, confinement.together.memory_bytes.unwrap_or_default())?;
        }
        if let Some(source) = &adapter.copy_from {
            directory.copy_from(source)?;
        }
        // Complete for programs of the submission; an absolute path stays as it is.
        let program = match adapter.attached() {
            Some(_) => program,
            None => directory.path().join(program),
        };
        let watch = match watched {
            true => Some(Watch::prepare(directory.path()).map_err(|error| in_vain(error.to_string()))?),
            false => None,
        };
        let group = confinement.group(&directory);
        let reach = confinement.reach(&directory, &adapter);
        let user = reach.as_ref().and_then(Reach::user);
        if let Some(user) = user {
            directory.give_to(user)?;
        }
        let limits = limits_of_a_start(&confinement, &directory, group.as_ref());
        let proxy = ProxyUnderTest {
            adapter,
            directory,
            program,
            guard_program,
            clock,
            network,
            output,
            sink,
            group,
            reach,
            user,
            confinement,
            enforced: Enforced::default(),
            limits,
            wish: isolation,
            launches: 0,
            ended_at: None,
            process: Arc::default(),
            outside: Arc::default(),
            commands: OwnCommands::default(),
            patched: BTreeMap::new(),
            sources: SourceTree::default(),
            usual_start: None,
            warms_up: None,
            rebinds: false,
            watch,
            argv: Vec::new(),
            announce,
        };
        // What is patched is built when the patch is known, at a start.
        if !proxy.adapter.rewrites.iter().any(|rewrite| rewrite.patch) {
            proxy.build_all().await?;
        }
        proxy.lay_out()?;
        Ok(proxy)
    }

    /// Directories and files that must exist.
    pub(super) fn lay_out(&self) -> Result<(), StartProblem> {
        self.directory.create_directories(&self.adapter.directories)?;
        self.directory.touch(&self.adapter.touch)
    }

    /// Runs every build command.
    pub(super) async fn build_all(&self) -> Result<(), StartProblem> {
        let until = tokio::time::Instant::now() + self.confinement.build_within.unwrap_or(BUILD_WITHIN);
        if self.adapter.build.is_empty() {
            return Ok(());
        }
        // Not its directory itself: Go takes no module for one that lies there.
        let temporary = [TEMPORARY.to_owned()];
        self.directory.create_directories(&temporary)?;
        for command in &self.adapter.build {
            (self.announce)(&Preparation::Running { command: command.clone() });
            self.build(command, until).await?;
        }
        self.directory.remove(&temporary)
    }

    /// Writes files of others with their replacements, and builds again where a patch has changed since.
    pub(super) async fn rewrite(&mut self, rewritten: &[Rewritten]) -> Result<(), StartProblem> {
        let mut patched = false;
        for file in rewritten {
            // A configuration that the proxy itself has changed is as it should be again.
            let known = self.patched.get(&file.path);
            if file.patch && known == Some(&file.text) {
                continue;
            }
            let one = BTreeMap::from([(file.path.clone(), file.encoding.encoded(&file.text))]);
            self.directory.write_files(&one)?;
            if file.patch {
                self.patched.insert(file.path.clone(), file.text.clone());
                patched = true;
            }
        }
        if patched { self.build_all().await } else { Ok(()) }
    }

    async fn build(&self, command: &[String], until: tokio::time::Instant) -> Result<(), StartProblem> {
        let mut environment = with_path(BTreeMap::new());
        for name in BUILD_ENVIRONMENT {
            if let Ok(value) = std::env::var(name) {
                environment.insert(name.to_string(), value);
            }
        }
        let network = self.network_of_builds();
        if network.is_private() {
            // Those that know how to do without it do not wait for it in vain.
            environment.extend(OFFLINE.map(|(name, value)| (name.to_owned(), value.to_owned())));
        }
        if self.reach.is_some() {
            // Compilers write temporary files, and behind its fence a build writes nowhere else.
            let own = self.directory.path().join(TEMPORARY).to_string_lossy().into_owned();
            environment.insert("TMPDIR".to_string(), own);
        }
        if let Some(watch) = &self.watch {
            watch.for_build(&mut environment);
        }
        let mut argv = self.absolute(command)?;
        let tool = self.watch.as_ref().zip(command.first()).and_then(|(watch, name)| watch.tool(name));
        if let (Some(tool), Some(first)) = (tool, argv.first_mut()) {
            *first = tool.to_string_lossy().into_owned();
        }
        let order = Order {
            argv,
            environment,
            directory: self.directory.path().to_path_buf(),
            stdin: None,
            limits: self.confinement.limits,
            doors: self.doors(),
            reach: self.reach.clone(),
            aside: self.directory.aside().to_path_buf(),
            user: self.user,
            hosts: None,
            orphans: self.directory.temporary(),
        };
        let limits = self.limits_of_a_start();
        let guard = (self.guard_program.as_path(), self.wish);
        let process = Process::start(guard, &network, &self.clock, order, false, &self.output)?;
        let process = Arc::new(process);
        limits.watch(&process, self.sink.clone());
        let ended = process.guard().wait_until(|state| state.exit.is_some());
        let code = match tokio::time::timeout_at(until, ended).await {
            Ok(state) => match state.refused {
                Some(error) => {
                    let unfit = command.first().and_then(|program| unfit(Path::new(program)));
                    return Err(StartProblem::NotExecutable { program: command.join(" "), error, unfit });
                }
                None => state.exit.and_then(|exit| exit.code),
            },
            Err(_) => None,
        };
        if code == Some(0) {
            return Ok(());
        }
        limits.at_the_end(&self.sink);
        Err(StartProblem::BuildFailed {
            command: command.to_vec(),
            code,
            last_lines: self.output.last_lines(BUILD_LINES),
            apart: network.is_private(),
        })
    }

    /// The host's, where a build may fetch what the program depends on; else one in which there is nobody. Not that of the run:
    /// a patch is built while the backends are there.
    fn network_of_builds(&self) -> Network {
        if self.reach.is_none() || self.confinement.build_network {
            return Network::host();
        }
        // An address beside loopback, without which some programs resolve no name at all.
        let ordinary = [std::net::Ipv4Addr::new(192, 0, 2, 1).into()];
        Network::new_private(&ordinary).unwrap_or_else(|_| Network::host())
    }

    /// A command whose program is looked up as the adapter's own would be; a path is relative to the directory.
    pub(super) fn absolute(&self, argv: &[String]) -> Result<Vec<String>, StartProblem> {
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
}

/// Nothing of the user's environment but PATH and HOME, unless the adapter says otherwise. Both are always there: who works at a
/// keyboard has never met a program, or a compiler, that is given no home.
pub(super) fn with_path(mut environment: BTreeMap<String, String>) -> BTreeMap<String, String> {
    let inherited = || std::env::var("PATH").unwrap_or_else(|_| "/usr/local/bin:/usr/bin:/bin".into());
    environment.entry("PATH".into()).or_insert_with(inherited);
    let own = || program::home().map_or_else(|| "/tmp".into(), |home| home.to_string_lossy().into_owned());
    environment.entry("HOME".into()).or_insert_with(own);
    environment
}
