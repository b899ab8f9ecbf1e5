//! Which part of a comparison or of a course is one machine's of many.
//!
//! `arguments` reads it from `--shard I/N`, `compare` asks it for its rounds and `grade` for its submissions. The scheduler of a
//! cluster places, repeats and cleans up; nothing of that is done here.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// One of several machines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shard {
    /// From 1.
    pub index: usize,
    /// How many there are.
    pub of: usize,
}

impl Shard {
    /// Most of them that one work is shared out among.
    pub const MOST: u16 = 10_000;

    /// `2/4`; `auto` and `auto/4` take the place, and the number where it is missing, from the environment of a Slurm array
    /// or a Kubernetes Indexed Job.
    ///
    /// # Errors
    /// It is neither, there are more than [`Shard::MOST`], or the environment does not say.
    pub fn parse(text: &str) -> Result<Shard, String> {
        Shard::parse_in(text, |name| std::env::var(name).ok())
    }

    fn parse_in(text: &str, variable: impl Fn(&str) -> Option<String>) -> Result<Shard, String> {
        let number = |name: &str| variable(name).and_then(|value| value.trim().parse::<usize>().ok());
        let (index, of) = match text.split_once('/') {
            Some(("auto", of)) => (None, of.parse().ok()),
            Some((index, of)) => {
                (Some(index.parse().map_err(|_| "write it as I/N, such as 2/4")?), of.parse().ok())
            }
            None if text == "auto" => (None, None),
            None => return Err("write it as I/N, such as 2/4, or auto".to_owned()),
        };
        let slurm = number("SLURM_ARRAY_TASK_ID").map(|id| {
            let least = number("SLURM_ARRAY_TASK_MIN").unwrap_or(0);
            (id.saturating_sub(least).saturating_add(1), number("SLURM_ARRAY_TASK_COUNT"))
        });
        // Kubernetes tells the place only; the number is told by whoever writes the job.
        let kubernetes =
            number("JOB_COMPLETION_INDEX").map(|index| (index.saturating_add(1), number("JOB_COMPLETIONS")));
        let told = slurm.or(kubernetes);
        let index = index.or(told.map(|(index, _)| index)).ok_or(
            "neither SLURM_ARRAY_TASK_ID nor JOB_COMPLETION_INDEX is set: write it as I/N, such as 2/4",
        )?;
        let of = of.or(told.and_then(|(_, of)| of)).ok_or("of how many? write auto/4")?;
        if of > usize::from(Shard::MOST) {
            return Err(format!("{of} are too many: at most {}", Shard::MOST));
        }
        if index == 0 || index > of {
            return Err(format!("{index}/{of} is no part: from 1/{of} to {of}/{of}"));
        }
        Ok(Shard { index, of })
    }

    /// Its first round, counted from 0, and how many there are. Neighbouring rounds stay together, since the order of the
    /// sides flips between them.
    pub fn rounds_of(self, all: usize) -> (usize, usize) {
        let start = |index: usize| index * all / self.of;
        (start(self.index - 1), start(self.index) - start(self.index - 1))
    }

    /// What takes so long each, shared out so that no shard takes much longer than another: the index of the shard of each, from 1. The
    /// longest are placed first, each where least is (Graham 1969), so that all machines come to the same without having met.
    pub fn share_out(durations: &[Duration], of: usize) -> Vec<usize> {
        let mut longest_first: Vec<usize> = (0..durations.len()).collect();
        longest_first.sort_by_key(|&place| (std::cmp::Reverse(durations[place]), place));
        let mut loads = vec![Duration::ZERO; of];
        let mut shards = vec![0; durations.len()];
        for place in longest_first {
            let least = (0..of).min_by_key(|&shard| loads[shard]).unwrap_or(0);
            // What takes no time that anybody knows is a submission all the same.
            loads[least] += durations[place].max(Duration::from_nanos(1));
            shards[place] = least + 1;
        }
        shards
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_round_belongs_to_exactly_one_shard() {
        for (all, of) in [(8, 4), (8, 3), (32, 5), (2, 4)] {
            let mut next = 0;
            for index in 1..=of {
                let (start, count) = Shard { index, of }.rounds_of(all);
                assert_eq!(start, next, "{index}/{of} of {all}");
                next = start + count;
            }
            assert_eq!(next, all);
        }
    }

    #[test]
    fn what_takes_long_is_shared_out_evenly_and_the_same_way_each_time() {
        let seconds = [30, 30, 90, 30, 30, 30].map(Duration::from_secs);
        assert_eq!(Shard::share_out(&seconds, 2), [2, 2, 1, 2, 1, 2]);
        assert_eq!(Shard::share_out(&[Duration::ZERO; 3], 2), [1, 2, 1]);
        assert!(Shard::share_out(&[], 4).is_empty());
    }

    #[test]
    fn the_environment_of_a_cluster_names_the_shard() {
        let slurm = |name: &str| match name {
            "SLURM_ARRAY_TASK_ID" => Some("7".to_owned()),
            "SLURM_ARRAY_TASK_MIN" => Some("5".to_owned()),
            "SLURM_ARRAY_TASK_COUNT" => Some("4".to_owned()),
            _ => None,
        };
        assert_eq!(Shard::parse_in("auto", slurm), Ok(Shard { index: 3, of: 4 }));
        let kubernetes = |name: &str| (name == "JOB_COMPLETION_INDEX").then(|| "0".to_owned());
        assert_eq!(Shard::parse_in("auto/2", kubernetes), Ok(Shard { index: 1, of: 2 }));
        assert!(Shard::parse_in("auto", kubernetes).unwrap_err().contains("how many"));
        assert!(Shard::parse_in("auto", |_| None).unwrap_err().contains("I/N"));
        let endless = |_: &str| Some(usize::MAX.to_string());
        assert!(Shard::parse_in("auto", endless).unwrap_err().contains("too many"));
        for wrong in ["0/4", "5/4", "x/4", "4", "1/x", "auto/x", "1/10001", "1/18446744073709551615"] {
            assert!(Shard::parse_in(wrong, |_| None).is_err(), "{wrong}");
        }
        assert_eq!(Shard::parse_in("2/4", |_| None), Ok(Shard { index: 2, of: 4 }));
    }
}
