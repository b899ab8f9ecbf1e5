//! The client against servers that answer as told: what it says of each end of an exchange.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::time::Duration;

use fake_backends::clock::{Moment, RunClock};
use fake_backends::platform::Network;

use super::*;
use crate::traffic::Shape;
use harness_model::history::Purpose;

const OK: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

/// Asks a server that serves its connections one after the other, as `serve` does with each; `requests` on one
/// connection where they can be.
fn ask(requests: &[Request], serve: impl Fn(usize, TcpStream) + Send + 'static) -> Vec<Exchange> {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    // It ends with the process; each test has its own.
    std::thread::spawn(move || {
        for (number, stream) in listener.incoming().enumerate() {
            serve(number, stream.unwrap());
        }
    });
    ask_at(address, requests)
}

fn ask_at(address: SocketAddr, requests: &[Request]) -> Vec<Exchange> {
    let file = tempfile::tempfile().unwrap();
    let recorder = Recorder::begin(file, RunClock::start()).unwrap();
    let clients = Clients::new(address, Network::host(), recorder);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let (mut connection, mut exchanges) = (None, Vec::new());
        for request in requests {
            exchanges.push(clients.ask_on(&mut connection, request, None).await);
        }
        exchanges
    })
}

fn get() -> Request {
    let mut request = Request::get(Purpose::Serial, 0, "/a".into(), Moment(0));
    request.keep = true;
    request
}

/// Reads one request without a body.
fn read_head(stream: &mut TcpStream) -> bool {
    let mut seen = Vec::new();
    let mut byte = [0];
    while !seen.ends_with(b"\r\n\r\n") {
        match stream.read(&mut byte) {
            Ok(1) => seen.push(byte[0]),
            _ => return false,
        }
    }
    true
}

#[test]
fn a_connection_is_kept_and_its_requests_are_numbered() {
    let exchanges = ask(&[get(), get()], |_, mut stream| {
        while read_head(&mut stream) {
            stream.write_all(OK).unwrap();
        }
    });
    assert_eq!(exchanges[0].connection, exchanges[1].connection);
    assert_eq!(exchanges[1].request_on_connection, 2);
    for exchange in exchanges {
        assert_eq!(exchange.end, ExchangeEnd::Complete);
        let (sent, head) = (exchange.sent.unwrap(), exchange.head_received.unwrap());
        assert!(sent <= head && head <= exchange.finished);
        assert_eq!(exchange.response.unwrap().body.bytes, 2);
    }
}

#[test]
fn a_connection_closed_while_idle_is_no_fault_of_the_next_request() {
    let exchanges = ask(&[get(), get()], |_, mut stream| {
        read_head(&mut stream);
        stream.write_all(OK).unwrap();
    });
    assert_eq!(exchanges[1].end, ExchangeEnd::Complete);
    assert_eq!(exchanges[1].request_on_connection, 1);
}

