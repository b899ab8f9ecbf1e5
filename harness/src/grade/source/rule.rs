//! What an edition allows, and what follows for a submission.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::facts::SourceFacts;
use super::modules::Use;
use super::readme;
use harness_model::catalogue::Requirement;

/// Languages that an edition may name.
pub const LANGUAGES: [&str; 3] = ["C", "Rust", "Python"];
/// The requirements that source can decide, each with the key of the edition that it is held against.
pub const EDITION_ROWS: [(Requirement, &str); 3] = [
    (Requirement::Req1, "languages"),
    (Requirement::Req1a, "python_modules"),
    (Requirement::ReqDoc, "readme_sections"),
];

/// What an edition of the assignment allows and asks for.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Edition {
    /// Languages in which a proxy may be written: `C`, `Rust`, `Python`.
    pub languages: Vec<String>,
    /// Modules that a proxy in Python may import, beside its own.
    pub python_modules: Vec<String>,
    /// Sections that the README must have, whatever their case, accents and numbers.
    pub readme_sections: Vec<String>,
}

/// What a row holds the source against.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SourceRule {
    /// It is written in one of these languages.
    Languages(Vec<String>),
    /// If it is Python, it imports none but these modules.
    PythonModules(Vec<String>),
    /// Its README has these sections.
    ReadmeSections(Vec<String>),
}

/// What was found of a rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", tag = "finding")]
pub enum SourceFinding {
    /// The language is one that is allowed.
    Language {
        /// Which.
        language: String,
        /// How many files.
        files: usize,
    },
    /// The language is not allowed.
    OtherLanguage {
        /// Which.
        language: String,
        /// Those that are.
        allowed: Vec<String>,
    },
    /// There is no source.
    NoSource,
    /// All modules are allowed.
    Modules {
        /// Which.
        modules: Vec<String>,
    },
    /// Some are not.
    OtherModules {
        /// Those.
        modules: Vec<Use>,
    },
    /// The rule is about Python; what it uses is shown.
    NotPython {
        /// The language.
        language: String,
        /// Headers or packages.
        uses: Vec<String>,
    },
    /// What it imports could not be read in full.
    Unread {
        /// Why.
        why: String,
    },
    /// Every section is there.
    Sections {
        /// The README.
        readme: String,
    },
    /// Sections are missing.
    SectionsMissing {
        /// The README.
        readme: String,
        /// Which.
        missing: Vec<String>,
        /// How many there should be.
        of: usize,
    },
    /// There is no README.
    NoReadme,
}

impl SourceRule {
    /// The rule of a requirement; `None` where the edition says nothing of it.
    pub fn of(requirement: Requirement, edition: &Edition) -> Option<SourceRule> {
        let (languages, modules, sections) =
            (&edition.languages, &edition.python_modules, &edition.readme_sections);
        match requirement {
            Requirement::Req1 if !languages.is_empty() => Some(SourceRule::Languages(languages.clone())),
            Requirement::Req1a if !modules.is_empty() => Some(SourceRule::PythonModules(modules.clone())),
            Requirement::ReqDoc if !sections.is_empty() => Some(SourceRule::ReadmeSections(sections.clone())),
            _ => None,
        }
    }

    /// Holds a submission against it.
    pub fn judge(&self, facts: &SourceFacts) -> SourceFinding {
        match self {
            SourceRule::Languages(allowed) => match &facts.language {
                None => SourceFinding::NoSource,
                Some(language) if allowed.iter().any(|one| one.eq_ignore_ascii_case(language)) => {
                    SourceFinding::Language { language: language.clone(), files: facts.files }
                }
                Some(language) => {
                    SourceFinding::OtherLanguage { language: language.clone(), allowed: allowed.clone() }
                }
            },
            SourceRule::PythonModules(allowed) => of_modules(allowed, facts),
            SourceRule::ReadmeSections(wanted) => of_sections(wanted, facts),
        }
    }
}

