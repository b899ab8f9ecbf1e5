//! What clap has refused, told in the language of whoever typed it.
//!
//! Help and version are texts of clap and stay in English.

use clap::error::{ContextKind, ContextValue, ErrorKind};

use harness_tell::language::Language;
use harness_tell::language::argument_words::{Mistyped, in_spanish};

/// The language of the terminal where the arguments could not be read as a whole: the one asked for among them, or that of the
/// environment.
pub(super) fn language_of(arguments: &[std::ffi::OsString]) -> Language {
    let words: Vec<&str> = arguments.iter().filter_map(|argument| argument.to_str()).collect();
    let after = |pair: &[&str]| (pair[0] == "--lang").then(|| pair[1].to_owned());
    let separate = words.windows(2).find_map(after);
    let joined = || words.iter().find_map(|word| word.strip_prefix("--lang=").map(str::to_owned));
    let asked = separate.or_else(joined).and_then(|name| clap::ValueEnum::from_str(&name, true).ok());
    super::arguments::language(asked)
}

/// Prints an error of the parser, or the help that was asked for.
pub(super) fn print(error: &clap::Error, language: Language) {
    // Nobody is left to hear of a closed standard output.
    match language {
        Language::Es if error.use_stderr() && !shows_help(error.kind()) => {
            let _ = std::io::Write::write_all(
                &mut std::io::stderr(),
                in_spanish(&mistyped(error), &usage(error)).as_bytes(),
            );
        }
        Language::En | Language::Es => {
            let _ = error.print();
        }
    }
}

fn shows_help(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand | ErrorKind::DisplayHelp)
}

fn mistyped(error: &clap::Error) -> Mistyped {
    let one = |kind| texts(error, kind).into_iter().next();
    let option = || one(ContextKind::InvalidArg).unwrap_or_default();
    match error.kind() {
        ErrorKind::UnknownArgument => Mistyped::UnknownOption(option(), one(ContextKind::SuggestedArg)),
        ErrorKind::InvalidSubcommand => {
            let command = one(ContextKind::InvalidSubcommand).unwrap_or_default();
            Mistyped::UnknownCommand(command, one(ContextKind::SuggestedSubcommand))
        }
        ErrorKind::InvalidValue | ErrorKind::ValueValidation => {
            let value = one(ContextKind::InvalidValue).unwrap_or_default();
            Mistyped::BadValue(option(), value, texts(error, ContextKind::ValidValue))
        }
        ErrorKind::NoEquals | ErrorKind::TooFewValues | ErrorKind::WrongNumberOfValues => {
            Mistyped::NoValue(option())
        }
        ErrorKind::MissingRequiredArgument => Mistyped::Missing(texts(error, ContextKind::InvalidArg)),
        ErrorKind::ArgumentConflict => {
            let (option, with) = (option(), texts(error, ContextKind::PriorArg));
            if with.contains(&option) { Mistyped::Twice(option) } else { Mistyped::Together(option, with) }
        }
        kind => Mistyped::Other(kind.to_string()),
    }
}

fn texts(error: &clap::Error, kind: ContextKind) -> Vec<String> {
    match error.get(kind) {
        Some(ContextValue::String(text)) => vec![text.clone()],
        Some(ContextValue::Strings(texts)) => texts.clone(),
        _ => Vec::new(),
    }
}

fn usage(error: &clap::Error) -> String {
    match error.get(ContextKind::Usage) {
        Some(ContextValue::StyledStr(text)) => text.to_string(),
        _ => String::new(),
    }
}
