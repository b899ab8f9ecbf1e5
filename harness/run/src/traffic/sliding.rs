//! `sliding`: the same keys over and over, to see whether hits prolong the life of what is cached.
//!
//! The conductor calls it. Each key has its own task and its own schedule; a request that is still unanswered when the
//! next one is due delays that one, and the record shows it.

use tokio::task::JoinSet;

use super::fill::share;
use super::keys::is_success;
use super::{FilledKey, KeyBook, Numbers, Pacer, Problem, Request, Traffic, expand};
use harness_model::history::{Exchange, Purpose};
use harness_model::plan::{Sliding, Step};

/// Asks for every key at its interval.
///
/// # Errors
/// The host has no timer, or not one request was answered with a success.
pub async fn run(
    traffic: &Traffic,
    book: &mut KeyBook,
    step: &Step,
    sliding: &Sliding,
) -> Result<(), Problem> {
    let start = traffic.clients.clock().now();
    let every = sliding.every.max(std::time::Duration::from_millis(1));
    let rounds = (sliding.duration.as_secs_f64() / every.as_secs_f64()).floor() as u32 + 1;
    let mut tasks = JoinSet::new();
    for key in 0..sliding.keys {
        let clients = traffic.clients.clone();
        let target = expand(&sliding.path, Numbers { n: key.into(), batch: 0, cycle: step.cycle });
        // Keys are offset against each other, so that they do not all come at once.
        let first = start + share(every, key, sliding.keys);
        tasks.spawn(async move {
            let mut pacer = Pacer::new(clients.clock())?;
            let mut exchanges: Vec<Exchange> = Vec::new();
            for round in 0..rounds {
                let due = first + every * round;
                pacer.until(due).await?;
                let request = Request::get(Purpose::Slide, key, target.clone(), due).in_group(round);
                exchanges.push(clients.ask(&request).await);
            }
            Ok::<_, Problem>(exchanges)
        });
    }
    let (mut keys, mut answered) = (Vec::new(), false);
    while let Some(joined) = tasks.join_next().await {
        let exchanges = joined.map_err(|error| error.to_string())??;
        answered |= exchanges.iter().any(is_success);
        keys.extend(exchanges.first().map(FilledKey::of));
    }
    keys.sort_by_key(|key| key.number);
    book.enter(step.index, keys);
    if answered { Ok(()) } else { Err(Problem::NothingAnswered) }
}