#[test]
fn ends_before_the_end_are_told_apart() {
    let end_of = |answer: &'static [u8]| {
        let exchanges = ask(&[get()], move |_, mut stream| {
            read_head(&mut stream);
            stream.write_all(answer).unwrap();
        });
        exchanges[0].end.clone()
    };
    assert_eq!(end_of(b""), ExchangeEnd::ClosedWithoutAnswer);
    assert!(matches!(end_of(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab"), ExchangeEnd::CutShort(_)));
    assert!(matches!(end_of(b"<html>no</html>"), ExchangeEnd::Malformed(_)));
    assert_eq!(end_of(b"HTTP/1.1 200 OK\r\n\r\nuntil the close"), ExchangeEnd::Complete);
}

#[test]
fn who_leaves_without_waiting_closes_and_does_not_reset() {
    let mut request = Request::get(Purpose::Leaving, 0, "/a".into(), Moment(0));
    request.shape = Some(Arc::new(Shape { leaves_after: Some(0), ..Shape::default() }));
    let (tell, told) = std::sync::mpsc::channel();
    let exchanges = ask(&[request], move |_, mut stream| {
        read_head(&mut stream);
        tell.send(stream.read(&mut [0]).map_err(|error| error.kind())).unwrap();
    });
    assert!(matches!(exchanges[0].end, ExchangeEnd::CutShort(_)));
    assert_eq!(told.recv().unwrap(), Ok(0));
}

#[test]
fn an_answer_that_never_ends_is_given_up_in_time() {
    let mut request = get();
    request.timeout = Duration::from_millis(100);
    let exchanges = ask(&[request], |_, mut stream| {
        read_head(&mut stream);
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab").unwrap();
        // Until the client is gone.
        let _ = stream.read(&mut [0; 16]);
    });
    assert_eq!(exchanges[0].end, ExchangeEnd::TimedOut);
    assert_eq!(exchanges[0].response.as_ref().unwrap().body.bytes, 2);
}

#[test]
fn bytes_beyond_an_answer_are_seen_and_end_the_connection() {
    let exchanges = ask(&[get(), get()], |_, mut stream| {
        read_head(&mut stream);
        stream.write_all(&[OK, b"!"].concat()).unwrap();
        let _ = stream.read(&mut [0; 16]);
    });
    assert_eq!(exchanges[0].response.as_ref().unwrap().body.extra_bytes, 1);
    assert_ne!(exchanges[0].connection, exchanges[1].connection);
}

#[test]
fn an_answer_that_comes_before_the_request_was_read_is_taken() {
    let mut request = get();
    request.method = "POST".into();
    request.body_bytes = 20 << 20;
    let exchanges = ask(&[request], |_, mut stream| {
        read_head(&mut stream);
        stream.write_all(b"HTTP/1.1 413 Content Too Large\r\nContent-Length: 0\r\n\r\n").unwrap();
        // The connection stays open and the rest unread.
        std::thread::park();
    });
    assert_eq!(exchanges[0].end, ExchangeEnd::Complete);
    assert_eq!(exchanges[0].response.as_ref().unwrap().status, 413);
}

#[test]
fn a_refused_connection_is_not_an_answer() {
    // A bound socket that never listens refuses, and keeps its port from being taken.
    let down = Network::host().bind_without_listening(([127, 0, 0, 1], 0).into()).unwrap();
    let exchanges = ask_at(down.local_addr().unwrap().as_socket().unwrap(), &[get()]);
    assert!(matches!(exchanges[0].end, ExchangeEnd::NotConnected(_)));
    assert_eq!(exchanges[0].sent, None);
}

/// Answers each connection once, reads the next request too, and closes then without a byte: the close crosses the request.
fn once_each(_: usize, mut stream: TcpStream) {
    read_head(&mut stream);
    stream.write_all(OK).unwrap();
    read_head(&mut stream);
}

#[test]
fn a_request_that_its_connections_close_has_crossed_is_asked_again_and_says_so() {
    let exchanges = ask(&[get(), get()], once_each);
    assert_eq!(exchanges[0].reconnected, None);
    assert_eq!(exchanges[1].end, ExchangeEnd::Complete);
    let gone = exchanges[1].reconnected.as_ref().unwrap();
    assert_eq!((gone.connection, gone.answered), (exchanges[0].connection, 1));
    assert!(gone.asked_again().unwrap() <= exchanges[1].sent.unwrap());
    assert_ne!(exchanges[1].connection, exchanges[0].connection);
}

#[test]
fn it_is_asked_again_once_and_a_fresh_connection_that_closes_is_no_excuse() {
    let exchanges = ask(&[get(), get()], |number, mut stream| {
        read_head(&mut stream);
        if number == 0 {
            stream.write_all(OK).unwrap();
            read_head(&mut stream);
        }
    });
    assert_eq!(exchanges[1].end, ExchangeEnd::ClosedWithoutAnswer);
    assert!(exchanges[1].reconnected.is_some());
}

#[test]
fn what_must_not_be_sent_twice_gets_a_fresh_connection() {
    let mut post = get();
    post.method = "POST".into();
    let exchanges = ask(&[get(), post], once_each);
    assert_eq!(exchanges[1].end, ExchangeEnd::Complete);
    assert_eq!((exchanges[1].request_on_connection, &exchanges[1].reconnected), (1, &None));
}

#[test]
fn a_close_that_was_not_announced_is_on_record() {
    let exchanges = ask(&[get(), get()], |_, mut stream| {
        read_head(&mut stream);
        stream.write_all(OK).unwrap();
        drop(stream);
        // Long enough for the close to be seen in front of the next request.
    });
    // Whether the close was seen before or after the request had left is a matter of microseconds.
    let gone = exchanges[1].reconnected.as_ref().unwrap();
    assert_eq!(gone.answered, 1);
    assert_eq!(exchanges[1].end, ExchangeEnd::Complete);
}

#[test]
fn the_library_asks_again_where_its_pool_was_closed_under_it() {
    let mut library = get();
    library.client = ClientKind::Reqwest;
    let exchanges = ask(&[library.clone(), library], once_each);
    assert_eq!(exchanges[1].end, ExchangeEnd::Complete, "{:?}", exchanges[1].reconnected);
}

/// A cache may tell resources apart by host and port: where the judge itself moves on, nothing of it may be lost.
#[test]
fn who_asks_at_another_port_names_the_same_host() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let heads = std::thread::spawn(move || {
        let one = |stream: std::io::Result<std::net::TcpStream>| {
            let mut stream = stream.unwrap();
            let mut head = vec![0; 4096];
            let length = stream.read(&mut head).unwrap();
            stream.write_all(OK).unwrap();
            String::from_utf8_lossy(&head[..length]).to_lowercase()
        };
        listener.incoming().take(2).map(one).collect::<Vec<_>>()
    });
    let file = tempfile::tempfile().unwrap();
    let recorder = Recorder::begin(file, RunClock::start()).unwrap();
    let first = "127.0.0.1:80".parse().unwrap();
    let clients = Clients::new(first, Network::host(), recorder).moved_to(address);
    assert_eq!((clients.host(), clients.address()), ("127.0.0.1:80", address));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    for client in [ClientKind::Raw, ClientKind::Reqwest] {
        runtime.block_on(clients.ask(&Request { client, ..get() }));
    }
    for head in heads.join().unwrap() {
        assert!(head.contains("host: 127.0.0.1:80\r\n"), "{head}");
    }
}

#[test]
fn what_a_client_cannot_express_is_ours() {
    let file = tempfile::tempfile().unwrap();
    let recorder = Recorder::begin(file, RunClock::start()).unwrap();
    let shape = RequestShape { prefix: "name".into(), ..RequestShape::default() };
    let clients = Clients::new("127.0.0.1:80".parse().unwrap(), Network::host(), recorder).with(
        shape,
        fake_backends::content::Secret::NONE,
        None,
    );
    let mut library = get();
    library.client = ClientKind::Reqwest;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let exchange = runtime.block_on(clients.ask(&library));
    assert!(exchange.end.is_ours(), "{:?}", exchange.end);
}

#[test]
fn pipelined_requests_that_a_close_leaves_unanswered_are_asked_again() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let _ = (read_head(&mut stream), read_head(&mut stream));
            stream.write_all(OK).unwrap();
        }
    });
    let file = tempfile::NamedTempFile::new().unwrap();
    let recorder = Recorder::begin(file.reopen().unwrap(), RunClock::start()).unwrap();
    let clients = Clients::new(address, Network::host(), recorder.clone());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let mut impatient = get();
    impatient.timeout = Duration::from_millis(200);
    runtime.block_on(clients.pipeline(&[impatient.clone(), impatient]));
    recorder.close().unwrap();
    let text = std::fs::read_to_string(file.path()).unwrap();
    // The second connection of this server waits for a second request that never comes: asked again, and given up.
    assert!(text.contains("\"reconnected\"") && text.contains("\"complete\""), "{text}");
}
