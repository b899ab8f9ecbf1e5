//! How one proxy is told its settings, and what it declares of itself: as written → resolved, no I/O.
//!
//! The scenario knows nothing of the proxy and the proxy nothing of the scenario; the adapter is where they meet.
//! `proxy_under_test` starts what is rendered here; the checks read the capabilities. Nothing here touches a file.

pub mod boundary;
pub mod built_in;
mod capabilities;
mod file;
mod originals;
mod render;
mod rewrite;
mod sections;
mod templates;
mod thrift;

pub use boundary::leads_outside;
pub use capabilities::{CacheMedium, Capabilities, Resolution, Setting, TtlSource};
pub use file::{AdapterFile, PROFILE, is_profile, profile_in};
pub use originals::{read, resolve};
pub use render::{RenderProblem, render};
pub use rewrite::{Replacement, Rewrite, Rewritten, apply};
pub use sections::{AdapterLimits, AddressPlan, Attach, NetworkWish, OwnCommands, RequestShape};

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::terms::duration_ns;

/// An adapter, resolved: defaults filled in, units gone.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Adapter {
    /// Short name, also the folder of its reports.
    pub name: String,
    /// Name for people.
    pub title: String,
    /// The file it came from, or `built in`.
    pub origin: String,
    /// Where the program comes from.
    pub program: Program,
    /// Arguments at which it prints its version and ends well; none: it is not asked.
    #[serde(default)]
    pub version: Vec<String>,
    /// Directory that is copied into the private working directory, if any.
    pub copy_from: Option<std::path::PathBuf>,
    /// Commands that build it, in the private copy; argv lists.
    pub build: Vec<Vec<String>>,
    /// Cargo features that a package of this workspace is built with where a scenario asks by HTTPS.
    #[serde(default)]
    pub tls_features: Vec<String>,
    /// Directories created in the working directory before the start.
    pub directories: Vec<String>,
    /// Files that must exist before the start and are left alone where they do.
    #[serde(default)]
    pub touch: Vec<String>,
    /// Files of others that are changed before they are used: the user's configuration, patched sources.
    #[serde(default)]
    pub rewrites: Vec<Rewrite>,
    /// Where the backends listen.
    #[serde(default)]
    pub backends: AddressPlan,
    /// Whose network it runs in.
    #[serde(default)]
    pub network: NetworkWish,
    /// Names that it finds at these addresses, whatever the host says of them.
    #[serde(default)]
    pub hosts: BTreeMap<String, IpAddr>,
    /// How requests must look for it.
    #[serde(default)]
    pub request: RequestShape,
    /// Commands of its own for what signals cannot do.
    #[serde(default)]
    pub commands: OwnCommands,
    /// What it is kept to.
    #[serde(default)]
    pub limits: AdapterLimits,
    /// Files rendered into the working directory before the start: relative path → template.
    pub files: BTreeMap<String, String>,
    /// The command that starts it, an argv list of templates; no shell.
    pub start: Vec<String>,
    /// Environment; nothing else is inherited but PATH.
    pub environment: BTreeMap<String, String>,
    /// Text that is written to its standard input.
    pub stdin: Option<String>,
    /// Whether its standard output is a pseudo-terminal (default) rather than a pipe.
    pub terminal: bool,
    /// Signal that asks it to end in an orderly way, such as `SIGTERM`.
    pub stop_signal: String,
    /// How long it may take to end after that.
    #[serde(with = "duration_ns")]
    pub stop_within: Duration,
    /// Signal at which it reads its files again while it serves; `None`: it learns its backends at a start alone.
    #[serde(default)]
    pub reload_signal: Option<String>,
    /// How long it may take to listen and answer.
    #[serde(with = "duration_ns")]
    pub ready_within: Duration,
    /// How long a restart may be tried again while its port is still taken.
    #[serde(with = "duration_ns")]
    pub rebind_within: Duration,
    /// A port that it insists on; `None`: it listens where it is told.
    pub fixed_port: Option<u16>,
    /// An address that it insists on, and is reached at; `None`: it listens on the one that it is told.
    #[serde(default)]
    pub fixed_host: Option<IpAddr>,
    /// Its log file, relative to the working directory; a `*` in its name stands for anything.
    pub log_file: Option<String>,
    /// Its cache directory, relative to the working directory.
    pub cache_directory: Option<String>,
    /// What is removed between scenarios (never at a crash), relative to the working directory.
    pub wipe: Vec<String>,
    /// What it declares of itself.
    pub capabilities: Capabilities,
}

/// Where the program of a proxy comes from.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Program {
    /// A binary of this workspace, built with `--release` first.
    Cargo {
        /// Package and binary of the same name.
        package: String,
    },
    /// A program on the machine: a name looked up in PATH and the system directories, or a path; with what to install where it is missing.
    Installed {
        /// Name or path.
        name: String,
        /// Advice, such as `apt-get install nginx`.
        advice: Option<String>,
    },
    /// A file of its own working directory, copied there or built there; a relative path.
    Own {
        /// Path.
        path: String,
    },
    /// A proxy that runs already, behind which `fake-backends` runs: nothing is started, and nothing ended.
    Attach(Attach),
}

