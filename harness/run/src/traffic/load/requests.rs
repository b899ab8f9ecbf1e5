//! What is asked for: weighted mixes of requests over key sets, rendered into bytes without allocation.
//!
//! The worker calls `Mix::next` once a request and sends what it wrote. Nothing here knows when, or over which
//! connection, a request goes.

use harness_model::plan::MixPart;
use harness_model::statistics::Generator;

/// Which key a request is for.
#[derive(Clone, Debug)]
pub(super) enum Keys {
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
pub(super) struct RequestKind {
    /// Index of its tag.
    pub(super) tag: usize,
    /// Whether its answers have no body, being those to HEAD.
    pub(super) to_head: bool,
    weight: f64,
    method: String,
    /// The target around the places of its number.
    pieces: Vec<String>,
    keys: Keys,
    /// The rest of the head, from after the target to its empty line.
    rest: Vec<u8>,
}

/// A weighted mix.
#[derive(Clone, Debug)]
pub(super) struct Mix {
    kinds: Vec<RequestKind>,
    cumulative: Vec<f64>,
    counters: Vec<u64>,
    random: Generator,
    stride: u64,
}

/// What was written for a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Written {
    /// Index of its kind.
    pub(super) kind: usize,
    /// Its number, where the number is one of a few; it tells its target apart from all others of its kind.
    pub(super) key: Option<u64>,
    /// Where in the bytes its target lies.
    pub(super) target: std::ops::Range<usize>,
}

impl RequestKind {
    /// A kind of request; `tag` is the index of its histograms. `rest` follows the target.
    pub(super) fn new(tag: usize, part: &MixPart, cycle: u32, rest: &[u8]) -> RequestKind {
        let path = part.path.replace("{cycle}", &cycle.to_string()).replace("{batch}", "0");
        let pieces: Vec<String> = path.replace("{key}", "{n}").split("{n}").map(str::to_owned).collect();
        let keys = match (part.keys, part.zipf) {
            _ if pieces.len() == 1 => Keys::Sequential { count: 1 },
            (0, _) => Keys::Unique,
            (count, None) => Keys::Sequential { count: count.into() },
            (count, Some(exponent)) => Keys::Zipf(Zipf::new(count.into(), exponent)),
        };
        RequestKind {
            tag,
            to_head: part.method == "HEAD",
            weight: part.weight,
            method: part.method.clone(),
            pieces,
            keys,
            rest: rest.to_vec(),
        }
    }

    /// Its method.
    pub(super) fn method(&self) -> &str {
        &self.method
    }
}

impl Mix {
    /// A mix for worker `index` of `workers`: sequential and unique keys are dealt out among them.
    pub(super) fn new(kinds: Vec<RequestKind>, seed: u64, index: u64, workers: u64) -> Mix {
        let mut sum = 0.0;
        let cumulative = kinds
            .iter()
            .map(|kind| {
                sum += kind.weight;
                sum
            })
            .collect();
        let counters = vec![index; kinds.len()];
        let random = Generator::for_purpose(seed, index.wrapping_add(1));
        Mix { kinds, cumulative, counters, random, stride: workers.max(1) }
    }

    /// The kinds.
    pub(super) fn kinds(&self) -> &[RequestKind] {
        &self.kinds
    }

    /// Writes the next request to `out` (emptied first) and says what it wrote.
    pub(super) fn next(&mut self, out: &mut Vec<u8>) -> Written {
        let index = if self.kinds.len() == 1 {
            0
        } else {
            let draw = self.random.unit() * self.cumulative.last().copied().unwrap_or(1.0);
            self.cumulative.partition_point(|&upper| upper <= draw).min(self.kinds.len() - 1)
        };
        let kind = &self.kinds[index];
        let counter = &mut self.counters[index];
        let (number, key) = match &kind.keys {
            Keys::Unique => (*counter, None),
            Keys::Sequential { count } => (*counter % count, Some(*counter % count)),
            Keys::Zipf(zipf) => {
                let key = zipf.draw(&mut self.random);
                (key, Some(key))
            }
        };
        *counter += self.stride;
        out.clear();
        out.extend_from_slice(kind.method.as_bytes());
        out.push(b' ');
        let start = out.len();
        for (place, piece) in kind.pieces.iter().enumerate() {
            if place > 0 {
                push_decimal(out, number);
            }
            out.extend_from_slice(piece.as_bytes());
        }
        let target = start..out.len();
        out.extend_from_slice(&kind.rest);
        Written { kind: index, key, target }
    }
}

