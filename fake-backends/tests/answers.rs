//! What backends do well: bodies that prove themselves, delays, streams, barriers, applications, ordinary clients.

use std::sync::Arc;
use std::time::Duration;

use fake_backends::behavior::{Answer, Application, Applications, Asked, Plan, Respond, Script, Working};
use fake_backends::clock::RunClock;
use fake_backends::content::{Identity, Secret, verify};
use fake_backends::server::{BackendSpec, start};

use crate::testkit::{self, Client, attempts, backend, script, world};

/// Milliseconds that something takes.
fn milliseconds(act: impl FnOnce()) -> u128 {
    let clock = RunClock::start();
    act();
    clock.now().since(fake_backends::clock::Moment(0)).as_millis()
}

#[test]
fn every_backend_has_the_same_body_for_a_key_and_a_new_one_for_a_new_version() {
    let world = world();
    let text = r#"{"routes": [{"path": "/text", "plan": {"respond": {"body": "text 3KiB", "framing": "until_close"}}}],
                   "otherwise": {"respond": {"body": "3KiB", "framing": {"chunked": "1000B"}}}}"#;
    let backends: Vec<_> = ["b1", "b2"].map(|name| backend(&world, name, text)).into();
    let bodies =
        |path: &str| backends.iter().map(|b| Client::connect(b.addr()).get(path).body).collect::<Vec<_>>();
    for path in ["/a?x=1", "/text"] {
        let first = bodies(path);
        assert_eq!(first[0], first[1]);
        assert_eq!(
            verify(&first[0], Secret::NONE),
            Ok(Identity::Named { key: path.into(), version: 1, size: 3072 })
        );
    }
    world.versions.set("/a?x=1", 2);
    assert!(verify(&bodies("/a?x=1")[1], Secret::NONE).unwrap().is_of("/a?x=1", 2, Secret::NONE));
    assert!(verify(&bodies("/other")[1], Secret::NONE).unwrap().is_of("/other", 1, Secret::NONE));
}

#[test]
fn a_gibibyte_would_be_streamed_and_64_mebibytes_are() {
    let world = world();
    let backend = backend(&world, "b1", r#"{"otherwise": {"respond": {"body": "64MiB"}}}"#);
    let body = Client::connect(backend.addr()).get("/big").body;
    assert_eq!(body.len(), 64 << 20);
    assert!(verify(&body, Secret::NONE).unwrap().is_of("/big", 1, Secret::NONE));
}

#[test]
fn delays_are_at_least_what_was_asked_for() {
    let world = world();
    let text = r#"{"routes": [
        {"path": "/late", "plan": {"slow": {"delay": "60ms", "body_delay": "40ms"}}},
        {"path": "/trickle", "plan": {"slow": {"rate": "10KiB/s"}}},
        {"path": "/stream", "plan": {"streaming": {"pieces": 5, "size": "100B", "pause": "20ms"}}}]}"#;
    let backend = backend(&world, "b1", text);
    let mut client = Client::connect(backend.addr());
    assert!(milliseconds(|| drop(client.get("/late"))) >= 100);
    // 1 KiB at 10 KiB/s.
    assert!(milliseconds(|| drop(client.get("/trickle"))) >= 90);
    assert!(milliseconds(|| assert_eq!(client.get("/stream").body.len(), 500)) >= 80);
    let late = &attempts(&world, 3)[0];
    assert!(late.responded.unwrap().since(late.body_complete.unwrap()) >= Duration::from_millis(60));
    assert!(late.finished.since(late.responded.unwrap()) >= Duration::from_millis(40));
}

