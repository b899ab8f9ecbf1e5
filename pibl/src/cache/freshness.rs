//! How long a stored response may be used, and how old it is (RFC 9111 §4.2).
//!
//! `entry` works it out once per stored response, `ask` compares it with the time of each request. All
//! times are arguments; nothing here reads a clock or a file.

use std::time::Duration;

use super::cache_control::ResponseDirectives;
use super::targeted;
use crate::clock::Timestamp;
use crate::config::{CacheSettings, Sharing, TtlMode};
use crate::http::{Fields, date};

/// The operator's part in the rules.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rules {
    /// How long a stored response is served where the origin says nothing; zero means pure RFC 9111.
    pub ttl: Duration,
    /// What the TTL means beside what the origin says.
    pub ttl_mode: TtlMode,
    /// Whether responses to requests with credentials are shared.
    pub sharing: Sharing,
    /// Whether a response that sets a cookie is kept where the origin states a lifetime.
    pub store_set_cookie: bool,
    /// The largest body that is kept.
    pub max_object_bytes: u64,
}

impl Rules {
    /// The rules that the settings name.
    pub fn new(settings: &CacheSettings) -> Self {
        Self {
            ttl: settings.ttl,
            ttl_mode: settings.ttl_mode,
            sharing: settings.sharing,
            store_set_cookie: settings.store_set_cookie,
            max_object_bytes: settings.max_object_bytes,
        }
    }
}

/// When a response was asked for and received, as [`steady`](crate::clock::steady) tells it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Times {
    /// When the request left for the backend.
    pub requested_at: Timestamp,
    /// When the head of the response arrived, or the 304 that confirmed it.
    pub received_at: Timestamp,
    /// By how many microseconds these are ahead of what the wall clock showed.
    pub ahead_micros: i64,
}

impl Times {
    /// What the wall clock showed when the response was received.
    pub fn received_by_wall(&self) -> Timestamp {
        self.received_at.plus_micros(self.ahead_micros.saturating_neg())
    }

    /// The same instants on a line that is ahead by this much.
    pub fn on_line(self, ahead_micros: i64) -> Self {
        let moved = ahead_micros.saturating_sub(self.ahead_micros);
        let [requested_at, received_at] =
            [self.requested_at, self.received_at].map(|time| time.plus_micros(moved));
        Self { requested_at, received_at, ahead_micros }
    }
}

/// Where a lifetime comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// The origin said it.
    Origin,
    /// The operator said it (`--ttl`).
    Ttl,
    /// A guess from `Last-Modified` (RFC 9111 §4.2.2).
    Heuristic,
    /// Nobody said anything.
    Nothing,
}

/// What decides whether a stored response may be used at a given time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Freshness {
    /// How long it is fresh, from the time at which its age was zero.
    pub lifetime_millis: i64,
    /// Where that lifetime comes from.
    pub source: Source,
    /// Its age when it was received (`corrected_initial_age` of RFC 9111 §4.2.3).
    pub initial_age_micros: i64,
    /// When it was received.
    pub received_at: Timestamp,
    /// It may never be used without asking (`no-cache`).
    pub no_cache: bool,
    /// It may never be used stale: `must-revalidate`, `proxy-revalidate` or `s-maxage` (RFC 9111 §5.2.2).
    pub must_revalidate: bool,
    /// How long it may be used stale while it is refreshed (RFC 5861 §3).
    pub stale_while_revalidate_millis: i64,
    /// How long it may be used stale when the origin fails (RFC 5861 §4).
    pub stale_if_error_millis: i64,
}

/// The tenth part of the time since the last change is the usual guess (RFC 9111 §4.2.2) ...
const HEURISTIC_DIVISOR: i64 = 10;
/// ... but nobody should look at a guess for longer than a day.
const MOST_HEURISTIC_MILLIS: i64 = 24 * 3600 * 1000;
/// How long a 404, 405, 410 or 414 is kept about which its origin says nothing. One page that is made a moment later,
/// or one odd request, would otherwise show everybody an error for a whole TTL; nothing at all would let a crowd that
/// asks for what is not there through to the origin.
const MOST_REFUSAL_MILLIS: i64 = 5000;
/// How long a stale response may stand in for an origin that cannot be reached, where the origin set the
/// lifetime and forbade nothing (RFC 9111 §4.2.4).
const MOST_DISCONNECTED_MILLIS: i64 = 24 * 3600 * 1000;

/// How far the clock of an origin may be ahead before its `Date` is no longer believed. Clocks that nobody looks
/// after are off by minutes, and what they say is then still right within that.
const MOST_SECONDS_AHEAD: i64 = 300;

