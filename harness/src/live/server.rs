//! The server: one thread that gives way to the run, one more for each browser that looks on, a bounded queue to each of them.
//!
//! The command line starts it before the first run and tells it of run folders. A browser that does not read is left behind; it finds
//! its way again by the number of the last line that it has seen, because everything it missed is in the record.

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use http_body_util::channel::{Channel, Sender};
use http_body_util::{Either, Full};
use hyper::body::{Bytes, Frame, Incoming};
use hyper::header::{HeaderName, HeaderValue};
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpListener;
use tokio::sync::{Notify, oneshot};

use fake_backends::clock::RunClock;
use harness_model::plan::Plan;
use harness_platform::{give_way, unguessable};
use harness_tell::language::Language;
use harness_tell::language::live_words::{goes_on, no_run, repeats_already, will_hold, will_repeat};
use harness_tell::report::live::Message;
use harness_tell::report::{LIVE_SCRIPT, LivePage, LiveScript, live_page};

use super::door::{Asked, Door, Refused};
use super::feed::{Piece, follow};
use super::shown::{Book, Shown};
use crate::conductor::Desk;

/// Pieces that wait for a browser; each is at most about as long as what is read at a time.
const QUEUE: usize = 4;
/// A browser that takes nothing for so long is left behind.
const PATIENCE: Duration = Duration::from_secs(10);
/// The queue is looked at again after so long.
const LOOK_AGAIN: Duration = Duration::from_millis(20);
/// Something is sent at least as often, so that one that is gone is noticed.
const HEARTBEAT: Duration = Duration::from_secs(5);
/// Browsers that are told at a time.
const MOST_TOLD: usize = 6;
/// Connections at a time.
const MOST_CONNECTIONS: usize = 32;
/// At the end of everything the pages have so long to hear of it.
const LAST_WORDS: Duration = Duration::from_secs(3);
/// What they were told last is sent within so long.
const SENT_WITHIN: Duration = Duration::from_millis(200);

type Body = Either<Full<Bytes>, Channel<Bytes>>;

/// A server that shows runs.
#[derive(Debug)]
pub struct Server {
    door: Door,
    book: Arc<Book>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    /// Serves on a free port of loopback from now on. What buttons ask is put on the desk.
    ///
    /// # Errors
    /// No port, no thread or no token is to be had.
    pub fn start(language: Language, desk: Desk) -> io::Result<Server> {
        let listener = std::net::TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0)))?;
        listener.set_nonblocking(true)?;
        let door = Door::new(unguessable()?, listener.local_addr()?.port(), language);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (stop, stopped) = oneshot::channel();
        let book = Arc::<Book>::default();
        let house = Arc::new(House { door: door.clone(), book: book.clone(), desk });
        let thread = std::thread::Builder::new().name("live".into()).spawn(move || {
            // The threads for the browsers are started from here, and give way too.
            give_way();
            runtime.block_on(async {
                let Ok(listener) = TcpListener::from_std(listener) else { return };
                tokio::select! {
                    () = accept(&listener, &house) => {}
                    _ = stopped => tokio::time::sleep(SENT_WITHIN).await,
                }
            });
            // What a browser does not read holds up nothing.
            runtime.shutdown_background();
        })?;
        Ok(Server { door, book, stop: Some(stop), thread: Some(thread) })
    }

    /// The address that opens the page, with its token.
    pub fn address(&self) -> String {
        self.door.address()
    }

    /// Shows a run folder from now on; `lasts` until [`Server::is_over`] says that it is over.
    pub fn show(&self, folder: PathBuf, plan: Plan, lasts: bool) {
        self.book.add(Shown::new(folder, plan, lasts));
    }

    /// The run of this folder has written everything that it ever will; `verdict` is what [`verdict`] makes of it, where it was judged.
    /// Whoever ends a run has judged it already, and does not give way to others.
    pub fn is_over(&self, folder: &Path, verdict: Option<[Vec<Message>; 2]>) {
        self.book.is_over(folder, verdict);
    }

    /// Ends when the pages have heard the end, or after a moment.
    pub fn finish(self) {
        drop(self);
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.book.close();
        let clock = RunClock::start();
        while self.book.told.load(Ordering::Acquire) > 0 && Duration::from_nanos(clock.now().0) < LAST_WORDS {
            std::thread::sleep(LOOK_AGAIN);
        }
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // A page that panicked has shown it by then, and nothing else depends on it.
            let _ = thread.join();
        }
    }
}

/// What a connection needs.
#[derive(Debug)]
struct House {
    door: Door,
    book: Arc<Book>,
    desk: Desk,
}

