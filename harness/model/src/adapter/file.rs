//! An adapter as its author wrote it, and what follows from it.
//!
//! `originals` has the text, [`completed`] fills in defaults. Fields exist here only for what the harness does; what a proxy
//! is told stands in its templates, never in code.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use fake_backends::behavior::Span;
use serde::Deserialize;
use serde_saphyr::Spanned;

use super::rewrite::{ConfigFile, PatchFile};
use super::sections::LimitsFile;
use super::{
    Adapter, AddressPlan, Attach, CacheMedium, Capabilities, NetworkWish, OwnCommands, Program, Replacement,
    RequestShape, Resolution, Rewrite, Setting, TtlSource, templates,
};
use crate::scenario::{Encoding, Problem, What, find_key, is_folder_name, parse, place_of};

/// The name of the profile that a team writes beside its sources.
pub const PROFILE: &str = "pibl-judge.yaml";

/// Whether a file is the profile of a submission, by its name: in any case, with the short ending, with the one that an editor adds
/// unseen, and with the number of a second download.
pub fn is_profile(origin: &Path) -> bool {
    let name = origin.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
    let name = name.strip_suffix(".txt").unwrap_or(&name);
    let stem = name.strip_suffix(".yaml").or_else(|| name.strip_suffix(".yml"));
    let number = |c: char| c.is_ascii_digit() || " ()".contains(c);
    stem.is_some_and(|stem| stem.trim_end_matches(number) == "pibl-judge")
}

/// The profile that lies in a folder: the one that is called [`PROFILE`], or else the first by another spelling, or else where it would lie.
pub fn profile_in(folder: &Path) -> PathBuf {
    let own = folder.join(PROFILE);
    let entries = || std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    let other = || entries().filter(|path| is_profile(path) && path.is_file()).min();
    if own.exists() { own } else { other().unwrap_or(own) }
}

/// One adapter.
#[derive(Clone, Debug, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AdapterFile {
    /// Short name, also the folder of its reports.
    #[schemars(with = "String")]
    pub name: Spanned<String>,
    /// Name for people; the short one where left out.
    #[serde(default)]
    pub title: Option<String>,
    /// Where the program comes from.
    pub program: ProgramFile,
    /// Arguments at which it prints its version and ends well, such as `[--version]`.
    #[serde(default)]
    pub version: Vec<String>,
    /// Directory that is copied into the private working directory, relative to this file.
    #[serde(default)]
    pub copy_from: Option<PathBuf>,
    /// Commands that build it, in the private copy.
    #[serde(default)]
    pub build: Vec<Vec<String>>,
    /// Cargo features that a package of this workspace is built with where a scenario asks by HTTPS, beside its usual ones.
    #[serde(default)]
    pub tls_features: Vec<String>,
    /// Directories that must exist before the start.
    #[serde(default)]
    pub directories: Vec<String>,
    /// Files that must exist before the start, made empty where they do not.
    #[serde(default)]
    pub touch: Vec<String>,
    /// The user's own configuration file, with literal replacements.
    #[serde(default)]
    pub config: Option<ConfigFile>,
    /// Literal replacements in the private copy of the submission, for constants in the source. They are shown and counted.
    #[serde(default)]
    pub patch: Vec<PatchFile>,
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
    /// What it is kept to, where the usual limits of a submission do not fit.
    #[serde(default)]
    pub limits: LimitsFile,
    /// Files written before each start: path → template.
    #[serde(default)]
    pub files: BTreeMap<String, String>,
    /// The command that starts it; no shell. Left out where it runs already.
    #[serde(default)]
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
    /// Signal at which it reads its files again, such as SIGHUP, with other backends while it serves.
    #[serde(default)]
    pub reload: Option<String>,
    /// How long it may take to get ready.
    #[serde(default = "ten_seconds")]
    pub ready_within: Span,
    /// How long a restart may be tried again while its port is taken.
    #[serde(default = "ninety_seconds")]
    pub rebind_within: Span,
    /// A port that it insists on.
    #[serde(default)]
    pub fixed_port: Option<u16>,
    /// An address that it insists on, and is reached at.
    #[serde(default)]
    pub fixed_host: Option<IpAddr>,
    /// Its log file, relative to the working directory; a `*` in its name stands for a date or a number.
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
    /// A file of the submission, or one that `build` makes; relative to the working directory.
    Own(String),
    /// None: the proxy runs already at this address, and `fake-backends --control` behind it.
    Attach(Attach),
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
    /// How far from the TTL an entry may expire by design. Where nothing is said and the TTL is counted in whole seconds or more
    /// (`ttl_step`), a second on either side: such a clock says no more.
    #[serde(default)]
    pub resolution: Option<ResolutionFile>,
    /// The smallest TTL that it can be told, of which every other is a multiple: `1m` where it counts minutes.
    #[serde(default)]
    pub ttl_step: Option<Span>,
    /// Independent rotations.
    #[serde(default = "one")]
    pub rotations: u32,
    /// How long after the last byte an answer may still be missing from the cache.
    #[serde(default)]
    pub store_lag: Option<Span>,
    /// Settings that it can be told beside its TTL.
    #[serde(default)]
    pub settings: Vec<Setting>,
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

