//! Several sides, each measured in the same rounds: medians, paired ratios with intervals, thresholds judged three-valued.
//!
//! `harness compare` feeds it the records of its rounds, `harness merge` those of its shards. The round is the unit of
//! statistics, because the samples of one run are correlated; what a single run can say of a threshold, it says for that run
//! (`one_run`). It is a function of records and touches nothing.

mod baseline;
mod errors;
mod figures;
mod gates;
mod one_run;
mod ratio;
mod table;

pub use baseline::{BASELINE, Baseline, Kept, Reference, Since};
pub use figures::{Figures, figures_of};
pub use gates::{Doubt, Gated, Ruling, judge_gates};
pub use one_run::{Limited, Reason, judge_run};
pub use ratio::{Middle, Pair, Shows};
pub use table::{Comparison, Row, Side, Subject, beside, table};

/// Confidence of every interval: repeated looks inflate the error, so each is at 99 %.
pub const LEVEL: f64 = 0.99;
/// Rounds before each look at the thresholds; after the last they are inconclusive.
pub const LOOKS: [usize; 3] = [8, 16, 32];
