//! `probe`: one GET per filled key at a planned age, spread evenly over a window around the TTL.
//!
//! The conductor calls it after a fill. Each key is asked once: a probe that reached the origin has filled the key anew.
//! Which key gets which age is drawn by the seed, so that neither the order of filling nor the load of an instant can
//! pass for an expiry.

use fake_backends::behavior::Random;

use super::worker::send_all;
use super::{KeyBook, Problem, Request, Traffic};
use harness_model::history::Purpose;
use harness_model::plan::{Probe, Step};

/// Probes are sent on time whatever the others do; more than this many are never under way.
const AT_A_TIME: usize = 64;

/// Probes every key of the step that it refers to.
///
/// # Errors
/// The host has no timer, or no key was filled.
pub async fn run(traffic: &Traffic, book: &KeyBook, step: &Step, probe: &Probe) -> Result<(), Problem> {
    let keys: Vec<_> = book.of(probe.of).iter().filter(|key| key.answered).collect();
    if keys.is_empty() {
        return Err(Problem::NoKeys);
    }
    let mut places: Vec<usize> = (0..keys.len()).collect();
    shuffle(&mut places, &mut traffic.random(step.index));
    let mut requests: Vec<Request> = keys
        .iter()
        .zip(places)
        .map(|(key, place)| {
            let share = (place as f64 + 0.5) / keys.len() as f64;
            Request::get(Purpose::Probe, key.number, key.target.clone(), key.finished + probe.at.age(share))
                .in_group(step.cycle)
        })
        .collect();
    requests.sort_by_key(|request| request.intended);
    send_all(&traffic.clients, requests, AT_A_TIME).await.map(drop)
}

/// Fisher and Yates.
fn shuffle(places: &mut [usize], random: &mut Random) {
    for last in (1..places.len()).rev() {
        // Scaling keeps the bias below one in 2^53 for any length that fits in memory.
        let other = (random.unit() * (last + 1) as f64) as usize;
        places.swap(last, other.min(last));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shuffle_keeps_every_place_and_depends_on_the_seed() {
        let shuffled = |seed| {
            let mut places: Vec<usize> = (0..50).collect();
            shuffle(&mut places, &mut Random::new(seed));
            places
        };
        let mut sorted = shuffled(1);
        assert_ne!(sorted, shuffled(2));
        assert_eq!(sorted, shuffled(1));
        sorted.sort_unstable();
        assert_eq!(sorted, (0..50).collect::<Vec<_>>());
    }
}