/// The directives that this cache obeys: the targeted ones if there are any (RFC 9213 §2.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Directives {
    /// What they say.
    pub response: ResponseDirectives,
    /// Whether they came in `CDN-Cache-Control`, so that `Expires` does not count either.
    pub is_targeted: bool,
}

impl Directives {
    /// Reads them from a response.
    pub fn read(fields: &Fields) -> Self {
        match targeted::read(fields) {
            Some(response) => Self { response, is_targeted: true },
            None => Self { response: ResponseDirectives::read(fields), is_targeted: false },
        }
    }

    /// Whether the origin states a lifetime (RFC 9111 §4.2.1).
    pub fn has_lifetime(&self, fields: &Fields) -> bool {
        let directives = &self.response;
        directives.max_age.is_some()
            || directives.s_maxage.is_some()
            || (!self.is_targeted && fields.contains("expires"))
    }
}

impl Freshness {
    /// Works out the freshness of a response.
    pub fn of(rules: &Rules, status: u16, fields: &Fields, times: Times) -> Self {
        Self::by(&Directives::read(fields), rules, status, fields, times)
    }

    /// As [`Freshness::of`], for whoever has read the directives of these fields already.
    pub fn by(directives: &Directives, rules: &Rules, status: u16, fields: &Fields, times: Times) -> Self {
        let by_wall = times.received_by_wall();
        let (lifetime_millis, source) = lifetime(rules, status, fields, directives, by_wall);
        let delay = times.received_at.micros_since(times.requested_at).max(0);
        let directives = &directives.response;
        let initial_age_micros = match (rules.ttl_mode, source) {
            // Exactly this long, from the moment at which it was asked for.
            (TtlMode::Force, Source::Ttl) => delay,
            // A TTL is the operator's: the clocks of his origins need not agree with this one.
            (_, Source::Ttl) => age_field(fields).saturating_add(delay),
            _ => initial_age(fields, delay, by_wall),
        };
        let is_of_future = source != Source::Ttl && is_of_future(fields, by_wall);
        Self {
            lifetime_millis,
            source,
            initial_age_micros,
            received_at: times.received_at,
            no_cache: directives.no_cache || is_of_future,
            must_revalidate: directives.must_revalidate
                || directives.proxy_revalidate
                || directives.s_maxage.is_some(),
            stale_while_revalidate_millis: to_millis(directives.stale_while_revalidate),
            stale_if_error_millis: to_millis(directives.stale_if_error),
        }
    }

    /// `current_age` of RFC 9111 §4.2.3.
    pub fn age_millis(&self, now: Timestamp) -> i64 {
        self.age_micros(now) / 1000
    }

    /// Whole milliseconds on either side would make an entry up to one of them older than it is.
    fn age_micros(&self, now: Timestamp) -> i64 {
        self.initial_age_micros.saturating_add(now.micros_since(self.received_at).max(0))
    }

    /// How long it is still fresh; negative when it is stale.
    pub fn remaining_millis(&self, now: Timestamp) -> i64 {
        self.lifetime_millis.saturating_sub(self.age_millis(now))
    }

    /// Fresh, and usable without asking.
    pub fn is_fresh(&self, now: Timestamp) -> bool {
        !self.no_cache && self.lifetime_millis.saturating_mul(1000) > self.age_micros(now)
    }

    /// Whether it may be used stale while it is refreshed (RFC 5861 §3).
    pub fn may_be_used_while_refreshed(&self, now: Timestamp) -> bool {
        let allowed = self.stale_while_revalidate_millis;
        self.may_be_stale() && allowed > 0 && self.staleness(now) <= allowed
    }

    /// Whether it may be used because the origin answered with a server error (RFC 5861 §4).
    pub fn may_be_used_on_error(&self, wanted_seconds: u64, now: Timestamp) -> bool {
        let allowed = self.stale_if_error_millis.max(to_millis(wanted_seconds));
        self.may_be_stale() && allowed > 0 && self.staleness(now) <= allowed
    }

    /// Whether it may be used because no origin can be reached (RFC 9111 §4.2.4). A lifetime that the
    /// operator set is a promise to him, and nothing is served beyond it.
    pub fn may_be_used_disconnected(&self, wanted_seconds: u64, now: Timestamp) -> bool {
        let is_recent = self.source != Source::Ttl && self.staleness(now) <= MOST_DISCONNECTED_MILLIS;
        self.may_be_used_on_error(wanted_seconds, now) || (self.may_be_stale() && is_recent)
    }

