//! How backends treat connections and bodies beyond their scripts: idle times, closes after each answer, text, something else instead.

use std::time::Duration;

use fake_backends::behavior::{Plan, Span};
use fake_backends::content::{Secret, verify};
use fake_backends::journal::{ConnectionEnd, Outcome};
use fake_backends::server::{Manner, World};

use crate::testkit::{Client, End, attempts, backend, deadline, world};

const SHORT: Duration = Duration::from_millis(80);

fn idle(time: Duration) -> Manner {
    Manner { idle: Some(Span(time)), ..Manner::default() }
}

/// How the only connection of a world ended.
fn end_of_connection(world: &World) -> Option<ConnectionEnd> {
    world.journal.wait_for_connections(deadline(), |all| all.iter().all(|one| one.end.is_some()));
    world.journal.connections()[0].end
}

#[test]
fn an_idle_connection_is_closed_after_its_time_and_without_a_word() {
    let world = world();
    let backend = backend(&world, "b1", "{}");
    world.manners.set(idle(SHORT));
    let mut client = Client::connect(backend.addr());
    assert!(client.get("/a").head.keeps_alive());
    assert_eq!(client.rest(), (Vec::new(), End::Closed));
    drop(client);
    assert_eq!(end_of_connection(&world), Some(ConnectionEnd::Backend));
    let (answered, closed) =
        (attempts(&world, 1)[0].finished, world.journal.connections()[0].closed.unwrap());
    assert!(closed.since(answered) >= SHORT);
}

#[test]
fn a_connection_that_works_or_hangs_or_is_never_to_close_is_not_idle() {
    let script = r#"{"routes": [
        {"path": "/slow", "plan": {"slow": {"delay": "300ms"}}},
        {"path": "/hang", "plan": {"hang": {}}},
        {"path": "/stays", "plan": {"respond": {"persistence": "stay_open"}}}]}"#;
    for (path, answers) in [("/slow", true), ("/hang", false), ("/stays", true)] {
        let world = world();
        let backend = backend(&world, "b1", script);
        world.manners.set(idle(SHORT));
        let mut client = Client::connect(backend.addr());
        if answers {
            client.get(path);
        } else {
            client.send(format!("GET {path} HTTP/1.1\r\nHost: test\r\n\r\n"));
        }
        if path == "/slow" {
            continue;
        }
        // Elapsed time is the subject: nothing comes within this, not even an end.
        client.stream.set_read_timeout(Some(SHORT * 4)).unwrap();
        let mut one = [0];
        let silent = std::io::Read::read(&mut client.stream, &mut one).unwrap_err();
        assert!(
            matches!(silent.kind(), std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut),
            "{path}"
        );
    }
}

#[test]
fn from_one_moment_on_backends_close_after_each_answer_and_say_so() {
    let world = world();
    let backend = backend(
        &world,
        "b1",
        r#"{"routes": [{"path": "/stays", "plan": {"respond": {"persistence": "never_close"}}}]}"#,
    );
    let mut idle = Client::connect(backend.addr());
    assert!(idle.get("/a").head.keeps_alive());
    world.manners.change(|manner| manner.closes = true);
    // Those that are idle are closed at once.
    assert_eq!(idle.rest(), (Vec::new(), End::Closed));
    let mut client = Client::connect(backend.addr());
    assert!(!client.get("/b").head.keeps_alive());
    assert_eq!(client.rest(), (Vec::new(), End::Closed));
    let mut stays = Client::connect(backend.addr());
    assert!(stays.get("/stays").head.keeps_alive());
    assert!(stays.get("/stays").head.keeps_alive());
}

#[test]
fn bodies_can_be_text_and_everything_can_be_something_else() {
    let world = world();
    let backend = backend(&world, "b1", r#"{"otherwise": {"respond": {"body": "3KiB"}}}"#);
    let get = |path| Client::connect(backend.addr()).get(path).body;
    assert!(get("/a").contains(&0));
    world.manners.change(|manner| manner.text = true);
    let text = get("/a");
    assert!(
        text.is_ascii()
            && text.len() == 3072
            && verify(&text, Secret::NONE).unwrap().is_of("/a", 1, Secret::NONE)
    );
    let plain: Plan = serde_json::from_str(r#"{"respond": {"text": "hello"}}"#).unwrap();
    world.manners.change(|manner| manner.instead = Some(plain));
    assert_eq!(get("/a"), b"hello");
}

#[test]
fn what_had_come_of_a_body_is_known_though_it_never_ended() {
    let world = world();
    let backend = backend(&world, "b1", "{}");
    let mut client = Client::connect(backend.addr());
    client.send("POST /a HTTP/1.1\r\nHost: test\r\nContent-Length: 100000\r\n\r\n");
    client.send(vec![b'x'; 65_000]);
    let came = |seen: &[std::sync::Arc<fake_backends::journal::Attempt>]| {
        seen.first().is_some_and(|attempt| attempt.body_bytes == 65_000)
    };
    assert!(world.journal.wait_until(deadline(), came), "while it is open");
    backend.close_connections().unwrap();
    let attempt = &attempts(&world, 1)[0];
    assert_eq!((attempt.body_bytes, &attempt.outcome), (65_000, &Outcome::Stopped));
    assert_eq!(attempt.body_complete, None);
}
