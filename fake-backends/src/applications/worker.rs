//! The worker behind a queue: what it would be doing at any moment, computed when a job comes in.
//!
//! `voting` hands it uploads. Since each job's duration is known, its beginning and end follow from those before it; no
//! task runs in the background, and a run with the same arrivals has the same schedule.

use std::time::Duration;

use crate::clock::Moment;

/// Workers that take jobs in the order in which they came.
#[derive(Debug)]
pub struct Worker {
    /// When each of them is free.
    free_at: Vec<Moment>,
    durations: Vec<Duration>,
    most_waiting: usize,
    jobs: Vec<Job>,
}

/// One job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Job {
    /// When it entered the queue.
    pub entered: Moment,
    /// When a worker takes it up.
    pub begins: Moment,
    /// When it is done.
    pub done: Moment,
}

/// The queue is full: back-pressure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refused {
    /// When a place will be free.
    pub try_again_after: Duration,
}

impl Worker {
    /// So many workers, which take these durations in turn; at most so many jobs wait.
    pub fn new(workers: usize, durations: Vec<Duration>, most_waiting: usize) -> Worker {
        Worker { free_at: vec![Moment(0); workers.max(1)], durations, most_waiting, jobs: Vec::new() }
    }

    /// Puts a job into the queue; its number.
    ///
    /// # Errors
    /// When too many wait already.
    pub fn enqueue(&mut self, now: Moment) -> Result<usize, Refused> {
        let waiting = self.waiting(now);
        if waiting >= self.most_waiting {
            let next = self.jobs.iter().map(|job| job.begins).filter(|begins| *begins > now).min();
            return Err(Refused { try_again_after: next.unwrap_or(now).since(now) });
        }
        let duration =
            self.durations.get(self.jobs.len() % self.durations.len().max(1)).copied().unwrap_or_default();
        // `new` made at least one.
        let first_free = (0..self.free_at.len()).min_by_key(|&index| self.free_at[index]).unwrap_or(0);
        let begins = self.free_at[first_free].max(now);
        let done = begins + duration;
        self.free_at[first_free] = done;
        self.jobs.push(Job { entered: now, begins, done });
        Ok(self.jobs.len() - 1)
    }

    /// Jobs that nobody has taken up.
    pub fn waiting(&self, now: Moment) -> usize {
        self.jobs.iter().filter(|job| job.begins > now).count()
    }

    /// A job by its number.
    pub fn job(&self, number: usize) -> Option<Job> {
        self.jobs.get(number).copied()
    }

    /// From entering the queue to being done, of the jobs that are, shortest first.
    pub fn times_to_processed(&self, now: Moment) -> Vec<Duration> {
        let mut times: Vec<Duration> =
            self.jobs.iter().filter(|job| job.done <= now).map(|job| job.done.since(job.entered)).collect();
        times.sort_unstable();
        times
    }
}

impl Job {
    /// `queued`, `processing` or `processed`.
    pub fn state(&self, now: Moment) -> &'static str {
        match () {
            () if now < self.begins => "queued",
            () if now < self.done => "processing",
            () => "processed",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Moment {
        Moment(seconds * 1_000_000_000)
    }

    #[test]
    fn jobs_wait_for_those_before_them_and_the_queue_has_an_end() {
        let durations = [2, 3, 16].map(Duration::from_secs).to_vec();
        let mut worker = Worker::new(1, durations, 2);
        for _ in 0..3 {
            worker.enqueue(at(10)).unwrap();
        }
        assert_eq!(worker.waiting(at(10)), 2);
        assert_eq!(worker.enqueue(at(11)), Err(Refused { try_again_after: Duration::from_secs(1) }));
        assert_eq!(worker.job(2).unwrap(), Job { entered: at(10), begins: at(15), done: at(31) });
        assert_eq!(worker.job(1).unwrap().state(at(14)), "processing");
        assert_eq!(worker.times_to_processed(at(31)), [2, 5, 21].map(Duration::from_secs));
    }
}
