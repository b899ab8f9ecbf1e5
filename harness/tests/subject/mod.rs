//! Small programs that misbehave, to be started as proxies under test, and what starts them.
//!
//! The programs live in the test binary itself, which is executed again with `SUBJECT` set: no interpreter is needed on the
//! machine that runs the tests.

#![cfg(target_os = "linux")]

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use fake_backends::clock::RunClock;
use fake_backends::platform::Network;
use harness_model::adapter::{Adapter, CacheMedium, Capabilities, Launch, Program, TtlSource};
use harness_model::history::EventKind;
use harness_run::proxy_under_test::{
    Answer, Confinement, OutputLog, Place, Preparing, ProxyUnderTest, StartOrder, StartProblem, Wish,
};

/// Not a test: the programs that tests start.
#[test]
fn program() {
    run_if_asked();
}

/// Runs the subject that the environment names; returns at once in an ordinary test run.
fn run_if_asked() {
    let Ok(name) = std::env::var("SUBJECT") else { return };
    let port = std::env::var("PORT").ok().and_then(|port| port.parse().ok()).unwrap_or(0);
    match name.as_str() {
        "honest" => serve(bind(port)),
        "dies" => {
            eprintln!("no such backend: alpha");
            leave(3);
        }
        "killed" => {
            println!("about to divide by zero");
            rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::FPE).unwrap();
        }
        "never-listens" => sleep_for_ever(),
        "waits-for-a-key" => {
            let listener = bind(port);
            std::thread::spawn(move || serve(listener));
            println!("Press Enter to stop");
            let _ = std::io::stdin().read_line(&mut String::new());
            leave(0);
        }
        "late" => {
            // Its lateness is the subject.
            std::thread::sleep(Duration::from_millis(700));
            serve(bind(port));
        }
        "wrong-port" => serve(bind(0)),
        "silent" => {
            let listener = bind(port);
            let kept: Vec<_> = listener.incoming().collect();
            drop(kept);
        }
        "not-http" => {
            for mut stream in bind(port).incoming().flatten() {
                let _ = stream.read(&mut [0; 1024]);
                let _ = stream.write_all(b"220 mail.example\r\n");
            }
        }
        "chatter" => {
            let listener = bind(port);
            std::thread::spawn(move || serve(listener));
            loop {
                println!("{}", "all work and no play ".repeat(50));
            }
        }
        "dies-of-a-request" => {
            // One thread a client, and an error in any of them ends the program without a word.
            let mut stream = bind(port).accept().unwrap().0;
            let _ = stream.read(&mut [0; 1024]);
            println!("listening");
            leave(1);
        }
        "dies-later" => {
            answer(bind(port).accept().unwrap().0);
            println!("enough for one life");
            leave(7);
        }
        "glutton" => {
            let listener = bind(port);
            std::thread::spawn(move || serve(listener));
            let mut all = Vec::new();
            loop {
                all.push(vec![1_u8; 8 << 20]);
                std::thread::sleep(Duration::from_millis(1));
            }
        }
        "scribbler" => {
            let listener = bind(port);
            std::thread::spawn(move || serve(listener));
            let mut file = std::fs::File::create("endless.log").unwrap();
            loop {
                let _ = file.write_all(&[b'x'; 1 << 20]);
                std::thread::sleep(Duration::from_millis(1));
            }
        }
        "without-reuse" => serve(bind_without_reuse(port)),
        other => panic!("no such subject: {other}"),
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "a subject ends as a bad program would, in the middle of everything"
)]
fn leave(code: i32) -> ! {
    std::process::exit(code)
}

fn sleep_for_ever() {
    loop {
        std::thread::sleep(Duration::from_secs(3600));
    }
}

fn bind(port: u16) -> TcpListener {
    TcpListener::bind(("127.0.0.1", port)).unwrap_or_else(|error| {
        eprintln!("bind: {error}");
        leave(1)
    })
}

fn bind_without_reuse(port: u16) -> TcpListener {
    let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
    let bound =
        socket.bind(&SocketAddr::from(([127, 0, 0, 1], port)).into()).and_then(|()| socket.listen(16));
    if let Err(error) = bound {
        eprintln!("bind: {error}");
        leave(1);
    }
    socket.into()
}

fn serve(listener: TcpListener) {
    for stream in listener.incoming().flatten() {
        answer(stream);
    }
}

fn answer(mut stream: std::net::TcpStream) {
    let mut request = Vec::new();
    let mut buffer = [0; 4096];
    while !request.windows(4).any(|window| window == b"\r\n\r\n") {
        match stream.read(&mut buffer) {
            Ok(length) if length > 0 => request.extend_from_slice(&buffer[..length]),
            _ => return,
        }
    }
    let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: close\r\n\r\nyes");
}

/// A run around a subject.
pub struct Run {
    /// The proxy.
    pub proxy: ProxyUnderTest,
    /// What was recorded.
    pub events: Arc<Mutex<Vec<EventKind>>>,
    /// Everything that it printed.
    pub stdout: PathBuf,
    /// Keeps the folder.
    _folder: tempfile::TempDir,
}

