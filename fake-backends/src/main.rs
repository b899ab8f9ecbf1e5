//! The program `fake-backends`: backends for people. Everything it does is in the library's `cli`.

fn main() -> std::process::ExitCode {
    fake_backends::cli::run()
}