async fn accept(listener: &TcpListener, house: &Arc<House>) {
    let connections = Arc::new(tokio::sync::Semaphore::new(MOST_CONNECTIONS));
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            // No descriptor is left, such as in the middle of a load: the run needs them more.
            tokio::time::sleep(HEARTBEAT).await;
            continue;
        };
        let Ok(place) = connections.clone().try_acquire_owned() else { continue };
        let house = house.clone();
        tokio::spawn(async move {
            let left_behind = Arc::new(Notify::new());
            let told = left_behind.clone();
            let service = service_fn(move |request: Request<Incoming>| {
                let (house, left_behind) = (house.clone(), told.clone());
                async move { Ok::<_, std::convert::Infallible>(answer(&house, &request, left_behind)) }
            });
            let connection = hyper::server::conn::http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(PATIENCE)
                .max_buf_size(16 << 10)
                .serve_connection(TokioIo::new(stream), service);
            tokio::select! {
                // A browser that goes away is no news.
                _ = connection => {}
                () = left_behind.notified() => {}
            }
            drop(place);
        });
    }
}

fn answer(house: &Arc<House>, request: &Request<Incoming>, left_behind: Arc<Notify>) -> Response<Body> {
    let asked = match house.door.open(request.method(), request.uri(), request.headers()) {
        Ok(asked) => asked,
        Err(Refused::Forbidden) => return plain(StatusCode::FORBIDDEN),
        Err(Refused::Unknown) => return plain(StatusCode::NOT_FOUND),
        Err(Refused::Method) => return plain(StatusCode::METHOD_NOT_ALLOWED),
    };
    let desk = &house.desk;
    match asked {
        // Nothing has begun yet: the browser looks again.
        Asked::Newest if house.book.newest() == 0 => {
            let mut wait = plain(StatusCode::OK);
            set(&mut wait, "refresh", "1");
            wait
        }
        Asked::Newest => {
            let mut moved = plain(StatusCode::SEE_OTHER);
            set(&mut moved, "location", &format!("{}/", house.book.newest()));
            moved
        }
        Asked::Page(number, language) => match house.book.get(number) {
            Some(run) => page(&run, language),
            None => plain(StatusCode::NOT_FOUND),
        },
        Asked::Script => whole("text/javascript; charset=utf-8", LIVE_SCRIPT),
        Asked::Events(number, language) => match house.book.get(number) {
            Some(run) => events(house, run, number, language, request, left_behind),
            None => plain(StatusCode::NOT_FOUND),
        },
        Asked::Hold(language) | Asked::GoOn(language) | Asked::Repeat(_, language)
            if !house.book.any_lasts() =>
        {
            said(&no_run(language))
        }
        Asked::Hold(language) => {
            desk.hold();
            said(&will_hold(language))
        }
        Asked::GoOn(language) => {
            desk.go_on();
            said(&goes_on(language))
        }
        Asked::Repeat(check, language) => match desk.repeat(check) {
            true => said(&will_repeat(language, check.name())),
            false => said(&repeats_already(language, check.name())),
        },
    }
}

fn page(run: &Shown, language: Language) -> Response<Body> {
    let other = format!("?lang={}", language.choose(Language::Es, Language::En).code());
    let text = live_page(&LivePage {
        plan: &run.plan,
        language,
        lasts: run.lasts,
        folder: &run.folder.display().to_string(),
        other: &other,
        script: LiveScript::Beside,
    });
    whole("text/html; charset=utf-8", &text)
}