    /// Whether nothing forbids to use it stale (RFC 9111 §4.2.4).
    pub fn may_be_stale(&self) -> bool {
        !self.no_cache && !self.must_revalidate
    }

    fn staleness(&self, now: Timestamp) -> i64 {
        self.remaining_millis(now).saturating_neg()
    }
}

/// Statuses that a cache may keep without being told how long (RFC 9110 §15.1). 206 is not kept at all.
pub fn is_heuristically_cacheable(status: u16) -> bool {
    matches!(status, 200 | 203 | 204 | 300 | 301 | 308 | 404 | 405 | 410 | 414 | 501)
}

fn lifetime(
    rules: &Rules,
    status: u16,
    fields: &Fields,
    directives: &Directives,
    received_at: Timestamp,
) -> (i64, Source) {
    let ttl_millis = i64::try_from(rules.ttl.as_millis()).unwrap_or(i64::MAX);
    let stated = stated_lifetime(fields, directives, received_at);
    match (stated, rules.ttl_mode) {
        (Some(stated), TtlMode::Default) => return (stated, Source::Origin),
        // What the origin wants gone sooner goes sooner; its word holds for what is left.
        (Some(stated), TtlMode::Cap) if stated <= ttl_millis => return (stated, Source::Origin),
        (Some(_), _) => return (ttl_millis, Source::Ttl),
        (None, _) => {}
    }
    let may_guess = is_heuristically_cacheable(status) || directives.response.public;
    if !may_guess {
        return (0, Source::Nothing);
    }
    // Server errors are kept only where the origin says how long: a TTL is meant for answers.
    if status < 500 && (ttl_millis > 0 || rules.ttl_mode == TtlMode::Force) {
        let is_refusal = status >= 400 && rules.ttl_mode != TtlMode::Force;
        return (if is_refusal { ttl_millis.min(MOST_REFUSAL_MILLIS) } else { ttl_millis }, Source::Ttl);
    }
    if rules.ttl_mode == TtlMode::Default && ttl_millis == 0 {
        return heuristic(fields, received_at);
    }
    (0, Source::Nothing)
}

/// `s-maxage`, `max-age`, or `Expires` minus `Date`, in this order (RFC 9111 §4.2.1).
fn stated_lifetime(fields: &Fields, directives: &Directives, received_at: Timestamp) -> Option<i64> {
    let response = &directives.response;
    if let Some(seconds) = response.s_maxage.or(response.max_age) {
        return Some(to_millis(seconds));
    }
    if directives.is_targeted {
        return None;
    }
    let expires = fields.get("expires")?;
    // RFC 9111 §5.3: what is no date, in particular 0, is in the past.
    let Some(expires) = date::parse(expires, received_at.seconds()) else { return Some(0) };
    let base = date_of(fields, received_at).unwrap_or(received_at.seconds());
    Some(expires.saturating_sub(base).max(0).saturating_mul(1000))
}

fn heuristic(fields: &Fields, received_at: Timestamp) -> (i64, Source) {
    let now = received_at.seconds();
    let Some(last_modified) = fields.get("last-modified").and_then(|text| date::parse(text, now)) else {
        return (0, Source::Nothing);
    };
    let base = date_of(fields, received_at).unwrap_or(now);
    let unchanged_millis = base.saturating_sub(last_modified).max(0).saturating_mul(1000);
    ((unchanged_millis / HEURISTIC_DIVISOR).min(MOST_HEURISTIC_MILLIS), Source::Heuristic)
}

/// RFC 9111 §4.2.3. `Date` has whole seconds: the response was made at any instant of that second, and
/// the latest is assumed, so that a response is not a second old the moment it arrives.
fn initial_age(fields: &Fields, delay_micros: i64, received_at: Timestamp) -> i64 {
    let apparent = date_of(fields, received_at).map_or(0, |date| {
        received_at.micros().saturating_sub(date.saturating_mul(1_000_000).saturating_add(999_999)).max(0)
    });
    age_field(fields).saturating_add(delay_micros).max(apparent)
}

/// Whether a response says to have been made so much later than it came that one of the two clocks is wrong, and with
/// it every age that is worked out from them.
fn is_of_future(fields: &Fields, received_at: Timestamp) -> bool {
    date_of(fields, received_at).is_some_and(|date| date > received_at.seconds() + MOST_SECONDS_AHEAD)
}

