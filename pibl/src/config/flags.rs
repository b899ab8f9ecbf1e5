//! The flags of the command line that change the configuration, as typed.
//!
//! `cli` embeds them in its parser and `resolved` lays them over the file. They hold no defaults:
//! what was not typed is `None`, so that a flag wins over the file only when it was given.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use super::resolved::{LogFormat, Policy, TtlMode};
use super::values;

/// What was typed.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct Flags {
    /// Configuration file; without this flag, pibl.toml in the working directory is read if it exists
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Port to listen on; 0 takes a free one and prints it [default: 8080]
    #[arg(long, value_name = "PORT")]
    pub port: Option<u16>,
    /// Address to listen on [default: 0.0.0.0]
    #[arg(long, value_name = "ADDRESS")]
    pub listen: Option<IpAddr>,
    /// Certificate for HTTPS (PEM, those that signed it behind it); read again at SIGHUP [default: none, no HTTPS]
    #[arg(long, value_name = "FILE")]
    pub tls_cert: Option<PathBuf>,
    /// Key of the certificate (PEM)
    #[arg(long, value_name = "FILE")]
    pub tls_key: Option<PathBuf>,
    /// Port for HTTPS, beside --port; 0 takes a free one and prints it [default: 8443]
    #[arg(long, value_name = "PORT")]
    pub tls_port: Option<u16>,
    /// A backend; repeat the flag for each one. Replaces the list of the file
    #[arg(long = "backend", value_name = "HOST:PORT", value_parser = values::backend_address)]
    pub backends: Vec<String>,
    /// How long a stored response is served; the unit is needed [default: 60s]
    #[arg(long, value_name = "DURATION", value_parser = values::duration)]
    pub ttl: Option<Duration>,
    /// What the TTL means beside what the origin says [default: default]
    #[arg(long, value_enum)]
    pub ttl_mode: Option<TtlMode>,
    /// Which backend answers next [default: round-robin]
    #[arg(long, value_enum)]
    pub policy: Option<Policy>,
    /// Directory of the cache (DIR/cache) and of the log [default: the working directory]
    #[arg(long, value_name = "DIR")]
    pub dir: Option<PathBuf>,
    /// Log file, relative to --dir [default: pibl.log]
    #[arg(long, value_name = "FILE")]
    pub log_file: Option<PathBuf>,
    /// Form of the log lines [default: text]
    #[arg(long, value_enum)]
    pub log_format: Option<LogFormat>,
    /// Address of the operator's door (/healthz /backends /cache /metrics /config) [default: none]
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub admin: Option<SocketAddr>,
    /// Restart without a gap: take the sockets over from the pibl that offers them at this path, if one
    /// does, and offer them there afterwards. Start the next pibl with the same flags
    #[arg(long, value_name = "PATH")]
    pub handover: Option<PathBuf>,
    /// Threads that serve connections [default: one per available CPU]
    #[arg(long, value_name = "N")]
    pub workers: Option<usize>,
    /// The most bytes that stored responses may take on disk [default: 10GiB]
    #[arg(long, value_name = "SIZE", value_parser = values::size)]
    pub cache_size: Option<u64>,
    /// How long to wait for a connection to a backend [default: 2s]
    #[arg(long, value_name = "DURATION", value_parser = values::duration)]
    pub connect_timeout: Option<Duration>,
    /// How long to wait for the head of a response [default: 30s]
    #[arg(long, value_name = "DURATION", value_parser = values::duration)]
    pub first_byte_timeout: Option<Duration>,
    /// How long a drain waits for exchanges that are under way [default: 10s]
    #[arg(long, value_name = "DURATION", value_parser = values::duration)]
    pub drain_timeout: Option<Duration>,
}