/// Tells of a run on a thread of its own, which reads no faster than the browser does.
fn events(
    house: &Arc<House>,
    run: Arc<Shown>,
    number: usize,
    language: Language,
    request: &Request<Incoming>,
    left_behind: Arc<Notify>,
) -> Response<Body> {
    let Some(place) = Place::take(&house.book) else { return plain(StatusCode::SERVICE_UNAVAILABLE) };
    let seen = request.headers().get("last-event-id").and_then(|value| value.to_str().ok()?.parse().ok());
    let (sender, body) = Channel::new(QUEUE);
    let book = house.book.clone();
    let told = std::thread::Builder::new().name("live-events".into()).spawn(move || {
        let _place = place;
        let mut queue =
            Queue { sender, left_behind, book: book.clone(), clock: RunClock::start(), last: Duration::ZERO };
        if seen.is_some() && book.left_behind.load(Ordering::Relaxed) > 0 {
            queue.send("event: slow\ndata:\n\n".to_owned());
        }
        let (mut listens, mut newest) = (true, number.max(book.newest()));
        let read = follow(&run, language, seen.unwrap_or(0), |piece| {
            listens = match piece {
                Piece::Messages(line, messages) => {
                    let data = serde_json::to_string(&messages).unwrap_or_default();
                    queue.send(format!("id: {line}\ndata: {data}\n\n"))
                }
                // A repetition that was asked for while this one is held.
                Piece::Nothing if book.newest() > newest => {
                    newest = book.newest();
                    queue.send(format!("event: also\ndata: {newest}\n\n"))
                }
                Piece::Nothing => queue.heartbeat(),
            };
            listens
        });
        // A record that cannot be read is reported where the run is closed; the page keeps what it has.
        if read.is_err() || !listens {
            return;
        }
        // Where runs follow one another, the page of one leads to the next.
        while run.lasts && !book.is_closed() && book.newest() == number && queue.heartbeat() {
            std::thread::sleep(LOOK_AGAIN * 5);
        }
        let last = match book.newest() {
            newest if newest > number && run.lasts => format!("event: next\ndata: {newest}\n\n"),
            _ => "event: end\ndata:\n\n".to_owned(),
        };
        queue.send(last);
    });
    match told {
        Ok(_) => with_headers(Response::new(Either::Right(body)), "text/event-stream"),
        Err(_) => plain(StatusCode::SERVICE_UNAVAILABLE),
    }
}

/// One of the places for those who are told.
struct Place(Arc<Book>);

impl Place {
    fn take(book: &Arc<Book>) -> Option<Place> {
        let one_more = |told: usize| (told < MOST_TOLD).then_some(told + 1);
        book.told.fetch_update(Ordering::AcqRel, Ordering::Acquire, one_more).ok()?;
        Some(Place(book.clone()))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let count: &AtomicUsize = &self.0.told;
        count.fetch_sub(1, Ordering::AcqRel);
    }
}

/// What waits for one browser.
struct Queue {
    sender: Sender<Bytes>,
    left_behind: Arc<Notify>,
    book: Arc<Book>,
    clock: RunClock,
    /// When something was put in for the last time.
    last: Duration,
}

impl Queue {
    /// Puts something in, as soon as there is room; whether anybody takes it.
    fn send(&mut self, text: String) -> bool {
        let began = self.now();
        let mut frame = Frame::data(Bytes::from(text));
        loop {
            frame = match self.sender.try_send(frame) {
                Ok(()) => break,
                // Room and refused all the same: nobody is at the other end any more.
                Err(_) if self.sender.capacity() > 0 => return false,
                Err(frame) => frame,
            };
            let patience = if self.book.is_closed() { LAST_WORDS } else { PATIENCE };
            if self.now().saturating_sub(began) >= patience {
                self.book.left_behind.fetch_add(1, Ordering::Relaxed);
                self.left_behind.notify_one();
                return false;
            }
            std::thread::sleep(LOOK_AGAIN);
        }
        self.last = self.now();
        true
    }

    fn heartbeat(&mut self) -> bool {
        self.now().saturating_sub(self.last) < HEARTBEAT || self.send(":\n\n".to_owned())
    }

    fn now(&self) -> Duration {
        Duration::from_nanos(self.clock.now().0)
    }
}

fn said(text: &str) -> Response<Body> {
    whole("application/json", &serde_json::json!({ "said": text }).to_string())
}

fn plain(status: StatusCode) -> Response<Body> {
    let mut response = whole("text/plain; charset=utf-8", "");
    *response.status_mut() = status;
    response
}

fn whole(kind: &str, text: &str) -> Response<Body> {
    with_headers(Response::new(Either::Left(Full::new(Bytes::copy_from_slice(text.as_bytes())))), kind)
}

/// Nothing from elsewhere is loaded, nothing is framed, kept or told to anybody by a `Referer`.
fn with_headers(mut response: Response<Body>, kind: &str) -> Response<Body> {
    set(&mut response, "content-type", kind);
    for (name, value) in [
        (
            "content-security-policy",
            "default-src 'none'; script-src 'self'; connect-src 'self'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        ),
        ("cache-control", "no-store"),
        ("referrer-policy", "no-referrer"),
        ("cross-origin-resource-policy", "same-origin"),
        ("cross-origin-opener-policy", "same-origin"),
        ("x-content-type-options", "nosniff"),
    ] {
        set(&mut response, name, value);
    }
    response
}

fn set(response: &mut Response<Body>, name: &'static str, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        response.headers_mut().insert(HeaderName::from_static(name), value);
    }
}
