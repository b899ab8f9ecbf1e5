//! The example `guilty-proxy`, built, and its adapter with a defect filled in: what every test about it begins with.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// The program, built first: `cargo test --test integration` alone does not build examples.
pub fn program() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        let build = escargot::CargoBuild::new().arg("--workspace").example("guilty-proxy");
        let build = if cfg!(debug_assertions) { build } else { build.release() };
        build.run().expect("the guilty proxy builds").path().to_owned()
    })
}

/// Writes the adapter of this program with this defect to a file.
pub fn write_adapter(file: &Path, program: &Path, defect: &str) {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    let text = std::fs::read_to_string(tests.join("suts/guilty.yaml")).expect("the adapter");
    let text =
        text.replace("PROGRAM", &program.to_string_lossy()).replace("DEFECT\"", &format!("{defect}\""));
    std::fs::write(file, text).expect("the adapter, filled in");
}
