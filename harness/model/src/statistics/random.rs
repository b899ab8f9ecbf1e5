//! Chance that can be repeated: xoshiro256** seeded through SplitMix64, as its authors (Blackman and Vigna) advise.
//!
//! Whatever is drawn in a run (the instant of a kill, the order of probes) comes from the seed in its plan, so a run can
//! be repeated from its folder. It is no source of secrets.

use std::time::Duration;

/// A seeded generator of pseudo-random numbers.
#[derive(Clone, Debug)]
pub struct Generator {
    state: [u64; 4],
}

impl Generator {
    /// A generator whose numbers follow from `seed` alone; zero is a seed like any other.
    pub fn new(seed: u64) -> Generator {
        let mut position = seed;
        Generator { state: std::array::from_fn(|_| split_mix(&mut position)) }
    }

    /// A generator for one purpose within a run: same seed and purpose, same numbers; other purpose, unrelated ones.
    pub fn for_purpose(seed: u64, purpose: u64) -> Generator {
        let mut position = purpose;
        Generator::new(seed ^ split_mix(&mut position))
    }

    /// The next 64 bits.
    pub fn next_u64(&mut self) -> u64 {
        let s = &mut self.state;
        let result = s[1].wrapping_mul(5).rotate_left(7).wrapping_mul(9);
        let shifted = s[1] << 17;
        s[2] ^= s[0];
        s[3] ^= s[1];
        s[1] ^= s[2];
        s[0] ^= s[3];
        s[2] ^= shifted;
        s[3] = s[3].rotate_left(45);
        result
    }

    /// A number below `limit`; zero where the limit is zero.
    pub fn below(&mut self, limit: u64) -> u64 {
        // Multiply and shift: the bias is below limit / 2^64, which nothing here can notice.
        ((u128::from(self.next_u64()) * u128::from(limit)) >> 64) as u64
    }

    /// A number from 0 (included) to 1 (excluded).
    pub fn unit(&mut self) -> f64 {
        (self.next_u64() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// A duration from `least` to `most`; `least` where they are the wrong way round.
    pub fn duration_between(&mut self, least: Duration, most: Duration) -> Duration {
        least + most.saturating_sub(least).mul_f64(self.unit())
    }

    /// Puts the elements into a random order (Fisher and Yates).
    pub fn shuffle<T>(&mut self, values: &mut [T]) {
        for last in (1..values.len()).rev() {
            let chosen = self.below(last as u64 + 1) as usize;
            values.swap(last, chosen);
        }
    }
}

fn split_mix(position: &mut u64) -> u64 {
    *position = position.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut z = *position;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Generator, split_mix};

    #[test]
    fn split_mix_gives_the_published_numbers() {
        // The first outputs for seed 1234567 of the authors' reference program.
        let mut position = 1_234_567;
        assert_eq!(split_mix(&mut position), 6_457_827_717_110_365_317);
        assert_eq!(split_mix(&mut position), 3_203_168_211_198_807_973);
    }

    #[test]
    fn the_same_seed_gives_the_same_numbers_and_another_purpose_others() {
        let first: Vec<u64> = std::iter::repeat_with({
            let mut g = Generator::new(7);
            move || g.next_u64()
        })
        .take(5)
        .collect();
        let again: Vec<u64> = std::iter::repeat_with({
            let mut g = Generator::new(7);
            move || g.next_u64()
        })
        .take(5)
        .collect();
        assert_eq!(first, again);
        assert_ne!(Generator::for_purpose(7, 1).next_u64(), Generator::for_purpose(7, 2).next_u64());
    }

    #[test]
    fn numbers_stay_below_their_limit_and_reach_all_of_it() {
        let mut generator = Generator::new(1);
        let mut seen = [0u32; 5];
        for _ in 0..5_000 {
            seen[generator.below(5) as usize] += 1;
        }
        assert!(seen.iter().all(|&n| (800..1_200).contains(&n)), "{seen:?}");
        assert_eq!(generator.below(0), 0);
    }

    #[test]
    fn durations_lie_between_their_limits() {
        let mut generator = Generator::new(3);
        let (least, most) = (Duration::from_millis(20), Duration::from_millis(30));
        for _ in 0..1_000 {
            let drawn = generator.duration_between(least, most);
            assert!(drawn >= least && drawn <= most);
        }
        assert_eq!(generator.duration_between(most, least), most);
    }

    #[test]
    fn a_shuffle_keeps_every_element() {
        let mut values: Vec<u32> = (0..100).collect();
        Generator::new(9).shuffle(&mut values);
        assert_ne!(values, (0..100).collect::<Vec<_>>());
        values.sort_unstable();
        assert_eq!(values, (0..100).collect::<Vec<_>>());
    }
}
