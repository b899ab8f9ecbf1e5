//! The header fields of one message: an ordered list of names and values in one byte buffer.
//!
//! Every module that looks into a message reads its fields through this type, and `parse` fills it.
//! It never interprets a value beyond splitting lists, and it never reorders or joins what arrived.

use std::borrow::Cow;

/// An ordered list of header fields (RFC 9110 §5) with case-insensitive names.
///
/// All bytes lie in one buffer and every field is a pair of ranges, so that a parsed head costs two
/// allocations at most, and none when the value is reused through [`Fields::clear`].
#[derive(Clone, Default)]
pub struct Fields {
    bytes: Vec<u8>,
    entries: Vec<Entry>,
    /// One bit of 64 for each name that was ever added: most look-ups are for what is not there.
    seen: u64,
    /// Whether two fields have had the same bit: otherwise no name stands on two lines.
    may_repeat: bool,
}

/// Where one field lies in the buffer, and a tag that lets a look-up skip it with one comparison.
#[derive(Clone, Copy)]
struct Entry {
    tag: u32,
    name_start: u32,
    value_start: u32,
    value_length: u32,
}

impl Fields {
    /// An empty list; allocates nothing.
    pub const fn new() -> Self {
        Self { bytes: Vec::new(), entries: Vec::new(), seen: 0, may_repeat: false }
    }

