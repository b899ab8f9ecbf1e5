//! An adapter as its author wrote it, and what follows from it.
//!
//! `cli` finds the text, [`resolve`] fills in defaults. Fields exist here only for what the harness does; what a proxy
//! is told stands in its templates, never in code.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use fake_backends::behavior::Span;
use serde::Deserialize;

use super::{Adapter, CacheMedium, Capabilities, Program, Resolution, TtlSource};
use crate::scenario::{Problem, parse};

/// One adapter.
#[derive(Clone, Debug, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AdapterFile {
    /// Short name, also the folder of its reports.
    pub name: String,
    /// Name for people; the short one where left out.
    #[serde(default)]
    pub title: Option<String>,
    /// Where the program comes from.
    pub program: ProgramFile,
    /// Directory that is copied into the private working directory, relative to this file.
    #[serde(default)]
    pub copy_from: Option<PathBuf>,
    /// Commands that build it, in the private copy.
    #[serde(default)]
    pub build: Vec<Vec<String>>,
    /// Directories that must exist before the start.
    #[serde(default)]
    pub directories: Vec<String>,
    /// Files written before each start: path → template.
    #[serde(default)]
    pub files: BTreeMap<String, String>,
    /// The command that starts it; no shell.
    pub start: Vec<String>,
    /// Environment variables; only PATH is there besides.
    #[serde(default)]
    pub environment: BTreeMap<String, String>,
    /// What is typed to it.
    #[serde(default)]
    pub stdin: Option<String>,
    /// Whether its output goes to a terminal (the default) or to a pipe.
    #[serde(default = "yes")]
    pub terminal: bool,
    /// How it is stopped.
    #[serde(default)]
    pub stop: StopFile,
    /// How long it may take to get ready.
    #[serde(default = "ten_seconds")]
    pub ready_within: Span,
    /// How long a restart may be tried again while its port is taken.
    #[serde(default = "ninety_seconds")]
    pub rebind_within: Span,
    /// A port that it insists on.
    #[serde(default)]
    pub fixed_port: Option<u16>,
    /// Its log file, relative to the working directory.
    #[serde(default)]
    pub log_file: Option<String>,
    /// Its cache directory, relative to the working directory.
    #[serde(default)]
    pub cache_directory: Option<String>,
    /// What is removed between scenarios.
    #[serde(default)]
    pub wipe: Vec<String>,
    /// What it declares of itself.
    pub capabilities: CapabilitiesFile,
}

/// Where a program comes from.
#[derive(Clone, Debug, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum ProgramFile {
    /// A package of this workspace.
    Cargo(String),
    /// A program on the machine.
    Installed {
        /// Name or path.
        name: String,
        /// What to do where it is missing.
        #[serde(default)]
        advice: Option<String>,
    },
}

/// How a proxy is stopped.
#[derive(Clone, Debug, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct StopFile {
    /// Signal.
    pub signal: String,
    /// How long it may take.
    pub within: Span,
}

/// What a proxy declares of itself.
#[derive(Clone, Debug, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CapabilitiesFile {
    /// Where its cache lies.
    pub cache: CacheMedium,
    /// How it learns its TTL.
    pub ttl: TtlFile,
    /// How far from the TTL an entry may expire by design.
    #[serde(default)]
    pub resolution: ResolutionFile,
    /// Independent rotations.
    #[serde(default = "one")]
    pub rotations: u32,
    /// How long after the last byte an answer may still be missing from the cache.
    #[serde(default)]
    pub store_lag: Option<Span>,
    /// Where that is documented.
    #[serde(default)]
    pub reference: Option<String>,
}

/// How a proxy learns its TTL.
#[derive(Clone, Debug, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum TtlFile {
    /// On its command line.
    Arguments,
    /// In its configuration file.
    Configuration,
    /// It is a constant of the program.
    Fixed(Span),
    /// It has none.
    None,
}

/// See [`Resolution`].
#[derive(Clone, Debug, Default, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ResolutionFile {
    /// This much before the TTL.
    pub early: Option<Span>,
    /// This much after it.
    pub late: Option<Span>,
}

/// Reads and completes an adapter. `origin` is its file, or a name for one that is built in.
///
/// # Errors
/// What is wrong with the text, with its place.
pub fn resolve(text: &Arc<str>, origin: &Path) -> Result<Adapter, Problem> {
    let file: AdapterFile = parse(text, origin)?;
    let folder = origin.parent().unwrap_or(Path::new(""));
    Ok(Adapter {
        title: file.title.unwrap_or_else(|| file.name.clone()),
        name: file.name,
        origin: origin.display().to_string(),
        program: match file.program {
            ProgramFile::Cargo(package) => Program::Cargo { package },
            ProgramFile::Installed { name, advice } => Program::Installed { name, advice },
        },
        copy_from: file.copy_from.map(|path| folder.join(path)),
        build: file.build,
        directories: file.directories,
        files: file.files,
        start: file.start,
        environment: file.environment,
        stdin: file.stdin,
        terminal: file.terminal,
        stop_signal: file.stop.signal,
        stop_within: file.stop.within.0,
        ready_within: file.ready_within.0,
        rebind_within: file.rebind_within.0,
        fixed_port: file.fixed_port,
        log_file: file.log_file,
        cache_directory: file.cache_directory,
        wipe: file.wipe,
        capabilities: capabilities(file.capabilities),
    })
}

fn capabilities(file: CapabilitiesFile) -> Capabilities {
    Capabilities {
        cache: file.cache,
        ttl: match file.ttl {
            TtlFile::Arguments => TtlSource::Arguments,
            TtlFile::Configuration => TtlSource::Configuration,
            TtlFile::Fixed(ttl) => TtlSource::Fixed { ttl: ttl.0 },
            TtlFile::None => TtlSource::None,
        },
        ttl_resolution: Resolution {
            early: file.resolution.early.map_or(Duration::ZERO, |span| span.0),
            late: file.resolution.late.map_or(Duration::ZERO, |span| span.0),
        },
        rotations: file.rotations,
        store_lag: file.store_lag.map_or(Duration::ZERO, |span| span.0),
        reference: file.reference,
    }
}

impl Default for StopFile {
    fn default() -> Self {
        StopFile { signal: "SIGTERM".into(), within: Span(Duration::from_secs(10)) }
    }
}

fn yes() -> bool {
    true
}

fn one() -> u32 {
    1
}

fn ten_seconds() -> Span {
    Span(Duration::from_secs(10))
}

fn ninety_seconds() -> Span {
    Span(Duration::from_secs(90))
}
