//! From verdicts to points: rungs, open questions, what a person entered, and the grade with its bounds.
//!
//! `grade` calls [`score`] for each team; the pages show what it returns. It is pure: the same verdicts and entries give
//! the same grade, and what is not decided stays a span instead of becoming a zero.

use serde::{Deserialize, Serialize};

use super::entries::Entry;
use super::rubric::{By, OneFault, Row, Rubric, ScaleFile};
use super::source::{SourceFacts, SourceFinding};
use harness_judge::check::{Finding, Outcome, Verdict};
use harness_model::catalogue::CheckId;

/// What one scenario concluded about one check.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Judged {
    /// The scenario's short name.
    pub scenario: String,
    /// The run folder, relative to the folder of the team.
    pub folder: String,
    /// The conclusion.
    pub verdict: Verdict,
    /// Whether this is the conclusion of a second run, made alone because the first was inconclusive.
    pub repeated: bool,
}

/// How a rung came out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case", tag = "state")]
pub enum Rung {
    /// The rubric has no checks for it.
    Absent,
    /// All of its checks passed.
    Reached,
    /// One of its checks did not, and decides.
    Missed {
        /// Which.
        check: CheckId,
        /// `fail`, `unsupported`, `blocked`, or `not_started`.
        why: Miss,
    },
    /// One of its checks could not be decided, and none failed.
    Open {
        /// Which.
        check: CheckId,
    },
    /// A rung below it is missed: this one does not count.
    BelowMissing,
}

/// Why a check earns nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Miss {
    /// Disproven, with evidence.
    Fail,
    /// The profile of the proxy declares that it cannot.
    Unsupported,
    /// What it depends on failed.
    Blocked,
    /// The proxy never got ready.
    NotStarted,
}

/// How a row came out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct RowScore {
    /// `REQ-9`, or the name of a row that a person judges.
    pub key: String,
    /// What it is worth.
    pub points: f64,
    /// What is earned for certain.
    pub earned: f64,
    /// What else may still be earned, once everything open is decided.
    pub open: f64,
    /// The three rungs; empty for a row that a person judges or its source decides.
    pub rungs: Vec<Rung>,
    /// What the source says, for a row that it decides.
    pub source: Option<SourceFinding>,
    /// The reason that a person gave for points of their own.
    pub overridden: Option<String>,
}

/// A grade, or the span in which it will lie.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Grade {
    /// With everything open counted as nothing.
    pub least: f64,
    /// With everything open counted in full.
    pub most: f64,
    /// Whether a requirement that must be met is not, which limits the grade.
    pub limited: bool,
}

impl Grade {
    /// The grade, where nothing is open any more.
    pub fn decided(&self) -> Option<f64> {
        (self.least == self.most).then_some(self.least)
    }
}

/// All that was seen of a team.
#[derive(Clone, Copy, Debug)]
pub struct Seen<'a> {
    /// The conclusions of its runs.
    pub judged: &'a [Judged],
    /// Whether its proxy ever got ready: one that did not earns nothing by runs, and nothing of them is open.
    pub started: bool,
    /// Whether the judge drafted its profile: what it missed may be the draft's fault, so a person looks at it.
    pub drafted: bool,
    /// Its source; `None` where the submission could not be read.
    pub source: Option<&'a SourceFacts>,
}

/// Scores a team.
pub fn score(rubric: &Rubric, seen: &Seen<'_>, entry: Option<&Entry>) -> (Vec<RowScore>, Grade) {
    let rows: Vec<RowScore> = rubric.rows.iter().map(|row| row_score(rubric, row, seen, entry)).collect();
    let must = |wanted: fn(&Rung) -> bool| {
        rubric.rows.iter().zip(&rows).any(|(row, score)| {
            row.must_pass && score.overridden.is_none() && score.rungs.first().is_some_and(wanted)
        })
    };
    let limited = must(|rung| matches!(rung, Rung::Missed { .. }));
    let may_be_limited = must(|rung| matches!(rung, Rung::Open { .. }));
    let earned: f64 = rows.iter().map(|row| row.earned).sum();
    let open: f64 = rows.iter().map(|row| row.open).sum();
    let of = |points: f64, limit: bool| on_scale(&rubric.scale, points / rubric.points(), limit);
    let grade =
        Grade { least: of(earned, limited || may_be_limited), most: of(earned + open, limited), limited };
    (rows, grade)
}