    /// Forgets every field but keeps the memory for the next message.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.entries.clear();
        self.seen = 0;
        self.may_repeat = false;
    }

    /// Becomes a copy of another list, in the memory that is there already.
    pub fn copy_from(&mut self, other: &Self) {
        self.bytes.clone_from(&other.bytes);
        self.entries.clone_from(&other.entries);
        self.seen = other.seen;
        self.may_repeat = other.may_repeat;
    }

    /// The number of fields; a name that appears twice counts twice.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is no field at all.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The value of the first field with this name, whatever its case.
    pub fn get(&self, name: &str) -> Option<&[u8]> {
        let tag = tag_of(name.as_bytes());
        self.candidates(tag)
            .iter()
            .find(|entry| self.has_name(entry, tag, name))
            .map(|entry| self.value(entry))
    }

    /// Whether at least one field has this name.
    pub fn contains(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// The values of all fields with this name, in the order of arrival.
    pub fn get_all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a [u8]> + 'a {
        let tag = tag_of(name.as_bytes());
        self.candidates(tag)
            .iter()
            .filter(move |entry| self.has_name(entry, tag, name))
            .map(|entry| self.value(entry))
    }

    /// All values of this name joined by `", "` as RFC 9110 §5.3 allows; borrowed when there is one only.
    pub fn combined(&self, name: &str) -> Option<Cow<'_, [u8]>> {
        let tag = tag_of(name.as_bytes());
        let mut values = self
            .candidates(tag)
            .iter()
            .filter(|entry| self.has_name(entry, tag, name))
            .map(|entry| self.value(entry));
        let mut joined = Cow::Borrowed(values.next()?);
        for value in values {
            let joined = joined.to_mut();
            joined.extend_from_slice(b", ");
            joined.extend_from_slice(value);
        }
        Some(joined)
    }

    /// The elements of a comma-separated list (RFC 9110 §5.6.1) over all fields of this name: trimmed,
    /// empty ones left out, commas inside quoted strings respected.
    pub fn list<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a [u8]> + 'a {
        self.get_all(name).flat_map(list_elements)
    }

    /// Every field as (name, value), in the order of arrival.
    pub fn iter(&self) -> impl Iterator<Item = (&[u8], &[u8])> + '_ {
        self.entries.iter().map(|entry| (self.name(entry), self.value(entry)))
    }

    /// Adds a field at the end.
    pub fn append(&mut self, name: impl AsRef<[u8]>, value: impl AsRef<[u8]>) {
        let (name, value) = (name.as_ref(), value.as_ref());
        let name_start = self.bytes.len() as u32;
        self.bytes.extend_from_slice(name);
        let value_start = self.bytes.len() as u32;
        self.bytes.extend_from_slice(value);
        let tag = tag_of(name);
        self.note(tag);
        self.entries.push(Entry { tag, name_start, value_start, value_length: value.len() as u32 });
    }

    #[inline]
    fn note(&mut self, tag: u32) {
        let bit = bit_of(tag);
        self.may_repeat |= self.seen & bit != 0;
        self.seen |= bit;
    }

    /// Gives this name exactly one value, in the place of its first field or else at the end.
    pub fn set(&mut self, name: &str, value: impl AsRef<[u8]>) {
        let value = value.as_ref();
        let tag = tag_of(name.as_bytes());
        let Some(place) = self.candidates(tag).iter().position(|entry| self.has_name(entry, tag, name))
        else {
            self.append(name, value);
            return;
        };
        let mut index = 0;
        self.retain(|field_name, _| {
            index += 1;
            index - 1 <= place || !field_name.eq_ignore_ascii_case(name.as_bytes())
        });
        let value_start = self.bytes.len() as u32;
        self.bytes.extend_from_slice(value);
        let entry = &mut self.entries[place];
        entry.value_start = value_start;
        entry.value_length = value.len() as u32;
    }

    /// Removes every field with this name and says whether there was one.
    pub fn remove(&mut self, name: &str) -> bool {
        let tag = tag_of(name.as_bytes());
        if self.candidates(tag).is_empty() {
            return false;
        }
        let before = self.entries.len();
        let bytes = &self.bytes;
        self.entries
            .retain(|entry| entry.tag != tag || !entry.name_in(bytes).eq_ignore_ascii_case(name.as_bytes()));
        before != self.entries.len()
    }

    /// Keeps the fields for which the predicate on (name, value) holds.
    pub fn retain(&mut self, mut keep: impl FnMut(&[u8], &[u8]) -> bool) {
        let bytes = &self.bytes;
        self.entries.retain(|entry| keep(entry.name_in(bytes), entry.value_in(bytes)));
    }

    /// Brings every name to one line, the first of them: as a list (RFC 9110 §5.3), those of `Cookie` as its own syntax has
    /// it (RFC 9113 §8.2.3).
    pub(super) fn join_lines(&mut self) {
        if !std::mem::take(&mut self.may_repeat) {
            return;
        }
        let mut index = 0;
        while index < self.entries.len() {
            let Entry { tag, .. } = self.entries[index];
            let name = self.entries[index].name_in(&self.bytes).to_vec();
            let is_same = |bytes: &[u8], entry: &Entry| {
                entry.tag == tag && entry.name_in(bytes).eq_ignore_ascii_case(&name)
            };
            index += 1;
            if !self.entries[index..].iter().any(|entry| is_same(&self.bytes, entry)) {
                continue;
            }
            let between: &[u8] = if name.eq_ignore_ascii_case(b"cookie") { b"; " } else { b", " };
            let mut joined = self.entries[index - 1].value_in(&self.bytes).to_vec();
            let bytes = &self.bytes;
            let mut place = 0;
            self.entries.retain(|entry| {
                place += 1;
                let is_joined = place > index && is_same(bytes, entry);
                if is_joined {
                    joined.extend_from_slice(between);
                    joined.extend_from_slice(entry.value_in(bytes));
                }
                !is_joined
            });
            let value_start = self.bytes.len() as u32;
            self.bytes.extend_from_slice(&joined);
            let entry = &mut self.entries[index - 1];
            (entry.value_start, entry.value_length) = (value_start, joined.len() as u32);
        }
    }

    /// Takes a whole head as the buffer of this list; [`Fields::push_ranges`] then says where fields lie.
    pub(super) fn load(&mut self, head: &[u8]) {
        self.clear();
        self.bytes.extend_from_slice(head);
    }

    /// Adds a field that lies in the buffer taken by [`Fields::load`].
    pub(super) fn push_ranges(&mut self, name: std::ops::Range<usize>, value: std::ops::Range<usize>) {
        let tag = tag_of(&self.bytes[name.clone()]);
        self.note(tag);
        self.entries.push(Entry {
            tag,
            name_start: name.start as u32,
            value_start: value.start as u32,
            value_length: (value.end - value.start) as u32,
        });
    }

    /// The fields among which one with this tag may be.
    #[inline]
    fn candidates(&self, tag: u32) -> &[Entry] {
        if self.seen & bit_of(tag) == 0 { &[] } else { &self.entries }
    }

    fn has_name(&self, entry: &Entry, tag: u32, name: &str) -> bool {
        entry.tag == tag && self.name(entry).eq_ignore_ascii_case(name.as_bytes())
    }

    fn name(&self, entry: &Entry) -> &[u8] {
        entry.name_in(&self.bytes)
    }

    fn value(&self, entry: &Entry) -> &[u8] {
        entry.value_in(&self.bytes)
    }
}

impl Entry {
    fn name_in<'a>(&self, bytes: &'a [u8]) -> &'a [u8] {
        let start = self.name_start as usize;
        &bytes[start..start + (self.tag >> 16) as usize]
    }

    fn value_in<'a>(&self, bytes: &'a [u8]) -> &'a [u8] {
        let start = self.value_start as usize;
        &bytes[start..start + self.value_length as usize]
    }
}

