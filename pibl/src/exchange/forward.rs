//! A request to a backend, and to another one where that is allowed.
//!
//! `exchange::run` calls it for everything that is not answered from the cache. A request is repeated only
//! where RFC 9110 §9.2.2 allows it: nothing was sent, or the method is idempotent and all of it can be
//! sent again.

use super::answer::{answer, refuse_with};
use super::attempt::{Delivered, Failure, Terms, attempt};
use super::client::Client;
use super::departure::Departure;
use super::fields::{Wishes, encode_request};
use super::pace::Pace;
use super::record::Record;
use super::services::Worker;
use super::tunnel;
use super::upload::{Progress, Upload, UploadFailure};
use std::pin::pin;
use std::time::Duration;

use super::{After, stored};
use crate::balancer::{BackendId, Choice, NoChoice, Wanted};
use crate::cache::Fetch;
use crate::clock;
use crate::config::Config;
use crate::http::{BodyFraming, ReceivedRequest, Refusal};
use crate::platform;
use crate::upstream::{self, Seeker};
use crate::wire::ReadBuffer;

/// How long it takes those who are asked to leave to be gone.
const SHEDDING: Duration = Duration::from_millis(20);

/// How the attempts at all backends ended.
enum Outcome {
    /// The response has gone to the client, completely or not.
    Done(After),
    /// The client gets an answer of our own with this status.
    Failed(u16),
    /// The body of the request turned out to be bad.
    Refused(Refusal),
}

/// Sends the request, whose fields have been stripped, to a backend and its response to the client.
pub(super) async fn forward(
    worker: &Worker,
    client: &mut Client<'_>,
    received: &ReceivedRequest,
    wishes: &Wishes<'_>,
    mut fetch: Option<Fetch>,
    record: &mut Record,
) -> After {
    let config = worker.config();
    let progress = Progress::default();
    let pace = Pace::new(worker, config.timeouts.request_body, config.limits.body_rate);
    let mut upload = Upload::new(received, config.limits.body_bytes, &progress, pace);
    match prepare(client, &mut upload, received, wishes, fetch.as_ref(), &config).await {
        Ok(()) => {}
        Err(UploadFailure::Refused(refusal)) => return refuse_with(worker, client, record, refusal).await,
        Err(_) => return give_up(worker, client, record, After::Abort),
    }
    let terms = Terms { upgrade: wishes.upgrade.is_some(), persistent: received.persistent };
    let others = fetch.as_ref().and_then(Fetch::crowd);
    let departure = Departure::of(client.audience, client.request.version, Some(&progress), others);
    let outcome = {
        // Pinned where it stands: it is large, and must not be copied to wherever it is awaited.
        let attempts =
            pin!(try_backends(worker, client, terms, &mut upload, &progress, record, &mut fetch, &config));
        let attempts = departure.or(attempts);
        let gone = Outcome::Done(After::Abort);
        match config.timeouts.total {
            Duration::ZERO => attempts.await.unwrap_or(gone),
            total => match tokio::time::timeout(total, attempts).await {
                Ok(outcome) => outcome.unwrap_or(gone),
                Err(_) if progress.response_started.get() => Outcome::Done(After::Reset),
                Err(_) => Outcome::Failed(504),
            },
        }
    };
    record.request_bytes = progress.content_bytes.get();
    match outcome {
        Outcome::Done(After::KeepAlive) => After::KeepAlive,
        Outcome::Done(after) => give_up(worker, client, record, after),
        Outcome::Refused(refusal) => refuse_with(worker, client, record, refusal).await,
        Outcome::Failed(status) => {
            let is_read = progress.is_finished.get();
            let persistent = received.persistent && is_read && !worker.is_draining();
            if let Some(fetch) = fetch {
                record.cache = fetch.status().word();
                // RFC 9111 §4.2.4: something stale may be better than an error.
                if let Some(reply) = fetch.failed(&client.request, clock::steady_now())
                    && let Ok(after) =
                        stored::send(worker, &mut client.outlet(), &reply, persistent, record).await
                {
                    return after;
                }
            }
            let explanation = match status {
                504 => "no backend answered in time",
                503 => "no backend is available",
                _ => "no backend gave a valid answer",
            };
            match answer(worker, client.outlet(), record, status, explanation, persistent).await {
                After::Close if !is_read => After::Linger,
                after => after,
            }
        }
    }
}