impl Adapter {
    /// Whether a file of its working directory is its log, by its name relative to that.
    pub fn is_log(&self, name: &str) -> bool {
        let log = self.log_file.as_deref().map(|log| log.strip_prefix("./").unwrap_or(log));
        log.is_some_and(|log| match log.split_once('*') {
            None => log == name,
            Some((before, behind)) => name.strip_prefix(before).is_some_and(|rest| rest.ends_with(behind)),
        })
    }

    /// Where it runs already, if it does.
    pub fn attached(&self) -> Option<&Attach> {
        if let Program::Attach(attach) = &self.program { Some(attach) } else { None }
    }

    /// The addresses that the loopback interface must be given before this proxy can run, and which the host's own has not.
    pub fn foreign_addresses(&self) -> Vec<IpAddr> {
        let mut found = self.backends.foreign();
        let named = self.hosts.values().chain(&self.fixed_host).copied();
        for address in named.filter(|address| !address.is_loopback() && !address.is_unspecified()) {
            if !found.contains(&address) {
                found.push(address);
            }
        }
        found
    }
}

/// What the templates of an adapter can say.
#[derive(Clone, Debug, Serialize)]
pub struct LaunchVariables {
    /// The program, absolute.
    pub program: String,
    /// The private working directory, absolute.
    pub directory: String,
    /// Address to listen on.
    pub host: String,
    /// Port to listen on.
    pub port: Option<u16>,
    /// Port to listen on for HTTPS, where a scenario asks so and the proxy is said to know it; the four files are there then.
    pub tls_port: Option<u16>,
    /// File with the certificate and those between it and its authority (PEM), absolute.
    pub certificate: Option<String>,
    /// File with its key (PKCS #8 in PEM).
    pub key: Option<String>,
    /// File with both, for proxies that want one.
    pub certificate_and_key: Option<String>,
    /// File with the authority that clients trust (PEM).
    pub authority: Option<String>,
    /// Whether HTTP/2 is to be spoken there.
    pub http2: bool,
    /// The backends.
    pub backends: Vec<BackendAddress>,
    /// TTL in whole seconds (rounded up), where one is given.
    pub ttl_seconds: Option<u64>,
    /// TTL in milliseconds, where one is given.
    pub ttl_milliseconds: Option<u64>,
    /// TTL in minutes as a decimal number, where one is given.
    pub ttl_minutes: Option<f64>,
    /// TTL in whole minutes (rounded up), where one is given.
    pub ttl_whole_minutes: Option<u64>,
    /// `round_robin` or `least_connections`, where the scenario asks for one of them.
    pub balance: Option<String>,
    /// Most requests of a client address in a second, where they are limited.
    pub throttle: Option<u32>,
    /// Requests by which a client address may exceed that for a moment.
    pub throttle_burst: u32,
    /// Client addresses that are let in; empty: all.
    pub allow: Vec<String>,
    /// What it asks its backends for to see whether they are well, where it is to do so.
    pub health_path: Option<String>,
    /// Milliseconds between two such requests to the same backend.
    pub health_milliseconds: Option<u64>,
    /// Failures in a row that take a backend out.
    pub health_failures: Option<u32>,
    /// Successes in a row that bring it back.
    pub health_successes: Option<u32>,
}

/// Where a backend listens.
#[derive(Clone, Debug, Serialize)]
pub struct BackendAddress {
    /// Its name, `b1`, `b2`, ...
    pub name: String,
    /// Host.
    pub host: String,
    /// Port.
    pub port: u16,
    /// `host:port`.
    pub address: String,
}

/// A launch, rendered: nothing left to decide.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Launch {
    /// Program and arguments.
    pub argv: Vec<String>,
    /// Files to write, relative path → text.
    pub files: BTreeMap<String, String>,
    /// Environment.
    pub environment: BTreeMap<String, String>,
    /// Standard input.
    pub stdin: Option<String>,
    /// Files of others, changed.
    #[serde(default)]
    pub rewritten: Vec<Rewritten>,
    /// Commands of its own.
    #[serde(default)]
    pub commands: OwnCommands,
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::resolve;

    #[test]
    fn a_log_may_have_another_name_each_day() {
        let is_log = |log: &str, name: &str| {
            let text = format!(
                "name: x\nprogram: {{installed: {{name: x}}}}\nstart: [x]\nlog_file: \"{log}\"\n\
                 capabilities: {{cache: none, ttl: none}}\n"
            );
            resolve(&text.into(), Path::new("x.yaml")).unwrap().is_log(name)
        };
        assert!(is_log("./proxy.log", "proxy.log") && !is_log("proxy.log", "proxy.log.1"));
        assert!(
            is_log("logs/p-*.log", "logs/p-2026-12-01.log") && is_log("logs/*.log", "logs/2026/12/01.log")
        );
        assert!(!is_log("logs/p-*.log", "logs/p-2026.txt") && !is_log("a*a", "a"));
    }
}
