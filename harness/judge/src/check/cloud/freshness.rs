//! `freshness.delivered`: a registered order is visible everywhere within the time that its owner asks.
//!
//! An order is registered at the latest when the courier has the answer; an answer to a request that was *sent* later
//! than that plus the limit must list it. So a violation is certain, whatever the network did meanwhile.

use std::collections::BTreeMap;
use std::time::Duration;

use fake_backends::clock::Moment;

use super::{CloudFinding, PlaceSeen};
use crate::check::Finding;
use crate::check::judged::Judged;
use crate::check::ledger::{Asked, Ledger, Origin};
use crate::check::seen::Samples;
use harness_model::history::Purpose;
use harness_model::plan::{CheckPlan, Deliveries};

/// What the owners of the delivery tracking ask for, where the scenario says nothing.
const WITHIN: Duration = Duration::from_secs(10);
/// Looks of a place after the limit of some order; fewer could not have shown a violation.
const LEAST_LATE_LOOKS: u64 = 5;

/// See the module.
pub(in crate::check) fn delivered(ledger: &Ledger<'_>, check: &CheckPlan) -> Judged {
    let within = check.parameters.at_most.unwrap_or(WITHIN);
    let registered: Vec<(u32, Moment)> = ledger
        .asked
        .iter()
        .filter(|asked| asked.exchange.purpose == Purpose::Register && asked.status() == Some(200))
        .map(|asked| (asked.exchange.number, asked.exchange.finished))
        .collect();
    if registered.is_empty() {
        return Judged::not_reached();
    }
    let mut places: BTreeMap<&str, (PlaceSeen, u64)> = BTreeMap::new();
    let mut evidence = Vec::new();
    for asked in ledger.asked.iter().filter(|asked| asked.exchange.purpose == Purpose::Look) {
        let Some(listed) = listed(asked) else { continue };
        let target = asked.exchange.target.as_str();
        let (place, late_looks) = places.entry(target).or_insert_with(|| {
            let target = target.to_owned();
            (PlaceSeen { target, looks: 0, from_cache: 0, worst_ms: 0.0, too_late: 0 }, 0)
        });
        place.looks += 1;
        place.from_cache += u64::from(matches!(ledger.origin(asked), Some(Origin::Cache)));
        let age = |at: Moment| asked.sent().since(at);
        *late_looks += u64::from(registered.iter().any(|(_, at)| age(*at) > within));
        let oldest_missing = listed.lacks(&registered).map(age).max();
        let Some(oldest) = oldest_missing else { continue };
        place.worst_ms = place.worst_ms.max(oldest.as_secs_f64() * 1e3);
        if oldest > within {
            place.too_late += 1;
            evidence.push(asked.line);
        }
    }
    let fewest = places.values().map(|(_, late_looks)| *late_looks).min().unwrap_or(0);
    let places: Vec<PlaceSeen> = places.into_values().map(|(place, _)| place).collect();
    let failed = places.iter().any(|place| place.too_late > 0);
    if !failed && fewest < LEAST_LATE_LOOKS {
        return Judged::too_few(Samples::Requests, fewest, LEAST_LATE_LOOKS);
    }
    let within_ms = within.as_secs_f64() * 1e3;
    let finding =
        Finding::Cloud(CloudFinding::Delivered { orders: registered.len() as u64, within_ms, places });
    if failed { Judged::fail(finding, evidence) } else { Judged::pass(finding) }
}

/// What an answer shows of the orders.
enum Listed {
    /// Their list, the newest first, and whether it is longer than what is kept of it.
    Orders { text: String, is_cut: bool },
    /// So many, by the sum of their prices. One courier registers them one after the other, so these are the first.
    Count(usize),
}

impl Listed {
    /// When those were registered that it lacks.
    fn lacks<'r>(&self, registered: &'r [(u32, Moment)]) -> impl Iterator<Item = Moment> + 'r {
        let is_in = |(id, _): &(u32, Moment)| match self {
            Listed::Orders { text, .. } => text.contains(&Deliveries::order_id(*id)),
            Listed::Count(_) => false,
        };
        let first = match self {
            Listed::Count(count) => *count,
            // What stands behind the cut is older than all that stands before it.
            Listed::Orders { is_cut: true, .. } => {
                registered.iter().position(is_in).unwrap_or(registered.len())
            }
            Listed::Orders { .. } => 0,
        };
        let lacking: Vec<Moment> =
            registered.iter().skip(first).filter(|order| !is_in(order)).map(|(_, at)| *at).collect();
        lacking.into_iter()
    }
}

/// The orders that a complete answer shows.
fn listed(asked: &Asked<'_>) -> Option<Listed> {
    if asked.status() != Some(200) {
        return None;
    }
    let body = &asked.exchange.response.as_ref()?.body;
    let text = String::from_utf8_lossy(&body.start.0).into_owned();
    if text.contains("\"pedidos\":[") {
        return Some(Listed::Orders { is_cut: body.bytes > body.start.0.len() as u64, text });
    }
    let (_, rest) = text.split_once("\"acumulado_ventas_dia\":")?;
    let sum: f64 = rest.split([',', '}']).next()?.trim().parse().ok()?;
    Some(Listed::Count((sum / Deliveries::PRICE).round() as usize))
}
