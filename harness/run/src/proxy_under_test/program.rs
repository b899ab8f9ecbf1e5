//! Finds the program of a proxy, or builds it.
//!
//! `ProxyUnderTest::prepare` calls it once per run. A binary of this workspace is always built first, with `--release` where
//! its speed is measured: a figure of a stale or a debug build is worse than none. Nothing is ever downloaded on purpose.

use std::fs::File;
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::StartProblem;
use harness_model::adapter::Program;

/// What is being done before a start, for whoever shows progress.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Preparation {
    /// A package of this workspace is being built.
    Building {
        /// Its name.
        package: String,
        /// For speed; else for nothing but being built soon.
        optimised: bool,
    },
    /// A build command of the adapter runs.
    Running {
        /// The command and its arguments.
        command: Vec<String>,
    },
}

/// Why the system would not execute a file, as far as its first bytes tell.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unfit {
    /// The line that names its interpreter ends as on Windows, so that the carriage return belongs to the name.
    LineEnds,
    /// Its interpreter is not on this machine.
    Interpreter {
        /// As the file names it.
        name: String,
    },
    /// It was built for another kind of machine or system.
    OtherMachine,
    /// Nobody may execute it.
    NotAllowed,
}

/// Looks at the first bytes of what was to be executed; `None` where they are in order.
pub(super) fn unfit(program: &Path) -> Option<Unfit> {
    let mut head = [0; 256];
    let length = File::open(program).and_then(|mut file| file.read(&mut head)).ok()?;
    let head = &head[..length];
    if let Some(line) = head.strip_prefix(b"#!").and_then(|rest| rest.split(|&byte| byte == b'\n').next()) {
        if line.ends_with(b"\r") {
            return Some(Unfit::LineEnds);
        }
        let name = String::from_utf8_lossy(line);
        let name = name.split_whitespace().next().unwrap_or_default();
        if !Path::new(name).exists() {
            return Some(Unfit::Interpreter { name: name.to_owned() });
        }
    }
    // The words of an ELF file that say for whom it was built: class and order of bytes, and the machine.
    let mut own = [0; 20];
    File::open("/proc/self/exe").and_then(|mut file| file.read_exact(&mut own)).ok()?;
    let built_for = |file: &[u8]| Some((file.get(4..6)?.to_vec(), file.get(18..20)?.to_vec()));
    let foreign_elf = head.starts_with(b"\x7fELF") && built_for(&own) != built_for(head);
    if foreign_elf || head.starts_with(b"MZ") || head.starts_with(b"\xcf\xfa\xed\xfe") {
        return Some(Unfit::OtherMachine);
    }
    let mode = program.metadata().ok()?.permissions().mode();
    (mode & 0o111 == 0).then_some(Unfit::NotAllowed)
}

/// Where daemons live that are not in the PATH of ordinary users.
const SYSTEM_DIRECTORIES: [&str; 6] =
    ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/opt/homebrew/bin"];
/// Lines of a failed build that are worth showing.
const BUILD_LINES: usize = 30;

/// The absolute path of a program; builds it first where it belongs to this workspace.
///
/// One of this workspace is built with `features` beside its usual ones. Blocks, for minutes when there is something to build.
///
/// # Errors
/// It is missing, or it cannot be built.
pub fn locate_program(
    program: &Program,
    features: &[String],
    optimised: bool,
    announce: &dyn Fn(&Preparation),
) -> Result<PathBuf, StartProblem> {
    match program {
        Program::Cargo { package } => workspace_program(package, features, optimised, announce),
        Program::Installed { name, advice } => find_installed(name, advice.as_deref()),
        // Relative to a directory that is not there yet; whoever makes it completes the path.
        Program::Own { path } => Ok(PathBuf::from(path)),
        // Somebody else's business; the address stands for it.
        Program::Attach(attach) => Ok(PathBuf::from(format!("attached at {}", attach.proxy))),
    }
}

/// The folder of the user: what the environment says, or else what the system knows, as in a job that is given no environment.
pub(super) fn home() -> Option<PathBuf> {
    std::env::home_dir().filter(|home| home.is_absolute())
}

