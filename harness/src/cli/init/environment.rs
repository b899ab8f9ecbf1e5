//! Which variables of the environment a program reads, and how each is told.
//!
//! `look` asks it. A source names them where it reads them, or hands their names to a helper that does; what a script or a default gives
//! them shows their form.

use harness_model::adapter::leads_outside;

use super::addresses::addresses;
use super::arguments_of::{self, Meaning, meaning_of};
use super::files::TextFile;
use super::look::quoted_texts;

/// A variable that tells a setting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Variable {
    pub(super) name: String,
    pub(super) meaning: Meaning,
    pub(super) template: String,
}

/// All that a program reads.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Environment {
    pub(super) settings: Vec<Variable>,
    /// The others that a script exports, with their values.
    pub(super) exported: Vec<(String, String)>,
}

const READS: [&str; 8] = [
    "getenv(",
    "environ.get(",
    "environ[",
    "env::var(",
    "process.env.",
    "process.env[",
    "Getenv(",
    "env.get(",
];

/// What the code of a program reads, with its files to show how.
pub(super) fn environment(code: &str, files: &[TextFile]) -> Environment {
    let mut found = Environment::default();
    for name in names(code) {
        let set = exported(&name, files);
        let shown = set.clone().or_else(|| default_of(&name, code));
        match meaning_of(&name) {
            Some(meaning @ (Meaning::Port | Meaning::Ttl | Meaning::Backends(_))) => {
                let template = template_of(&meaning, &name, shown.as_deref().unwrap_or_default());
                found.settings.push(Variable { name, meaning, template });
            }
            _ => {
                let plain = set.filter(|value| !leads_outside(value) && !value.contains(['$', '{']));
                found.exported.extend(plain.map(|value| (name, value)));
            }
        }
    }
    found
}

/// Where one is read directly it is named there; a helper that takes the name is handed one in capitals.
fn names(code: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    let mut add = |name: &str| {
        if !name.is_empty() && !found.iter().any(|known| known == name) {
            found.push(name.to_owned());
        }
    };
    let mut by_a_helper = false;
    for call in READS {
        for (at, _) in code.match_indices(call) {
            let rest = &code[at + call.len()..];
            let name = rest.trim_start_matches(['"', '\'']);
            let end = name.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(name.len());
            if name.len() == rest.len() && !call.ends_with('.') {
                by_a_helper = true;
            } else {
                add(&name[..end]);
            }
        }
    }
    let capitals = |text: &&str| {
        text.len() > 2
            && text.starts_with(|c: char| c.is_ascii_uppercase())
            && text.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_')
    };
    if by_a_helper {
        // One with a meaning, or a compound one: `GET` and `HTTP` are handed to others.
        let likely = |text: &&str| text.contains('_') || meaning_of(text).is_some();
        quoted_texts(code).filter(capitals).filter(likely).for_each(add);
    }
    found
}

/// `export NAME="value"` in a script or a README.
fn exported(name: &str, files: &[TextFile]) -> Option<String> {
    files.iter().flat_map(|file| file.text.lines()).find_map(|line| {
        let value =
            line.trim().strip_prefix("export ")?.trim_start().strip_prefix(name)?.strip_prefix('=')?;
        let quote = value.chars().next().filter(|c| matches!(c, '"' | '\''));
        match quote {
            Some(quote) => value[1..].split(quote).next().map(str::to_owned),
            None => value.split_whitespace().next().map(str::to_owned),
        }
    })
}

/// The text that stands behind a name in quotes, in the same line: `env("TTL", "60s")`.
fn default_of(name: &str, code: &str) -> Option<String> {
    let line = code.lines().find(|line| quoted_texts(line).any(|text| text == name))?;
    line.split(name).nth(1)?.split(['"', '\'']).nth(2).map(str::to_owned)
}

/// The template for what a name means, in the form of a value that was shown.
fn template_of(meaning: &Meaning, name: &str, shown: &str) -> String {
    let digits = shown.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.');
    match meaning {
        // With its unit, as Go and others want it.
        Meaning::Ttl if digits.len() < shown.len() && digits == "ms" => {
            "{{ ttl_milliseconds or 60000 }}ms".to_owned()
        }
        Meaning::Ttl if digits.len() < shown.len() && ["s", "m", "h"].contains(&digits) => {
            "{{ ttl_seconds or 60 }}s".to_owned()
        }
        Meaning::Ttl => arguments_of::ttl_template(name).to_owned(),
        Meaning::Backends(_) => {
            let file = TextFile::new("shown.txt".to_owned(), shown.to_owned());
            let blanks =
                addresses(&file).windows(2).any(|two| shown[two[0].end..two[1].start].trim().is_empty());
            if blanks { arguments_of::JOINED.replace("','", "' '") } else { arguments_of::JOINED.to_owned() }
        }
        _ => "{{ port }}".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_a_helper_is_handed_is_told_in_the_form_that_a_script_or_its_default_shows() {
        let go = "v := os.Getenv(n)\nc := env(\"PIBL_PORT\", \"8080\")\nt := duration(\"PIBL_TTL\", \"60s\")\nm == \"GET\"\n\
                  b := env(\"PIBL_BACKENDS\", \"\")\nl := env(\"PIBL_LOG\", \"\")\n";
        let script = TextFile::new(
            "config.sh".into(),
            "export PIBL_BACKENDS=\"10.0.0.1:80 10.0.0.2:80\"\nexport PIBL_LOG=log/x.log\n".into(),
        );
        let found = environment(go, &[script]);
        let told: Vec<(&str, &str)> =
            found.settings.iter().map(|one| (one.name.as_str(), one.template.as_str())).collect();
        let joined = "{{ backends | map(attribute='address') | join(' ') }}";
        assert_eq!(
            told,
            [
                ("PIBL_PORT", "{{ port }}"),
                ("PIBL_TTL", "{{ ttl_seconds or 60 }}s"),
                ("PIBL_BACKENDS", joined)
            ]
        );
        assert_eq!(found.exported, [("PIBL_LOG".to_owned(), "log/x.log".to_owned())]);
    }

    #[test]
    fn a_name_that_is_read_where_it_stands_needs_no_capitals() {
        let found = environment("p = os.environ.get('port', 8080)\nt = process.env.TTL_MS", &[]);
        let told: Vec<&str> = found.settings.iter().map(|one| one.template.as_str()).collect();
        assert_eq!(told, ["{{ port }}", "{{ ttl_milliseconds or 60000 }}"]);
    }
}
