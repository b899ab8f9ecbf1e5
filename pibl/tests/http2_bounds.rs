//! What one connection of HTTP/2 may cost: memory for answers that nobody reads, time for those that are read slowly,
//! exchanges that are broken off.

use std::time::Duration;

use bytes::Bytes;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::version;

use crate::http2::{block_on, get};
use crate::testkit::frames::{self, Frames};
use crate::testkit::program::{Running, limited, this_build};
use crate::testkit::proof::{self, Asker};
use crate::testkit::tls::{NAME, Pair, Secure};
use crate::testkit::{Backend, wait_until};

/// The numbers that a client gives its streams.
fn streams(count: u32) -> impl Iterator<Item = u32> + Clone {
    (0..count).map(|number| number * 2 + 1)
}

/// An answer that is kept, and whose every byte is known.
fn text(length: usize) -> String {
    let mut state = 1;
    let letters = std::iter::repeat_with(|| {
        state = proof::mix(state);
        char::from(b'a' + (state % 26) as u8)
    });
    letters.take(length).collect()
}

fn origin(length: usize) -> Backend {
    let body = text(length);
    Backend::answering(move |_| {
        format!("HTTP/1.1 200 OK\r\nCache-Control: max-age=600\r\nContent-Length: {length}\r\n\r\n{body}")
    })
}

#[test]
fn what_nobody_reads_takes_bounded_memory_and_whoever_reads_gets_every_byte() {
    const BYTES: usize = 60 << 10;
    const CONNECTIONS: usize = 39;
    let directory = tempfile::tempdir().unwrap();
    let backend = origin(BYTES);
    let pair = Pair::make(directory.path(), "proxy");
    let settings = format!("backends = [\"{}\"]\n[limits]\nconnections = 40\n", backend.address);
    std::fs::write(directory.path().join("pibl.toml"), settings).unwrap();
    let running = Running::spawn(&mut this_build(directory.path(), &pair.arguments()));
    let address = running.tls();
    running.get("/warm");
    let lines =
        || std::fs::read_to_string(directory.path().join("pibl.log")).map_or(0, |log| log.lines().count());
    let Some(before) = running.resident_bytes() else {
        return eprintln!("left out: this system does not say how much memory a process has");
    };
    let mut clients: Vec<_> = (0..CONNECTIONS).map(|_| Frames::open_unread(&pair, address)).collect();
    for stream in streams(100) {
        clients.iter_mut().for_each(|client| client.get(stream, "/page"));
        // Until nothing happens any more.
        let mut seen = 0;
        while std::mem::replace(&mut seen, lines()) < lines() {
            std::thread::sleep(Duration::from_millis(20));
        }
    }
    let grown = (running.resident_bytes().unwrap() - before) >> 20;
    let mut whole = 0;
    for client in &mut clients {
        for answer in client.answers(streams(100)) {
            match answer {
                Ok(body) => {
                    assert!(body == text(BYTES).into_bytes(), "{} bytes", body.len());
                    whole += 1;
                }
                Err(reason) => assert_eq!(reason, frames::REFUSED_STREAM),
            }
        }
    }
    eprintln!("{grown} MiB for {CONNECTIONS} connections that read nothing, {whole} answers whole");
    // One stream of each connection, and forty besides.
    assert!(whole >= CONNECTIONS + 40, "{whole} answers");
    assert!(grown < 40, "{grown} MiB");
}

#[test]
fn a_slow_link_with_a_hundred_large_answers_loses_none() {
    const BYTES: usize = 48 << 10;
    /// Bytes in a millisecond. A hundred parts of 16 KiB take longer than anybody is waited for who takes nothing.
    const PACE: usize = 640;
    let backend = origin(BYTES);
    let secure = Secure::start(&backend, "[timeouts]\nrequest_body = \"2s\"\n");
    block_on(async {
        let connector = tokio_rustls::TlsConnector::from(secure.pair.trusted(&[&version::TLS13], &["h2"]));
        let stream = tokio::net::TcpStream::connect(secure.address).await.unwrap();
        let stream = connector.connect(ServerName::try_from(NAME).unwrap(), stream).await.unwrap();
        let mut builder = h2::client::Builder::new();
        builder.initial_window_size(1 << 20).initial_connection_window_size(65_535);
        let (send, connection) = builder.handshake::<_, Bytes>(stream).await.unwrap();
        let connection = tokio::spawn(connection);
        // What was read, and is acknowledged as if it had come over a slow link.
        let (read, mut come) = tokio::sync::mpsc::unbounded_channel::<(h2::FlowControl, usize)>();
        tokio::spawn(async move {
            let mut due = tokio::time::Instant::now();
            while let Some((mut flow, count)) = come.recv().await {
                due += Duration::from_micros((count * 1000 / PACE) as u64);
                tokio::time::sleep_until(due).await;
                flow.release_capacity(count).unwrap();
            }
        });
        let mut responses = Vec::new();
        for number in 0..100 {
            let request = get(&format!("/{number}"));
            responses.push(send.clone().ready().await.unwrap().send_request(request, true).unwrap().0);
        }
        let readers: Vec<_> = responses
            .into_iter()
            .map(|response| {
                let read = read.clone();
                tokio::spawn(async move {
                    let mut body = response.await?.into_body();
                    let mut all = Vec::new();
                    while let Some(piece) = body.data().await {
                        let piece = piece?;
                        all.extend_from_slice(&piece);
                        read.send((body.flow_control().clone(), piece.len())).unwrap();
                    }
                    Ok::<_, h2::Error>(all)
                })
            })
            .collect();
        let expected = text(BYTES).into_bytes();
        for reader in readers {
            assert!(reader.await.unwrap().expect("an answer to its end") == expected);
        }
        drop(send);
        connection.abort();
    });
}

