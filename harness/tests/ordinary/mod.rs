//! The same test once more, as an ordinary user: what root enforces and what everybody else does are two things.
//!
//! Where the tests run as root each of these is executed again in a process of a user without a name; no account is made.

#![cfg(target_os = "linux")]

use std::os::unix::fs::{PermissionsExt as _, chown};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Nobody's number on every distribution.
const USER: u32 = 65_534;
/// Where the copy of the harness lies that an ordinary user may execute.
const HARNESS: &str = "HARNESS_OF_AN_ORDINARY_USER";

/// Whether this process is root's.
pub fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// The program `harness`, such that whoever runs the test may execute it.
pub fn harness() -> PathBuf {
    std::env::var_os(HARNESS).map_or_else(|| env!("CARGO_BIN_EXE_harness").into(), PathBuf::from)
}

/// Runs the test of this name of this binary as an ordinary user too, where the caller is root.
///
/// # Panics
/// It fails there.
pub fn also(test: &str) {
    if !is_root() {
        return;
    }
    let place = tempfile::Builder::new().prefix("ordinary-").tempdir().expect("a temporary directory");
    let (programs, home) = (place.path().join("deps"), place.path().join("home"));
    std::fs::create_dir(&programs).expect("a folder");
    std::fs::create_dir(&home).expect("a folder");
    for folder in [place.path(), &programs, &home] {
        std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o755)).expect("its mode");
    }
    chown(&home, Some(USER), Some(USER)).expect("a home for nobody");
    let (tests, harness) = (programs.join("tests"), place.path().join("harness"));
    put(&std::env::current_exe().expect("this binary"), &tests);
    put(Path::new(env!("CARGO_BIN_EXE_harness")), &harness);
    let output = Command::new(&tests)
        .args(["--exact", test, "--nocapture"])
        .env_clear()
        .envs([("PATH", "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin"), ("LANG", "en_US.UTF-8")])
        .env("HOME", &home)
        .env(HARNESS, &harness)
        .current_dir("/")
        .uid(USER)
        .gid(USER)
        .output()
        .expect("this binary runs as an ordinary user");
    let said = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    eprintln!("as an ordinary user:\n{}", said.concat());
    assert!(output.status.success(), "as an ordinary user, {test}: {}", said.concat());
    assert!(said[0].contains("1 passed"), "{test} is a test: {}", said[0]);
}

/// Linked where it can be: these programs are large.
fn put(from: &Path, to: &Path) {
    if std::fs::hard_link(from, to).is_err() {
        std::fs::copy(from, to).expect("a copy of a program");
    }
}

/// Whether the host lets an ordinary user have namespaces; says so where it does not.
pub fn may_have_namespaces() -> bool {
    let allowed = is_root()
        || Command::new(harness()).args(["__guard", "trial"]).status().is_ok_and(|status| status.success());
    if !allowed {
        eprintln!("skipped: this host allows an ordinary user no namespaces");
    }
    allowed
}
