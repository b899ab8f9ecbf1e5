//! `votes.*`: one vote for each user and video however many come at the same instant, and nobody sees what belongs to another.
//!
//! A vote is a POST: a proxy that sends it to two instances, or answers it from its cache, is seen in the journals, in what users are told
//! and in the ranking. Answers to a user name the user for whom they were made.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::delivery::values;
use super::{CaseFinding, OwnSeen, VotesSeen};
use crate::check::Finding;
use crate::check::judged::Judged;
use crate::check::ledger::{Asked, Ledger, Origin};
use crate::check::seen::Samples;
use harness_model::history::{ContentSeen, Purpose};
use harness_model::plan::{CaseStep, CheckPlan, StepKind, Votes};

/// Pairs of user and video; fewer show no race.
const LEAST_PAIRS: u64 = 10;
/// Answers to users about what is their own; fewer show nothing.
const LEAST_OWN: u64 = 20;

/// The steps of votes that a check looks at.
fn steps<'a>(ledger: &'a Ledger<'a>, check: &'a CheckPlan) -> Vec<(usize, &'a Votes)> {
    let of_votes = |step: &'a harness_model::plan::Step| match &step.kind {
        StepKind::Case(CaseStep::Votes(votes)) => Some((step.index, votes)),
        _ => None,
    };
    ledger.steps_of(check).filter_map(of_votes).collect()
}

/// The body of a complete answer of success that is JSON and not longer than what is kept of it.
fn json(asked: &Asked<'_>) -> Option<Value> {
    asked.succeeded().then_some(())?;
    serde_json::from_slice(&asked.exchange.response.as_ref()?.body.start.0).ok()
}

/// `votes.counted`: each user is told once that the vote counts, it is counted once, and each POST reaches one instance once.
pub(in crate::check) fn counted(ledger: &Ledger<'_>, check: &CheckPlan) -> Judged {
    let (mut seen, mut evidence) = (VotesSeen::default(), Vec::new());
    let mut tallied = false;
    for (step, _) in steps(ledger, check) {
        let votes = ledger.requests_of(step, Purpose::Vote);
        let mut told: BTreeMap<(u32, u32), (u64, u64)> = BTreeMap::new();
        let mut sent: BTreeMap<&str, u64> = BTreeMap::new();
        for vote in &votes {
            let pair = told.entry((vote.exchange.number, vote.exchange.group)).or_default();
            *sent.entry(vote.exchange.target.as_str()).or_default() += 1;
            seen.sent += 1;
            match vote.status() {
                Some(200) => pair.0 += 1,
                Some(409) => pair.1 += 1,
                _ => {
                    seen.otherwise += 1;
                    evidence.push(vote.line);
                }
            }
            if matches!(ledger.origin(vote), Some(Origin::Cache)) {
                seen.from_cache += 1;
                evidence.push(vote.line);
            }
        }
        for (target, count) in &sent {
            let arrived =
                ledger.attempts_for(target).filter(|arrived| arrived.attempt.method == "POST").count();
            seen.sent_twice += (arrived as u64).saturating_sub(*count);
        }
        for ((user, video), &(counted, _)) in &told {
            seen.pairs += 1;
            seen.told_twice += u64::from(counted > 1);
            seen.never_told += u64::from(counted == 0);
            if counted != 1 {
                let of_pair =
                    |vote: &&Asked<'_>| (vote.exchange.number, vote.exchange.group) == (*user, *video);
                evidence.extend(votes.iter().filter(of_pair).map(|vote| vote.line));
            }
        }
        for tally in ledger.requests_of(step, Purpose::Tally) {
            let Some(Value::Array(ranking)) = json(&tally) else { continue };
            tallied = true;
            let videos: BTreeSet<&str> = sent.keys().copied().collect();
            let of_video = |video: &&Value| {
                let id = video.get("id").and_then(Value::as_str);
                id.is_some_and(|id| videos.iter().any(|target| target.contains(id)))
            };
            let votes_of = |video: &Value| video.get("votes").and_then(Value::as_u64).unwrap_or(0);
            seen.in_the_ranking += ranking.iter().filter(of_video).map(votes_of).sum::<u64>();
            if seen.in_the_ranking != seen.pairs {
                evidence.push(tally.line);
            }
        }
    }
    if seen.sent == 0 {
        return Judged::not_reached();
    }
    if seen.pairs < LEAST_PAIRS {
        return Judged::too_few(Samples::Requests, seen.pairs, LEAST_PAIRS);
    }
    let wrong = seen.told_twice + seen.never_told + seen.otherwise + seen.sent_twice + seen.from_cache > 0;
    let miscounted = tallied && seen.in_the_ranking != seen.pairs;
    let finding = Finding::Case(CaseFinding::Votes(seen));
    match (wrong || miscounted, tallied) {
        (true, _) => Judged::fail(finding, evidence),
        (false, false) => Judged::inconclusive(finding),
        (false, true) => Judged::pass(finding),
    }
}

