//! What a bad backend, a changed set and a changed name cost the clients.

use std::net::{SocketAddr, TcpListener};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use tokio::time::Instant;

use crate::testkit::origin::{Journal, Mode, Origin};
use crate::testkit::program::Running;
use crate::testkit::proof::{self, Asker};
use crate::testkit::{self, Backend, Proxy, field, status, wait_until};

const GET: &str = "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";

fn numbered(name: &'static str) -> Backend {
    Backend::answering(move |_| {
        format!(
            "HTTP/1.1 200 OK\r\nCache-Control: no-store\r\nX-Backend: {name}\r\nContent-Length: 0\r\n\r\n"
        )
    })
}

#[test]
fn one_bad_backend_of_two_costs_an_idempotent_request_nothing() {
    for mode in [Mode::Refuse, Mode::Reset, Mode::Close, Mode::Hang] {
        let journal = Arc::new(Journal::default());
        let origins = [Origin::start(&journal), Origin::start(&journal)];
        let proxy = Proxy::start(
            &origins.each_ref().map(|origin| origin.address),
            "[timeouts]\nfirst_byte = \"200ms\"\n[health]\neject_for = \"50ms\"",
        );
        let mut asker = Asker::new(proxy.address);
        let mut ask = |number: usize| {
            let target = format!("/n/{number}");
            let answer = asker.get(&target).expect("an answer");
            assert!(
                answer.status == 200 && answer.body == proof::body(&target),
                "{mode:?}: {}",
                answer.status
            );
        };
        (0..4).for_each(&mut ask);
        // The change of the mode reaches connections that are kept as well as new ones.
        origins[1].set(mode);
        (4..40).for_each(&mut ask);
        origins[1].set(Mode::Up);
        (40..50).for_each(&mut ask);
    }
}

#[test]
fn all_backends_failing_once_or_often_leave_no_outage_behind() {
    let journal = Arc::new(Journal::default());
    let origins = [Origin::start(&journal), Origin::start(&journal)];
    let proxy = Proxy::start(&origins.each_ref().map(|origin| origin.address), "");
    let mut asker = Asker::new(proxy.address);
    for (round, failures) in [1, 20].into_iter().enumerate() {
        origins.iter().for_each(|origin| origin.set(Mode::Close));
        for number in 0..failures {
            assert_eq!(asker.get(&format!("/n/{round}/{number}")).unwrap().status, 502);
        }
        origins.iter().for_each(|origin| origin.set(Mode::Up));
        for number in 0..10 {
            let answer = asker.get(&format!("/n/{round}/after/{number}")).unwrap();
            assert_eq!(answer.status, 200, "round {round}, request {number} after both came back");
        }
    }
}

#[test]
fn the_rotation_is_exact_over_the_threads_of_the_program_and_of_the_clients() {
    let backends = [numbered("a"), numbered("b"), numbered("c")];
    let proxy = Proxy::start(&backends.each_ref().map(|backend| backend.address), "");
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                for _ in 0..30 {
                    assert_eq!(status(&proxy.exchange(GET)), 200);
                }
            });
        }
    });
    assert_eq!(backends.map(|backend| backend.requests().len()), [80, 80, 80]);
}

#[test]
fn the_least_busy_backend_gets_the_request_under_that_policy() {
    let is_over = Arc::new(AtomicBool::new(false));
    let over = Arc::clone(&is_over);
    let slow = Backend::start(move |conversation| {
        if conversation.next_request().is_some() {
            wait_until("the end of the test", || over.load(Ordering::Relaxed));
        }
    });
    let quick = numbered("quick");
    let proxy = Proxy::start(&[slow.address, quick.address], "policy = \"least-connections\"");
    let mut held: Vec<_> = (0..2).map(|_| proxy.connect()).collect();
    for client in &mut held {
        client.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n");
    }
    let open =
        || proxy.services.balancer.members().iter().map(|member| member.open_requests()).sum::<usize>();
    wait_until("one request to hang and the other to be over", || {
        (slow.requests().len(), quick.requests().len(), open()) == (1, 1, 1)
    });
    for _ in 0..10 {
        assert_eq!(field(&proxy.exchange(GET), "x-backend"), Some("quick"));
        // A client may have its answer a moment before the books say so, and the other worker look at them meanwhile.
        wait_until("the answered request to be off the books", || open() == 1);
    }
    is_over.store(true, Ordering::Relaxed);
}

#[test]
fn hundreds_of_clients_share_few_connections_to_a_backend() {
    let backend = numbered("a");
    let proxy = Proxy::start(&[backend.address], "");
    let mut clients: Vec<_> = (0..300).map(|_| proxy.connect()).collect();
    for client in &mut clients {
        client.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
        assert_eq!(status(&client.read_response()), 200);
    }
    // Each of the two workers keeps eight, so that one has rested before another client has it.
    assert!(backend.connections() <= 16, "{} connections", backend.connections());
    assert_eq!(proxy.services.admission.open_connections(), 300);
}