impl std::fmt::Debug for Fields {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut map = formatter.debug_map();
        for (name, value) in self.iter() {
            map.entry(&String::from_utf8_lossy(name), &String::from_utf8_lossy(value));
        }
        map.finish()
    }
}

/// Two lists are equal when they hold the same names (whatever their case) and values in the same order.
impl PartialEq for Fields {
    fn eq(&self, other: &Self) -> bool {
        self.len() == other.len()
            && self
                .iter()
                .zip(other.iter())
                .all(|(one, two)| one.0.eq_ignore_ascii_case(two.0) && one.1 == two.1)
    }
}

impl Eq for Fields {}

impl<N: AsRef<[u8]>, V: AsRef<[u8]>> FromIterator<(N, V)> for Fields {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(fields: I) -> Self {
        let mut list = Self::new();
        for (name, value) in fields {
            list.append(name, value);
        }
        list
    }
}

/// The elements of one comma-separated value: trimmed, empty ones left out, quoted strings kept whole.
pub fn list_elements(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = value;
    std::iter::from_fn(move || {
        while !rest.is_empty() {
            let end = end_of_element(rest);
            let element = rest[..end].trim_ascii();
            rest = &rest[(end + 1).min(rest.len())..];
            if !element.is_empty() {
                return Some(element);
            }
        }
        None
    })
}

fn end_of_element(text: &[u8]) -> usize {
    let (mut quoted, mut escaped) = (false, false);
    for (index, &byte) in text.iter().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b',' if !quoted => return index,
            _ => {}
        }
    }
    text.len()
}

/// Length, first and last letter of a name in lower case: enough to tell nearly all names apart. A name
/// is at most 65,535 bytes long because no head of that size is ever accepted.
#[inline]
fn tag_of(name: &[u8]) -> u32 {
    let (first, last) = match name {
        [] => (0, 0),
        [only] => (*only, *only),
        [first, .., last] => (*first, *last),
    };
    debug_assert!(name.len() <= usize::from(u16::MAX));
    (name.len() as u32) << 16
        | u32::from(first.to_ascii_lowercase()) << 8
        | u32::from(last.to_ascii_lowercase())
}

/// A tag's bit among 64.
#[inline]
fn bit_of(tag: u32) -> u64 {
    1 << (tag.wrapping_mul(0x9e37_79b1) >> 26)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Fields {
        [("Host", "a"), ("Accept", "text/html"), ("accept", "a, \"b,c\" ,, d"), ("X", "")]
            .into_iter()
            .collect()
    }

    #[test]
    fn names_are_found_in_any_case_and_values_keep_their_order() {
        let fields = sample();
        assert_eq!(fields.get("HOST"), Some(&b"a"[..]));
        assert_eq!(fields.get("x"), Some(&b""[..]));
        assert_eq!(fields.get("y"), None);
        assert_eq!(fields.get_all("ACCEPT").count(), 2);
        assert_eq!(fields.combined("accept").as_deref(), Some(&b"text/html, a, \"b,c\" ,, d"[..]));
    }

    #[test]
    fn lists_respect_quotes_and_leave_empty_elements_out() {
        let fields = sample();
        let elements: Vec<&[u8]> = fields.list("Accept").collect();
        assert_eq!(elements, [&b"text/html"[..], b"a", b"\"b,c\"", b"d"]);
    }

    #[test]
    fn set_leaves_exactly_one_value_in_the_first_place() {
        let mut fields = sample();
        fields.set("accept", "new");
        let all: Vec<_> = fields.iter().collect();
        assert_eq!(all, [(&b"Host"[..], &b"a"[..]), (b"Accept", b"new"), (b"X", b"")]);
        fields.set("Fresh", "1");
        assert_eq!(fields.get("fresh"), Some(&b"1"[..]));
    }

    #[test]
    fn a_name_on_several_lines_is_brought_to_one() {
        let mut fields: Fields =
            [("A", "1"), ("Cookie", "a=1"), ("B", ""), ("a", "2, 3"), ("cookie", "b=2"), ("A", "4")]
                .into_iter()
                .collect();
        fields.join_lines();
        let all: Vec<_> = fields.iter().collect();
        assert_eq!(all, [(&b"A"[..], &b"1, 2, 3, 4"[..]), (b"Cookie", b"a=1; b=2"), (b"B", b"")]);
    }

    #[test]
    fn remove_takes_every_field_of_the_name() {
        let mut fields = sample();
        assert!(fields.remove("ACCEPT"));
        assert!(!fields.remove("ACCEPT"));
        assert_eq!(fields.len(), 2);
    }
}
