//! One precomputed cycle of turns and one counter.
//!
//! `set` makes a rotation for each healthy set. It knows nothing of health or load: whose turn it is
//! follows from the counter alone, which is why it is exact however many threads ask.

use std::sync::atomic::{AtomicUsize, Ordering};

/// The turns of one healthy set, as places in its list of members.
#[derive(Debug, Default)]
pub(super) struct Rotation {
    cycle: Box<[u32]>,
    turn: AtomicUsize,
}

impl Rotation {
    /// A rotation over `(place, weight)`, which begins with the turn after that of the place `last`.
    pub(super) fn new(members: &[(u32, u32)], last: Option<u32>) -> Self {
        let cycle = smooth_cycle(members);
        let first = last.map_or(0, |last| {
            // Its own next turn if it is still here, or else that of the next place in line.
            let same = cycle.iter().position(|&place| place == last).map(|position| position + 1);
            let next = || {
                let following = cycle.iter().filter(|&&place| place > last).min();
                following.and_then(|next| cycle.iter().position(|place| place == next))
            };
            same.or_else(next).unwrap_or(0)
        });
        Self { cycle, turn: AtomicUsize::new(first) }
    }

    /// Takes the next turn: its number and the place that has it.
    pub(super) fn next(&self) -> Option<(usize, u32)> {
        if self.cycle.is_empty() {
            return None;
        }
        let turn = self.turn.fetch_add(1, Ordering::Relaxed);
        Some((turn, self.cycle[turn % self.cycle.len()]))
    }

    /// The places in the order of their turns behind `turn`, with repetitions.
    pub(super) fn following(&self, turn: usize) -> impl Iterator<Item = u32> + '_ {
        (1..=self.cycle.len()).map(move |step| self.cycle[turn.wrapping_add(step) % self.cycle.len()])
    }

    /// The place that had the last turn, if any was taken.
    pub(super) fn last(&self) -> Option<u32> {
        let turn = self.turn.load(Ordering::Relaxed);
        let last = turn.checked_sub(1)?;
        self.cycle.get(last % self.cycle.len().max(1)).copied()
    }
}

/// The smooth weighted rotation: in each step everybody gains his weight, the richest has the turn and
/// pays the total. Its period is the sum of the weights, shortened by their common divisor.
fn smooth_cycle(members: &[(u32, u32)]) -> Box<[u32]> {
    let divisor = members.iter().fold(0, |divisor, &(_, weight)| greatest_common_divisor(divisor, weight));
    let divisor = divisor.max(1);
    let total: i64 = members.iter().map(|&(_, weight)| i64::from(weight / divisor)).sum();
    let mut credit = vec![0i64; members.len()];
    (0..total)
        .map(|_| {
            let mut richest = 0;
            for (index, &(_, weight)) in members.iter().enumerate() {
                credit[index] += i64::from(weight / divisor);
                if credit[index] > credit[richest] {
                    richest = index;
                }
            }
            credit[richest] -= total;
            members[richest].0
        })
        .collect()
}

fn greatest_common_divisor(one: u32, two: u32) -> u32 {
    if two == 0 { one } else { greatest_common_divisor(two, one % two) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_weights_make_the_shortest_cycle() {
        assert_eq!(*smooth_cycle(&[(0, 10), (1, 10), (2, 10)]), [0, 1, 2]);
        assert_eq!(*smooth_cycle(&[(0, 4), (1, 2)]), [0, 1, 0]);
    }

    #[test]
    fn every_place_has_as_many_turns_as_its_weight() {
        let cycle = smooth_cycle(&[(0, 7), (3, 2), (5, 3)]);
        let turns = |place| cycle.iter().filter(|&&other| other == place).count();
        assert_eq!((cycle.len(), turns(0), turns(3), turns(5)), (12, 7, 2, 3));
    }

    #[test]
    fn a_new_rotation_continues_behind_the_last_turn() {
        let old = Rotation::new(&[(0, 1), (1, 1), (2, 1)], None);
        assert_eq!(old.last(), None);
        old.next();
        old.next();
        assert_eq!(old.last(), Some(1));
        assert_eq!(Rotation::new(&[(0, 1), (2, 1)], old.last()).next(), Some((1, 2)));
        assert_eq!(Rotation::new(&[(0, 1)], Some(2)).next().map(|turn| turn.1), Some(0));
    }
}
