//! Typed facts of a grading as sentences: the module `language` has the words, this file knows which fact takes which.
//!
//! All pages, the tables and the terminal ask here. Nothing is counted.

use crate::grade::document::TeamGrade;
use crate::grade::profile::Flag;
use crate::grade::rubric::{Row, Rubric};
use crate::grade::score::{Grade, Miss, RowScore, Rung};
use crate::grade::source::SourceFinding;
use crate::grade::triage::Triage;
use harness_model::catalogue::CheckId;
use harness_model::terms::Bilingual;
use harness_tell::language::grade_words::{self as say, GradeLabel};
use harness_tell::language::source_words as read;
use harness_tell::language::{
    Decimal, InWords as _, Language, Listed, Span, requirement_text, title, verdict_sentence,
};
use harness_tell::report::plain;

/// Longest quotation of what was seen.
const LONGEST: usize = 400;

/// The names of the three rungs.
pub(super) const RUNGS: [GradeLabel; 3] = [GradeLabel::Works, GradeLabel::Complete, GradeLabel::Robust];

/// What a first look found.
pub fn triage_words(triage: &Triage, language: Language) -> String {
    let ours = |what: &'_ Option<Bilingual>, why: &str| {
        what.as_ref().map_or(why, |what| language.of(what)).to_owned()
    };
    match triage {
        Triage::Starts => say::look_starts(language),
        Triage::Needs { what, .. } => say::look_needs(language, language.of(what)),
        Triage::DoesNotBuild { what, .. } | Triage::DoesNotStart { what, .. } => language.of(what).to_owned(),
        Triage::NoProfile => say::look_no_profile(language),
        Triage::WrongProfile { what } => say::look_wrong_profile(language, language.of(what)),
        Triage::Unreadable { why, what } => say::look_unreadable(language, &ours(what, why)),
        Triage::NotLookedAt { why, what } => say::look_in_vain(language, &ours(what, why)),
    }
}

/// The last lines that a proxy or its build printed.
pub(super) fn last_lines(triage: &Triage) -> &[String] {
    match triage {
        Triage::Needs { last_lines, .. }
        | Triage::DoesNotBuild { last_lines, .. }
        | Triage::DoesNotStart { last_lines, .. } => last_lines,
        _ => &[],
    }
}

/// Something that the instructor should know.
pub fn flag_words(flag: &Flag, language: Language) -> String {
    match flag {
        Flag::IsPibl => say::flag_is_pibl(language),
        Flag::Drafted => say::flag_drafted(language),
        Flag::Rotations { declared } => say::flag_rotations(language, *declared),
        Flag::Resolution { declared_ms } => say::flag_resolution(language, Span(*declared_ms as f64)),
        Flag::FixedPort { port } => say::flag_fixed_port(language, &port.to_string()),
    }
}

/// The title of a row.
pub fn row_title(row: &Row, language: Language) -> String {
    match (&row.title, row.requirement) {
        (Some(title), _) => language.of(title).to_owned(),
        (None, Some(requirement)) => requirement_text(requirement, language),
        (None, None) => row.key.clone(),
    }
}

/// The grade, or the span in which it will lie.
pub fn grade_words(rubric: &Rubric, grade: &Grade, language: Language) -> String {
    let number = |value: f64| say::Mark(value, rubric.scale.decimals);
    let mut words = match grade.decided() {
        Some(grade) => say::decided(language, number(grade), number(rubric.scale.to)),
        None => say::open_span(language, number(grade.least), number(grade.most)),
    };
    // Said where it costs something: who has less than that anyway need not hear of it.
    if grade.limited && grade.most >= rubric.scale.without_must_pass {
        words.push_str("; ");
        words.push_str(&say::limited_to(language, number(rubric.scale.without_must_pass)));
    }
    words
}

/// The points of a row.
pub fn points_words(score: &RowScore, language: Language) -> String {
    let mut words = say::points_of(language, Decimal(score.earned, 2), Decimal(score.points, 2));
    if score.open > 0.0 {
        words.push_str(", ");
        words.push_str(&say::points_open(language, Decimal(score.open, 2)));
    }
    words
}

/// How a rung came out, with what was seen; `None` where the rubric has none.
pub fn rung_words(team: &TeamGrade, index: usize, rung: &Rung, language: Language) -> Option<String> {
    let name = RUNGS.get(index)?.in_words(language);
    let seen = || {
        team.deciding(rung).map_or_else(String::new, |judged| {
            format!(" ({})", plain(&verdict_sentence(&judged.verdict, language), LONGEST))
        })
    };
    let said = match rung {
        Rung::Absent => return None,
        Rung::Reached => GradeLabel::Reached.in_words(language),
        Rung::BelowMissing => GradeLabel::BelowMissing.in_words(language),
        Rung::Missed { check, why } => {
            format!("{}, {}{}", check_words(*check, language), miss_words(*why, language), seen())
        }
        Rung::Open { check } => {
            format!(
                "{}, {}{}",
                check_words(*check, language),
                GradeLabel::ToReview.in_words(language),
                seen()
            )
        }
    };
    Some(format!("{name}: {said}"))
}

/// Why a row has the points that it has, one reason a line: its rungs, or what its source says.
pub fn reasons(team: &TeamGrade, score: &RowScore, language: Language) -> Vec<String> {
    let rungs = score.rungs.iter().enumerate();
    let mut lines: Vec<String> =
        rungs.filter_map(|(index, rung)| rung_words(team, index, rung, language)).collect();
    lines.extend(score.source.as_ref().map(|finding| source_words(finding, language)));
    lines
}

/// What was found in the source.
pub(super) fn source_words(finding: &SourceFinding, language: Language) -> String {
    let said = match finding {
        SourceFinding::Language { language: name, files } => {
            read::language_admitted(language, name, *files as u64)
        }
        SourceFinding::OtherLanguage { language: name, allowed } => {
            read::language_not_admitted(language, name, Listed(allowed))
        }
        SourceFinding::NoSource => read::no_source(language),
        SourceFinding::Modules { modules } => read::modules_admitted(language, Listed(modules)),
        SourceFinding::OtherModules { modules } => {
            let named: Vec<String> =
                modules.iter().map(|used| format!("{} ({})", used.name, used.place)).collect();
            read::modules_not_admitted(language, Listed(&named))
        }
        SourceFinding::NotPython { language: name, uses } => read::not_python(language, name, Listed(uses)),
        SourceFinding::Unread { why } => read::modules_not_read(language, why),
        SourceFinding::Sections { readme } => read::sections_found(language, readme),
        SourceFinding::SectionsMissing { readme, missing, .. } => {
            read::sections_missing(language, readme, Listed(missing))
        }
        SourceFinding::NoReadme => read::no_readme(language),
    };
    // Names in it come from the submission.
    plain(&said, LONGEST)
}

/// A check by its name and title.
pub(super) fn check_words(check: CheckId, language: Language) -> String {
    format!("{} – {}", check.name(), title(check, language))
}

fn miss_words(why: Miss, language: Language) -> String {
    match why {
        Miss::Fail => say::missed(language),
        Miss::Unsupported => say::missed_unsupported(language),
        Miss::Blocked => say::missed_blocked(language),
        Miss::NotStarted => say::missed_not_started(language),
    }
}
