//! Figures that follow from figures: quantiles with their sample sizes, intervals, power, seeded chance.
//!
//! The checks and the reports call it, and so does whoever draws a random instant from the seed of a run. It is pure:
//! no clock is read, no source of randomness but the seed, and nothing here says whether a proxy is right.

mod median;
mod power;
mod proportion;
mod quantile;
mod random;

pub use median::{MedianInterval, median, median_interval};
pub use power::{chance_of_a_lucky_cycle, power_of_batches};
pub use proportion::{ProportionInterval, clopper_pearson};
pub use quantile::{quantile_of_sorted, quantile_ranks, samples_needed};
pub use random::Generator;