#[test]
fn changes_of_the_set_under_load_lose_no_request() {
    let backends = [numbered("a"), numbered("b"), numbered("c")];
    let addresses = backends.each_ref().map(|backend| backend.address.to_string());
    let proxy = Proxy::start(&[backends[0].address], "");
    let (is_over, answered) = (AtomicBool::new(false), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        for client in 0..4 {
            let (proxy, is_over, answered) = (&proxy, &is_over, &answered);
            scope.spawn(move || {
                let mut asker = Asker::new(proxy.address);
                let mut is_all_well = true;
                while is_all_well && !is_over.load(Ordering::Relaxed) {
                    // A POST is never repeated once it was sent: it shows what a retry would hide.
                    let head = "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\n";
                    let answer = asker.ask(head, b"abc").expect("an answer");
                    is_all_well = answer.status == 200;
                    assert!(is_all_well, "client {client} got {}", answer.status);
                    answered.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        for step in 0..60 {
            let list: Vec<String> = addresses
                .iter()
                .enumerate()
                .filter(|(place, _)| (step + place) % 3 != 0)
                .map(|(_, one)| one.clone())
                .collect();
            let mut config = (**proxy.services.config()).clone();
            config.backends = pibl::config::Backend::list(&list).expect("a list");
            proxy.services.reconfigure(config);
            std::thread::sleep(Duration::from_millis(5));
        }
        is_over.store(true, Ordering::Relaxed);
    });
    assert!(answered.into_inner() > 60);
    let seen: usize = backends.iter().map(|backend| backend.requests().len()).sum();
    assert!(backends.iter().all(|backend| !backend.requests().is_empty()) && seen > 60);
}

#[test]
fn a_backend_that_does_not_accept_costs_the_connect_timeout_at_most() {
    let full = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
    full.bind(&"127.0.0.1:0".parse::<SocketAddr>().unwrap().into()).unwrap();
    full.listen(1).unwrap();
    let address = full.local_addr().unwrap().as_socket().unwrap();
    // Whoever comes after these is left without an answer by the kernel.
    let _fillers: Vec<_> =
        (0..8).map(|_| std::net::TcpStream::connect_timeout(&address, Duration::from_millis(50))).collect();
    let well = numbered("well");
    let proxy = Proxy::start(&[address, well.address], "[timeouts]\nconnect = \"200ms\"");
    let start = Instant::now();
    for _ in 0..4 {
        assert_eq!(field(&proxy.exchange(GET), "x-backend"), Some("well"));
    }
    assert!(start.elapsed() < Duration::from_secs(10), "{:?}", start.elapsed());
}

#[test]
fn a_backend_that_falls_silent_in_its_answer_is_given_up() {
    let backend = Backend::start(|conversation| {
        if conversation.next_request().is_some() {
            conversation.send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonly this");
            conversation.client.read_to_end();
        }
    });
    let proxy = Proxy::start(&[backend.address], "[timeouts]\nbetween_bytes = \"200ms\"");
    let response = proxy.exchange(GET);
    assert!(response.ends_with("only this"), "visibly truncated: {response:?}");
}

#[test]
fn a_name_that_changes_its_address_is_followed_while_connections_are_busy() {
    let is_allowed =
        Command::new("unshare").args(["-rm", "true"]).status().is_ok_and(|status| status.success());
    if !is_allowed {
        eprintln!("skipped: this system does not let a test have an /etc/hosts of its own");
        return;
    }
    // Two servers at one port, at two addresses of the loopback.
    let first = TcpListener::bind("127.0.0.2:0").unwrap();
    let port = first.local_addr().unwrap().port();
    let Ok(second) = TcpListener::bind(("127.0.0.3", port)) else { return };
    for (listener, name) in [(first, "first"), (second, "second")] {
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                std::thread::spawn(move || {
                    let mut client = testkit::Client::new(stream);
                    loop {
                        let mut head = [0; 1024];
                        match std::io::Read::read(&mut client.stream, &mut head) {
                            Ok(count) if count > 0 => {}
                            _ => return,
                        }
                        let head = "HTTP/1.1 200 OK\r\nCache-Control: no-store\r\nContent-Length:";
                        client.send(format!("{head} {}\r\n\r\n{name}", name.len()));
                    }
                });
            }
        });
    }
    let directory = tempfile::tempdir().unwrap();
    let hosts = directory.path().join("hosts");
    std::fs::write(&hosts, "127.0.0.2 origin.test\n").unwrap();
    let text = format!("backends = [\"origin.test:{port}\"]\n[timeouts]\nupstream_lifetime = \"100ms\"\n");
    std::fs::write(directory.path().join("pibl.toml"), text).unwrap();
    let script = "mount --bind hosts /etc/hosts && exec \"$0\" --listen 127.0.0.1 --port 0";
    let mut command = Command::new("unshare");
    command.args(["-rm", "sh", "-c", script, env!("CARGO_BIN_EXE_pibl")]);
    let running = Running::spawn(command.current_dir(directory.path()).stdout(Stdio::null()));
    let mut asker = Asker::new(running.address);
    let mut ask = || asker.get("/").expect("an answer").body;
    assert_eq!(ask(), b"first");
    std::fs::write(&hosts, "127.0.0.3 origin.test\n").unwrap();
    // Busy all the time, so that no connection ends for having been unused.
    wait_until("the new address", || ask() == b"second");
}
