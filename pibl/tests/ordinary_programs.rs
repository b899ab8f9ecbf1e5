//! A second opinion: a client and a server that other people wrote, with the proxy between them.
//!
//! The other tests speak through sockets of their own and would share a misunderstanding with the proxy.
//! Here `reqwest` asks and `hyper` answers, as applications do.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use http_body_util::{Either, Empty, Full};
use hyper::body::Incoming;
use hyper::header::{CONTENT_LENGTH, TRANSFER_ENCODING};
use hyper::{Method, Request, Response};
use hyper_util::rt::TokioIo;

use crate::testkit::{PATIENCE, Proxy};

type Body = Either<Incoming, Either<Full<Bytes>, Empty<Bytes>>>;

/// A server with its own thread; it ends when dropped.
struct Origin {
    address: SocketAddr,
    seen: Arc<Seen>,
    _stop: tokio::sync::oneshot::Sender<()>,
}

#[derive(Default)]
struct Seen {
    connections: AtomicUsize,
    requests: AtomicUsize,
}

impl Origin {
    fn start() -> Self {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
        listener.set_nonblocking(true).expect("a socket");
        let address = listener.local_addr().expect("an address");
        let seen = Arc::new(Seen::default());
        let (stop, stopped) = tokio::sync::oneshot::channel();
        let shared = Arc::clone(&seen);
        std::thread::spawn(move || {
            runtime().block_on(async {
                tokio::select! {
                    () = serve(listener, shared) => {}
                    _ = stopped => {}
                }
            });
        });
        Self { address, seen, _stop: stop }
    }
}

async fn serve(listener: std::net::TcpListener, seen: Arc<Seen>) {
    let listener = tokio::net::TcpListener::from_std(listener).expect("a listener");
    while let Ok((stream, _)) = listener.accept().await {
        seen.connections.fetch_add(1, Ordering::Relaxed);
        let seen = Arc::clone(&seen);
        tokio::spawn(async move {
            let answer = |request| {
                seen.requests.fetch_add(1, Ordering::Relaxed);
                async { Ok::<_, Infallible>(answer(request)) }
            };
            let service = hyper::service::service_fn(answer);
            // A connection that breaks is seen at the client's side.
            let _ = hyper::server::conn::http1::Builder::new()
                .serve_connection(TokioIo::new(stream), service)
                .await;
        });
    }
}

/// POST gives the body back as it comes; GET `/<n>` gives n bytes.
fn answer(request: Request<Incoming>) -> Response<Body> {
    if request.method() == Method::POST {
        let was_chunked = request.headers().contains_key(TRANSFER_ENCODING);
        let mut response = Response::new(Either::Left(request.into_body()));
        response.headers_mut().insert("was-chunked", was_chunked.to_string().parse().expect("a value"));
        return response;
    }
    let length = request.uri().path()[1..].parse().unwrap_or(0);
    match *request.method() {
        Method::HEAD => Response::builder()
            .header(CONTENT_LENGTH, length)
            .body(Either::Right(Either::Right(Empty::new())))
            .expect("a response"),
        _ => Response::new(Either::Right(Either::Left(Full::new(pattern(length, length))))),
    }
}

/// Bytes that show what is missing, repeated or from elsewhere.
fn pattern(length: usize, seed: usize) -> Bytes {
    (0..length).map(|place| (place / 251 + place + seed) as u8).collect()
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime")
}

fn client() -> reqwest::Client {
    reqwest::Client::builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .timeout(PATIENCE)
        .build()
        .expect("a client")
}

fn url(proxy: &Proxy, path: &str) -> String {
    format!("http://{}{path}", proxy.address)
}

/// How many connections of clients the proxy has accepted.
fn accepted(proxy: &Proxy) -> u64 {
    proxy.services.counters().iter().map(|counters| counters.connections_accepted.value()).sum()
}

#[test]
fn one_connection_carries_many_requests_on_both_sides() {
    let origin = Origin::start();
    let proxy = Proxy::start(&[origin.address], "[cache]\nenabled = false");
    runtime().block_on(async {
        let client = client();
        for _ in 0..100 {
            let body = client.get(url(&proxy, "/300")).send().await.unwrap().bytes().await.unwrap();
            assert_eq!(body, pattern(300, 300));
        }
    });
    assert_eq!(origin.seen.requests.load(Ordering::Relaxed), 100);
    assert_eq!(origin.seen.connections.load(Ordering::Relaxed), 1);
    assert_eq!(accepted(&proxy), 1);
}