#[test]
fn interim_responses_precede_the_answer() {
    let world = world();
    let backend = backend(&world, "b1", r#"{"otherwise": {"informational": {"statuses": [102, 103]}}}"#);
    let answer = Client::connect(backend.addr()).get("/");
    assert_eq!((answer.interim, answer.head.status), (vec![102, 103], 200));
    let mut old = Client::connect(backend.addr());
    old.send("GET / HTTP/1.0\r\n\r\n");
    assert_eq!(old.answer(false).interim, Vec::<u16>::new(), "HTTP/1.0 knows none");
}

#[test]
fn a_barrier_spans_backends_and_opens_when_all_are_inside() {
    let world = world();
    let text = r#"{"otherwise": {"barrier": {"count": 4, "deadline": "20s"}}}"#;
    let backends: Vec<_> = ["b1", "b2"].map(|name| backend(&world, name, text)).into();
    let clients: Vec<_> = (0..4)
        .map(|n| {
            let address = backends[n % 2].addr();
            std::thread::spawn(move || Client::connect(address).get("/").head.status)
        })
        .collect();
    for client in clients {
        assert_eq!(client.join().unwrap(), 200);
    }
    let attempts = attempts(&world, 4);
    assert!(attempts.iter().all(|attempt| attempt.met.as_ref().unwrap().inside == 4), "{attempts:?}");
    let last_in = attempts.iter().filter_map(|attempt| attempt.body_complete).max();
    let first_out = attempts.iter().filter_map(|attempt| attempt.responded).min();
    assert!(last_in <= first_out);
}

#[test]
fn a_barrier_opens_alone_at_its_deadline() {
    let world = world();
    let backend = backend(&world, "b1", r#"{"otherwise": {"barrier": {"count": 2, "deadline": "50ms"}}}"#);
    let took = milliseconds(|| assert_eq!(Client::connect(backend.addr()).get("/").head.status, 200));
    assert!(took >= 50);
    let met = attempts(&world, 1)[0].met.clone().unwrap();
    assert_eq!((met.inside, met.wanted), (1, 2));
}

#[test]
fn a_matching_tag_is_answered_with_304_where_asked_for() {
    let world = world();
    let backend = backend(&world, "b1", r#"{"otherwise": {"respond": {"not_modified": true}}}"#);
    let mut client = Client::connect(backend.addr());
    let first = client.get("/");
    let tag = first.head.fields.iter().find(|field| field.name == "ETag").unwrap().value.to_text();
    client.send(format!("GET / HTTP/1.1\r\nHost: t\r\nIf-None-Match: \"x\", W/{tag}\r\n\r\n"));
    let second = client.answer(false);
    assert_eq!((second.head.status, second.body.len()), (304, 0));
    assert_eq!(client.get("/").head.status, 200, "the connection is still in step");
}

#[test]
fn scripts_can_be_exchanged_under_traffic() {
    let world = world();
    let backend = backend(&world, "b1", "{}");
    let mut client = Client::connect(backend.addr());
    assert_eq!(client.get("/").head.status, 200);
    backend.set_script(script(r#"{"otherwise": {"error": {"status": 418}}}"#)).unwrap();
    assert_eq!(client.get("/").head.status, 418);
    assert_eq!(attempts(&world, 2)[1].number, 2);
}

#[test]
fn thousands_of_requests_are_counted_exactly() {
    const CLIENTS: usize = 16;
    const EACH: usize = 250;
    let world = world();
    let backend = backend(&world, "b1", r#"{"otherwise": {"respond": {"body": "100B"}}}"#);
    let address = backend.addr();
    let clients: Vec<_> = (0..CLIENTS)
        .map(|number| {
            std::thread::spawn(move || {
                let mut client = Client::connect(address);
                (0..EACH).for_each(|n| assert_eq!(client.get(&format!("/{number}/{n}")).body.len(), 100));
            })
        })
        .collect();
    clients.into_iter().for_each(|client| client.join().unwrap());
    let attempts = attempts(&world, CLIENTS * EACH);
    let mut numbers: Vec<u64> = attempts.iter().map(|attempt| attempt.number).collect();
    numbers.sort_unstable();
    assert!(numbers.iter().copied().eq(1..=(CLIENTS * EACH) as u64));
    assert_eq!(backend.counts().requests, (CLIENTS * EACH) as u64);
}

/// Counts visits, as an application with state.
#[derive(Default)]
struct Visits(std::sync::atomic::AtomicU64);

impl Application for Visits {
    fn answer<'a>(&'a self, asked: Asked<'a>) -> Working<'a> {
        Box::pin(async move {
            let visits = self.0.fetch_add(1, std::sync::atomic::Ordering::SeqCst) + 1;
            let name =
                String::from_utf8_lossy(asked.request.body.as_deref().unwrap_or_default()).into_owned();
            Answer::json(201, &serde_json::json!({"name": name, "visits": visits}))
        })
    }
}

#[test]
fn an_application_answers_with_its_state_at_every_backend() {
    let mut world = world();
    let mut applications = Applications::default();
    applications.add("visits", Arc::new(Visits::default()));
    world.applications = Arc::new(applications);
    let text = r#"{"otherwise": {"slow": {"delay": "5ms", "then": {"application": {"name": "visits"}}}}}"#;
    let backends: Vec<_> = ["b1", "b2"].map(|name| backend(&world, name, text)).into();
    for (number, backend) in backends.iter().enumerate() {
        let mut client = Client::connect(backend.addr());
        client.send("POST / HTTP/1.1\r\nHost: t\r\nContent-Length: 3\r\n\r\nana");
        let answer = client.answer(false);
        let body: serde_json::Value = serde_json::from_slice(&answer.body).unwrap();
        assert_eq!(
            (answer.head.status, &body["name"], &body["visits"]),
            (201, &"ana".into(), &(number + 1).into())
        );
        assert_eq!(answer.head.stamp(Secret::NONE).unwrap().backend, backend.name());
    }
}

#[test]
fn an_unknown_application_is_said_to_be_unknown() {
    let world = world();
    let backend = backend(&world, "b1", r#"{"otherwise": {"application": {"name": "nobody"}}}"#);
    assert_eq!(Client::connect(backend.addr()).get("/").head.status, 501);
}

#[test]
fn a_private_network_holds_backend_and_client() {
    let mut world = world();
    match fake_backends::platform::Network::new_private(&[]) {
        Ok(network) => world.network = network,
        Err(error) => {
            eprintln!("skipped: {error}");
            return;
        }
    }
    let backend = backend(&world, "b1", "{}");
    let outside = std::net::TcpStream::connect_timeout(&backend.addr(), Duration::from_secs(1));
    assert!(outside.is_err(), "the host must not reach it");
    let inside = world.network.clone();
    let address = backend.addr();
    let client = std::thread::spawn(move || inside.connect(address, testkit::PATIENCE).map(drop));
    client.join().unwrap().unwrap();
}

#[test]
fn an_ordinary_client_is_served() {
    let world = world();
    let text = r#"{"otherwise": {"respond": {"body": "100KiB", "framing": {"chunked": "7KiB"}}}}"#;
    let backend = backend(&world, "b1", text);
    let url = format!("http://{}/r?a=b", backend.addr());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let client = reqwest::Client::builder().no_proxy().timeout(testkit::PATIENCE).build().unwrap();
        for _ in 0..3 {
            let response = client.get(&url).send().await.unwrap();
            assert_eq!(response.status().as_u16(), 200);
            assert!(verify(&response.bytes().await.unwrap(), Secret::NONE).unwrap().is_of(
                "/r?a=b",
                1,
                Secret::NONE
            ));
        }
        let sent = client.post(&url).body(vec![7u8; 300_000]).send().await.unwrap();
        assert_eq!(sent.status().as_u16(), 200);
    });
    let attempts = attempts(&world, 4);
    assert_eq!(attempts[3].body_bytes, 300_000);
    assert_eq!(attempts[3].request_on_connection, 4, "one connection served all");
}

#[test]
#[ignore = "a measurement, not a test: cargo test --release -p fake-backends --test integration answers::the_cost -- --ignored"]
fn the_cost_of_a_request_is_small() {
    const REQUESTS: u32 = 100_000;
    let world = world();
    let plan = Script::always(Plan::Respond(Respond::with_body(1024)));
    let spec =
        BackendSpec { recording: fake_backends::server::Recording::Counting, ..BackendSpec::new("b1", plan) };
    let backend = start(spec, &world).unwrap();
    let mut client = Client::connect(backend.addr());
    // Pipelined, so that the cost of the work is seen and not that of waking up.
    let batch =
        "GET /some/path HTTP/1.1\r\nHost: test\r\nUser-Agent: measure\r\nAccept: */*\r\n\r\n".repeat(100);
    let clock = RunClock::start();
    for _ in 0..REQUESTS / 100 {
        client.send(&batch);
        (0..100).for_each(|_| drop(client.answer(false)));
    }
    let each = clock.now().since(fake_backends::clock::Moment(0)) / REQUESTS;
    eprintln!("{each:?} per request, client and backend together");
    assert!(each < Duration::from_micros(40), "{each:?}");
}