/// Encodes the request, with the validators of the cache where it has some.
fn encode(
    client: &mut Client<'_>,
    fetch: Option<&Fetch>,
    framing: BodyFraming,
    wishes: &Wishes<'_>,
    config: &Config,
) {
    let is_trusted = config.limits.trusts(client.peer.ip());
    let Client { request, outgoing, upstream_out, peer, .. } = client;
    let fields = match fetch {
        Some(fetch) => {
            outgoing.copy_from(&request.fields);
            fetch.amend(&request.method, outgoing);
            &*outgoing
        }
        None => &request.fields,
    };
    encode_request(upstream_out, (request, fields), framing, wishes, *peer, is_trusted);
}

/// Encodes the request together with what has arrived of its body.
async fn prepare(
    client: &mut Client<'_>,
    upload: &mut Upload<'_>,
    received: &ReceivedRequest,
    wishes: &Wishes<'_>,
    fetch: Option<&Fetch>,
    config: &Config,
) -> Result<(), UploadFailure> {
    encode(client, fetch, received.framing, wishes, config);
    let Client { upstream_out, buffer, audience, .. } = client;
    if let Some(wire) = audience.0 {
        upload.take_first_piece(wire, buffer, upstream_out).await?;
    }
    if wishes.upgrade.is_some() && !buffer.is_empty() {
        // RFC 9110 §7.8: until the backend agrees nobody knows in which protocol these bytes are.
        return Err(UploadFailure::Refused(Refusal::EarlyUpgradeBytes));
    }
    Ok(())
}

/// One backend after the other, until one has answered or the rules forbid another attempt.
#[expect(clippy::too_many_arguments, reason = "these are the parts of one exchange, each used apart")]
async fn try_backends(
    worker: &Worker,
    client: &mut Client<'_>,
    terms: Terms,
    upload: &mut Upload<'_>,
    progress: &Progress,
    record: &mut Record,
    fetch: &mut Option<Fetch>,
    config: &Config,
) -> Outcome {
    let is_validation = fetch.as_ref().is_some_and(Fetch::validates);
    let is_idempotent = client.request.method.is_idempotent();
    let mut tried: Vec<BackendId> = Vec::new();
    let mut status = 503;
    loop {
        let wanted = Wanted { tried: &tried, is_repeatable: is_idempotent && !progress.is_streamed.get() };
        let Some(mut choice) = pick(worker, wanted, config).await else { return Outcome::Failed(status) };
        record.attempts += 1;
        record.backend = Some(choice.address().clone());
        match record.attempts {
            1 => worker.retry_budget.deposit(),
            _ => worker.counters.retries.add(1),
        }
        let result =
            try_backend(worker, client, terms, upload, progress, record, fetch, config, &choice).await;
        let failure = match result {
            Ok(after) => {
                worker.balancer.report_success(&mut choice, clock::monotonic);
                return Outcome::Done(after);
            }
            Err(failure) => failure,
        };
        let now = clock::monotonic();
        match failure {
            // The client's doing says nothing about the backend.
            Failure::Refused(refusal) => return Outcome::Refused(refusal),
            Failure::ClientGone => return Outcome::Done(After::Abort),
            Failure::BrokenOff(after) => {
                worker.balancer.report_failure(&mut choice, now);
                return Outcome::Done(after);
            }
            failure => {
                tracing::debug!(backend = %choice.address(), "the attempt failed: {failure:?}");
                worker.balancer.report_failure(&mut choice, now);
                status = if matches!(failure, Failure::TimedOut) { 504 } else { 502 };
                // Where no connection was made nothing was sent, and anything may go elsewhere.
                // A validation is the cache's own question: once it has seen a response, another 304 would
                // say nothing to the client. Any other answer that broke off before the client had a byte
                // of it may be asked for again; it is then passed on without being stored.
                let is_judged = is_validation && fetch.is_none();
                let may_repeat = is_idempotent && !progress.is_streamed.get() && !is_judged;
                if !may_repeat && !matches!(failure, Failure::Unconnected) {
                    return Outcome::Failed(status);
                }
                if !worker.retry_budget.withdraw(now) {
                    tracing::debug!("the budget of repeated attempts is spent");
                    return Outcome::Failed(status);
                }
            }
        }
        tried.push(choice.id());
    }
}