/// Prepares a subject; `change` alters the adapter first.
pub async fn prepare(change: impl FnOnce(&mut Adapter)) -> Run {
    prepare_kept(Wish::BestPossible, change).await
}

/// The same, with a word about how it may be kept from outliving the harness.
pub async fn prepare_kept(isolation: Wish, change: impl FnOnce(&mut Adapter)) -> Run {
    prepare_in(Network::host(), isolation, change).await
}

/// The same in a network.
pub async fn prepare_in(network: Network, isolation: Wish, change: impl FnOnce(&mut Adapter)) -> Run {
    prepare_confined(Confinement::default(), network, isolation, change).await
}

/// The same, kept within bounds.
pub async fn prepare_confined(
    confinement: Confinement,
    network: Network,
    isolation: Wish,
    change: impl FnOnce(&mut Adapter),
) -> Run {
    try_to_prepare(confinement, network, isolation, change).await.unwrap()
}

/// The same, where it may be in vain.
pub async fn try_to_prepare(
    confinement: Confinement,
    network: Network,
    isolation: Wish,
    change: impl FnOnce(&mut Adapter),
) -> Result<Run, StartProblem> {
    let mut adapter = adapter();
    change(&mut adapter);
    let folder = tempfile::tempdir().unwrap();
    let stdout = folder.path().join("proxy.stdout");
    let events = Arc::new(Mutex::new(Vec::new()));
    let recorded = events.clone();
    let proxy = ProxyUnderTest::prepare(Preparing {
        adapter,
        optimised: false,
        features: Vec::new(),
        place: Place::Temporary,
        clock: RunClock::start(),
        network,
        output: OutputLog::create(&stdout).unwrap(),
        sink: Arc::new(move |event| recorded.lock().unwrap().push(event)),
        announce: Arc::new(|_| {}),
        confinement,
        isolation,
        watched: false,
    })
    .await?;
    Ok(Run { proxy, events, stdout, _folder: folder })
}

/// The command that runs a subject.
pub fn command() -> Vec<String> {
    let own = std::env::current_exe().unwrap().to_string_lossy().into_owned();
    [&own, "--exact", "subject::program", "--nocapture"].map(str::to_string).to_vec()
}

/// A start of a subject on a port.
pub fn order(subject: &str, listen: SocketAddr) -> StartOrder {
    order_of(command(), subject, listen)
}

/// A start of a subject by a command of the test's own.
pub fn order_of(argv: Vec<String>, subject: &str, listen: SocketAddr) -> StartOrder {
    let environment = BTreeMap::from([
        ("SUBJECT".to_string(), subject.to_string()),
        ("PORT".to_string(), listen.port().to_string()),
    ]);
    let launch = Launch { argv, files: BTreeMap::new(), environment, ..Launch::default() };
    let rebind_within = Duration::from_secs(90);
    StartOrder { launch, told: listen, listen, rebind_within, ttl: None, answer: Answer::Required }
}

/// The subject's command as one line of a shell script.
pub fn shell(script: &str) -> Vec<String> {
    let subject = command().iter().map(|word| format!("'{word}'")).collect::<Vec<String>>().join(" ");
    ["/bin/sh", "-c", &script.replace("SUBJECT", &subject)].map(str::to_string).to_vec()
}

fn adapter() -> Adapter {
    Adapter {
        name: "subject".into(),
        title: "Subject".into(),
        origin: "test".into(),
        program: Program::Installed { name: "sh".into(), advice: None },
        version: Vec::new(),
        copy_from: None,
        build: Vec::new(),
        tls_features: Vec::new(),
        directories: vec!["cache".into()],
        files: BTreeMap::new(),
        start: Vec::new(),
        environment: BTreeMap::new(),
        stdin: None,
        terminal: true,
        stop_signal: "SIGTERM".into(),
        stop_within: Duration::from_secs(5),
        reload_signal: None,
        ready_within: Duration::from_secs(20),
        rebind_within: Duration::from_secs(90),
        fixed_port: None,
        fixed_host: None,
        touch: Vec::new(),
        rewrites: Vec::new(),
        backends: Default::default(),
        network: Default::default(),
        hosts: Default::default(),
        request: Default::default(),
        commands: Default::default(),
        limits: Default::default(),
        log_file: None,
        cache_directory: None,
        wipe: vec!["cache".into()],
        capabilities: Capabilities {
            cache: CacheMedium::None,
            ttl: TtlSource::None,
            ttl_resolution: harness_model::adapter::Resolution::default(),
            ttl_step: std::time::Duration::from_millis(1),
            rotations: 1,
            store_lag: Duration::ZERO,
            settings: Vec::new(),
            reference: None,
        },
    }
}

/// Whether a process exists and is not a zombie.
pub fn lives(pid: i32) -> bool {
    let Ok(stat) = std::fs::read_to_string(format!("/proc/{pid}/stat")) else { return false };
    let state = stat.rsplit(')').next().and_then(|rest| rest.split_whitespace().next());
    !matches!(state, Some("Z" | "X"))
}

/// Waits, bounded, until a condition holds.
pub async fn eventually(what: &str, mut condition: impl FnMut() -> bool) {
    for _ in 0..1_000 {
        if condition() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("still not so after ten seconds: {what}");
}