/// A row that is still open, and the grade where it alone were decided in the team's favour.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Swing {
    /// Its place in the rubric.
    pub row: usize,
    /// The points that are in dispute.
    pub points: f64,
    /// The least grade then.
    pub grade: f64,
}

/// What would change a grade: each open row, the most points first.
pub fn swings(rubric: &Rubric, rows: &[RowScore]) -> Vec<Swing> {
    let earned: f64 = rows.iter().map(|row| row.earned).sum();
    let is_limiting = |place: usize, decided: Option<usize>| {
        let (row, score) = (&rubric.rows[place], &rows[place]);
        let missed = matches!(score.rungs.first(), Some(Rung::Missed { .. }));
        let open = matches!(score.rungs.first(), Some(Rung::Open { .. })) && decided != Some(place);
        row.must_pass && score.overridden.is_none() && (missed || open)
    };
    let swing = |(place, row): (usize, &RowScore)| {
        let limited = (0..rows.len().min(rubric.rows.len())).any(|other| is_limiting(other, Some(place)));
        let grade = on_scale(&rubric.scale, (earned + row.open) / rubric.points(), limited);
        Swing { row: place, points: row.open, grade }
    };
    let mut all: Vec<Swing> = rows.iter().enumerate().filter(|(_, row)| row.open > 0.0).map(swing).collect();
    all.sort_by(|one, two| two.points.total_cmp(&one.points));
    all
}

fn on_scale(scale: &ScaleFile, share: f64, limited: bool) -> f64 {
    let grade = scale.from + (scale.to - scale.from) * share.clamp(0.0, 1.0);
    let grade = if limited { grade.min(scale.without_must_pass) } else { grade };
    let unit = 10f64.powi(i32::try_from(scale.decimals).unwrap_or(1));
    // Half a step goes up, as people round grades; the small share makes up for 2.25 being stored as 2.2499….
    ((grade * unit) + 0.5 + 1e-9).floor() / unit
}

fn row_score(rubric: &Rubric, row: &Row, seen: &Seen<'_>, entry: Option<&Entry>) -> RowScore {
    let mut score = RowScore {
        key: row.key.clone(),
        points: row.points,
        earned: 0.0,
        open: 0.0,
        rungs: Vec::new(),
        source: None,
        overridden: None,
    };
    match &row.by {
        By::Checks(checks) => {
            let worth = rubric.worth(checks);
            score.rungs = rungs(checks, seen, rubric.one_fault);
            for (rung, share) in score.rungs.iter().zip(worth) {
                match rung {
                    Rung::Reached => score.earned += row.points * share,
                    Rung::Open { .. } => score.open += row.points * share,
                    Rung::Absent | Rung::Missed { .. } | Rung::BelowMissing => {}
                }
            }
        }
        By::Source(rule) => {
            score.source = seen.source.map(|facts| rule.judge(facts));
            match score.source.as_ref().map(SourceFinding::share) {
                Some(Some(share)) => score.earned = row.points * share,
                Some(None) => score.open = row.points,
                // What cannot be unpacked has no source; why, the first look says.
                None if seen.started => score.open = row.points,
                None => {}
            }
        }
        By::Person => match entry.and_then(|entry| entry.manual.get(&row.key)) {
            Some(share) => score.earned = row.points * share.0,
            None => score.open = row.points,
        },
    }
    // Thirds of points must add up to all of them again.
    score.earned = (score.earned * 1e6).round() / 1e6;
    score.open = (score.open * 1e6).round() / 1e6;
    if let Some(given) = entry.and_then(|entry| entry.overrides.get(&row.key)) {
        score.earned = given.points.clamp(0.0, row.points);
        score.open = 0.0;
        score.overridden = Some(given.reason.clone());
    }
    score
}

