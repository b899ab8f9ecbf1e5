//! What the user wrote, and what the program uses.
//!
//! `cli` reads flags and file through this module at start and again at SIGHUP; every other module takes
//! the [`Config`] that comes out. It opens nothing but the configuration file, certificate and key.

mod file;
mod flags;
mod problem;
mod resolve;
mod resolved;
mod tls;
mod values;

pub use file::File;
pub use flags::Flags;
pub use problem::{Problem, Problems};
pub use resolve::resolve;
pub use resolved::{
    Backend, CacheSettings, Config, HealthSettings, Limits, LogFormat, Policy, Sharing, Sync, Timeouts, Tls,
    TtlMode,
};
pub use values::Network;

use std::path::Path;

/// Reads the configuration: the file at `flags.config`, or `pibl.toml` in the working directory if there
/// is one, with the flags on top. All problems are reported at once.
pub fn load(flags: &Flags) -> Result<Config, Problems> {
    let (path, is_asked_for) = match &flags.config {
        Some(path) => (path.as_path(), true),
        None => (Path::new("pibl.toml"), false),
    };
    let file = match std::fs::read_to_string(path) {
        Ok(text) => File::parse(path, text)?,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound && !is_asked_for => File::default(),
        Err(error) => {
            return Err(Problem::new(
                format!("could not read the configuration file {}: {error}", path.display()),
                "give the path of a readable file with --config, or leave the flag out",
            )
            .into());
        }
    };
    resolve(&file, flags)
}