/// Words that go into the record, with `~` for the folder of the user: a report must not say whose computer it was made on.
pub fn without_home(words: &[String]) -> Vec<String> {
    let home = home().map(|home| home.to_string_lossy().into_owned()).unwrap_or_default();
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
fn workspace_program(
    package: &str,
    features: &[String],
    optimised: bool,
    announce: &dyn Fn(&Preparation),
) -> Result<PathBuf, StartProblem> {
    let manifest = workspace_manifest();
    let beside = std::env::current_exe().ok().and_then(|own| {
        let candidate = own.parent()?.join(format!("{package}{}", std::env::consts::EXE_SUFFIX));
        is_executable(&candidate).then_some(candidate)
    });
    match manifest {
        Some(manifest) => build(package, features, &manifest, optimised, announce),
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

fn build(
    package: &str,
    features: &[String],
    manifest: &Path,
    optimised: bool,
    announce: &dyn Fn(&Preparation),
) -> Result<PathBuf, StartProblem> {
    announce(&Preparation::Building { package: package.to_string(), optimised });
    // Not `current_target`: with an explicit target everything would be built a second time.
    let build = escargot::CargoBuild::new().manifest_path(manifest).package(package).bin(package);
    // Beside the harness, so that the features of what both stand on are the ones that are built already.
    let build = if optimised { build.release() } else { build.args(["--package", "harness"]) };
    let build = if features.is_empty() { build } else { build.features(features.join(" ")) };
    match build.run() {
        Ok(run) => Ok(run.path().to_path_buf()),
        Err(error) => {
            let text = error.to_string();
            let lines: Vec<String> = text.lines().map(str::to_string).collect();
            let how = if optimised { &["--release"][..] } else { &[] };
            let command = [&["cargo", "build"], how, &["-p", package]].concat();
            let command = command.into_iter().map(str::to_string).collect();
            let last_lines = lines[lines.len().saturating_sub(BUILD_LINES)..].to_vec();
            Err(StartProblem::BuildFailed { command, code: None, last_lines, apart: false })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{StartProblem, Unfit, find_installed, locate_program, unfit};
    use harness_model::adapter::Program;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_missing_program_is_named_with_the_places_and_the_advice() {
        let program = Program::Installed {
            name: "no-such-proxy".into(),
            advice: Some("apt-get install no-such-proxy".into()),
        };
        let Err(StartProblem::ProgramMissing { name, searched, advice }) =
            locate_program(&program, &[], false, &|_| {})
        else {
            panic!("it cannot exist");
        };
        assert_eq!(name, "no-such-proxy");
        assert!(searched.iter().any(|path| path.ends_with("usr/sbin")));
        assert_eq!(advice.as_deref(), Some("apt-get install no-such-proxy"));
    }

    #[test]
    fn a_file_that_no_system_would_execute_is_told_by_its_first_bytes() {
        let folder = tempfile::tempdir().unwrap();
        let elf: Vec<u8> = (b"\x7fELF".iter().copied()).chain([9; 60]).collect();
        for (bytes, mode, expected) in [
            (&b"#!/bin/sh\r\nexit 0\r\n"[..], 0o755, Some(Unfit::LineEnds)),
            (b"#!/no/such/python3 -u\n", 0o755, Some(Unfit::Interpreter { name: "/no/such/python3".into() })),
            (&elf, 0o755, Some(Unfit::OtherMachine)),
            (b"MZ\x90", 0o755, Some(Unfit::OtherMachine)),
            (b"#!/bin/sh\n", 0o644, Some(Unfit::NotAllowed)),
            (b"#!/bin/sh -e\n", 0o755, None),
        ] {
            let file = folder.path().join("program");
            std::fs::write(&file, bytes).unwrap();
            std::fs::set_permissions(&file, std::fs::Permissions::from_mode(mode)).unwrap();
            assert_eq!(unfit(&file), expected, "{:?}", String::from_utf8_lossy(bytes));
        }
        assert_eq!(unfit(&std::env::current_exe().unwrap()), None);
    }

    #[test]
    fn a_shell_is_found_by_name_and_by_path() {
        assert!(find_installed("sh", None).unwrap().is_absolute());
        assert!(find_installed("/bin/sh", None).is_ok());
        assert!(find_installed("/bin/no-such-shell", None).is_err());
    }
}
