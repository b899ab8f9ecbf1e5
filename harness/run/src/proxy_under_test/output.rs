//! Everything that the proxy prints, kept within bounds.
//!
//! One log per run, written to `proxy.stdout` of the run folder while the proxy prints: its beginning and its end are
//! kept, what lies between is counted. It never holds the proxy up: what is not kept is still read.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// Bytes kept from the beginning: enough for 100,000 log lines.
const HEAD_BYTES: u64 = 16 << 20;
/// Bytes kept from the end.
const TAIL_BYTES: usize = 1 << 20;
/// Bytes in which the last lines are looked for.
const RECENT_BYTES: usize = 16 << 10;
/// Characters of a line in a message; a longer one is cut.
const LINE_CHARACTERS: usize = 400;

/// Marks of the output's growth: each of the first so many pieces, then one for so many bytes.
const MARKS: u64 = 2_000;
const MARKED_BYTES: u64 = 16 << 10;

/// Told how many bytes of the output are in the file by now.
pub type Grown = Arc<dyn Fn(u64) + Send + Sync>;

/// The output of all launches of a run. Clones share it.
#[derive(Clone)]
pub struct OutputLog {
    inner: Arc<Mutex<Inner>>,
}

impl std::fmt::Debug for OutputLog {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OutputLog").finish_non_exhaustive()
    }
}

struct Inner {
    file: File,
    grown: Option<Grown>,
    marks: u64,
    marked: u64,
    path: PathBuf,
    head_left: u64,
    tail: VecDeque<u8>,
    /// Bytes that came after the head, kept or not.
    past_head: u64,
    recent: VecDeque<u8>,
    /// The first error of writing, told at the end; the run goes on without.
    write_error: Option<io::Error>,
}

impl OutputLog {
    /// Creates the file.
    ///
    /// # Errors
    /// It cannot be created.
    pub fn create(path: &Path) -> io::Result<OutputLog> {
        let inner = Inner {
            file: File::create(path)?,
            grown: None,
            marks: 0,
            marked: 0,
            path: path.to_path_buf(),
            head_left: HEAD_BYTES,
            tail: VecDeque::new(),
            past_head: 0,
            recent: VecDeque::new(),
            write_error: None,
        };
        Ok(OutputLog { inner: Arc::new(Mutex::new(inner)) })
    }

    /// Reads until the last process that can write is gone.
    pub fn drain(&self, mut reader: impl Read) {
        let mut buffer = vec![0; 64 << 10];
        loop {
            match reader.read(&mut buffer) {
                // A pseudo-terminal whose other end is closed says EIO, a pipe says zero.
                Ok(0) => return,
                Ok(length) => self.add(&buffer[..length]),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => return,
            }
        }
    }

    /// From now on somebody is told of what is added, so that a line can stand beside what happened when it was printed.
    pub fn announce(&self, grown: Grown) {
        self.lock().grown = Some(grown);
    }

    /// Adds bytes.
    pub fn add(&self, bytes: &[u8]) {
        if let Some((grown, until)) = self.keep(bytes) {
            grown(until);
        }
    }

    /// Keeps bytes; who is to be told of it, where it is time.
    fn keep(&self, bytes: &[u8]) -> Option<(Grown, u64)> {
        let mut inner = self.lock();
        let head = bytes.len().min(usize::try_from(inner.head_left).unwrap_or(usize::MAX));
        if head > 0 && inner.write_error.is_none() {
            inner.write_error = inner.file.write_all(&bytes[..head]).err();
        }
        inner.head_left -= head as u64;
        inner.past_head += (bytes.len() - head) as u64;
        keep_last(&mut inner.tail, &bytes[head..], TAIL_BYTES);
        keep_last(&mut inner.recent, bytes, RECENT_BYTES);
        let until = HEAD_BYTES - inner.head_left;
        let due = inner.marks < MARKS || until - inner.marked >= MARKED_BYTES;
        if head == 0 || !due {
            return None;
        }
        inner.marks += 1;
        inner.marked = until;
        Some((inner.grown.clone()?, until))
    }

    /// How many bytes are in the file so far.
    pub fn length(&self) -> u64 {
        HEAD_BYTES - self.lock().head_left
    }

