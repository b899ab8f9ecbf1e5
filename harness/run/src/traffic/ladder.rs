//! The rungs of a search for a capacity: rates that rise by a factor until one is refused, then the middle of the gap.
//!
//! `capacity` climbs it and enters what each rung came to. It is a function of what was entered: it sends nothing and reads
//! no clock.

use harness_model::history::RungJudged;

/// Each rung of the first part is this much higher than the one before.
const FACTOR: f64 = 1.5;
/// Rungs in all, however they come out.
const MOST_RUNGS: u32 = 16;
/// A search goes down no further than this share of its first rung.
const LOWEST: f64 = 1.0 / 16.0;

/// A search under way.
#[derive(Clone, Debug)]
pub(super) struct Ladder {
    from: f64,
    to: f64,
    precision: f64,
    kept: Option<f64>,
    refused: Option<f64>,
    /// The lowest rate that could not be measured.
    unknown: Option<f64>,
    tried: u32,
}

impl Ladder {
    /// A search between two rates.
    pub(super) fn new(from: f64, to: f64, precision: f64) -> Ladder {
        Ladder { from, to, precision, kept: None, refused: None, unknown: None, tried: 0 }
    }

    /// The rate of the next rung; `None` where the search has ended.
    pub(super) fn next(&self) -> Option<f64> {
        if self.tried >= MOST_RUNGS {
            return None;
        }
        let lid = [self.refused, self.unknown].into_iter().flatten().reduce(f64::min);
        match (self.kept, lid) {
            (None, None) => Some(self.from),
            (None, Some(lid)) => Some(lid / 2.0).filter(|rate| *rate >= self.from * LOWEST),
            (Some(kept), None) if kept >= self.to => None,
            (Some(kept), None) => Some((kept * FACTOR).min(self.to)),
            (Some(kept), Some(lid)) if lid <= kept * (1.0 + self.precision) => None,
            // The middle on a scale of ratios: the precision is one too.
            (Some(kept), Some(lid)) => Some((kept * lid).sqrt()),
        }
    }

    /// What a rung came to.
    pub(super) fn enter(&mut self, rate: f64, judged: RungJudged) {
        self.tried += 1;
        match judged {
            // A rung that is kept outweighs an unlucky one below it.
            RungJudged::Kept => {
                self.kept = Some(self.kept.map_or(rate, |kept| kept.max(rate)));
                self.refused = self.refused.filter(|refused| *refused > rate);
            }
            RungJudged::Refused => {
                self.refused = Some(self.refused.map_or(rate, |refused| refused.min(rate)));
            }
            RungJudged::Unknown => {
                self.unknown = Some(self.unknown.map_or(rate, |unknown| unknown.min(rate)));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn climbed(capacity: f64, measurable: f64, from: f64) -> (Ladder, u32) {
        let mut ladder = Ladder::new(from, 10_000.0, 0.05);
        while let Some(rate) = ladder.next() {
            let judged = match rate {
                rate if rate > measurable => RungJudged::Unknown,
                rate if rate > capacity => RungJudged::Refused,
                _ => RungJudged::Kept,
            };
            ladder.enter(rate, judged);
        }
        let tried = ladder.tried;
        (ladder, tried)
    }

    #[test]
    fn the_interval_holds_the_capacity_and_is_narrow() {
        for capacity in [37.0, 100.0, 731.0, 5_000.0] {
            let (ladder, tried) = climbed(capacity, f64::INFINITY, 100.0);
            let (kept, refused) = (ladder.kept.unwrap(), ladder.refused.unwrap());
            assert!(kept <= capacity && capacity < refused, "{kept} {capacity} {refused}");
            assert!(refused <= kept * 1.05 && tried <= MOST_RUNGS, "{kept} {refused} {tried}");
        }
    }

    #[test]
    fn it_ends_where_nothing_more_is_to_be_tried() {
        assert_eq!(climbed(1e9, f64::INFINITY, 100.0).0.kept, Some(10_000.0));
        assert!(climbed(0.0, f64::INFINITY, 100.0).1 < 8, "nothing is ever kept");
        let (ladder, _) = climbed(1e9, 400.0, 100.0);
        assert!(ladder.refused.is_none() && ladder.kept.unwrap() > 350.0, "the engine was the limit");
    }
}