/// An adapter but for the originals of what it rewrites.
///
/// # Errors
/// What is wrong with the text, with its place.
pub(super) fn completed(text: &Arc<str>, origin: &Path) -> Result<Adapter, Problem> {
    let file: AdapterFile = parse(text, origin)?;
    let folder = origin.parent().unwrap_or(Path::new(""));
    refuse_name(&file.name, text, origin)?;
    if file.start.is_empty() && !matches!(file.program, ProgramFile::Attach(_)) {
        return Err(Problem::at(find_key(text, origin, "start"), What::MissingKey("start".into())));
    }
    if let Some((key, why)) = file.request.unusable() {
        return Err(Problem::at(find_key(text, origin, key), What::BadValue(why.to_owned())));
    }
    let rewrites = rewrites(&file, folder, text, origin)?;
    let adapter = Adapter {
        title: file.title.unwrap_or_else(|| file.name.value.clone()),
        name: file.name.value,
        origin: origin.display().to_string(),
        program: match file.program {
            ProgramFile::Cargo(package) => Program::Cargo { package },
            ProgramFile::Installed { name, advice } => Program::Installed { name, advice },
            ProgramFile::Own(path) => Program::Own { path },
            ProgramFile::Attach(attach) => Program::Attach(attach),
        },
        version: file.version,
        // A profile that lies in a submission speaks of what lies beside it.
        copy_from: file
            .copy_from
            .or_else(|| is_profile(origin).then(|| PathBuf::from("")))
            .map(|path| folder.join(path)),
        build: file.build,
        tls_features: file.tls_features,
        directories: file.directories,
        touch: file.touch,
        rewrites,
        backends: file.backends,
        network: file.network,
        hosts: file.hosts,
        request: file.request,
        commands: file.commands,
        limits: file.limits.into(),
        files: file.files,
        start: file.start,
        environment: file.environment,
        stdin: file.stdin,
        terminal: file.terminal,
        stop_signal: file.stop.signal,
        stop_within: file.stop.within.0,
        reload_signal: file.reload,
        ready_within: file.ready_within.0,
        rebind_within: file.rebind_within.0,
        fixed_port: file.fixed_port,
        fixed_host: file.fixed_host,
        log_file: file.log_file,
        cache_directory: file.cache_directory,
        wipe: file.wipe,
        capabilities: capabilities(file.capabilities),
    };
    templates::look_through(&adapter, text, origin)?;
    Ok(adapter)
}

/// A name is a folder of reports and part of the name of temporary ones.
fn refuse_name(name: &Spanned<String>, text: &Arc<str>, origin: &Path) -> Result<(), Problem> {
    if is_folder_name(&name.value) {
        return Ok(());
    }
    Err(Problem::at(place_of(name.defined, text, origin), What::UnsafeName))
}

/// The user's configuration and the patches, those of one file together; their originals are not read yet.
fn rewrites(
    file: &AdapterFile,
    folder: &Path,
    text: &Arc<str>,
    origin: &Path,
) -> Result<Vec<Rewrite>, Problem> {
    let mut found: Vec<Rewrite> = Vec::new();
    for patch in &file.patch {
        let Some(copied) = &file.copy_from else {
            return Err(Problem::at(find_key(text, origin, "patch"), What::PatchWithoutCopy));
        };
        let replacement =
            Replacement { text: patch.text.clone(), with: patch.with.clone(), times: patch.times };
        match found.iter_mut().find(|known| known.path == patch.file) {
            Some(known) => known.replace.push(replacement),
            None => found.push(Rewrite {
                path: patch.file.clone(),
                source: folder.join(copied).join(&patch.file),
                before: String::new(),
                encoding: Encoding::default(),
                patch: true,
                replace: vec![replacement],
            }),
        }
    }
    if let Some(config) = &file.config {
        let name = config.from.file_name().map(|name| name.to_string_lossy().into_owned());
        found.push(Rewrite {
            path: config.to.clone().or(name).unwrap_or_default(),
            source: folder.join(&config.from),
            before: String::new(),
            encoding: Encoding::default(),
            patch: false,
            replace: config.replace.clone(),
        });
    }
    Ok(found)
}

fn capabilities(file: CapabilitiesFile) -> Capabilities {
    let ttl_step = file.ttl_step.map_or(Duration::from_millis(1), |span| span.0);
    Capabilities {
        cache: file.cache,
        ttl: match file.ttl {
            TtlFile::Arguments => TtlSource::Arguments,
            TtlFile::Configuration => TtlSource::Configuration,
            TtlFile::Fixed(ttl) => TtlSource::Fixed { ttl: ttl.0 },
            TtlFile::None => TtlSource::None,
        },
        ttl_resolution: file.resolution.map_or_else(
            || Resolution::of_step(ttl_step),
            |declared| Resolution {
                early: declared.early.map_or(Duration::ZERO, |span| span.0),
                late: declared.late.map_or(Duration::ZERO, |span| span.0),
            },
        ),
        ttl_step,
        rotations: file.rotations,
        store_lag: file.store_lag.map_or(Duration::ZERO, |span| span.0),
        settings: file.settings,
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