/// The next backend. While all are at their limit of connections the request waits, in a bounded queue
/// and no longer than a connection may take.
async fn pick(worker: &Worker, wanted: Wanted<'_>, config: &Config) -> Option<Choice> {
    match worker.balancer.pick(wanted, clock::monotonic) {
        Ok(choice) => return Some(choice),
        Err(NoChoice::AllTried) => return None,
        Err(NoChoice::AllFull) => {}
    }
    let _place = worker.queue(config.limits.queue)?;
    let wait = async {
        loop {
            let room = worker.balancer.room().notified();
            match worker.balancer.pick(wanted, clock::monotonic) {
                Ok(choice) => return Some(choice),
                Err(NoChoice::AllTried) => return None,
                Err(NoChoice::AllFull) => room.await,
            }
        }
    };
    tokio::time::timeout(config.timeouts.first_byte, wait).await.ok().flatten()
}

/// One backend: over a connection that was used before if possible, else over a new one.
#[expect(clippy::too_many_arguments, reason = "these are the parts of one exchange, each used apart")]
async fn try_backend(
    worker: &Worker,
    client: &mut Client<'_>,
    terms: Terms,
    upload: &mut Upload<'_>,
    progress: &Progress,
    record: &mut Record,
    fetch: &mut Option<Fetch>,
    config: &Config,
    choice: &Choice,
) -> Result<After, Failure> {
    let address = choice.address();
    // Unused connections of other threads would count against a limit that this one knows
    // nothing of, so connections to such a backend are not kept by several threads.
    // One that rests would be beyond the limit as well.
    let is_limited = choice.member().max_connections.is_some();
    let seeker = Seeker { client: client.peer, may_add: !is_limited };
    // RFC 9112 §9.3.1: a connection that was used before may close at any moment, so only what can be
    // repeated goes there.
    let mut may_reuse =
        client.request.method.is_idempotent() && !progress.is_streamed.get() && progress.is_finished.get();
    loop {
        let pooled = match may_reuse {
            true => worker.pool.take(address, config.timeouts.upstream_keep_alive, seeker),
            false => None,
        };
        let is_reused = pooled.is_some();
        let (wire, made) = match pooled {
            Some(pooled) => pooled,
            None => {
                let mut connected = upstream::connect(address, config.timeouts.connect).await;
                if let Err(upstream::ConnectFailure::Refused(error)) = &connected
                    && platform::is_out_of_descriptors(error)
                {
                    worker.give_back_descriptors();
                    // Those who were asked to leave have their turn first.
                    tokio::time::sleep(SHEDDING).await;
                    connected = upstream::connect(address, config.timeouts.connect).await;
                }
                let wire = connected.map_err(|error| {
                    tracing::debug!(backend = %address, "could not connect: {error}");
                    Failure::Unconnected
                })?;
                (wire, tokio::time::Instant::now())
            }
        };
        let mut buffer = ReadBuffer::lease();
        let backend = (&wire, &mut buffer);
        match attempt(worker, client, terms, upload, progress, record, fetch, backend).await {
            Ok(Delivered { is_tunnel: true, .. }) => {
                if let Some(other) = client.audience.0 {
                    let patience = config.timeouts.tunnel;
                    tunnel::run(other, &mut client.buffer, &wire, &mut buffer, patience).await;
                }
                return Ok(After::Close);
            }
            Ok(delivered) => {
                let may_keep = !is_limited || (config.workers == 1 && !delivered.is_bodiless);
                // A name means other addresses some day: no connection outlives its time, however busy it is.
                let now = tokio::time::Instant::now();
                let is_young = now.saturating_duration_since(made) < config.timeouts.upstream_lifetime;
                if delivered.is_reusable && may_keep && is_young {
                    worker.pool.put(address, wire, made, now, client.peer, delivered.is_bodiless);
                }
                return Ok(delivered.after);
            }
            // The backend had closed the connection while it was unused: no fault of anybody.
            Err(Failure::Silent) if is_reused => may_reuse = false,
            Err(Failure::Unconfirmed) => {
                encode(client, fetch.as_ref(), BodyFraming::Empty, &Wishes::default(), config);
                record.attempts += 1;
            }
            Err(failure) => return Err(failure),
        }
    }
}

/// The exchange is over, perhaps without a complete response; it is logged in any case.
pub(super) fn give_up(worker: &Worker, client: &Client<'_>, record: &mut Record, after: After) -> After {
    if !record.is_logged {
        // The status that nginx made known for a client that leaves before its answer.
        record.status = if record.status == 0 { 499 } else { record.status };
        worker.write_log(client.peer, &client.request, record);
        worker.write_lines();
    }
    after
}