fn of_modules(allowed: &[String], facts: &SourceFacts) -> SourceFinding {
    let Some(language) = &facts.language else { return SourceFinding::NoSource };
    let all: BTreeSet<String> = facts.uses.iter().map(|used| used.name.clone()).collect();
    let all: Vec<String> = all.into_iter().collect();
    if language != "Python" {
        return SourceFinding::NotPython { language: language.clone(), uses: all };
    }
    let others: Vec<Use> = facts.uses.iter().filter(|used| !allowed.contains(&used.name)).cloned().collect();
    // One that is not allowed decides, whatever else could not be read.
    match &facts.unread {
        _ if !others.is_empty() => SourceFinding::OtherModules { modules: others },
        Some(why) => SourceFinding::Unread { why: why.clone() },
        None => SourceFinding::Modules { modules: all },
    }
}

fn of_sections(wanted: &[String], facts: &SourceFacts) -> SourceFinding {
    let Some(name) = facts.readme.clone() else { return SourceFinding::NoReadme };
    let is_there = |section: &&String| facts.headings.iter().any(|heading| readme::names(heading, section));
    let missing: Vec<String> = wanted.iter().filter(|section| !is_there(section)).cloned().collect();
    match missing.is_empty() {
        true => SourceFinding::Sections { readme: name },
        false => SourceFinding::SectionsMissing { readme: name, missing, of: wanted.len() },
    }
}

impl SourceFinding {
    /// What share of the points it earns, between 0 and 1; `None` where it is for a person to decide.
    pub fn share(&self) -> Option<f64> {
        match self {
            SourceFinding::Language { .. }
            | SourceFinding::Modules { .. }
            | SourceFinding::NotPython { .. }
            | SourceFinding::Sections { .. } => Some(1.0),
            SourceFinding::OtherLanguage { .. }
            | SourceFinding::NoSource
            | SourceFinding::OtherModules { .. }
            | SourceFinding::NoReadme => Some(0.0),
            SourceFinding::SectionsMissing { missing, of, .. } => {
                Some(1.0 - missing.len() as f64 / (*of).max(1) as f64)
            }
            SourceFinding::Unread { .. } => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(language: &str, uses: &[&str]) -> SourceFacts {
        let used = |name: &&str| Use { name: (*name).into(), place: "proxy.py:1".into() };
        let uses = uses.iter().map(used).collect();
        SourceFacts { language: Some(language.into()), files: 1, uses, ..SourceFacts::default() }
    }

    #[test]
    fn a_module_that_is_not_allowed_is_named_and_what_was_not_read_is_open() {
        let rule = SourceRule::PythonModules(vec!["socket".into(), "sys".into()]);
        assert_eq!(rule.judge(&facts("Python", &["socket", "sys"])).share(), Some(1.0));
        let mut with_flask = facts("Python", &["flask", "socket"]);
        with_flask.unread = Some("old.py: invalid syntax".into());
        let found = rule.judge(&with_flask);
        assert!(
            matches!(&found, SourceFinding::OtherModules { modules } if modules[0].name == "flask"),
            "{found:?}"
        );
        with_flask.uses.remove(0);
        assert_eq!(rule.judge(&with_flask).share(), None);
        assert_eq!(rule.judge(&facts("C", &["stdio.h"])).share(), Some(1.0));
        assert_eq!(rule.judge(&SourceFacts::default()).share(), Some(0.0));
    }

    #[test]
    fn languages_and_sections_are_those_of_the_edition() {
        let languages = SourceRule::Languages(vec!["C".into(), "rust".into()]);
        assert_eq!(languages.judge(&facts("Rust", &[])).share(), Some(1.0));
        assert_eq!(languages.judge(&facts("Python", &[])).share(), Some(0.0));
        let sections = SourceRule::ReadmeSections(vec!["Introducción".into(), "Conclusiones".into()]);
        let mut facts = facts("C", &[]);
        assert_eq!(sections.judge(&facts), SourceFinding::NoReadme);
        facts.readme = Some("README.md".into());
        facts.headings = vec!["1. INTRODUCCION".into()];
        assert_eq!(sections.judge(&facts).share(), Some(0.5));
    }
}
