//! The optional sections of an adapter, each as it is written and as it is used: addresses, request shape, own commands, limits.
//!
//! `file` reads them into the adapter, `conductor` and `proxy_under_test` act on them. Every section that is left out means
//! what an ordinary proxy needs; nothing here touches the machine.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use fake_backends::behavior::{Size, Span};
use serde::{Deserialize, Serialize};

use crate::terms::duration_ns;

/// Where the backends listen.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum AddressPlan {
    /// One loopback address, a port each that the system chooses.
    #[default]
    Ports,
    /// One port, an address each (127.0.1.1, 127.0.1.2, ...): for a proxy with one port for all its backends.
    OnePort(u16),
    /// The addresses that stand in its source, in order. Those that are not loopback need a network namespace. Backends beyond
    /// the list listen elsewhere, where only a proxy that reads its configuration finds them.
    Fixed(Vec<SocketAddr>),
}

impl AddressPlan {
    /// The address of the backend of this number, from zero; port 0 lets the system choose.
    pub fn address(&self, number: usize) -> SocketAddr {
        let loopback = SocketAddr::from(([127, 0, 0, 1], 0));
        match self {
            AddressPlan::Ports => loopback,
            AddressPlan::OnePort(port) => {
                let last = u8::try_from(number + 1).unwrap_or(u8::MAX);
                SocketAddr::from(([127, 0, 1, last], *port))
            }
            AddressPlan::Fixed(addresses) => addresses.get(number).copied().unwrap_or(loopback),
        }
    }

    /// The addresses that a loopback interface does not have by itself.
    pub fn foreign(&self) -> Vec<IpAddr> {
        match self {
            AddressPlan::Ports | AddressPlan::OnePort(_) => Vec::new(),
            AddressPlan::Fixed(addresses) => {
                let mut found: Vec<IpAddr> = Vec::new();
                for address in addresses.iter().map(SocketAddr::ip) {
                    if !address.is_loopback() && !address.is_unspecified() && !found.contains(&address) {
                        found.push(address);
                    }
                }
                found
            }
        }
    }
}

/// A proxy that runs already.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Attach {
    /// Where it listens.
    pub proxy: SocketAddr,
    /// Where the backends behind it are controlled: what `fake-backends --control` was given.
    pub backends: SocketAddr,
}

/// Whose network a proxy runs in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum NetworkWish {
    /// A network namespace of the run where the host allows it.
    #[default]
    Private,
    /// The host's own: for proxies that somebody else starts, such as containers.
    Host,
}

/// How requests must look for this proxy to take them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RequestShape {
    /// What stands in front of every target, such as `/app`; backends see the target with or without it.
    pub prefix: String,
    /// The value of `Host`, where its routing goes by names; its own address where left out.
    pub host: Option<String>,
    /// Whether targets are sent in absolute form (RFC 9112 §3.2.2), by the raw client and curl.
    pub absolute: bool,
}

impl RequestShape {
    /// A target as it is sent; `host` is the value of `Host`.
    pub fn target(&self, target: &str, host: &str) -> String {
        let scheme = if self.absolute { format!("http://{host}") } else { String::new() };
        format!("{scheme}{}{target}", self.prefix)
    }

    /// The key whose value no client could send, and why.
    pub fn unusable(&self) -> Option<(&'static str, &'static str)> {
        let plain = |text: &str, refused: &[char]| {
            text.chars().all(|letter| letter.is_ascii_graphic() && !refused.contains(&letter))
        };
        let begins = self.prefix.is_empty() || self.prefix.starts_with('/');
        if !begins || !plain(&self.prefix, &['?', '#']) {
            return Some((
                "prefix",
                "a prefix stands in front of every target: it begins with `/`, such as `/app`, and has neither blanks, `?` nor `#`",
            ));
        }
        let host = self.host.as_deref();
        if host.is_some_and(|host| host.is_empty() || !plain(host, &['/', '?', '#', '@'])) {
            return Some((
                "host",
                "a host is a name or an address, with a port or without, such as `www.example.com`: it has neither blanks nor a path",
            ));
        }
        None
    }

    /// Whether requests are sent as they are.
    pub fn is_plain(&self) -> bool {
        *self == RequestShape::default()
    }
}

/// Commands of its own for what signals cannot do, such as ending a container. Argv lists of templates; no shell.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct OwnCommands {
    /// Kills it at once, in front of SIGKILL to everything beneath the guard.
    pub kill: Vec<String>,
    /// Asks it to end, in place of a signal.
    pub stop: Vec<String>,
    /// Prints the pid of its main process, where that is not beneath the guard.
    pub pid: Vec<String>,
}

/// What it is kept to, where the usual limits of a submission do not fit.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct AdapterLimits {
    /// Whether it is kept to its own files and limits; `None`: if its folder is copied.
    pub confined: Option<bool>,
    /// CPU time of each process.
    #[serde(with = "duration_ns::option")]
    pub cpu: Option<Duration>,
    /// Resident memory of all processes together, in bytes.
    pub memory_bytes: Option<u64>,
    /// Processes and threads.
    pub processes: Option<u64>,
    /// Open descriptors of each process.
    pub open_files: Option<u64>,
    /// Bytes that its directory may hold, and any of its files.
    pub written_bytes: Option<u64>,
    /// Further files and folders that it may read, absolute.
    pub readable: Vec<std::path::PathBuf>,
}

/// The same as it is written.
#[derive(Clone, Debug, Default, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct LimitsFile {
    /// Whether it is kept to its own files and limits; by default if its folder is copied.
    pub confined: Option<bool>,
    /// CPU time of each process.
    pub cpu: Option<Span>,
    /// Resident memory of all processes together.
    pub memory: Option<Size>,
    /// Processes and threads.
    pub processes: Option<u64>,
    /// Open descriptors of each process.
    pub open_files: Option<u64>,
    /// What its directory may hold, and any of its files.
    pub written: Option<Size>,
    /// Further files and folders that it may read, absolute.
    pub readable: Vec<std::path::PathBuf>,
}

impl From<LimitsFile> for AdapterLimits {
    fn from(file: LimitsFile) -> AdapterLimits {
        AdapterLimits {
            confined: file.confined,
            cpu: file.cpu.map(|span| span.0),
            memory_bytes: file.memory.map(|size| size.0),
            processes: file.processes,
            open_files: file.open_files,
            written_bytes: file.written.map(|size| size.0),
            readable: file.readable,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_plan_gives_every_backend_an_address_of_its_own() {
        let one_port = AddressPlan::OnePort(9000);
        assert_eq!(one_port.address(0), "127.0.1.1:9000".parse().unwrap());
        assert_eq!(one_port.address(3), "127.0.1.4:9000".parse().unwrap());
        let fixed = AddressPlan::Fixed(vec!["10.0.0.1:80".parse().unwrap(), "127.0.0.2:80".parse().unwrap()]);
        assert_eq!(fixed.address(0), "10.0.0.1:80".parse().unwrap());
        assert_eq!(fixed.address(2).port(), 0, "beyond the list");
        assert_eq!(fixed.foreign(), ["10.0.0.1".parse::<IpAddr>().unwrap()]);
    }

    #[test]
    fn a_shape_adds_its_prefix_and_the_absolute_form() {
        let shape = RequestShape { prefix: "/app".into(), host: Some("www".into()), absolute: true };
        assert_eq!(shape.target("/a?b=c", "www"), "http://www/app/a?b=c");
        assert_eq!(RequestShape::default().target("/a", "h"), "/a");
    }
}
