//! From templates to the bytes of one launch.
//!
//! The conductor calls [`render`] before every start, since ports, TTL and backends may differ. A template that uses a
//! variable that does not exist is an error, never an empty text in somebody's configuration. Nothing here touches a file.

use std::collections::BTreeMap;

use super::rewrite::{self, Replacement, Rewritten, Unmatched};
use super::{Adapter, Launch, LaunchVariables, OwnCommands, thrift};

/// Every variable that a template can use; the fields of [`LaunchVariables`].
pub(super) const VARIABLES: [&str; 23] = [
    "program",
    "directory",
    "host",
    "port",
    "tls_port",
    "certificate",
    "key",
    "certificate_and_key",
    "authority",
    "http2",
    "backends",
    "ttl_seconds",
    "ttl_milliseconds",
    "ttl_minutes",
    "ttl_whole_minutes",
    "balance",
    "throttle",
    "throttle_burst",
    "allow",
    "health_path",
    "health_milliseconds",
    "health_failures",
    "health_successes",
];
/// What a backend in a loop has; the fields of [`BackendAddress`](super::BackendAddress).
pub(super) const ATTRIBUTES: [&str; 4] = ["name", "host", "port", "address"];

/// A template that could not be rendered.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{template}: {error}")]
pub struct RenderProblem {
    /// Which one, such as `files.nginx.conf`.
    pub template: String,
    /// What is wrong with it.
    pub error: String,
}

/// Fills in the templates of an adapter.
///
/// # Errors
/// The first template that cannot be rendered.
pub fn render(adapter: &Adapter, variables: &LaunchVariables) -> Result<Launch, RenderProblem> {
    let environment = thrift::environment();
    let fill = |template: String, text: &str| {
        thrift::fill(&environment, text, variables).map_err(|error| {
            // One line: minijinja repeats the source over several.
            let reason = error.detail().map_or_else(|| error.kind().to_string(), str::to_owned);
            let line = error.line().map(|line| format!(" (line {line} of the template)")).unwrap_or_default();
            RenderProblem { template, error: format!("{reason}{line}") }
        })
    };
    let argv_of = |kind: &str, templates: &[String]| -> Result<Vec<String>, RenderProblem> {
        let mut argv = Vec::new();
        for (place, argument) in templates.iter().enumerate() {
            let filled = fill(format!("{kind}[{place}]"), argument)?;
            // An argument that repeats over the backends is written as a loop with one argument a line.
            if argument.contains("{%") {
                argv.extend(filled.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned));
            } else {
                argv.push(filled);
            }
        }
        Ok(argv)
    };
    let all = |kind: &str,
               templates: &BTreeMap<String, String>|
     -> Result<BTreeMap<String, String>, RenderProblem> {
        templates
            .iter()
            .map(|(name, template)| Ok((name.clone(), fill(format!("{kind}.{name}"), template)?)))
            .collect()
    };
    let rewritten = |rewrite: &super::Rewrite| -> Result<Rewritten, RenderProblem> {
        let name = format!("{}.{}", if rewrite.patch { "patch" } else { "config" }, rewrite.path);
        let filled = rewrite.replace.iter().map(|replacement| {
            Ok(Replacement { with: fill(name.clone(), &replacement.with)?, ..replacement.clone() })
        });
        let filled = filled.collect::<Result<Vec<Replacement>, RenderProblem>>()?;
        // While the original has not been read there is nothing to match, only templates to look at.
        let (text, diff) = if rewrite.before.is_empty() {
            Default::default()
        } else {
            rewrite::apply(&rewrite.before, &filled).map_err(|(place, why)| RenderProblem {
                template: name.clone(),
                error: unmatched(&filled[place].text, &why),
            })?
        };
        let encoding = rewrite.encoding;
        Ok(Rewritten { path: rewrite.path.clone(), patch: rewrite.patch, text, encoding, diff })
    };
    let OwnCommands { kill, stop, pid } = &adapter.commands;
    Ok(Launch {
        argv: argv_of("start", &adapter.start)?,
        files: all("files", &adapter.files)?,
        environment: all("environment", &adapter.environment)?,
        stdin: adapter.stdin.as_deref().map(|stdin| fill("stdin".to_owned(), stdin)).transpose()?,
        rewritten: adapter.rewrites.iter().map(rewritten).collect::<Result<_, _>>()?,
        commands: OwnCommands {
            kill: argv_of("commands.kill", kill)?,
            stop: argv_of("commands.stop", stop)?,
            pid: argv_of("commands.pid", pid)?,
        },
    })
}

