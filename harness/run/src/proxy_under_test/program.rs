//! Finds the program of a proxy, or builds it.
//!
//! `ProxyUnderTest::prepare` calls it once per run. A binary of this workspace is always built with `--release` first,
//! because measuring a stale or a debug build is worse than not measuring. Nothing is ever downloaded on purpose.

use std::path::{Path, PathBuf};

use super::StartProblem;
use harness_model::adapter::Program;

/// What is being done before a start, for whoever shows progress.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Preparation {
    /// A package of this workspace is being built.
    Building {
        /// Its name.
        package: String,
    },
    /// A build command of the adapter runs.
    Running {
        /// The command and its arguments.
        command: Vec<String>,
    },
}

/// Where daemons live that are not in the PATH of ordinary users.
const SYSTEM_DIRECTORIES: [&str; 6] =
    ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/opt/homebrew/bin"];
/// Lines of a failed build that are worth showing.
const BUILD_LINES: usize = 30;

/// The absolute path of a program; builds it first where it belongs to this workspace.
///
/// Blocks, for minutes when there is something to build.
///
/// # Errors
/// It is missing, or it cannot be built.
pub fn locate_program(program: &Program, announce: &dyn Fn(&Preparation)) -> Result<PathBuf, StartProblem> {
    match program {
        Program::Cargo { package } => workspace_program(package, announce),
        Program::Installed { name, advice } => find_installed(name, advice.as_deref()),
        // Relative to a directory that is not there yet; whoever makes it completes the path.
        Program::Own { path } => Ok(PathBuf::from(path)),
        // Somebody else's business; the address stands for it.
        Program::Attach(attach) => Ok(PathBuf::from(format!("attached at {}", attach.proxy))),
    }
}

/// Words that go into the record, with `~` for the folder of the user: a report must not say whose computer it was made on.
pub fn without_home(words: &[String]) -> Vec<String> {
    let home = std::env::var("HOME").unwrap_or_default();
    words.iter().map(|word| hide(word, &home)).collect()
}

fn hide(word: &str, home: &str) -> String {
    // `/` as a home, as some containers have it, would make every path a riddle.
    if home.len() < 2 {
        word.to_owned()
    } else {
        word.replace(&format!("{}/", home.trim_end_matches('/')), "~/")
    }
}

pub(super) fn find_installed(name: &str, advice: Option<&str>) -> Result<PathBuf, StartProblem> {
    let missing = |searched| StartProblem::ProgramMissing {
        name: name.to_string(),
        searched,
        advice: advice.map(str::to_string),
    };
    if name.contains('/') {
        let path = Path::new(name);
        return path.canonicalize().ok().filter(|path| path.is_file()).ok_or_else(|| missing(Vec::new()));
    }
    let searched = search_directories();
    match searched.iter().map(|directory| directory.join(name)).find(|path| is_executable(path)) {
        // Not canonical: programs such as busybox look at the name that they are called by.
        Some(path) => Ok(path),
        None => Err(missing(searched)),
    }
}

/// The directories of PATH, then those of the system.
fn search_directories() -> Vec<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut found: Vec<PathBuf> = Vec::new();
    for directory in std::env::split_paths(&path).chain(SYSTEM_DIRECTORIES.map(PathBuf::from)) {
        if directory.is_absolute() && !found.contains(&directory) {
            found.push(directory);
        }
    }
    found
}

fn is_executable(path: &Path) -> bool {
    path.is_file() && rustix::fs::access(path, rustix::fs::Access::EXEC_OK).is_ok()
}

/// In a checkout the workspace is built, so that what is measured is what is in front of the user; an installed harness
/// takes the program that lies beside it, then one in PATH.
fn workspace_program(package: &str, announce: &dyn Fn(&Preparation)) -> Result<PathBuf, StartProblem> {
    let manifest = workspace_manifest();
    let beside = std::env::current_exe().ok().and_then(|own| {
        let candidate = own.parent()?.join(format!("{package}{}", std::env::consts::EXE_SUFFIX));
        is_executable(&candidate).then_some(candidate)
    });
    match manifest {
        Some(manifest) => build(package, &manifest, announce),
        None => match beside {
            Some(path) => Ok(path),
            None => find_installed(package, None),
        },
    }
}

/// The manifest of the workspace that this harness was compiled in, if it is still there and a toolchain too.
fn workspace_manifest() -> Option<PathBuf> {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2)?.join("Cargo.toml");
    let cargo = std::env::var_os("CARGO").map_or_else(|| PathBuf::from("cargo"), PathBuf::from);
    let toolchain = cargo.is_absolute() && cargo.is_file() || find_installed("cargo", None).is_ok();
    (manifest.is_file() && toolchain).then_some(manifest)
}

fn build(package: &str, manifest: &Path, announce: &dyn Fn(&Preparation)) -> Result<PathBuf, StartProblem> {
    announce(&Preparation::Building { package: package.to_string() });
    // Not `current_release`, which follows the profile of the harness; nor `current_target`: with an explicit target
    // everything would be built a second time.
    let built =
        escargot::CargoBuild::new().manifest_path(manifest).package(package).bin(package).release().run();
    match built {
        Ok(run) => Ok(run.path().to_path_buf()),
        Err(error) => {
            let text = error.to_string();
            let lines: Vec<String> = text.lines().map(str::to_string).collect();
            let command = ["cargo", "build", "--release", "-p", package].map(str::to_string).to_vec();
            let last_lines = lines[lines.len().saturating_sub(BUILD_LINES)..].to_vec();
            Err(StartProblem::BuildFailed { command, code: None, last_lines })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{StartProblem, find_installed, locate_program};
    use harness_model::adapter::Program;

    #[test]
    fn a_missing_program_is_named_with_the_places_and_the_advice() {
        let program = Program::Installed {
            name: "no-such-proxy".into(),
            advice: Some("apt-get install no-such-proxy".into()),
        };
        let Err(StartProblem::ProgramMissing { name, searched, advice }) = locate_program(&program, &|_| {})
        else {
            panic!("it cannot exist");
        };
        assert_eq!(name, "no-such-proxy");
        assert!(searched.iter().any(|path| path.ends_with("usr/sbin")));
        assert_eq!(advice.as_deref(), Some("apt-get install no-such-proxy"));
    }

    #[test]
    fn a_shell_is_found_by_name_and_by_path() {
        assert!(find_installed("sh", None).unwrap().is_absolute());
        assert!(find_installed("/bin/sh", None).is_ok());
        assert!(find_installed("/bin/no-such-shell", None).is_err());
    }
}
