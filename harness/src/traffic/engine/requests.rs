//! What is asked for: weighted mixes of requests over key sets, rendered into bytes without allocation.
//!
//! The worker calls [`Mix::next`] once a request and sends what it wrote. Nothing here knows when, or over which
//! connection, a request goes.

use crate::statistics::Generator;

/// Which key a request is for.
#[derive(Clone, Debug)]
pub enum Keys {
    /// Every request has a number of its own.
    Unique,
    /// The numbers below `count`, one after the other, over and over.
    Sequential {
        /// How many.
        count: u64,
    },
    /// The numbers below `count`, the k-th most popular with a probability in proportion to 1/k^exponent.
    Zipf(Zipf),
}

/// One kind of request of a mix.
#[derive(Clone, Debug)]
pub struct RequestKind {
    /// Name of its histograms.
    pub tag: usize,
    /// Its share, relative to the sum of all weights.
    pub weight: f64,
    /// Method.
    pub method: String,
    /// Target up to the key.
    pub before_key: String,
    /// Target after the key; `None`: the target has no key.
    pub after_key: Option<String>,
    /// Which keys.
    pub keys: Keys,
    /// The rest of the head, from after the target to its empty line, and the body.
    pub rest: Vec<u8>,
}

/// A weighted mix.
#[derive(Clone, Debug)]
pub struct Mix {
    kinds: Vec<RequestKind>,
    cumulative: Vec<f64>,
    counters: Vec<u64>,
    random: Generator,
    stride: u64,
}

impl Mix {
    /// A mix for worker `index` of `workers`: sequential and unique keys are dealt out among them.
    pub fn new(kinds: Vec<RequestKind>, seed: u64, index: u64, workers: u64) -> Mix {
        let mut sum = 0.0;
        let cumulative = kinds.iter().map(|kind| { sum += kind.weight; sum }).collect();
        let counters = vec![index; kinds.len()];
        Mix { kinds, cumulative, counters, random: Generator::new(seed ^ (index << 32)), stride: workers.max(1) }
    }

    /// The kinds.
    pub fn kinds(&self) -> &[RequestKind] {
        &self.kinds
    }

    /// Writes the next request to `out` (emptied first) and returns the index of its kind and where in `out` its
    /// target lies.
    pub fn next(&mut self, out: &mut Vec<u8>) -> (usize, std::ops::Range<usize>) {
        let kind_index = if self.kinds.len() == 1 {
            0
        } else {
            let draw = self.random.unit() * self.cumulative[self.cumulative.len() - 1];
            self.cumulative.partition_point(|&upper| upper <= draw).min(self.kinds.len() - 1)
        };
        let kind = &self.kinds[kind_index];
        out.clear();
        out.extend_from_slice(kind.method.as_bytes());
        out.push(b' ');
        let start = out.len();
        out.extend_from_slice(kind.before_key.as_bytes());
        if let Some(after) = &kind.after_key {
            let counter = &mut self.counters[kind_index];
            let key = match &kind.keys {
                Keys::Unique => *counter,
                Keys::Sequential { count } => *counter % count,
                Keys::Zipf(zipf) => zipf.draw(&mut self.random),
            };
            *counter += self.stride;
            push_decimal(out, key);
            out.extend_from_slice(after.as_bytes());
        }
        let target = start..out.len();
        out.extend_from_slice(&kind.rest);
        (kind_index, target)
    }
}

/// Zipf-distributed numbers by rejection-inversion (W. Hörmann and G. Derflinger, "Rejection-inversion to generate
/// variates from monotone discrete distributions", ACM TOMACS 6(3), 1996): constant time and memory for any count.
#[derive(Clone, Debug)]
pub struct Zipf {
    count: f64,
    exponent: f64,
    h_half: f64,
    h_count: f64,
    shortcut: f64,
}

impl Zipf {
    /// Over `count` numbers (at least one) with an exponent above zero.
    pub fn new(count: u64, exponent: f64) -> Zipf {
        let mut zipf = Zipf { count: count.max(1) as f64, exponent, h_half: 0.0, h_count: 0.0, shortcut: 0.0 };
        zipf.h_half = zipf.h(1.5) - 1.0;
        zipf.h_count = zipf.h(zipf.count + 0.5);
        zipf.shortcut = 2.0 - zipf.h_inverse(zipf.h(2.5) - zipf.density(2.0));
        zipf
    }

