//! The interval log `latency.hlog`: one compressed histogram per tag, measure and second, in the format of HdrHistogram
//! (version 1.3 of the log, V2 deflate of the histograms), readable by its other implementations.
//!
//! The conductor opens it before the first measurement, load steps append to it, `reader` reads it back. It never holds
//! more than one interval in memory.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::time::{Duration, UNIX_EPOCH};

use fake_backends::clock::{Moment, RunClock};
use hdrhistogram::serialization::interval_log::{IntervalLogIterator, LogEntry};
use hdrhistogram::serialization::{Deserializer, Serializer, V2DeflateSerializer};

use super::histogram::{Histograms, Interval, LatencyHistogram, Measure};

/// An open interval log. Lines are written as a whole; a torn last line costs that interval only.
#[derive(Debug)]
pub struct IntervalLog {
    out: BufWriter<File>,
    serializer: SerializerBox,
}

/// The serializer has no `Debug` of its own.
struct SerializerBox(V2DeflateSerializer);

impl std::fmt::Debug for SerializerBox {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("V2DeflateSerializer")
    }
}

impl IntervalLog {
    /// Begins a log in an empty file. Its times count from the start of the run.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn begin(file: File, clock: RunClock) -> io::Result<IntervalLog> {
        let mut out = BufWriter::new(file);
        let start = clock.wall_start().duration_since(UNIX_EPOCH).unwrap_or_default();
        // Both headers: without BaseTime, readers guess whether times are offsets.
        writeln!(out, "#[Histogram log format version 1.3]")?;
        writeln!(out, "#[StartTime: {:.3} (seconds since epoch)]", start.as_secs_f64())?;
        writeln!(out, "#[BaseTime: {:.3} (seconds since epoch)]", start.as_secs_f64())?;
        writeln!(
            out,
            "\"StartTimestamp\",\"Interval_Length\",\"Interval_Max\",\"Interval_Compressed_Histogram\""
        )?;
        out.flush()?;
        Ok(IntervalLog { out, serializer: SerializerBox(V2DeflateSerializer::new()) })
    }

    /// Appends an interval; nothing where it has no values.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn append(
        &mut self,
        tag: &str,
        measure: Measure,
        start: Moment,
        duration: Duration,
        histogram: &LatencyHistogram,
    ) -> io::Result<()> {
        if histogram.is_empty() {
            return Ok(());
        }
        let mut encoded = Vec::new();
        self.serializer.0.serialize(histogram.values(), &mut encoded).map_err(io::Error::other)?;
        // Tags must not hold commas or blanks; names of steps are checked when the scenario is read.
        let tag: String = tag.chars().map(|c| if c == ',' || c.is_whitespace() { '_' } else { c }).collect();
        writeln!(
            self.out,
            "Tag={tag}.{},{:.3},{:.3},{:.3},{}",
            measure.suffix(),
            start.0 as f64 / 1e9,
            duration.as_secs_f64(),
            // The customary unit of this column is milliseconds.
            histogram.values().max() as f64 / 1e6,
            base64(&encoded),
        )
    }

    /// Hands everything to the operating system.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// Reads the intervals of a log; lines that are torn or foreign are left out.
pub fn read_intervals(text: &[u8]) -> Histograms {
    let mut histograms = Histograms::default();
    let mut deserializer = Deserializer::new();
    for line in text.split(|&byte| byte == b'\n') {
        // A line at a time, since the parser gives up at the first damaged one.
        let mut whole = line.to_vec();
        whole.push(b'\n');
        for entry in IntervalLogIterator::new(&whole).flatten() {
            let LogEntry::Interval(interval) = entry else { continue };
            let Some((tag, measure)) = interval.tag().and_then(|tag| Measure::split(tag.as_str())) else {
                continue;
            };
            let Some(bytes) = from_base64(interval.encoded_histogram()) else { continue };
            let Ok(values) = deserializer.deserialize(&mut bytes.as_slice()) else { continue };
            histograms.push(Interval {
                tag: tag.to_owned(),
                measure,
                start: Moment::from(interval.start_timestamp()),
                duration: interval.duration(),
                values,
            });
        }
    }
    histograms
}

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// RFC 4648 §4, with padding.
fn base64(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for group in bytes.chunks(3) {
        let word =
            group.iter().enumerate().fold(0u32, |word, (at, &byte)| word | u32::from(byte) << (16 - 8 * at));
        for at in 0..4 {
            // Six bits index the alphabet.
            let letter = ALPHABET[(word >> (18 - 6 * at)) as usize & 63];
            text.push(if at <= group.len() { char::from(letter) } else { '=' });
        }
    }
    text
}

fn from_base64(text: &str) -> Option<Vec<u8>> {
    let text = text.trim().trim_end_matches('=').as_bytes();
    let mut bytes = Vec::with_capacity(text.len() * 3 / 4);
    for group in text.chunks(4) {
        let mut word = 0u32;
        for (at, letter) in group.iter().enumerate() {
            let value = ALPHABET.iter().position(|known| known == letter)?;
            word |= u32::try_from(value).ok()? << (18 - 6 * at);
        }
        let count = group.len().checked_sub(1).filter(|&count| count > 0)?;
        bytes.extend_from_slice(&word.to_be_bytes()[1..=count]);
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_that_of_the_rfc() {
        for (plain, encoded) in
            [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foobar", "Zm9vYmFy")]
        {
            assert_eq!(base64(plain.as_bytes()), encoded);
            assert_eq!(from_base64(encoded).unwrap(), plain.as_bytes());
        }
    }

    #[test]
    fn a_log_is_read_back_and_a_torn_line_costs_one_interval() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let mut log = IntervalLog::begin(file.reopen().unwrap(), RunClock::start()).unwrap();
        let mut histogram = LatencyHistogram::default();
        (1..=1000).for_each(|i| histogram.record(Duration::from_micros(i)));
        for second in 0..3 {
            let start = Moment(second * 1_000_000_000);
            log.append("steady", Measure::Intended, start, Duration::from_secs(1), &histogram).unwrap();
            log.append("steady", Measure::Error, start, Duration::from_secs(1), &LatencyHistogram::default())
                .unwrap();
        }
        log.flush().unwrap();
        let bytes = std::fs::read(file.path()).unwrap();
        let whole = read_intervals(&bytes);
        assert_eq!(whole.total("steady", Measure::Intended).unwrap().len(), 3000);
        assert_eq!(whole.intervals()[2].start, Moment(2_000_000_000));
        assert!(whole.total("steady", Measure::Error).is_none());
        assert_eq!(
            read_intervals(&bytes[..bytes.len() - 40]).total("steady", Measure::Intended).unwrap().len(),
            2000
        );
    }
}