/// `Age` in microseconds: the first member of the first line, if it is a number (RFC 9111 §5.1); 0 else.
fn age_field(fields: &Fields) -> i64 {
    let first = fields.list("age").next();
    first
        .filter(|value| value.iter().all(u8::is_ascii_digit))
        .and_then(super::cache_control::seconds)
        .map_or(0, |seconds| to_millis(seconds).saturating_mul(1000))
}

fn date_of(fields: &Fields, received_at: Timestamp) -> Option<i64> {
    fields.get("date").and_then(|text| date::parse(text, received_at.seconds()))
}

fn to_millis(seconds: u64) -> i64 {
    i64::try_from(seconds).unwrap_or(i64::MAX).saturating_mul(1000)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);

    fn rules(ttl_seconds: u64, ttl_mode: TtlMode) -> Rules {
        Rules {
            ttl: Duration::from_secs(ttl_seconds),
            ttl_mode,
            sharing: Sharing::WhereStated,
            store_set_cookie: false,
            max_object_bytes: 1 << 30,
        }
    }

    fn times(received_at: Timestamp) -> Times {
        Times { requested_at: NOW, received_at, ahead_micros: 0 }
    }

    fn at(offset: i64) -> String {
        String::from_utf8(date::format(NOW.seconds() + offset).to_vec()).unwrap()
    }

    fn pure(status: u16, fields: &[(&str, &str)]) -> Freshness {
        of(&rules(0, TtlMode::Default), status, fields)
    }

    fn of(rules: &Rules, status: u16, fields: &[(&str, &str)]) -> Freshness {
        Freshness::of(rules, status, &fields.iter().copied().collect(), times(NOW))
    }

    #[test]
    fn stated_lifetimes_have_the_order_of_rfc_9111_section_4_2_1() {
        let seconds = |fields: &[(&str, &str)]| pure(200, fields).lifetime_millis / 1000;
        let (date, expires) = (at(0), at(300));
        let date = ("Date", date.as_str());
        let expires = ("Expires", expires.as_str());
        assert_eq!(seconds(&[date, expires]), 300);
        assert_eq!(seconds(&[expires]), 300);
        assert_eq!(seconds(&[("Date", "foo"), expires]), 300);
        assert_eq!(seconds(&[date, expires, ("Cache-Control", "max-age=0")]), 0);
        assert_eq!(seconds(&[date, expires, ("Cache-Control", "max-age=5, s-maxage=7")]), 7);
        assert_eq!(seconds(&[date, expires, ("CDN-Cache-Control", "max-age=9")]), 9);
        assert_eq!(seconds(&[date, ("Expires", "0")]), 0);
        assert_eq!(pure(200, &[date, ("Expires", "0")]).source, Source::Origin);
    }

    #[test]
    fn age_is_the_larger_of_apparent_and_corrected_by_section_4_2_3() {
        let initial = |fields: &[(&str, &str)]| pure(200, fields).initial_age_micros / 1000;
        let (now, old, early) = (at(0), at(-7200), at(10));
        assert_eq!(initial(&[("Date", &now)]), 0);
        assert_eq!(initial(&[("Date", &early)]), 0);
        assert_eq!(initial(&[("Date", &old)]), 7_200_000 - 1_000);
        assert_eq!(initial(&[("Date", &now), ("Age", "30")]), 30_000);
        for (text, seconds) in [
            ("abc", 0),
            ("-7200", 0),
            ("7200.0", 0),
            ("\"7200\"", 0),
            ("7200, 0", 7200),
            ("0, 7200", 0),
            ("2147483649", 2_147_483_649),
        ] {
            assert_eq!(initial(&[("Age", text)]), seconds * 1000, "{text}");
        }
        assert_eq!(initial(&[("Age", "7200"), ("Age", "0")]), 7_200_000);
    }

    #[test]
    fn the_delay_of_the_response_counts_as_age() {
        let later = NOW.plus(Duration::from_secs(4));
        let fields = [("Cache-Control", "max-age=10"), ("Age", "1")].into_iter().collect();
        let freshness = Freshness::of(&rules(0, TtlMode::Default), 200, &fields, times(later));
        assert_eq!(freshness.age_millis(later.plus(Duration::from_secs(2))), 7_000);
        assert_eq!(freshness.age_millis(NOW), 5_000, "a clock set back");
    }

    #[test]
    fn heuristics_are_a_tenth_of_the_time_since_the_last_change() {
        let (date, changed) = (at(0), at(-86_400));
        let fields = [("Date", date.as_str()), ("Last-Modified", changed.as_str())];
        assert_eq!(pure(200, &fields).lifetime_millis, 8_640_000);
        for status in [203, 204, 404, 405, 410, 414, 501] {
            assert_eq!(pure(status, &fields).source, Source::Heuristic, "{status}");
        }
        for status in [201, 202, 302, 403, 502, 503, 504, 599] {
            assert_eq!(pure(status, &fields).source, Source::Nothing, "{status}");
        }
        let public = [fields[0], fields[1], ("Cache-Control", "public")];
        assert_eq!(pure(599, &public).source, Source::Heuristic);
        let ancient = at(-3_000_000);
        assert_eq!(
            pure(200, &[fields[0], ("Last-Modified", &ancient)]).lifetime_millis,
            MOST_HEURISTIC_MILLIS
        );
    }

    #[test]
    fn the_ttl_takes_the_place_of_heuristics_for_the_statuses_of_rfc_9110_section_15_1() {
        let rules = rules(60, TtlMode::Default);
        let changed = at(-86_400);
        let silent = [("Last-Modified", changed.as_str())];
        assert_eq!(of(&rules, 200, &silent).lifetime_millis, 60_000);
        assert_eq!(of(&rules, 404, &[]).source, Source::Ttl);
        for status in [201, 302, 403, 500, 501, 503] {
            assert_eq!(of(&rules, status, &[]).source, Source::Nothing, "{status}");
        }
        assert_eq!(of(&rules, 200, &[("Cache-Control", "max-age=5")]).lifetime_millis, 5_000);
        assert_eq!(of(&rules, 503, &[("Cache-Control", "max-age=5")]).lifetime_millis, 5_000);
        // The origin's clock does not shorten the operator's TTL.
        let slow = at(-600);
        assert_eq!(of(&rules, 200, &[("Date", &slow)]).initial_age_micros, 0);
        assert_eq!(of(&rules, 200, &[("Age", "7")]).initial_age_micros, 7_000_000);
    }

    #[test]
    fn cap_shortens_and_force_replaces_what_the_origin_says() {
        let seconds =
            |mode, text: &str| of(&rules(60, mode), 200, &[("Cache-Control", text)]).lifetime_millis / 1000;
        assert_eq!(seconds(TtlMode::Cap, "max-age=3600"), 60);
        assert_eq!(seconds(TtlMode::Cap, "max-age=5"), 5);
        assert_eq!(seconds(TtlMode::Cap, "x"), 60);
        assert_eq!(seconds(TtlMode::Force, "max-age=3600"), 60);
        assert_eq!(seconds(TtlMode::Force, "max-age=0"), 60);
        assert_eq!(seconds(TtlMode::Force, "x"), 60);
        let aged = [("Cache-Control", "max-age=5"), ("Age", "3")];
        assert_eq!(of(&rules(60, TtlMode::Force), 200, &aged).initial_age_micros, 0);
    }

    #[test]
    fn staleness_is_used_only_where_something_allows_it() {
        let later = |seconds| NOW.plus(Duration::from_secs(seconds));
        let with = |text: &str| pure(200, &[("Cache-Control", text)]);
        let plain = with("max-age=1");
        assert!(!plain.may_be_used_while_refreshed(later(2)) && !plain.may_be_used_on_error(0, later(2)));
        assert!(plain.may_be_used_on_error(60, later(2)) && plain.may_be_used_disconnected(0, later(2)));
        assert!(!plain.may_be_used_disconnected(0, later(100_000)));
        let window = with("max-age=1, stale-while-revalidate=4, stale-if-error=10");
        assert!(window.may_be_used_while_refreshed(later(5)));
        assert!(!window.may_be_used_while_refreshed(later(6)));
        assert!(window.may_be_used_on_error(0, later(11)) && !window.may_be_used_on_error(0, later(12)));
        for forbidden in ["must-revalidate", "proxy-revalidate", "no-cache", "s-maxage=2"] {
            let strict = with(&format!("max-age=2, stale-if-error=60, {forbidden}"));
            assert!(!strict.may_be_used_disconnected(60, later(4)), "{forbidden}");
        }
        let ttl = of(&rules(1, TtlMode::Default), 200, &[]);
        assert!(!ttl.may_be_used_disconnected(0, later(2)), "a TTL is a promise");
    }

    #[test]
    fn a_response_is_fresh_until_its_lifetime_is_over_to_the_microsecond() {
        let response = pure(200, &[("Cache-Control", "max-age=2")]);
        assert!(response.is_fresh(NOW.plus(Duration::from_micros(1_999_999))));
        assert!(!response.is_fresh(NOW.plus(Duration::from_millis(2000))));
        assert!(!pure(200, &[("Cache-Control", "max-age=2, no-cache")]).is_fresh(NOW));
    }
}
