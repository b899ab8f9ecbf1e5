//! The proxy on CPUs of its own, apart from load and backends.
//!
//! `--pin` asks for it, the plan keeps it, the conductor and the guard carry it out. Which CPUs there are is told by the
//! caller.

use serde::{Deserialize, Serialize};

/// Who runs where, by numbers of CPUs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pin {
    /// The proxy and all that it starts.
    pub proxy: Vec<usize>,
    /// Load, backends and the harness itself.
    pub others: Vec<usize>,
}

impl Pin {
    /// The first half of the CPUs for the proxy; `None` where there are not two of them.
    pub fn halves(cpus: &[usize]) -> Option<Pin> {
        let (proxy, others) = cpus.split_at(cpus.len() / 2);
        (!proxy.is_empty() && proxy.iter().all(|&cpu| cpu < 64))
            .then(|| Pin { proxy: proxy.to_vec(), others: others.to_vec() })
    }

    /// A bit for each CPU of the proxy.
    pub fn proxy_bits(&self) -> u64 {
        self.proxy.iter().filter(|&&cpu| cpu < 64).fold(0, |bits, cpu| bits | 1 << cpu)
    }
}

#[cfg(test)]
mod tests {
    use super::Pin;

    #[test]
    fn the_proxy_gets_the_first_half() {
        let pin = Pin::halves(&[0, 2, 3, 5, 7]).unwrap();
        assert_eq!((&pin.proxy[..], &pin.others[..], pin.proxy_bits()), (&[0, 2][..], &[3, 5, 7][..], 0b101));
        assert_eq!(Pin::halves(&[3]), None);
    }
}
