//! The whole proxy: threads, their accept loops, and their orderly end.
//!
//! `main` and the integration tests call [`run`] with a bound listener and a future that ends when the
//! program shall. It reads no command line and no signal.

use std::future::Future;
use std::io;
use std::net::TcpListener;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::{Builder, LocalOptions, LocalRuntime};
use tokio::sync::watch;
use tokio::time::Instant;

use crate::connection::{Door, Hall};
use crate::exchange::{Services, Worker};
use crate::{clock, listener, platform, upstream, wire};

/// How often a worker looks at its unused connections, and at a drain.
const HOUSEKEEPING: Duration = Duration::from_millis(500);

/// How often the pool of threads that may wait is given something to do; they leave after ten seconds without.
const THREAD_HELD: Duration = Duration::from_secs(5);

/// How long stdout has to take the last lines of the log, and the disk what is stored.
const LAST_LINES: Duration = Duration::from_secs(1);
/// How long an address is remembered after it has left; longer than any bucket needs to fill.
const FORGET_AFTER: Duration = Duration::from_secs(60);

/// Why the program ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// It was asked to.
    Asked,
    /// Another process has its sockets and accepts from now on.
    Succeeded,
}

/// Where clients connect. The sockets must be bound; they are shared by as many threads as the configuration says.
#[derive(Debug)]
pub struct Listeners {
    /// For HTTP.
    pub plain: TcpListener,
    /// For HTTPS, as whoever the configuration names.
    pub tls: Option<TcpListener>,
}

impl From<TcpListener> for Listeners {
    fn from(plain: TcpListener) -> Self {
        Self { plain, tls: None }
    }
}

impl Listeners {
    /// Other handles of the same sockets.
    pub fn try_clone(&self) -> io::Result<Self> {
        let tls = self.tls.as_ref().map(TcpListener::try_clone).transpose()?;
        Ok(Self { plain: self.plain.try_clone()?, tls })
    }

    fn doors(self) -> impl Iterator<Item = (Door, TcpListener)> {
        std::iter::once((Door::Plain, self.plain)).chain(self.tls.map(|listener| (Door::Tls, listener)))
    }
}

/// Serves clients until `stop` ends, then lets what is under way finish within the drain timeout. The
/// future runs on the calling thread, in a runtime where local tasks can be spawned.
pub fn run(
    services: Arc<Services>,
    listeners: impl Into<Listeners>,
    stop: impl Future<Output = Ending>,
) -> io::Result<()> {
    let listeners = listeners.into();
    for listener in std::iter::once(&listeners.plain).chain(&listeners.tls) {
        listener.set_nonblocking(true)?;
        platform::send_at_once(listener)?;
    }
    let (stop_sender, stop_receiver) = watch::channel(None);
    let (accepts, accepts_no_more) = std::sync::mpsc::channel::<()>();
    let mut threads = Vec::new();
    for index in 0..services.config().workers {
        let services = Arc::clone(&services);
        let listeners = listeners.try_clone()?;
        let stop = stop_receiver.clone();
        let accepts = accepts.clone();
        let thread = std::thread::Builder::new()
            .name(format!("worker-{index}"))
            .spawn(move || work(services, listeners, stop, accepts))?;
        threads.push(thread);
    }
    drop((listeners, accepts));
    let runtime = local_runtime()?;
    let ending = runtime.block_on(async {
        tokio::task::spawn_local(wire::deadline::sweep_for_ever());
        tokio::task::spawn_local(hold_a_thread());
        let services = Arc::clone(&services);
        tokio::task::spawn_local(async move {
            let settings = || services.config().health.clone();
            upstream::check_for_ever(&services.balancer, settings).await;
        });
        stop.await
    });
    services.start_draining();
    let _ = stop_sender.send(Some(ending));
    if ending == Ending::Succeeded {
        // Said when it is true: nobody who connects after this line is served here. The channel ends with its last sender.
        let _ = accepts_no_more.recv();
        eprintln!("pibl: another process has taken over");
    }
    let mut result = Ok(());
    for thread in threads {
        match thread.join() {
            Ok(ended) => result = result.and(ended),
            Err(panic) => std::panic::resume_unwind(panic),
        }
    }
    services.log.finish(LAST_LINES);
    result
}