/// Zipf-distributed numbers by rejection-inversion (W. Hörmann and G. Derflinger, "Rejection-inversion to generate
/// variates from monotone discrete distributions", ACM TOMACS 6(3), 1996): constant time and memory for any count.
#[derive(Clone, Debug)]
pub(super) struct Zipf {
    count: f64,
    exponent: f64,
    h_half: f64,
    h_count: f64,
    shortcut: f64,
}

impl Zipf {
    /// Over `count` numbers (at least one) with an exponent above zero.
    pub(super) fn new(count: u64, exponent: f64) -> Zipf {
        let mut zipf =
            Zipf { count: count.max(1) as f64, exponent, h_half: 0.0, h_count: 0.0, shortcut: 0.0 };
        zipf.h_half = zipf.h(1.5) - 1.0;
        zipf.h_count = zipf.h(zipf.count + 0.5);
        zipf.shortcut = 2.0 - zipf.h_inverse(zipf.h(2.5) - zipf.density(2.0));
        zipf
    }

    /// A number from zero (the most popular) to `count - 1`.
    pub(super) fn draw(&self, random: &mut Generator) -> u64 {
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
    use super::{Mix, RequestKind, Zipf};
    use harness_model::plan::MixPart;
    use harness_model::statistics::Generator;

    fn kind(tag: usize, weight: f64, path: &str, keys: u32) -> RequestKind {
        let part =
            MixPart { tag: String::new(), weight, method: "GET".into(), path: path.into(), keys, zipf: None };
        RequestKind::new(tag, &part, 3, b" HTTP/1.1\r\nHost: h\r\n\r\n")
    }

    #[test]
    fn a_request_is_rendered_whole_and_its_target_is_found() {
        let mut mix = Mix::new(vec![kind(0, 1.0, "/{cycle}/{n}.bin?k={key}", 0)], 1, 0, 1);
        let mut out = Vec::new();
        mix.next(&mut out);
        let written = mix.next(&mut out);
        assert_eq!(out, b"GET /3/1.bin?k=1 HTTP/1.1\r\nHost: h\r\n\r\n");
        assert_eq!(&out[written.target], b"/3/1.bin?k=1");
        assert_eq!(written.key, None, "every target its own");
    }

    #[test]
    fn few_keys_come_again_in_order() {
        let mut mix = Mix::new(vec![kind(0, 1.0, "/{key}", 3)], 1, 0, 1);
        let mut out = Vec::new();
        let keys: Vec<_> = (0..5).map(|_| mix.next(&mut out).key.unwrap()).collect();
        assert_eq!(keys, [0, 1, 2, 0, 1]);
    }

    #[test]
    fn weights_are_kept() {
        let mut mix = Mix::new(vec![kind(0, 3.0, "/{n}", 0), kind(1, 1.0, "/{n}", 0)], 9, 0, 1);
        let mut out = Vec::new();
        let first = (0..40_000).filter(|_| mix.next(&mut out).kind == 0).count();
        assert!(first.abs_diff(30_000) < 500, "{first}");
    }

    #[test]
    fn workers_share_unique_keys_without_overlap() {
        let mut seen = std::collections::HashSet::new();
        let mut out = Vec::new();
        for worker in 0..3 {
            let mut mix = Mix::new(vec![kind(0, 1.0, "/{n}", 0)], 1, worker, 3);
            for _ in 0..100 {
                let written = mix.next(&mut out);
                assert!(seen.insert(out[written.target].to_vec()));
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