#[test]
fn a_connection_that_takes_nothing_is_left_though_its_exchanges_are_over() {
    let backend = origin(60 << 10);
    let secure = Secure::start(&backend, "[timeouts]\nrequest_body = \"1s\"\n");
    let mut client = Frames::open_unread(&secure.pair, secure.address);
    streams(100).for_each(|stream| client.get(stream, "/page"));
    secure.proxy.log(100);
    let admission = &secure.proxy.services.admission;
    wait_until("it to be left", || admission.open_connections() == 0);
}

#[test]
fn answers_that_wait_for_their_reader_are_whole_though_idle_clients_are_asked_to_leave() {
    const BYTES: usize = 60 << 10;
    let directory = tempfile::tempdir().unwrap();
    let backend = origin(BYTES);
    let pair = Pair::make(directory.path(), "proxy");
    let arguments = [&["--backend".to_owned(), backend.address.to_string()], &pair.arguments()[..]].concat();
    let running = Running::spawn(&mut limited(&this_build(directory.path(), &arguments), "ulimit -n 100"));
    let address = running.tls();
    let mut client = Frames::open_unread(&pair, address);
    streams(100).for_each(|stream| client.get(stream, "/page"));
    // One that has read what it asked for, and is asked to leave.
    let mut idle = Frames::open_unread(&pair, address);
    idle.get(1, "/page");
    assert_eq!(idle.answers([1]).len(), 1);
    // More clients than there are descriptors: those who wait for nothing have to go.
    let mut clients = Vec::new();
    for number in 0..150 {
        clients.push(Asker::new(running.address));
        let answer = clients.last_mut().expect("a client").get(&format!("/{number}")).expect("an answer");
        assert_eq!(answer.status, 200, "{number}");
    }
    loop {
        match idle.next() {
            Some(frame) if frame.kind == frames::GOAWAY => break,
            Some(_) => {}
            None => panic!("closed without a word"),
        }
    }
    // Longer than anybody is given who has nothing under way.
    std::thread::sleep(Duration::from_secs(3));
    let expected = text(BYTES).into_bytes();
    let answers = client.answers(streams(100));
    assert!(answers.iter().all(|answer| answer.as_ref() == Ok(&expected)), "{} answers", answers.len());
}

/// A backend that never answers `/held`, and everything else at once.
fn holding() -> Backend {
    Backend::start(|conversation| {
        while let Some(request) = conversation.next_request() {
            if request.starts_with("GET /held") {
                // Until the proxy gives it up.
                let _ = conversation.next_request();
                return;
            }
            conversation.send("HTTP/1.1 200 OK\r\nCache-Control: max-age=600\r\nContent-Length: 2\r\n\r\nok");
        }
    })
}

/// Waits until the proxy has read what was sent. The reason, if it has had enough.
fn until_read(client: &mut Frames) -> Option<u32> {
    client.send(frames::PING, 0, 0, &[0; 8]);
    while let Some(frame) = client.next() {
        match frame.kind {
            frames::PING => return None,
            frames::GOAWAY => return Some(u32::from_be_bytes(frame.payload[4..8].try_into().unwrap())),
            _ => {}
        }
    }
    panic!("closed without a word");
}

#[test]
fn a_flood_of_resets_is_one_whatever_else_its_client_asks() {
    let backend = holding();
    let secure = Secure::start(&backend, "");
    let mut client = Frames::open(&secure.pair, secure.address);
    let mut numbers = streams(u32::MAX / 2);
    let mut resets = 0;
    let reason = loop {
        // One that is broken off among four that are not.
        let held: Vec<_> = numbers.by_ref().take(10).collect();
        held.iter().for_each(|stream| client.get(*stream, &format!("/held?{stream}")));
        numbers.by_ref().take(40).for_each(|stream| client.get(stream, "/quick"));
        if let Some(reason) = until_read(&mut client) {
            break reason;
        }
        held.iter().for_each(|stream| client.reset(*stream));
        resets += held.len();
        assert!(resets < 2_000, "nobody minds");
        if let Some(reason) = until_read(&mut client) {
            break reason;
        }
    };
    assert_eq!(reason, frames::ENHANCE_YOUR_CALM, "after {resets}");
}

#[test]
fn pages_that_are_left_while_a_hundred_images_load_are_no_flood() {
    let backend = holding();
    let secure = Secure::start(&backend, "");
    let mut client = Frames::open(&secure.pair, secure.address);
    let mut numbers = streams(u32::MAX / 2);
    for page in 0..4 {
        let images: Vec<_> = numbers.by_ref().take(100).collect();
        images.iter().for_each(|stream| client.get(*stream, &format!("/held?{stream}")));
        if page % 2 == 0 {
            assert_eq!(until_read(&mut client), None, "page {page}");
        }
        images.iter().for_each(|stream| client.reset(*stream));
        assert_eq!(until_read(&mut client), None, "page {page}");
    }
    let last = numbers.next().unwrap();
    client.get(last, "/quick");
    assert_eq!(client.answers([last]), [Ok(b"ok".to_vec())]);
}
