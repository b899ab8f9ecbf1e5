//! The program as a user starts it: a process with a directory of its own.

use std::io::{BufRead, BufReader};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;

use super::{Client, PATIENCE, wait_until};

/// A running program; killed when dropped.
pub struct Running {
    pub child: Child,
    pub address: SocketAddr,
    stderr: mpsc::Receiver<String>,
    /// Lines that were passed over while another one was waited for.
    passed: std::cell::RefCell<Vec<String>>,
}

impl Running {
    /// Starts it on a free port of the loopback and waits until it listens.
    pub fn start(directory: &Path, arguments: &[&str]) -> Self {
        Self::start_with_stdout(directory, arguments, Stdio::piped())
    }

    /// As [`Running::start`], for tests whose log is too long for a pipe that nobody reads.
    pub fn start_silent(directory: &Path, arguments: &[&str]) -> Self {
        Self::start_with_stdout(directory, arguments, Stdio::null())
    }

    fn start_with_stdout(directory: &Path, arguments: &[&str], stdout: Stdio) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_pibl"));
        command.args(["--listen", "127.0.0.1", "--port", "0"]).args(arguments);
        Self::spawn(command.current_dir(directory).stdout(stdout))
    }

    /// Starts a command that runs the program, with the shell's limits for example.
    pub fn spawn(command: &mut Command) -> Self {
        let mut child = command.stderr(Stdio::piped()).spawn().expect("the program starts");
        let lines = BufReader::new(child.stderr.take().expect("stderr"));
        let (sender, stderr) = mpsc::channel();
        std::thread::spawn(move || {
            // Read to the end in any case: a full pipe would stop the program.
            for line in lines.lines().map_while(Result::ok) {
                let _ = sender.send(line);
            }
        });
        let mut running =
            Self { child, address: "127.0.0.1:0".parse().unwrap(), stderr, passed: Default::default() };
        let line = running.await_line("listening on");
        running.address = line.rsplit('/').next().unwrap().parse().expect("an address");
        running
    }

    /// Waits for a line on stderr that contains the text.
    pub fn await_line(&self, text: &str) -> String {
        loop {
            let line = self.stderr.recv_timeout(PATIENCE).expect("a line on stderr");
            if line.contains(text) {
                return line;
            }
            self.passed.borrow_mut().push(line);
        }
    }

    /// The lines of stderr that have come since the last look.
    pub fn lines_so_far(&self) -> Vec<String> {
        self.passed.borrow_mut().drain(..).chain(self.stderr.try_iter()).collect()
    }

    /// The address of HTTPS; the program must have been started with it.
    pub fn tls(&self) -> SocketAddr {
        self.await_line("listening on https").rsplit('/').next().unwrap().parse().expect("an address")
    }

    /// The address of the operator's door; the program must have been started with `--admin`.
    pub fn admin(&self) -> SocketAddr {
        self.await_line("admin on").rsplit('/').next().unwrap().parse().expect("an address")
    }

    pub fn signal(&self, signal: rustix::process::Signal) {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, signal).expect("a signal");
    }

    pub fn get(&self, target: &str) -> String {
        let mut client = Client::new(TcpStream::connect(self.address).expect("a connection"));
        client.send(format!("GET {target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"));
        client.read_to_end()
    }

    /// Waits for the end.
    pub fn exit_code(&mut self) -> Option<i32> {
        let mut code = None;
        wait_until("the program to end", || {
            code = self.child.try_wait().expect("a child");
            code.is_some()
        });
        code.and_then(|code| code.code())
    }

    /// Memory in use, in bytes, where the system says it.
    pub fn resident_bytes(&self) -> Option<u64> {
        self.kibibytes("VmRSS:")
    }

    /// The most memory that was ever in use, in bytes, where the system says it.
    pub fn most_resident_bytes(&self) -> Option<u64> {
        self.kibibytes("VmHWM:")
    }

    /// Open files and sockets, where the system says it.
    pub fn open_files(&self) -> Option<usize> {
        Some(std::fs::read_dir(format!("/proc/{}/fd", self.child.id())).ok()?.count())
    }
}

impl Running {
    fn kibibytes(&self, name: &str) -> Option<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix(name))?;
        let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
        Some(kibibytes * 1024)
    }
}

/// The program with everything that these tests were built with. The one beside them may have been built again without
/// HTTPS, for whoever asks cargo for nothing else; so the tests themselves are started once more, as [`the_program`].
pub fn this_build(directory: &Path, arguments: &[String]) -> Command {
    let mut command = Command::new(std::env::current_exe().expect("the tests"));
    command.args(["--exact", "testkit::program::the_program", "--ignored", "--nocapture"]);
    let all = ["--listen", "127.0.0.1", "--port", "0", "--dir", "."].map(str::to_owned);
    command.env("PIBL_ARGUMENTS", [&all, arguments].concat().join("\n"));
    command.current_dir(directory).stdout(Stdio::null());
    command
}

/// The same command under a limit of the shell, such as `ulimit -n 100`.
pub fn limited(command: &Command, limit: &str) -> Command {
    let mut shell = Command::new("sh");
    shell.args(["-c", &format!("{limit}; exec \"$0\" \"$@\"")]);
    shell.arg(command.get_program()).args(command.get_args());
    shell.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    shell.current_dir(command.get_current_dir().expect("a directory")).stdout(Stdio::null());
    shell
}

#[test]
#[ignore = "it is the program, which other tests start"]
fn the_program() {
    if let Ok(arguments) = std::env::var("PIBL_ARGUMENTS") {
        let arguments = std::iter::once("pibl").chain(arguments.split('\n')).map(Into::into);
        assert_eq!(pibl::cli::run(arguments), pibl::cli::ExitCode::Success);
    }
}

/// A response whose body is no text.
pub fn get_bytes(address: SocketAddr, target: &str) -> Vec<u8> {
    let mut stream = TcpStream::connect(address).expect("a connection");
    stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    let request = format!("GET {target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    std::io::Write::write_all(&mut stream, request.as_bytes()).expect("a write");
    let mut response = Vec::new();
    std::io::Read::read_to_end(&mut stream, &mut response).expect("a response");
    response
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
