//! From templates to the bytes of one launch.
//!
//! The conductor calls [`render`] before every start, since ports, TTL and backends may differ. A template that uses a
//! variable that does not exist is an error, never an empty text in somebody's configuration. Nothing here touches a file.

use std::collections::BTreeMap;

use minijinja::{Environment, UndefinedBehavior};

use super::{Adapter, Launch, LaunchVariables};

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
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_keep_trailing_newline(true);
    // A line that holds only a `{% for %}` leaves no empty line behind.
    environment.set_trim_blocks(true);
    environment.set_lstrip_blocks(true);
    let fill = |template: String, text: &str| {
        environment.render_str(text, variables).map_err(|error| {
            // One line: minijinja repeats the source over several.
            let reason = error.detail().map_or_else(|| error.kind().to_string(), str::to_owned);
            let line = error.line().map(|line| format!(" (line {line} of the template)")).unwrap_or_default();
            RenderProblem { template, error: format!("{reason}{line}") }
        })
    };
    let mut argv = Vec::new();
    for (place, argument) in adapter.start.iter().enumerate() {
        let filled = fill(format!("start[{place}]"), argument)?;
        // An argument that repeats over the backends is written as a loop with one argument a line.
        if argument.contains("{%") {
            argv.extend(filled.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned));
        } else {
            argv.push(filled);
        }
    }
    let all = |kind: &str,
               templates: &BTreeMap<String, String>|
     -> Result<BTreeMap<String, String>, RenderProblem> {
        templates
            .iter()
            .map(|(name, template)| Ok((name.clone(), fill(format!("{kind}.{name}"), template)?)))
            .collect()
    };
    Ok(Launch {
        argv,
        files: all("files", &adapter.files)?,
        environment: all("environment", &adapter.environment)?,
        stdin: adapter.stdin.as_deref().map(|stdin| fill("stdin".to_owned(), stdin)).transpose()?,
    })
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::sync::Arc;

    use super::super::{BackendAddress, built_in, resolve};
    use super::*;

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
            port: 8080,
            backends: (1..=4).map(backend).collect(),
            ttl_seconds: Some(2),
            ttl_milliseconds: Some(2000),
            ttl_minutes: Some(2.0 / 60.0),
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
    fn a_misspelt_variable_is_an_error_that_names_its_template() {
        let text = built_in::ALL[0].1.replace("{{ port }}", "{{ prot }}");
        let adapter = resolve(&Arc::from(text), Path::new("mine.yaml")).unwrap();
        let problem = render(&adapter, &variables()).unwrap_err();
        assert!(problem.template.starts_with("start["), "{problem}");
    }
}
