//! What a backend says late, behind an answer that was complete: it must not become the answer to somebody else.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::testkit::{Backend, Client, Proxy, wait_until};

const RACES: u64 = 40;

/// Says something late, so many milliseconds after its answer to `/late/N`.
fn backend() -> Backend {
    Backend::start(|conversation| {
        while let Some(request) = conversation.next_request() {
            conversation.send(answer("right"));
            let late = request.strip_prefix("GET /late/").and_then(|rest| rest.split(' ').next());
            if let Some(delay) = late.and_then(|delay| delay.parse().ok()) {
                std::thread::sleep(Duration::from_millis(delay));
                conversation.send(answer("POISON"));
            }
        }
    })
}

fn answer(body: &str) -> String {
    format!("HTTP/1.1 200 OK\r\nCache-Control: no-store\r\nContent-Length: {}\r\n\r\n{body}", body.len())
}

/// Asks on a connection of its own. Whether every answer is that to its question.
fn asks(address: SocketAddr, targets: &[&str]) -> bool {
    let mut client = Client::new(TcpStream::connect(address).expect("a connection"));
    targets.iter().all(|target| {
        client.send(format!("GET {target} HTTP/1.1\r\nHost: x\r\n\r\n"));
        client.read_response().ends_with("\r\n\r\nright")
    })
}

/// How many races are lost: a client asks for something behind which more will come, and another one asks at once. `rest`:
/// the next race begins when the late bytes are there.
fn lost_races(address: SocketAddr, rest: bool) -> usize {
    let race = |delay: &u64| {
        // Whoever asks first may get what an earlier race has left.
        let are_right = [&[&*format!("/late/{delay}")][..], &["/one", "/two", "/three"]]
            .map(|targets| asks(address, targets));
        if rest {
            std::thread::sleep(Duration::from_millis(delay + 2));
        }
        are_right.contains(&false)
    };
    (0..RACES).filter(race).count()
}

#[test]
fn bytes_behind_a_complete_answer_are_nobody_elses_answer() {
    let backend = backend();
    let proxy = Proxy::start(&[backend.address], "");
    assert_eq!(lost_races(proxy.address, true), 0, "of {RACES} races");
}

#[test]
#[ignore = "a measurement"]
fn late_bytes_beside_nginx_and_haproxy() {
    println!(
        "| proxy | lost of {RACES}, one race after the other | and without a pause |\n| --- | ---: | ---: |"
    );
    let row = |name: &str, start: &dyn Fn(SocketAddr) -> (SocketAddr, Box<dyn std::any::Any>)| {
        let lost = [true, false].map(|rest| {
            let backend = backend();
            let (address, _running) = start(backend.address);
            lost_races(address, rest)
        });
        println!("| {name} | {} | {} |", lost[0], lost[1]);
    };
    row("pibl", &|backend| {
        let proxy = Proxy::start(&[backend], "");
        (proxy.address, Box::new(proxy))
    });
    for (name, program) in [("nginx", "/usr/sbin/nginx"), ("HAProxy", "/usr/sbin/haproxy")] {
        if Path::new(program).exists() {
            row(name, &|backend| {
                let (address, other) = Other::start(program, backend);
                (address, Box::new(other))
            });
        }
    }
}

/// Another proxy, with connections to its backend that it keeps.
struct Other {
    child: Child,
    _directory: tempfile::TempDir,
}

impl Other {
    fn start(program: &str, backend: SocketAddr) -> (SocketAddr, Self) {
        let directory = tempfile::tempdir().unwrap();
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let place = directory.path().display();
        let (text, flags): (_, &[&str]) = match program.ends_with("nginx") {
            true => (
                format!(
                    "daemon off; master_process off; error_log /dev/null; pid {place}/pid;\nevents {{}}\nhttp {{ access_log off; \
                     client_body_temp_path {place}/b; proxy_temp_path {place}/p; fastcgi_temp_path {place}/f; \
                     uwsgi_temp_path {place}/u; scgi_temp_path {place}/s; upstream u {{ server {backend}; keepalive 32; }} \
                     server {{ listen {address}; location / {{ proxy_http_version 1.1; proxy_set_header Connection \"\"; \
                     proxy_pass http://u; }} }} }}\n"
                ),
                &["-c"],
            ),
            false => (
                format!(
                    "defaults\n  mode http\n  timeout connect 5s\n  timeout client 20s\n  timeout server 20s\n\
                     listen l\n  bind {address}\n  server s {backend}\n"
                ),
                &["-db", "-f"],
            ),
        };
        let file = directory.path().join("other.conf");
        std::fs::write(&file, text).unwrap();
        let mut command = Command::new(program);
        let child = command.args(flags).arg(&file).stderr(Stdio::null()).spawn().expect("a program");
        wait_until("it to listen", || TcpStream::connect(address).is_ok());
        (address, Self { child, _directory: directory })
    }
}

impl Drop for Other {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
