//! Backends in a YAML file: names, addresses, and what each does.
//!
//! `arguments` reads it where the command line names one. Every complaint has the file, the line and the column.

use std::collections::HashSet;
use std::net::SocketAddr;
use std::path::Path;

use serde::Deserialize;

use super::Complaint;
use fake_backends::behavior::{Plan, Script};
use fake_backends::server::BackendSpec;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct BackendsFile {
    backends: Vec<BackendInFile>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct BackendInFile {
    name: String,
    listen: SocketAddr,
    /// What it does with every request; or `script`.
    plan: Option<Plan>,
    script: Option<Script>,
    #[serde(default)]
    seed: u64,
}

/// The backends of a file.
pub(super) fn read(path: &Path) -> Result<Vec<BackendSpec>, Complaint> {
    let shown = path.display();
    let text = std::fs::read_to_string(path)
        .map_err(|error| Complaint::request(format!("could not read {shown}: {error}")))?;
    parse(&text).map_err(|problem| {
        // The parser does not know the name of what it reads, and says itself that it is an error.
        let problem = problem.replace("<input>", &shown.to_string());
        Complaint::request(format!("in {shown}: {}", problem.trim_start_matches("error: ")))
    })
}

fn parse(text: &str) -> Result<Vec<BackendSpec>, String> {
    let options = serde_saphyr::options! { strict_booleans: true };
    let file: BackendsFile =
        serde_saphyr::from_str_with_options(text, options).map_err(|error| error.to_string())?;
    if file.backends.is_empty() {
        return Err("`backends` is empty".into());
    }
    let mut taken = HashSet::new();
    let mut specs = Vec::new();
    for backend in file.backends {
        let name = backend.name;
        let is_new = taken.insert(name.clone())
            && (backend.listen.port() == 0 || taken.insert(backend.listen.to_string()));
        if !is_new {
            return Err(format!("the name `{name}` or the address {} is there twice", backend.listen));
        }
        let script = match (backend.plan, backend.script) {
            (Some(plan), None) => Script::always(plan),
            (None, Some(script)) => script,
            (None, None) => Script::default(),
            (Some(_), Some(_)) => {
                return Err(format!("`{name}` has both `plan` and `script`: one says it all"));
            }
        };
        if let Some(why) = script.never_broken_off() {
            return Err(format!("`{name}`: {why}"));
        }
        specs.push(BackendSpec {
            listen: backend.listen,
            seed: backend.seed,
            ..BackendSpec::new(name, script)
        });
    }
    Ok(specs)
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"
backends:
  - name: slow
    listen: 127.0.0.1:9001
    plan: {slow: {delay: "lognormal(20ms, 0.5)", then: {respond: {body: 64KiB}}}}
  - name: mixed
    listen: 127.0.0.1:9002
    script:
      routes:
        - path: /images/*
          plan: {respond: {body: 100KiB, framing: {chunked: 4KiB}, fields: ["Cache-Control: no-store"]}}
      otherwise: {error: {status: 503, probability: 10%}}
      connections: {requests_per_connection: 5}
"#;

    #[test]
    fn a_file_is_read() {
        let backends = parse(GOOD).unwrap();
        assert_eq!(backends.len(), 2);
        assert_eq!(backends[1].script.connections.requests_per_connection, Some(5));
    }

    #[test]
    fn complaints_have_a_place_and_a_way_out() {
        for (wrong, right, words) in [
            ("delay: 20", "delay: \"lognormal(20ms, 0.5)\"", "no unit"),
            ("statsu: 503", "status: 503", "unknown field `statsu`"),
            ("probability: 0.1", "probability: 10%", "no unit"),
            ("listen: here", "listen: 127.0.0.1:9002", "invalid socket address"),
        ] {
            let said = parse(&GOOD.replace(right, wrong)).unwrap_err();
            assert!(said.contains(words) && said.contains("line"), "{said}");
        }
        assert!(parse(&GOOD.replace("9002", "9001")).unwrap_err().contains("twice"));
        assert!(parse("backends: []").unwrap_err().contains("empty"));
    }
}
