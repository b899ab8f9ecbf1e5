//! What a sequence of picks looks like: an exact cycle, a weighted one, always the same, none.
//!
//! The rotation checks ask here. It knows names of backends in the order of their visits and nothing else.

use std::collections::BTreeMap;

use super::seen::{RotationPattern, Share};

/// Where a sequence stops being an exact cycle over `backends` of them: its first index that does not fit.
///
/// A cycle may begin anywhere. Each of the first n must be new, each later one the same as n before.
pub(super) fn first_break(sequence: &[&str], backends: usize) -> Option<usize> {
    (0..sequence.len()).find(|&index| match index.checked_sub(backends) {
        None => sequence[..index].contains(&sequence[index]),
        Some(before) => sequence[index] != sequence[before],
    })
}

/// Turns that are missing from a sequence if it is a cycle of which others took some: the cycle is the one that most steps follow.
/// `None` where the steps follow none.
pub(super) fn missing_turns(sequence: &[&str], backends: usize) -> Option<usize> {
    let mut steps: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for pair in sequence.windows(2) {
        *steps.entry((pair[0], pair[1])).or_default() += 1;
    }
    let usual_after = |name: &str| {
        let after = steps.iter().filter(|((from, _), _)| *from == name);
        after.max_by_key(|(_, count)| **count).map(|((_, next), _)| *next)
    };
    let mut order = vec![*sequence.first()?];
    while order.len() < backends {
        let next = usual_after(order[order.len() - 1]).filter(|next| !order.contains(next))?;
        order.push(next);
    }
    let place = |name: &str| order.iter().position(|known| *known == name);
    sequence.windows(2).try_fold(0, |missing, pair| {
        let (from, to) = (place(pair[0])?, place(pair[1])?);
        Some(missing + (to + backends - from - 1) % backends)
    })
}

/// Largest difference between two backends after any prefix of the sequence.
pub(super) fn prefix_spread(sequence: &[&str], backends: &[String]) -> u64 {
    let mut counts: BTreeMap<&str, u64> = backends.iter().map(|name| (name.as_str(), 0)).collect();
    let mut most = 0;
    for name in sequence {
        *counts.entry(name).or_default() += 1;
        most = most.max(spread_of(counts.values().copied()));
    }
    most
}

/// Difference between the largest and the smallest of some counts.
pub(super) fn spread_of(counts: impl Iterator<Item = u64>) -> u64 {
    let (mut least, mut most) = (u64::MAX, 0);
    for count in counts {
        least = least.min(count);
        most = most.max(count);
    }
    most.saturating_sub(least)
}

/// Attempts per backend, those without any included, in the order of the backends.
pub(super) fn shares(sequence: &[&str], backends: &[String]) -> Vec<Share> {
    let count = |name: &str| sequence.iter().filter(|visited| **visited == name).count() as u64;
    backends.iter().map(|name| Share { backend: name.clone(), attempts: count(name) }).collect()
}

/// What serial requests look like, each on its own: `rotations` are declared by the adapter.
pub(super) fn of_serial(sequence: &[&str], backends: &[String], rotations: u64) -> RotationPattern {
    let n = backends.len();
    if sequence.len() < 2 * n.max(1) {
        return RotationPattern::Unknown;
    }
    if first_break(sequence, n).is_none() {
        return RotationPattern::Global;
    }
    if let Some(only) = sequence.first().filter(|first| sequence.iter().all(|name| name == *first)) {
        return RotationPattern::Sticky { backend: (*only).to_owned() };
    }
    if shares(sequence, backends).iter().any(|share| share.attempts == 0) {
        return RotationPattern::LeavesOut;
    }
    if let Some(period) = period_of(sequence, n) {
        let cycle = &sequence[..period];
        let uneven = spread_of(shares(cycle, backends).iter().map(|share| share.attempts)) > 0;
        return if uneven { RotationPattern::Weighted } else { RotationPattern::PerConnection };
    }
    if rotations > 1 && prefix_spread(sequence, backends) <= rotations {
        return RotationPattern::PerWorker;
    }
    RotationPattern::Random
}

/// The shortest period longer than `n` after which the sequence repeats itself, where it does so at least twice over.
fn period_of(sequence: &[&str], n: usize) -> Option<usize> {
    (n + 1..=sequence.len() / 2)
        .find(|&period| (period..sequence.len()).all(|i| sequence[i] == sequence[i - period]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn three() -> Vec<String> {
        ["b1", "b2", "b3"].map(str::to_owned).to_vec()
    }

    #[test]
    fn turns_that_others_took_are_counted() {
        assert_eq!(missing_turns(&["b1", "b2", "b3", "b1", "b2", "b3"], 3), Some(0));
        assert_eq!(missing_turns(&["b1", "b2", "b3", "b2", "b3", "b1", "b2", "b3"], 3), Some(1));
        assert_eq!(missing_turns(&["b1", "b2", "b3", "b3", "b1", "b2", "b3"], 3), Some(2));
        assert_eq!(missing_turns(&["b1", "b1", "b1", "b1"], 3), None);
    }

    #[test]
    fn a_cycle_may_begin_anywhere_and_have_any_order() {
        assert_eq!(first_break(&["b3", "b1", "b2", "b3", "b1", "b2", "b3"], 3), None);
        assert_eq!(first_break(&["b1", "b3", "b2", "b1", "b3", "b2"], 3), None);
    }

    #[test]
    fn the_first_pick_that_does_not_fit_is_named() {
        assert_eq!(first_break(&["b1", "b2", "b3", "b1", "b1"], 3), Some(4));
        assert_eq!(first_break(&["b1", "b1"], 3), Some(1));
    }

    #[test]
    fn patterns_have_names() {
        let of = |text: &str| {
            let sequence: Vec<&str> = text.split(' ').collect();
            of_serial(&sequence, &three(), 1)
        };
        assert_eq!(of("b2 b3 b1 b2 b3 b1"), RotationPattern::Global);
        assert_eq!(of("b2 b2 b2 b2 b2 b2"), RotationPattern::Sticky { backend: "b2".to_owned() });
        assert_eq!(of("b1 b2 b1 b2 b1 b2"), RotationPattern::LeavesOut);
        assert_eq!(of("b1 b1 b2 b3 b1 b1 b2 b3"), RotationPattern::Weighted);
        assert_eq!(of("b1 b2 b2 b3 b1 b3 b3 b1 b2 b1 b3"), RotationPattern::Random);
        assert_eq!(of("b1 b2"), RotationPattern::Unknown);
    }

    #[test]
    fn several_rotations_explain_a_small_spread_only_where_they_are_declared() {
        // Two rotations whose requests alternate irregularly.
        let sequence = ["b1", "b1", "b2", "b2", "b3", "b1", "b3", "b1", "b2", "b3", "b2", "b3"];
        assert_eq!(of_serial(&sequence, &three(), 2), RotationPattern::PerWorker);
        assert_eq!(of_serial(&sequence, &three(), 1), RotationPattern::Random);
    }

    #[test]
    fn spreads_count_backends_that_were_never_visited() {
        assert_eq!(prefix_spread(&["b1", "b2", "b1", "b2"], &three()), 2);
        assert_eq!(spread_of([4, 4, 4].into_iter()), 0);
        assert_eq!(spread_of(std::iter::empty()), 0);
    }
}