/// A ladder: a rung counts where all below it are reached, and is open where one below it is.
fn rungs(checks: &[Vec<CheckId>; 3], seen: &Seen<'_>, one_fault: OneFault) -> Vec<Rung> {
    let (mut missing, mut open) = (false, None);
    let mut all = Vec::new();
    for checks in checks {
        let rung = match rung(checks, seen, one_fault) {
            Rung::Absent => Rung::Absent,
            Rung::Missed { check, .. } if seen.drafted => {
                open = open.or(Some(check));
                Rung::Open { check }
            }
            _ if missing => Rung::BelowMissing,
            Rung::Reached => open.map_or(Rung::Reached, |check| Rung::Open { check }),
            other => other,
        };
        match &rung {
            Rung::Missed { .. } => missing = true,
            Rung::Open { check } => open = open.or(Some(*check)),
            _ => {}
        }
        all.push(rung);
    }
    all
}

fn rung(checks: &[CheckId], seen: &Seen<'_>, one_fault: OneFault) -> Rung {
    let Some(&first) = checks.first() else { return Rung::Absent };
    if !seen.started {
        return Rung::Missed { check: first, why: Miss::NotStarted };
    }
    let mut open = None;
    for &check in checks {
        match worst(check, seen.judged) {
            Some(Outcome::Pass) => {}
            Some(Outcome::Fail | Outcome::Blocked)
                if one_fault == OneFault::Once && explained(check, seen.judged) =>
            {
                open = open.or(Some(check));
            }
            Some(Outcome::Fail) => return Rung::Missed { check, why: Miss::Fail },
            Some(Outcome::Unsupported) => return Rung::Missed { check, why: Miss::Unsupported },
            Some(Outcome::Blocked) => return Rung::Missed { check, why: Miss::Blocked },
            Some(Outcome::Inconclusive | Outcome::Skipped | Outcome::Manual) | None => {
                open = open.or(Some(check));
            }
        }
    }
    open.map_or(Rung::Reached, |check| Rung::Open { check })
}

/// Whether each failure of a check is that of another one once more.
fn explained(check: CheckId, judged: &[Judged]) -> bool {
    let of_check = judged.iter().filter(|judged| judged.verdict.check == check).map(|judged| &judged.verdict);
    let repeats = |verdict: &Verdict| match verdict.outcome {
        Outcome::Fail => verdict.explained_by.is_some(),
        Outcome::Blocked => matches!(verdict.finding, Finding::DependsOn { .. }),
        outcome => outcome != Outcome::Unsupported,
    };
    of_check.into_iter().all(repeats)
}

