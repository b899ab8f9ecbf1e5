//! How likely a fault of the rotation is to be seen, stated before anybody relies on a pass.
//!
//! The fairness check prints these figures beside its verdict, because a pass says only as much as the chance that the
//! fault would have shown. Nothing here looks at what a proxy did.

use super::Generator;

/// Trials of the simulation: its standard error stays below one percentage point.
const TRIALS: u32 = 4_000;

/// Probability that `batches` batches of `size` simultaneous requests over `backends` backends catch a counter that
/// loses an update with probability `loss` per pick, when the counts are compared at the quiescence after each batch
/// and may differ by at most `allowed`.
///
/// A lost update gives one backend two turns running and leaves the cursor behind. Whether that shows at a barrier
/// depends on where the cursor stands, and later losses can hide it, so the figure is simulated (seeded, hence
/// reproducible). Between 0 and 1.
pub fn power_of_batches(backends: usize, batches: u32, size: u32, loss: f64, allowed: u64) -> f64 {
    if backends < 2 || batches == 0 || size == 0 || loss <= 0.0 {
        return 0.0;
    }
    let mut generator = Generator::new(0x0070_776f_7765_7221);
    let caught =
        (0..TRIALS).filter(|_| catches(&mut generator, backends, batches, size, loss, allowed)).count();
    caught as f64 / f64::from(TRIALS)
}

/// Probability that a proxy which picks at random shows an exact cycle of `backends` over `requests` serial requests.
pub fn chance_of_a_lucky_cycle(backends: usize, requests: usize) -> f64 {
    if backends < 2 || requests < backends {
        return 1.0;
    }
    // The first n must be a permutation, each later one is forced.
    let permutation: f64 = (1..=backends).map(|i| i as f64 / backends as f64).product();
    permutation * (1.0 / backends as f64).powf((requests - backends) as f64)
}

fn catches(
    generator: &mut Generator,
    backends: usize,
    batches: u32,
    size: u32,
    loss: f64,
    allowed: u64,
) -> bool {
    let mut counts = vec![0u64; backends];
    let mut cursor = generator.below(backends as u64) as usize;
    for _ in 0..batches {
        for _ in 0..size {
            counts[cursor] += 1;
            if generator.unit() >= loss {
                cursor = (cursor + 1) % backends;
            }
        }
        let (least, most) = (counts.iter().min(), counts.iter().max());
        if most.zip(least).is_some_and(|(most, least)| most - least > allowed) {
            return true;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::{chance_of_a_lucky_cycle, power_of_batches};

    #[test]
    fn twenty_five_batches_of_twelve_catch_a_counter_that_loses_one_percent_in_88_of_100_runs() {
        let power = power_of_batches(3, 25, 12, 0.01, 1);
        assert!((0.85..=0.91).contains(&power), "{power}");
    }

    #[test]
    fn a_hundred_batches_catch_it_in_practically_all() {
        assert!(power_of_batches(3, 100, 12, 0.01, 1) > 0.99);
    }

    #[test]
    fn a_counter_that_loses_nothing_is_never_caught() {
        assert_eq!(power_of_batches(3, 100, 12, 0.0, 1), 0.0);
    }

    #[test]
    fn the_figure_is_the_same_each_time() {
        let figure = || power_of_batches(4, 20, 10, 0.01, 1).to_bits();
        assert_eq!(figure(), figure());
    }

    #[test]
    fn nine_random_picks_of_three_look_cyclic_once_in_some_three_thousand() {
        // 3!/3^3 for the first three, then six forced ones.
        let chance = chance_of_a_lucky_cycle(3, 9);
        assert!((chance - 6.0 / 27.0 / 729.0).abs() < 1e-12);
    }
}