#[test]
fn chunks_pass_both_ways_while_they_are_made() {
    let origin = Origin::start();
    let proxy = Proxy::start(&[origin.address], "");
    runtime().block_on(async {
        let (mut sender, body) = http_body_util::channel::Channel::<Bytes, Infallible>::new(1);
        let sending = async move {
            for number in 0..50 {
                sender.send_data(pattern(number * 100 + 1, number)).await.expect("a reader");
            }
        };
        let asking = client().post(url(&proxy, "/")).body(reqwest::Body::wrap(body)).send();
        let ((), response) = tokio::join!(sending, asking);
        let response = response.unwrap();
        assert_eq!(response.headers()["was-chunked"], "true");
        assert_eq!(response.headers()[TRANSFER_ENCODING], "chunked");
        let expected: Vec<u8> = (0..50).flat_map(|number| pattern(number * 100 + 1, number)).collect();
        assert_eq!(response.bytes().await.unwrap(), expected);
    });
}

#[test]
fn head_says_the_length_without_a_body_from_origin_and_cache() {
    let origin = Origin::start();
    let proxy = Proxy::start(&[origin.address], "ttl = \"60s\"");
    runtime().block_on(async {
        let client = client();
        let head = || async {
            let response = client.head(url(&proxy, "/5000")).send().await.unwrap();
            assert_eq!(response.headers()[CONTENT_LENGTH], "5000");
            assert_eq!(response.bytes().await.unwrap().len(), 0);
        };
        head().await;
        assert_eq!(client.get(url(&proxy, "/5000")).send().await.unwrap().bytes().await.unwrap().len(), 5000);
        let asked = origin.seen.requests.load(Ordering::Relaxed);
        head().await;
        assert_eq!(origin.seen.requests.load(Ordering::Relaxed), asked, "HEAD is answered from the GET");
    });
}

#[test]
fn large_bodies_pass_unchanged_stored_or_not() {
    const LARGE: usize = 8 << 20;
    let origin = Origin::start();
    let proxy = Proxy::start(&[origin.address], "ttl = \"60s\"");
    runtime().block_on(async {
        let client = client();
        let body = pattern(LARGE, 3);
        let request = client.post(url(&proxy, "/")).body(body.clone());
        let echoed = request.send().await.unwrap().bytes().await.unwrap();
        assert!(echoed == body, "the echo of {LARGE} bytes differs");
        for _ in 0..2 {
            let fetched = client.get(url(&proxy, &format!("/{LARGE}"))).send().await.unwrap();
            assert!(fetched.bytes().await.unwrap() == pattern(LARGE, LARGE), "the body differs");
        }
    });
    assert_eq!(origin.seen.requests.load(Ordering::Relaxed), 2, "the second GET is a hit");
}

#[test]
fn fifty_clients_at_once_get_what_each_asked_for() {
    const CLIENTS: usize = 50;
    const REQUESTS: usize = 20;
    let origin = Origin::start();
    let proxy = Proxy::start(&[origin.address], "ttl = \"60s\"");
    runtime().block_on(async {
        let mut tasks = tokio::task::JoinSet::new();
        for number in 0..CLIENTS {
            let (posted, fetched) = (url(&proxy, "/"), url(&proxy, ""));
            tasks.spawn(async move {
                let client = client();
                for turn in 0..REQUESTS / 2 {
                    let body = pattern(number * 10 + turn, number);
                    let response = client.post(&posted).body(body.clone()).send().await.unwrap();
                    assert_eq!(response.bytes().await.unwrap(), body);
                    // All clients meet on few keys: who comes second reads along or finds it stored.
                    let length = 1000 + turn;
                    let response = client.get(format!("{fetched}/{length}")).send().await.unwrap();
                    assert_eq!(response.bytes().await.unwrap(), pattern(length, length));
                }
            });
        }
        while let Some(task) = tasks.join_next().await {
            task.unwrap();
        }
    });
    assert_eq!(proxy.log(CLIENTS * REQUESTS).lines().count(), CLIENTS * REQUESTS);
    let asked = origin.seen.requests.load(Ordering::Relaxed);
    assert_eq!(asked, CLIENTS * REQUESTS / 2 + REQUESTS / 2, "each stored key was asked for once");
}