/// `votes.own`: what belongs to one user is made for that user, and holds at the end what the user was told; what is for everybody is whole.
pub(in crate::check) fn own(ledger: &Ledger<'_>, check: &CheckPlan) -> Judged {
    let (mut seen, mut evidence) = (OwnSeen::default(), Vec::new());
    for (step, _) in steps(ledger, check) {
        let votes = ledger.requests_of(step, Purpose::Vote);
        let all_in = votes.iter().map(|vote| vote.exchange.finished).max();
        for asked in ledger.requests_of(step, Purpose::User) {
            let Some(body) = json(&asked) else { continue };
            let Some(owner) = body.get("user").and_then(Value::as_str) else { continue };
            seen.own += 1;
            if owner != format!("u{}", asked.exchange.number) {
                seen.of_another += 1;
                evidence.push(asked.line);
                continue;
            }
            let Some(listed) = body.get("votes").and_then(Value::as_array) else { continue };
            if all_in.is_some_and(|all_in| asked.sent() >= all_in) {
                let counted = |vote: &&Asked<'_>| {
                    vote.exchange.number == asked.exchange.number && vote.status() == Some(200)
                };
                let lacks = |vote: &Asked<'_>| {
                    !listed.iter().filter_map(Value::as_str).any(|id| vote.exchange.target.contains(id))
                };
                seen.lists_at_the_end += 1;
                if votes.iter().filter(counted).any(lacks) {
                    seen.out_of_date += 1;
                    evidence.push(asked.line);
                }
            }
        }
        for asked in ledger.requests_of(step, Purpose::Open).iter().filter(|asked| asked.succeeded()) {
            seen.open += 1;
            seen.open_from_cache += u64::from(ledger.is_from_cache(asked));
            // What is no JSON comes from the object store and proves itself.
            if values(asked, "content-type").iter().any(|kind| kind == "application/json") {
                continue;
            }
            let content =
                asked.exchange.response.as_ref().and_then(|response| response.body.content.as_ref());
            let target = &asked.exchange.target;
            let is_right = matches!(content, Some(ContentSeen::Whole { key, .. }) if key == target);
            seen.objects += 1;
            seen.spoilt += u64::from(!is_right);
            if !is_right {
                evidence.push(asked.line);
            }
        }
    }
    if seen.own + seen.open == 0 {
        return Judged::not_reached();
    }
    let fails = seen.of_another + seen.out_of_date + seen.spoilt > 0;
    if !fails && seen.own < LEAST_OWN {
        return Judged::too_few(Samples::Requests, seen.own, LEAST_OWN);
    }
    let finding = Finding::Case(CaseFinding::Own(seen));
    if fails { Judged::fail(finding, evidence) } else { Judged::pass(finding) }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use crate::check::testkit::{Ask, Kit};
    use crate::check::{Outcome, Verdict, evaluate};
    use harness_model::catalogue::CheckId;
    use harness_model::history::{EventKind, Purpose, WireBytes};
    use harness_model::plan::{CaseStep, StepKind, Votes};

    /// Five users vote twice for each of three videos, look at their own votes and at the ranking; this changes a vote or an answer,
    /// by user, video and place.
    fn judged(
        check: CheckId,
        vote: impl Fn(u32, u32, u32, Ask) -> Ask,
        owner: impl Fn(u32) -> u32,
        in_the_ranking: u32,
    ) -> Verdict {
        let mut kit = Kit::new(2);
        kit.step(
            0.0,
            StepKind::Case(CaseStep::Votes(Votes {
                users: 5,
                videos: 3,
                at_once: 2,
                signup: "/s".into(),
                login: "/l".into(),
                upload: "/u".into(),
                vote: "/v/{key}".into(),
                list: "/list".into(),
                own: vec!["/own".into()],
                ranking: "/r?limit={n}".into(),
                open: Vec::new(),
                look_every: Duration::from_millis(10),
            })),
        );
        let mut at = 10.0;
        for video in 0..3 {
            for user in 1..=5 {
                for place in 0..2 {
                    let status = if place == 0 { 200 } else { 409 };
                    let ask = Ask::get(Purpose::Vote, &format!("/v/id{video}"), at)
                        .with_method("POST")
                        .by("b1")
                        .with_status(status);
                    kit.group = video;
                    kit.ask_as(user, vote(user, video, place, ask));
                    at += 5.0;
                }
            }
        }
        kit.group = 0;
        let mut answer = |kit: &mut Kit, purpose, target: &str, number, body: String| {
            kit.ask_as(number, Ask::get(purpose, target, at).by("b2"));
            at += 5.0;
            if let Some(EventKind::Exchange(exchange)) =
                kit.record.events.last_mut().map(|event| &mut event.event)
                && let Some(response) = &mut exchange.response
            {
                response.body.start = WireBytes(body.into());
            }
        };
        for _ in 0..5 {
            for user in 1..=5 {
                let body = format!(r#"{{"user":"u{}","votes":["id0","id1","id2"]}}"#, owner(user));
                answer(&mut kit, Purpose::User, "/own", user, body);
            }
        }
        let ranking = format!(r#"[{{"id":"id0","votes":{in_the_ranking}}},{{"id":"id1","votes":10}}]"#);
        answer(&mut kit, Purpose::Tally, "/r?limit=51", 0, ranking);
        kit.check(check);
        evaluate(&kit.record).remove(0)
    }

    #[test]
    fn votes_that_are_told_and_counted_once_pass() {
        let verdict = judged(CheckId::VotesCounted, |_, _, _, ask| ask, |user| user, 5);
        assert_eq!(verdict.outcome, Outcome::Pass, "{:?}", verdict.finding);
    }

    #[test]
    fn a_vote_that_is_told_twice_sent_twice_lost_or_miscounted_is_caught() {
        let outcome = |vote: fn(u32, u32, u32, Ask) -> Ask, ranking| {
            judged(CheckId::VotesCounted, vote, |user| user, ranking).outcome
        };
        fn first(user: u32, video: u32) -> bool {
            user == 2 && video == 1
        }
        assert_eq!(
            outcome(|u, v, _, ask| if first(u, v) { ask.with_status(200) } else { ask }, 5),
            Outcome::Fail
        );
        assert_eq!(
            outcome(|u, v, _, ask| if first(u, v) { ask.with_status(409) } else { ask }, 5),
            Outcome::Fail
        );
        assert_eq!(
            outcome(|u, v, _, ask| if first(u, v) { ask.with_status(502) } else { ask }, 5),
            Outcome::Fail
        );
        assert_eq!(
            outcome(|u, v, p, ask| if first(u, v) && p == 0 { ask.by("b2") } else { ask }, 5),
            Outcome::Fail
        );
        assert_eq!(outcome(|_, _, _, ask| ask, 6), Outcome::Fail);
    }

    #[test]
    fn an_answer_for_another_user_is_caught() {
        let outcome = |owner: fn(u32) -> u32| judged(CheckId::VotesOwn, |_, _, _, ask| ask, owner, 5).outcome;
        assert_eq!(outcome(|user| user), Outcome::Pass);
        assert_eq!(outcome(|_| 1), Outcome::Fail);
    }
}
