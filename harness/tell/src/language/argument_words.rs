//! What is wrong with what was typed, in Spanish. The English sentences are those of clap, which knows no other language.
//!
//! `cli` hands over what clap has found: which argument, which value, what would have done.

use std::fmt::Write as _;

/// What was typed wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mistyped {
    /// No option has this name; the nearest one.
    UnknownOption(String, Option<String>),
    /// No command has this name; the nearest one.
    UnknownCommand(String, Option<String>),
    /// An option cannot have this value; those that it can have, where they are few.
    BadValue(String, String, Vec<String>),
    /// An option stands without its value.
    NoValue(String),
    /// These arguments have to be there.
    Missing(Vec<String>),
    /// An option, and those that it excludes.
    Together(String, Vec<String>),
    /// An option that can be there once.
    Twice(String),
    /// Anything else, in the words of the parser.
    Other(String),
}

/// A slip of the command line in Spanish: what, the way out, how the command is used.
pub fn in_spanish(mistyped: &Mistyped, usage: &str) -> String {
    let (what, way_out) = match mistyped {
        Mistyped::UnknownOption(option, nearest) => (
            format!("no existe la opción `{option}`"),
            nearest.as_ref().map(|near| format!("¿quiso decir `{near}`?")),
        ),
        Mistyped::UnknownCommand(command, nearest) => (
            format!("no existe el comando `{command}`"),
            nearest.as_ref().map(|near| format!("¿quiso decir `{near}`?")),
        ),
        Mistyped::BadValue(option, value, possible) if value.is_empty() => {
            (format!("falta el valor de `{option}`"), form_of(option, possible))
        }
        Mistyped::BadValue(option, value, possible) => {
            (format!("`{value}` no sirve para `{option}`"), form_of(option, possible))
        }
        Mistyped::NoValue(option) => (format!("falta el valor de `{option}`"), form_of(option, &[])),
        Mistyped::Missing(arguments) => (format!("falta: {}", arguments.join(" ")), None),
        Mistyped::Together(option, with) => {
            (format!("`{option}` no se puede usar junto con {}", quoted(with)), None)
        }
        Mistyped::Twice(option) => (format!("`{option}` solo se puede indicar una vez"), None),
        Mistyped::Other(said) => (format!("no se entiende lo que se escribió ({said})"), None),
    };
    let mut text = format!("error: {what}\n");
    if let Some(way_out) = way_out {
        let _ = writeln!(text, "ayuda: {way_out}");
    }
    let usage = usage.trim().trim_start_matches("Usage:").trim();
    if !usage.is_empty() {
        let _ = writeln!(text, "\nUso: {usage}");
    }
    text + "\nMás información con `--help`.\n"
}

/// How the value of an option is written: one of a list, or as its placeholder says.
fn form_of(option: &str, possible: &[String]) -> Option<String> {
    if !possible.is_empty() {
        return Some(format!("use {}", possible.join(", ")));
    }
    let forms = [
        ("<DURATION>", "una duración lleva su unidad, por ejemplo 90s, 5m o 1h"),
        ("<KEY=VALUE>", "se escribe CLAVE=VALOR, por ejemplo proxy.ttl=3s"),
        ("<I/N>", "se escribe I/N, por ejemplo 2/4, o auto"),
        ("<N>", "es un número entero desde 1"),
        ("<CHECK>", "`harness list` muestra las verificaciones que existen"),
        ("<LANGUAGE>", "use en, es"),
    ];
    forms.iter().find(|(placeholder, _)| option.contains(placeholder)).map(|(_, form)| (*form).to_owned())
}

fn quoted(options: &[String]) -> String {
    options.iter().map(|option| format!("`{option}`")).collect::<Vec<_>>().join(", ")
}
