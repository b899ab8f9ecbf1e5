//! `privacy.*`: an answer to a request with a token reaches another user only if the origin said so (RFC 9111 §3.5).
//!
//! Every answer names the user for whom it was made, so a mix-up is certain wherever it is seen. What is allowed stands in
//! the table that the origin itself answers by.

use fake_backends::applications::{CARELESS, Permission};

use super::{CloudFinding, KindSeen};
use crate::check::Finding;
use crate::check::judged::Judged;
use crate::check::ledger::{Asked, Ledger};
use crate::check::seen::Samples;
use harness_model::history::Purpose;
use harness_model::plan::{CloudStep, StepKind};

/// `privacy.tokens`: none but those that the RFC allows.
pub(in crate::check) fn tokens(ledger: &Ledger<'_>) -> Judged {
    conclude(ledger, |kind| kind.shared > 0 && !kind.allowed)
}

/// `privacy.never_shared`: none at all.
pub(in crate::check) fn never_shared(ledger: &Ledger<'_>) -> Judged {
    conclude(ledger, |kind| kind.shared > 0)
}

fn conclude(ledger: &Ledger<'_>, is_wrong: impl Fn(&KindSeen) -> bool) -> Judged {
    let mut kinds: Vec<KindSeen> = CARELESS
        .iter()
        .map(|careless| KindSeen {
            name: careless.name.to_owned(),
            answers: 0,
            shared: 0,
            allowed: careless.permission == Permission::MayShare,
        })
        .collect();
    let mut evidence = Vec::new();
    let mut asked_for = 0;
    for asked in ledger.asked.iter().filter(|asked| asked.exchange.purpose == Purpose::User) {
        asked_for += 1;
        let Some(kind) = kind_of(ledger, asked, &mut kinds) else { continue };
        let Some(owner) = owner_of(asked) else { continue };
        kind.answers += 1;
        if owner != format!("u{}", asked.exchange.number) {
            kind.shared += 1;
            if is_wrong(kind) {
                evidence.push(asked.line);
            }
        }
    }
    if asked_for == 0 {
        return Judged::not_reached();
    }
    // A kind that nobody got an answer to proves nothing about that kind.
    if let Some(unanswered) = kinds.iter().map(|kind| kind.answers).min().filter(|answers| *answers < 2) {
        return Judged::too_few(Samples::Requests, unanswered, 2);
    }
    let failed = kinds.iter().any(is_wrong);
    let finding = Finding::Cloud(CloudFinding::Tokens { kinds });
    if failed { Judged::fail(finding, evidence) } else { Judged::pass(finding) }
}

/// The kind that a request asked for: its group is the place in the step's list.
fn kind_of<'k>(
    ledger: &Ledger<'_>,
    asked: &Asked<'_>,
    kinds: &'k mut [KindSeen],
) -> Option<&'k mut KindSeen> {
    let step = ledger.plan.steps.get(asked.step?)?;
    let StepKind::Cloud(CloudStep::Users(users)) = &step.kind else { return None };
    let name = users.kinds.get(asked.exchange.group as usize)?;
    kinds.iter_mut().find(|kind| kind.name == *name)
}

/// The user for whom a complete answer of success was made.
fn owner_of(asked: &Asked<'_>) -> Option<String> {
    if asked.status() != Some(200) {
        return None;
    }
    let body = &asked.exchange.response.as_ref()?.body.start.0;
    let value: serde_json::Value = serde_json::from_slice(body).ok()?;
    value.get("user")?.as_str().map(str::to_owned)
}