/// A check that several scenarios make has passed where it passed in all of them.
pub(super) fn worst(check: CheckId, judged: &[Judged]) -> Option<Outcome> {
    const GRAVEST_FIRST: [Outcome; 7] = [
        Outcome::Fail,
        Outcome::Unsupported,
        Outcome::Blocked,
        Outcome::Inconclusive,
        Outcome::Skipped,
        Outcome::Manual,
        Outcome::Pass,
    ];
    let seen = || judged.iter().filter(|judged| judged.verdict.check == check).map(|j| j.verdict.outcome);
    GRAVEST_FIRST.into_iter().find(|outcome| seen().any(|seen| seen == *outcome))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use fake_backends::behavior::Share;

    use super::*;
    use crate::grade::entries::Override;
    use crate::grade::source::SourceRule;
    use harness_model::terms::Bilingual;
    use harness_tell::report::testkit::verdict;

    fn rubric() -> Rubric {
        let row = |key: &str, points, must_pass, by| Row {
            key: key.to_owned(),
            requirement: key.parse().ok(),
            title: None,
            points,
            must_pass,
            by,
        };
        let ladder = [vec![CheckId::TtlExpiry], vec![CheckId::TtlSecondValue], vec![CheckId::TtlSliding]];
        let one = [vec![CheckId::CacheHit], vec![], vec![]];
        Rubric {
            text: "".into(),
            name: "r".into(),
            title: Bilingual { en: "R".into(), es: "R".into() },
            scale: ScaleFile::default(),
            rungs: [0.6, 0.3, 0.1],
            one_fault: OneFault::EachTime,
            hints: Default::default(),
            scenarios: Vec::new(),
            run_within: None,
            rows: vec![
                row("REQ-8", 50.0, true, By::Checks(one)),
                row("REQ-8c", 30.0, false, By::Checks(ladder)),
                row("defence", 20.0, false, By::Person),
            ],
        }
    }

    fn judged(outcomes: &[(CheckId, Outcome)]) -> Vec<Judged> {
        let one = |&(check, outcome): &(CheckId, Outcome)| Judged {
            scenario: "ttl".into(),
            folder: String::new(),
            verdict: verdict(check, outcome),
            repeated: false,
        };
        outcomes.iter().map(one).collect()
    }

    fn started(judged: &[Judged]) -> Seen<'_> {
        Seen { judged, started: true, drafted: false, source: None }
    }

    const ALL_PASS: [(CheckId, Outcome); 4] = [
        (CheckId::CacheHit, Outcome::Pass),
        (CheckId::TtlExpiry, Outcome::Pass),
        (CheckId::TtlSecondValue, Outcome::Pass),
        (CheckId::TtlSliding, Outcome::Pass),
    ];

    fn with(check: CheckId, outcome: Outcome) -> Vec<Judged> {
        let mut all = ALL_PASS;
        for row in all.iter_mut().filter(|row| row.0 == check) {
            row.1 = outcome;
        }
        judged(&all)
    }

    #[test]
    fn what_a_person_has_not_entered_is_open_and_never_zero() {
        let (rows, grade) = score(&rubric(), &started(&judged(&ALL_PASS)), None);
        assert_eq!(rows.iter().map(|row| row.earned).sum::<f64>(), 80.0);
        assert_eq!((grade.least, grade.most, grade.decided()), (4.0, 5.0, None));
        let entry =
            Entry { manual: BTreeMap::from([("defence".into(), Share(0.5))]), overrides: BTreeMap::new() };
        assert_eq!(score(&rubric(), &started(&judged(&ALL_PASS)), Some(&entry)).1.decided(), Some(4.5));
    }

    #[test]
    fn what_would_change_a_grade_is_each_open_row_by_itself() {
        // What must work is open, and so is what a person enters: the first lifts the limit, the second alone does not.
        let (rows, grade) = score(&rubric(), &started(&with(CheckId::CacheHit, Outcome::Inconclusive)), None);
        assert_eq!((grade.least, grade.most), (1.5, 5.0));
        let swings: Vec<(usize, f64, f64)> =
            swings(&rubric(), &rows).iter().map(|it| (it.row, it.points, it.grade)).collect();
        assert_eq!(swings, [(0, 50.0, 4.0), (2, 20.0, 2.5)]);
        let (rows, _) = score(&rubric(), &started(&judged(&ALL_PASS)), None);
        assert_eq!(super::swings(&rubric(), &rows).len(), 1, "what is decided changes nothing");
    }

    #[test]
    fn a_fault_costs_its_points_once_where_the_rubric_says_so() {
        let mut seen = with(CheckId::TtlSecondValue, Outcome::Fail);
        let explained =
            seen.iter_mut().find(|judged| judged.verdict.check == CheckId::TtlSecondValue).unwrap();
        explained.verdict.explained_by = Some(CheckId::CacheHit);
        let of = |one_fault| score(&Rubric { one_fault, ..rubric() }, &started(&seen), None).0.remove(1);
        let each = of(OneFault::EachTime);
        assert_eq!((each.earned, each.open), (18.0, 0.0));
        let once = of(OneFault::Once);
        assert_eq!((once.earned, once.open), (18.0, 12.0), "never a zero, and nothing given away either");
        // What nothing explains costs its points all the same.
        let seen = with(CheckId::TtlSecondValue, Outcome::Fail);
        let rubric = Rubric { one_fault: OneFault::Once, ..rubric() };
        assert_eq!(score(&rubric, &started(&seen), None).0[1].open, 0.0);
    }

    #[test]
    fn a_rung_counts_only_where_those_below_it_are_reached() {
        let (rows, _) = score(&rubric(), &started(&with(CheckId::TtlSecondValue, Outcome::Fail)), None);
        assert_eq!(rows[1].earned, 18.0);
        assert_eq!(rows[1].rungs[1], Rung::Missed { check: CheckId::TtlSecondValue, why: Miss::Fail });
        assert_eq!(rows[1].rungs[2], Rung::BelowMissing);
    }

    #[test]
    fn a_rung_that_is_missing_in_the_rubric_shares_out_its_worth() {
        let (rows, _) = score(&rubric(), &started(&judged(&ALL_PASS)), None);
        assert_eq!(rows[0].earned, 50.0, "the only rung of REQ-8 is worth all of it");
    }

    #[test]
    fn inconclusive_is_open_with_everything_above_it() {
        let (rows, grade) =
            score(&rubric(), &started(&with(CheckId::TtlExpiry, Outcome::Inconclusive)), None);
        assert_eq!((rows[1].earned, rows[1].open), (0.0, 30.0));
        assert!(grade.decided().is_none());
    }

    #[test]
    fn unsupported_and_blocked_earn_nothing_and_say_why() {
        for (outcome, why) in [(Outcome::Unsupported, Miss::Unsupported), (Outcome::Blocked, Miss::Blocked)] {
            let (rows, _) = score(&rubric(), &started(&with(CheckId::TtlExpiry, outcome)), None);
            assert_eq!((rows[1].earned, rows[1].open), (0.0, 0.0));
            assert_eq!(rows[1].rungs[0], Rung::Missed { check: CheckId::TtlExpiry, why });
        }
    }

    #[test]
    fn nobody_passes_without_what_must_work_unless_a_person_overrides_it() {
        let verdicts = with(CheckId::CacheHit, Outcome::Fail);
        let mut rubric = rubric();
        rubric.rows[0].points = 5.0;
        let (_, grade) = score(&rubric, &started(&verdicts), None);
        assert!(grade.limited && grade.most == 2.9, "{grade:?}");
        let given = Override { points: 5.0, reason: "shown in the defence".into() };
        let entry = Entry {
            manual: BTreeMap::from([("defence".into(), Share(1.0))]),
            overrides: BTreeMap::from([("REQ-8".into(), given)]),
        };
        let (rows, grade) = score(&rubric, &started(&verdicts), Some(&entry));
        assert_eq!((grade.limited, grade.decided()), (false, Some(5.0)));
        assert_eq!(rows[0].overridden.as_deref(), Some("shown in the defence"));
    }

    #[test]
    fn what_the_source_decides_needs_no_run_and_no_person() {
        let mut rubric = rubric();
        rubric.rows[2].by = By::Source(SourceRule::Languages(vec!["C".into()]));
        let facts =
            |language: &str| SourceFacts { language: Some(language.into()), ..SourceFacts::default() };
        let earned = |language: &str| {
            let facts = facts(language);
            let seen = Seen { judged: &[], started: false, drafted: false, source: Some(&facts) };
            let (rows, _) = score(&rubric, &seen, None);
            (rows[2].earned, rows[2].open)
        };
        assert_eq!((earned("C"), earned("Go")), ((20.0, 0.0), (0.0, 0.0)));
    }

    #[test]
    fn the_worst_of_several_scenarios_counts() {
        let both = judged(&[(CheckId::CacheHit, Outcome::Pass), (CheckId::CacheHit, Outcome::Fail)]);
        assert_eq!(worst(CheckId::CacheHit, &both), Some(Outcome::Fail));
    }

    #[test]
    fn a_proxy_that_never_started_earns_nothing_but_what_a_person_gives() {
        let (rows, grade) =
            score(&rubric(), &Seen { judged: &[], started: false, drafted: false, source: None }, None);
        assert!(rows[..2].iter().all(|row| row.earned == 0.0 && row.open == 0.0));
        assert_eq!((grade.least, grade.most), (0.0, 1.0));
    }

    #[test]
    fn what_is_missed_under_a_draft_of_the_judge_is_open_and_what_passed_counts() {
        for outcome in [Outcome::Fail, Outcome::Unsupported, Outcome::Blocked] {
            let judged = with(CheckId::TtlSecondValue, outcome);
            let (rows, _) = score(&rubric(), &Seen { drafted: true, ..started(&judged) }, None);
            assert_eq!((rows[1].earned, rows[1].open), (18.0, 12.0), "{:?}", rows[1]);
        }
    }

    #[test]
    fn grades_are_rounded_half_up_to_one_decimal() {
        assert_eq!(on_scale(&ScaleFile::default(), 0.45, false), 2.3, "2.25 goes up");
        assert_eq!(on_scale(&ScaleFile::default(), 2.0, false), 5.0);
    }
}
