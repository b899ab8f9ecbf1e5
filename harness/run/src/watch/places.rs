//! Lines for addresses in compiled programs, from their debug information.
//!
//! `addr2line` of the binutils does the reading, which every machine with a linker has, one process for all addresses of a program.
//! `gimli` and `addr2line` as crates would be built with the harness for everybody, to serve those who have a compiler anyway.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A return address in a program of the copy.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Frame {
    program: String,
    /// In the file.
    offset: u64,
}

impl Frame {
    /// `/copy/proxy(main+0x6c) [0x119c]`, where the program lies in the copy.
    pub(super) fn read(text: &str, root: &str) -> Option<Frame> {
        let (program, rest) = text
            .rsplit_once(" [0x")
            .map(|(head, rest)| (head.rsplit_once('(').map_or(head, |(path, _)| path), rest))?;
        let offset = u64::from_str_radix(rest.trim_end().strip_suffix(']')?, 16).ok()?;
        program.starts_with(root).then(|| Frame { program: program.trim_end().to_owned(), offset })
    }
}

/// File, line and function of a frame.
pub(super) type Resolved = HashMap<Frame, (String, u32, String)>;

/// Addresses that are asked for together.
pub(super) struct Places {
    asked: BTreeMap<String, BTreeSet<u64>>,
    root: PathBuf,
}

impl Places {
    pub(super) fn new(root: &Path) -> Places {
        Places { asked: BTreeMap::new(), root: root.to_path_buf() }
    }

    pub(super) fn ask(&mut self, frames: &[Frame]) {
        for frame in frames {
            self.asked.entry(frame.program.clone()).or_default().insert(frame.offset);
        }
    }

    /// All that debug information knows of them; nothing where there is no `addr2line`.
    pub(super) fn resolved(self) -> Resolved {
        let mut all = Resolved::new();
        for (program, offsets) in &self.asked {
            let path = Path::new(program);
            if !path.starts_with(&self.root) {
                continue;
            }
            let segments = segments(path);
            // A return address belongs to the line behind the call.
            let addresses: Vec<String> = offsets
                .iter()
                .map(|offset| format!("{:#x}", address(&segments, *offset).saturating_sub(1)))
                .collect();
            for (chunk, offsets) in
                addresses.chunks(2_000).zip(offsets.iter().copied().collect::<Vec<_>>().chunks(2_000))
            {
                let output = Command::new("addr2line")
                    .args(["-f", "-C", "-e", program])
                    .args(chunk)
                    .stdin(Stdio::null())
                    .stderr(Stdio::null())
                    .output();
                let Ok(output) = output else { return all };
                let text = String::from_utf8_lossy(&output.stdout).into_owned();
                let mut lines = text.lines();
                for offset in offsets {
                    let (Some(function), Some(place)) = (lines.next(), lines.next()) else { break };
                    let place = place.split(" (discriminator").next().unwrap_or(place);
                    let Some((file, line)) = place.rsplit_once(':') else { continue };
                    if let Ok(line @ 1..) = line.parse::<u32>() {
                        let frame = Frame { program: program.clone(), offset: *offset };
                        all.insert(frame, (file.to_owned(), line, short(function)));
                    }
                }
            }
        }
        all
    }
}

/// `proxy::main::{{closure}}` as `main`.
fn short(function: &str) -> String {
    // Closures and the hash behind a mangled name say nothing.
    let says = |part: &&str| !(part.starts_with('{') || (part.len() == 17 && part.starts_with('h')));
    function.rsplit("::").find(says).unwrap_or(function).to_owned()
}

/// Offset in the file, address and length of each loaded segment of a 64-bit ELF file.
fn segments(program: &Path) -> Vec<(u64, u64, u64)> {
    let Ok(bytes) = std::fs::read(program) else { return Vec::new() };
    let word = |at: usize, length: usize| -> Option<u64> {
        let bytes = bytes.get(at..at + length)?;
        Some(bytes.iter().rev().fold(0, |value, byte| value << 8 | u64::from(*byte)))
    };
    let read = || -> Option<Vec<(u64, u64, u64)>> {
        // Little-endian, 64 bits: what x86-64 and 64-bit ARM have.
        if !bytes.starts_with(b"\x7fELF\x02\x01") {
            return None;
        }
        let (table, size, count) = (word(32, 8)?, word(54, 2)?, word(56, 2)?);
        let one = |number: u64| -> Option<(u64, u64, u64)> {
            let at = usize::try_from(table + number * size).ok()?;
            const LOADED: u64 = 1;
            (word(at, 4)? == LOADED).then_some((word(at + 8, 8)?, word(at + 16, 8)?, word(at + 32, 8)?))
        };
        Some((0..count).filter_map(one).collect())
    };
    read().unwrap_or_default()
}

fn address(segments: &[(u64, u64, u64)], offset: u64) -> u64 {
    let of = segments.iter().find(|(begin, _, length)| (*begin..begin + length).contains(&offset));
    of.map_or(offset, |(begin, address, _)| offset - begin + address)
}

#[cfg(test)]
mod tests {
    use super::{Frame, address, short};

    #[test]
    fn a_frame_of_the_copy_is_read_and_one_of_a_library_is_not() {
        let frame = Frame::read("/tmp/a copy/proxy(main+0x6c) [0x119c]", "/tmp/a copy").unwrap();
        assert_eq!((frame.program.as_str(), frame.offset), ("/tmp/a copy/proxy", 0x119c));
        assert_eq!(Frame::read("/usr/lib/libc.so.6(listen+0x7) [0x10a8e7]", "/tmp/a copy"), None);
        assert_eq!(Frame::read("[heap]", "/tmp"), None);
    }

    #[test]
    fn an_offset_becomes_the_address_of_its_segment() {
        let segments = [(0, 0, 0x500), (0x500, 0x1500, 0x900)];
        assert_eq!(
            (address(&segments, 0x10), address(&segments, 0x600), address(&segments, 0x9000)),
            (0x10, 0x1600, 0x9000)
        );
        assert_eq!((short("proxy::serve::{{closure}}").as_str(), short("main").as_str()), ("serve", "main"));
    }
}
