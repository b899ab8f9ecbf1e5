//! From templates to the bytes of one launch.
//!
//! The conductor calls [`render`] before every start, since ports, TTL and backends may differ. A template that uses a
//! variable that does not exist is an error, never an empty text in somebody's configuration. Nothing here touches a file.

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

/// Renders everything of an adapter that is a template.
///
/// # Errors
/// The first template that could not be rendered.
pub fn render(adapter: &Adapter, variables: &LaunchVariables) -> Result<Launch, RenderProblem> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_keep_trailing_newline(true);
    let text = |template: String, text: &str| {
        // One line: the message of minijinja repeats the source over several.
        environment
            .render_str(text, variables)
            .map_err(|error| RenderProblem { template, error: error.to_string() })
    };
    let argument = |(place, argument): (usize, &String)| text(format!("start[{place}]"), argument);
    let file = |(path, body): (&String, &String)| Ok((path.clone(), text(format!("files.{path}"), body)?));
    let variable =
        |(name, value): (&String, &String)| Ok((name.clone(), text(format!("environment.{name}"), value)?));
    Ok(Launch {
        argv: adapter.start.iter().enumerate().map(argument).collect::<Result<_, _>>()?,
        files: adapter.files.iter().map(file).collect::<Result<_, RenderProblem>>()?,
        environment: adapter.environment.iter().map(variable).collect::<Result<_, RenderProblem>>()?,
        stdin: adapter.stdin.as_deref().map(|stdin| text("stdin".to_owned(), stdin)).transpose()?,
    })
}
