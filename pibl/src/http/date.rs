//! HTTP dates (RFC 9110 §5.6.7): the three forms in, the preferred form out.
//!
//! `cache` reads `Date`, `Expires` and `Last-Modified` through it, `clock` writes with it.
//! It never reads a clock, except that a two-digit year is judged by the `now` that it is given.

/// The length of the preferred form, `Sun, 06 Nov 1994 08:49:37 GMT`.
pub const LENGTH: usize = 29;

const MONTHS: [&[u8; 3]; 12] =
    [b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov", b"Dec"];
const DAYS: [&[u8; 3]; 7] = [b"Thu", b"Fri", b"Sat", b"Sun", b"Mon", b"Tue", b"Wed"];
const SECONDS_PER_DAY: i64 = 86_400;
/// The first and the last second that can be written: the years 1 and 9999.
const FIRST_SECOND: i64 = -62_135_596_800;
const LAST_SECOND: i64 = 253_402_300_799;

/// Writes seconds since 1970 in the preferred form. Years are held between 1 and 9999.
pub fn format(unix_seconds: i64) -> [u8; LENGTH] {
    let unix_seconds = unix_seconds.clamp(FIRST_SECOND, LAST_SECOND);
    let days = unix_seconds.div_euclid(SECONDS_PER_DAY);
    let second_of_day = unix_seconds.rem_euclid(SECONDS_PER_DAY);
    let (year, month, day) = civil_from_days(days);
    let mut text = *b"Thu, 01 Jan 1970 00:00:00 GMT";
    text[..3].copy_from_slice(DAYS[days.rem_euclid(7) as usize]);
    two_digits(&mut text[5..7], day);
    text[8..11].copy_from_slice(MONTHS[month as usize - 1]);
    two_digits(&mut text[12..14], year / 100);
    two_digits(&mut text[14..16], year % 100);
    two_digits(&mut text[17..19], second_of_day / 3600);
    two_digits(&mut text[20..22], second_of_day / 60 % 60);
    two_digits(&mut text[23..25], second_of_day % 60);
    text
}

/// Reads a date in any of the three forms, as seconds since 1970; `None` for everything else.
///
/// Names of days, months and the zone are read in any case, as recipients are encouraged to be robust;
/// digits, blanks and separators must be where the grammar has them. A two-digit year (the obsolete
/// form of RFC 850) that seems more than 50 years after `now_unix_seconds` is in the past.
pub fn parse(text: &[u8], now_unix_seconds: i64) -> Option<i64> {
    let text = text.trim_ascii();
    let comma = text.iter().position(|&byte| byte == b',');
    match comma {
        Some(3) => parse_preferred(text),
        Some(_) => parse_rfc_850(text, now_unix_seconds),
        None => parse_asctime(text),
    }
}

/// `Sun, 06 Nov 1994 08:49:37 GMT`
fn parse_preferred(text: &[u8]) -> Option<i64> {
    if text.len() != LENGTH || !is_day(&text[..3]) || &text[3..5] != b", " {
        return None;
    }
    let separators_fit = text[7] == b' ' && text[11] == b' ' && text[16] == b' ' && text[25] == b' ';
    if !separators_fit || !text[26..].eq_ignore_ascii_case(b"GMT") {
        return None;
    }
    let year = number(&text[12..16])?;
    seconds(year, month(&text[8..11])?, number(&text[5..7])?, time(&text[17..25])?)
}

/// `Sunday, 06-Nov-94 08:49:37 GMT`
fn parse_rfc_850(text: &[u8], now: i64) -> Option<i64> {
    let comma = text.iter().position(|&byte| byte == b',')?;
    let (day_name, rest) = (&text[..comma], &text[comma..]);
    let is_full_name =
        [&b"Sunday"[..], b"Monday", b"Tuesday", b"Wednesday", b"Thursday", b"Friday", b"Saturday"]
            .iter()
            .any(|name| day_name.eq_ignore_ascii_case(name));
    if !is_full_name || rest.len() != 24 || &rest[..2] != b", " {
        return None;
    }
    let separators_fit = rest[4] == b'-' && rest[8] == b'-' && rest[11] == b' ' && rest[20] == b' ';
    if !separators_fit || !rest[21..].eq_ignore_ascii_case(b"GMT") {
        return None;
    }
    let (month, day, time) = (month(&rest[5..8])?, number(&rest[2..4])?, time(&rest[12..20])?);
    let (this_year, _, _) = civil_from_days(now.div_euclid(SECONDS_PER_DAY));
    let mut year = this_year - this_year % 100 + number(&rest[9..11])?;
    if year > this_year + 50 {
        year -= 100;
    }
    seconds(year, month, day, time)
}

/// `Sun Nov  6 08:49:37 1994`
fn parse_asctime(text: &[u8]) -> Option<i64> {
    if text.len() != 24 || !is_day(&text[..3]) {
        return None;
    }
    let separators_fit = text[3] == b' ' && text[7] == b' ' && text[10] == b' ' && text[19] == b' ';
    if !separators_fit {
        return None;
    }
    let day = if text[8] == b' ' { number(&text[9..10])? } else { number(&text[8..10])? };
    seconds(number(&text[20..24])?, month(&text[4..7])?, day, time(&text[11..19])?)
}

fn is_day(text: &[u8]) -> bool {
    DAYS.iter().any(|day| text.eq_ignore_ascii_case(*day))
}

fn month(text: &[u8]) -> Option<i64> {
    MONTHS.iter().position(|month| text.eq_ignore_ascii_case(*month)).map(|index| index as i64 + 1)
}

/// `08:49:37` as seconds of the day; a leap second is allowed by the grammar.
fn time(text: &[u8]) -> Option<i64> {
    let (hour, minute, second) = (number(&text[..2])?, number(&text[3..5])?, number(&text[6..8])?);
    let fits = text[2] == b':' && text[5] == b':' && hour < 24 && minute < 60 && second <= 60;
    fits.then_some(hour * 3600 + minute * 60 + second)
}

fn number(digits: &[u8]) -> Option<i64> {
    digits
        .iter()
        .try_fold(0, |value, digit| digit.is_ascii_digit().then(|| value * 10 + i64::from(digit - b'0')))
}

fn seconds(year: i64, month: i64, day: i64, second_of_day: i64) -> Option<i64> {
    let days = days_from_civil(year, month, day);
    // A day that the month does not have comes back as another date.
    // A leap second at the end of 9999, or the year 0, is held to what can be written again.
    let second = (days * SECONDS_PER_DAY + second_of_day).clamp(FIRST_SECOND, LAST_SECOND);
    (civil_from_days(days) == (year, month, day)).then_some(second)
}

fn two_digits(place: &mut [u8], value: i64) {
    place[0] = b'0' + (value / 10 % 10) as u8;
    place[1] = b'0' + (value % 10) as u8;
}

/// Days since 1970-01-01 of a date in the Gregorian calendar; years start in March, so that the leap
/// day is the last of its year, and eras of 400 years repeat.
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

/// The inverse of [`days_from_civil`]: (year, month, day).
pub(crate) fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    (era * 400 + year_of_era + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SAMPLE: i64 = 784_111_777;

    #[test]
    fn the_three_forms_of_rfc_9110_section_5_6_7_are_one_instant() {
        for text in
            ["Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994"]
        {
            assert_eq!(parse(text.as_bytes(), SAMPLE), Some(SAMPLE), "{text}");
        }
    }

    #[test]
    fn other_forms_are_no_dates() {
        for text in [
            "",
            "0",
            "-1",
            "Sun, 06 Nov 1994 8:49:37 GMT",
            "Sun, 06 Nov 1994 08:49:37 UTC",
            "Sun 06 Nov 1994 08:49:37 GMT",
            "Sun, 06  Nov 1994 08:49:37 GMT",
            "Sun, 31 Feb 1994 08:49:37 GMT",
            "Sun, 06 Nov 94 08:49:37 GMT",
            "Sun, 06 Nov 1994 24:00:00 GMT",
            "Sun, 06 Nov 1994 08:49:37 GMT+1",
            "Sun, 06-Nov-1994 08:49:37 GMT",
        ] {
            assert_eq!(parse(text.as_bytes(), SAMPLE), None, "{text}");
        }
    }

    #[test]
    fn a_two_digit_year_more_than_fifty_years_ahead_is_past() {
        let now = parse(b"Sat, 21 Nov 2026 00:00:00 GMT", 0).unwrap();
        let read = |text: &str| format(parse(text.as_bytes(), now).unwrap())[12..16].to_vec();
        assert_eq!(read("Sunday, 06-Nov-94 08:49:37 GMT"), b"1994");
        assert_eq!(read("Sunday, 06-Nov-50 08:49:37 GMT"), b"2050");
    }

    proptest! {
        #[test]
        fn formatted_dates_agree_with_a_second_implementation(unix_seconds in 0i64..253_402_300_799) {
            let time = std::time::UNIX_EPOCH + std::time::Duration::from_secs(unix_seconds as u64);
            let text = format(unix_seconds);
            let expected = httpdate::fmt_http_date(time);
            prop_assert_eq!(expected.as_bytes(), &text[..]);
            prop_assert_eq!(parse(&text, 0), Some(unix_seconds));
        }

        #[test]
        fn parsing_never_panics(text in proptest::collection::vec(any::<u8>(), 0..40)) {
            let _ = parse(&text, SAMPLE);
        }
    }
}