    /// What came behind so many bytes; `None` where some of it is no longer kept.
    pub fn since(&self, offset: u64) -> Option<Vec<u8>> {
        let inner = self.lock();
        if inner.past_head > 0 {
            return None;
        }
        let mut file = File::open(&inner.path).ok()?;
        let mut bytes = Vec::new();
        file.seek(SeekFrom::Start(offset)).ok()?;
        file.read_to_end(&mut bytes).ok()?;
        Some(bytes)
    }

    /// Forgets the recent lines, so that those of an earlier launch are not taken for those of the next.
    pub fn begin_launch(&self) {
        self.lock().recent.clear();
    }

    /// The last lines of this launch, longest possible cut, without control characters.
    pub fn last_lines(&self, count: usize) -> Vec<String> {
        let inner = self.lock();
        let bytes: Vec<u8> = inner.recent.iter().copied().collect();
        drop(inner);
        let text = String::from_utf8_lossy(&bytes);
        let lines: Vec<String> = text.lines().map(readable).filter(|line| !line.trim().is_empty()).collect();
        lines[lines.len().saturating_sub(count)..].to_vec()
    }

    /// Writes what was kept of the end, with a line before it that says how much is missing.
    ///
    /// # Errors
    /// The file cannot be written, or could not be earlier.
    pub fn finish(&self) -> io::Result<()> {
        let mut inner = self.lock();
        if let Some(error) = inner.write_error.take() {
            return Err(error);
        }
        let tail: Vec<u8> = inner.tail.drain(..).collect();
        let missing = inner.past_head - tail.len() as u64;
        inner.past_head = 0;
        if missing > 0 {
            write!(inner.file, "\n[harness: {missing} bytes not kept]\n")?;
        }
        inner.file.write_all(&tail)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn keep_last(ring: &mut VecDeque<u8>, bytes: &[u8], limit: usize) {
    let bytes = &bytes[bytes.len().saturating_sub(limit)..];
    let surplus = (ring.len() + bytes.len()).saturating_sub(limit);
    ring.drain(..surplus);
    ring.extend(bytes);
}

fn readable(line: &str) -> String {
    let mut text: String = line
        .chars()
        .map(|c| if c.is_control() && c != '\t' { '\u{fffd}' } else { c })
        .take(LINE_CHARACTERS)
        .collect();
    if line.chars().nth(LINE_CHARACTERS).is_some() {
        text.push('…');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::{HEAD_BYTES, OutputLog, TAIL_BYTES};

    #[test]
    fn a_program_that_prints_without_end_keeps_its_beginning_and_its_end() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("proxy.stdout");
        let log = OutputLog::create(&path).unwrap();
        log.add(b"first line\n");
        let block = vec![b'x'; 1 << 20];
        for _ in 0..24 {
            log.add(&block);
        }
        log.add(b"\nlast line\n");
        log.finish().unwrap();
        let kept = std::fs::read(&path).unwrap();
        let bound = usize::try_from(HEAD_BYTES).unwrap() + TAIL_BYTES + 100;
        assert!(kept.len() <= bound, "{} bytes", kept.len());
        assert!(kept.starts_with(b"first line\n") && kept.ends_with(b"\nlast line\n"));
        assert!(String::from_utf8_lossy(&kept).contains(" bytes not kept]"));
    }

    #[test]
    fn whoever_asks_is_told_where_the_output_ends_by_now_and_not_without_end() {
        let directory = tempfile::tempdir().unwrap();
        let log = OutputLog::create(&directory.path().join("out")).unwrap();
        log.add(b"before\n");
        let told = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
        let sink = told.clone();
        log.announce(std::sync::Arc::new(move |until| sink.lock().unwrap().push(until)));
        log.add(b"one\n");
        log.add(b"two\n");
        assert_eq!(*told.lock().unwrap(), [11, 15]);
        for _ in 0..10_000 {
            log.add(b"x\n");
        }
        assert!(told.lock().unwrap().len() < 2_100, "{}", told.lock().unwrap().len());
    }

    #[test]
    fn last_lines_are_those_of_this_launch_without_control_characters() {
        let directory = tempfile::tempdir().unwrap();
        let log = OutputLog::create(&directory.path().join("out")).unwrap();
        log.add(b"of the first launch\n");
        log.begin_launch();
        log.add(b"one\r\n\n\x1b[31mtwo\x1b[0m\nthree");
        assert_eq!(log.last_lines(2), ["\u{fffd}[31mtwo\u{fffd}[0m", "three"]);
    }
}