    /// A number from zero (the most popular) to `count - 1`.
    pub fn draw(&self, random: &mut Generator) -> u64 {
        loop {
            let u = self.h_count + random.unit() * (self.h_half - self.h_count);
            let x = self.h_inverse(u);
            let k = x.round().clamp(1.0, self.count);
            if k - x <= self.shortcut || u >= self.h(k + 0.5) - self.density(k) {
                return k as u64 - 1;
            }
        }
    }

    fn density(&self, x: f64) -> f64 {
        (-self.exponent * x.ln()).exp()
    }

    /// An integral of the density.
    fn h(&self, x: f64) -> f64 {
        let log = x.ln();
        expm1_over((1.0 - self.exponent) * log) * log
    }

    fn h_inverse(&self, u: f64) -> f64 {
        let t = (u * (1.0 - self.exponent)).max(-1.0);
        (ln1p_over(t) * u).exp()
    }
}

/// (eˣ - 1) / x, also near zero.
fn expm1_over(x: f64) -> f64 {
    if x.abs() > 1e-8 { x.exp_m1() / x } else { 1.0 + x / 2.0 }
}

/// ln(1 + x) / x, also near zero.
fn ln1p_over(x: f64) -> f64 {
    if x.abs() > 1e-8 { x.ln_1p() / x } else { 1.0 - x / 2.0 }
}

fn push_decimal(out: &mut Vec<u8>, mut number: u64) {
    let mut digits = [0u8; 20];
    let mut at = digits.len();
    loop {
        at -= 1;
        digits[at] = b'0' + (number % 10) as u8;
        number /= 10;
        if number == 0 {
            break;
        }
    }
    out.extend_from_slice(&digits[at..]);
}

#[cfg(test)]
mod tests {
    use super::{Keys, Mix, RequestKind, Zipf};
    use crate::statistics::Generator;

    fn kind(tag: usize, weight: f64, keys: Keys) -> RequestKind {
        RequestKind {
            tag,
            weight,
            method: "GET".into(),
            before_key: format!("/{tag}/"),
            after_key: Some(".bin".into()),
            keys,
            rest: b" HTTP/1.1\r\nHost: h\r\n\r\n".to_vec(),
        }
    }

    #[test]
    fn a_request_is_rendered_whole_and_its_target_is_found() {
        let mut mix = Mix::new(vec![kind(0, 1.0, Keys::Unique)], 1, 0, 1);
        let mut out = Vec::new();
        mix.next(&mut out);
        let (_, target) = mix.next(&mut out);
        assert_eq!(out, b"GET /0/1.bin HTTP/1.1\r\nHost: h\r\n\r\n");
        assert_eq!(&out[target], b"/0/1.bin");
    }

    #[test]
    fn weights_are_kept() {
        let mut mix = Mix::new(vec![kind(0, 3.0, Keys::Unique), kind(1, 1.0, Keys::Unique)], 9, 0, 1);
        let mut out = Vec::new();
        let first = (0..40_000).filter(|_| mix.next(&mut out).0 == 0).count();
        assert!(first.abs_diff(30_000) < 500, "{first}");
    }

    #[test]
    fn workers_share_unique_keys_without_overlap() {
        let mut seen = std::collections::HashSet::new();
        let mut out = Vec::new();
        for worker in 0..3 {
            let mut mix = Mix::new(vec![kind(0, 1.0, Keys::Unique)], 1, worker, 3);
            for _ in 0..100 {
                let (_, target) = mix.next(&mut out);
                assert!(seen.insert(out[target].to_vec()));
            }
        }
    }

    #[test]
    fn zipf_has_the_shares_of_its_definition() {
        let zipf = Zipf::new(1000, 1.0);
        let mut random = Generator::new(3);
        let mut counts = vec![0u32; 1000];
        for _ in 0..200_000 {
            counts[zipf.draw(&mut random) as usize] += 1;
        }
        let harmonic: f64 = (1..=1000).map(|k| 1.0 / f64::from(k)).sum();
        for k in [1usize, 2, 10, 100] {
            let expected = 200_000.0 / (k as f64 * harmonic);
            let got = f64::from(counts[k - 1]);
            assert!((got - expected).abs() < 5.0 * expected.sqrt(), "{k}: {got} against {expected}");
        }
    }
}