fn unmatched(text: &str, why: &Unmatched) -> String {
    match why {
        Unmatched::Occurs(times) => format!("`{text}` occurs {times} times in the original"),
        Unmatched::Overlaps => format!("`{text}` overlaps with another replacement"),
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::sync::Arc;

    use super::super::{BackendAddress, built_in, resolve};
    use super::*;
    use crate::scenario::{What, closest};

    fn variables() -> LaunchVariables {
        let backend = |n: u16| BackendAddress {
            name: format!("b{n}"),
            host: "127.0.0.1".into(),
            port: 9000 + n,
            address: format!("127.0.0.1:{}", 9000 + n),
        };
        LaunchVariables {
            program: "/usr/bin/x".into(),
            directory: "/tmp/x".into(),
            host: "127.0.0.1".into(),
            port: Some(8080),
            tls_port: None,
            certificate: None,
            key: None,
            certificate_and_key: None,
            authority: None,
            http2: false,
            backends: (1..=4).map(backend).collect(),
            ttl_seconds: Some(2),
            ttl_milliseconds: Some(2000),
            ttl_minutes: Some(2.0 / 60.0),
            ttl_whole_minutes: Some(1),
            balance: None,
            throttle: None,
            throttle_burst: 0,
            allow: Vec::new(),
            health_path: None,
            health_milliseconds: None,
            health_failures: None,
            health_successes: None,
        }
    }

    #[test]
    fn every_built_in_adapter_renders_all_backends_the_port_and_the_ttl() {
        for (name, text) in built_in::ALL {
            let adapter =
                resolve(&Arc::from(*text), Path::new(name)).unwrap_or_else(|p| panic!("{name}: {p:?}"));
            let launch = render(&adapter, &variables()).unwrap_or_else(|p| panic!("{name}: {p:?}"));
            let all = format!("{launch:?}");
            for backend in 1..=4 {
                assert!(all.contains(&format!("900{backend}")), "{name}: backend {backend} in {all}");
            }
            assert!(all.contains("8080"), "{name}: the port");
            assert!(all.contains('2'), "{name}: the TTL");
        }
    }

    #[test]
    fn a_misspelt_variable_is_an_error_at_its_place_before_anything_starts() {
        let text = built_in::ALL[0].1.replace("{{ port }}", "{{ prot }}");
        let problem = resolve(&Arc::from(text.as_str()), Path::new("mine.yaml")).unwrap_err();
        let What::UnknownName { name, known, .. } = problem.what else { panic!("{problem:?}") };
        assert_eq!(
            (name.as_str(), closest("prot", known.iter().map(String::as_str))),
            ("prot", Some("port"))
        );
        let place = problem.place.unwrap();
        assert_eq!(&place.text[place.bytes], "prot");
    }

    const MINE: &str = "name: mine\nprogram: {installed: {name: sh}}\nstart: [a]\nfiles:\n  c: |\n    LINES\n\
        capabilities: {cache: none, ttl: none}\n";

    fn mine(lines: &str) -> Result<Adapter, crate::scenario::Problem> {
        resolve(&Arc::from(MINE.replace("LINES", lines)), Path::new("mine.yaml"))
    }

    #[test]
    fn every_form_of_the_template_language_that_adapters_need_is_let_through() {
        for lines in [
            "{% for b in backends %}{{ loop.index }} {{ b.host }}:{{ b.port }}{% if not loop.last %},{% endif %}{% endfor %}",
            "{{ ttl_seconds or 60 }} {{ backends | map(attribute='address') | join(\", \") }} {{ backends|length }}",
            "{% if ttl_seconds %}{{ ttl_whole_minutes }}{% else %}none{% endif %} {{ backends[0].host }}",
            "{% set first = backends[0] %}{{ first.address }} {{ \"prot\" }}",
        ] {
            mine(lines).unwrap_or_else(|problem| panic!("{lines}: {problem:?}"));
        }
    }

    #[test]
    fn a_misspelt_attribute_and_an_open_block_are_refused() {
        let problem = mine("{% for b in backends %}{{ b.addres }}{% endfor %}").unwrap_err();
        assert!(
            matches!(problem.what, What::UnknownName { ref name, .. } if name == "b.addres"),
            "{problem:?}"
        );
        let problem = mine("{% for b in backends %}{{ b.address }}").unwrap_err();
        assert!(matches!(problem.what, What::Template { ref name, .. } if name == "files.c"), "{problem:?}");
    }

    #[test]
    fn a_name_that_is_no_folder_is_refused() {
        for name in ["../x", "a/b", "'.'", "\"\"", "-x"] {
            let text = MINE.replace("name: mine", &format!("name: {name}"));
            let problem = resolve(&Arc::from(text), Path::new("mine.yaml")).unwrap_err();
            assert!(matches!(problem.what, What::UnsafeName), "{name}: {problem:?}");
        }
    }
}
