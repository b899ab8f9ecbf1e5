//! `pibl.toml` as it is written: every value with its place, nothing interpreted.
//!
//! `config::load` parses the file here and `resolved` gives the values their meaning. Unknown keys are
//! refused, and a value never gets a default here.

use std::path::Path;

use serde::Deserialize;
use toml::Spanned;

use super::problem::{Problem, Problems};

/// The file with its text, so that problems can show the line that caused them.
#[derive(Debug, Default)]
pub struct File {
    pub(super) name: String,
    pub(super) text: String,
    pub(super) content: Content,
}

/// A value with its place in the file, where it was written at all.
pub(super) type Written<T> = Option<Spanned<T>>;

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Content {
    pub port: Option<u16>,
    pub listen: Written<String>,
    pub backends: Written<Vec<Spanned<String>>>,
    #[serde(default)]
    pub backend: Vec<BackendTable>,
    pub ttl: Written<String>,
    pub ttl_mode: Written<String>,
    pub policy: Written<String>,
    pub dir: Option<std::path::PathBuf>,
    pub log_file: Option<std::path::PathBuf>,
    pub log_format: Written<String>,
    pub log_to_stdout: Option<bool>,
    pub admin: Written<String>,
    pub workers: Written<usize>,
    pub tls: Written<TlsTable>,
    #[serde(default)]
    pub cache: CacheTable,
    #[serde(default)]
    pub timeouts: TimeoutsTable,
    #[serde(default)]
    pub limits: LimitsTable,
    #[serde(default)]
    pub health: HealthTable,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct BackendTable {
    pub address: Spanned<String>,
    pub weight: Written<u32>,
    pub max_connections: Written<usize>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TlsTable {
    pub cert: Written<std::path::PathBuf>,
    pub key: Written<std::path::PathBuf>,
    pub port: Option<u16>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CacheTable {
    pub enabled: Option<bool>,
    pub size: Written<String>,
    pub max_object: Written<String>,
    pub share_authorized: Option<bool>,
    pub store_set_cookie: Option<bool>,
    pub sync: Written<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TimeoutsTable {
    pub connect: Written<String>,
    pub first_byte: Written<String>,
    pub between_bytes: Written<String>,
    pub total: Written<String>,
    pub request_head: Written<String>,
    pub request_body: Written<String>,
    pub keep_alive: Written<String>,
    pub upstream_keep_alive: Written<String>,
    pub upstream_lifetime: Written<String>,
    pub tunnel: Written<String>,
    pub drain: Written<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LimitsTable {
    pub head: Written<String>,
    pub target: Written<String>,
    pub body: Written<String>,
    pub body_rate: Written<String>,
    pub response_rate: Written<String>,
    pub connections: Written<usize>,
    pub connections_per_address: Written<usize>,
    pub requests_per_second: Written<u32>,
    pub burst: Written<u32>,
    #[serde(default)]
    pub allow: Vec<Spanned<String>>,
    #[serde(default)]
    pub deny: Vec<Spanned<String>>,
    #[serde(default)]
    pub trusted_proxies: Vec<Spanned<String>>,
    pub queue: Written<usize>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct HealthTable {
    pub path: Written<String>,
    pub interval: Written<String>,
    pub timeout: Written<String>,
    pub failures: Written<u32>,
    pub successes: Written<u32>,
    pub eject_for: Written<String>,
}

impl File {
    /// Reads the text of a file; the error of the TOML parser carries line, column and caret.
    pub fn parse(path: &Path, text: String) -> Result<Self, Problems> {
        let name = path.display().to_string();
        match toml::from_str(&text) {
            Ok(content) => Ok(Self { name, text, content }),
            Err(error) => {
                let title = format!("the configuration file does not fit: {}", error.message());
                let problem =
                    Problem::new(title, "`pibl --help` lists the flags, README the keys of the file");
                Err(match error.span() {
                    Some(span) => problem.at(&name, &text, span),
                    None => problem,
                }
                .into())
            }
        }
    }
}