/// One thread: its runtime, its accept loop, its connections.
fn work(
    services: Arc<Services>,
    listeners: Listeners,
    mut stop: watch::Receiver<Option<Ending>>,
    accepts: std::sync::mpsc::Sender<()>,
) -> io::Result<()> {
    let runtime = local_runtime()?;
    let result = runtime.block_on(async move {
        let queues = listeners.try_clone()?;
        let worker = Rc::new(Worker::new(services));
        let hall = Hall::new(Rc::clone(&worker));
        let accept = |(door, listener)| {
            tokio::task::spawn_local(listener::accept_for_ever(listener, door, Rc::clone(&hall)))
        };
        let accepting: Vec<_> = listeners.doors().map(accept).collect();
        tokio::task::spawn_local(Rc::clone(&hall).watch_for_ever());
        tokio::task::spawn_local(wire::deadline::sweep_for_ever());
        tokio::task::spawn_local(hold_a_thread());
        let shedding = Rc::clone(&worker);
        tokio::task::spawn_local(async move { shedding.shed_for_ever().await });
        let keeping = tokio::task::spawn_local(keep_house(Rc::clone(&worker)));
        // An error means that the sender is gone, which is as good as the word.
        let _ = stop.changed().await;
        keeping.abort();
        for task in accepting {
            task.abort();
            // The aborted task holds the socket until it has ended.
            let _ = task.await;
        }
        // Whoever waits is also waiting for the next process, where there is one.
        let has_successor = *stop.borrow() == Some(Ending::Succeeded);
        for (door, queue) in queues.doors().filter(|_| !has_successor) {
            listener::accept_waiting(&queue, door, &hall);
        }
        // Now the port is free for the next program.
        drop(accepts);
        drain(&worker).await;
        Ok(())
    });
    // What is on its way to the disk arrives, unless the disk has stopped.
    runtime.shutdown_timeout(LAST_LINES);
    result
}

/// A runtime that runs tasks which never leave its thread. A `LocalSet` inside an ordinary one would do the
/// same, but each of its wake-ups passes through the runtime's own waker: a write to an eventfd and
/// another `epoll_wait` for every request.
fn local_runtime() -> io::Result<LocalRuntime> {
    Builder::new_current_thread().enable_all().build_local(LocalOptions::default())
}

/// Keeps one thread that may wait (for the disk, for names) alive in this runtime. Where the system has no more to give,
/// it does the work of all; without any the runtime would panic. It is there from the start, so that the first response
/// that is stored need not wait for it.
async fn hold_a_thread() {
    let mut ticks = tokio::time::interval(THREAD_HELD);
    loop {
        ticks.tick().await;
        drop(tokio::task::spawn_blocking(|| {}));
    }
}

/// Drops unused connections that are too old, or closed by their backend.
async fn keep_house(worker: Rc<Worker>) {
    let mut ticks = tokio::time::interval(HOUSEKEEPING);
    loop {
        ticks.tick().await;
        worker.admission.forget(FORGET_AFTER, clock::monotonic());
        let config = worker.config();
        worker.pool.tidy(config.timeouts.upstream_keep_alive, |address| {
            config.backends.iter().any(|backend| backend.address == address)
        });
    }
}

/// Waits for the exchanges under way, bounded; idle connections notice the drain when they are woken.
async fn drain(worker: &Worker) {
    let limit = Instant::now() + worker.config().timeouts.drain;
    while worker.open_connections.get() > 0 && Instant::now() < limit {
        wire::deadline::wake_all();
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let left = worker.open_connections.get();
    if left > 0 {
        tracing::warn!("{left} connections did not end within the drain timeout");
    }
}
