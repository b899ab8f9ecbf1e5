//! May a response be kept (RFC 9111 §3)?
//!
//! `fetch` asks for every response of a backend; each refusal has a reason, which travels in
//! `Cache-Status`. It never looks at bodies or files.

use super::freshness::{Directives, Freshness, Rules, Source, is_heuristically_cacheable};
use crate::clock::Timestamp;
use crate::config::{Sharing, TtlMode};
use crate::http::{Fields, Method, RequestHead, ResponseHead, has_credentials};

/// Why a response is not kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NotStored {
    Method,
    RequestNoStore,
    NoStore,
    Private,
    Authorization,
    Token,
    SetCookie,
    Status,
    PartialContent,
    Condition,
    Unreadable,
    NotUnderstood,
    VaryStar,
    NoLifetime,
    NotReusable,
    TooLarge,
}

impl NotStored {
    /// Whether somebody else's request for the same would have been answered with something that may be kept.
    pub(super) fn is_about_request(self) -> bool {
        matches!(self, Self::Authorization | Self::Token)
    }

    /// Whether it is the client's choice, and says nothing about what others would get.
    pub(super) fn is_chosen_by_client(self) -> bool {
        matches!(self, Self::RequestNoStore | Self::PartialContent | Self::Condition)
    }

    /// The `detail` of `Cache-Status` (RFC 9211 §2.8).
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Method => "method",
            Self::RequestNoStore => "request-no-store",
            Self::NoStore => "no-store",
            Self::Private => "private",
            Self::Authorization => "authorization",
            Self::Token => "token",
            Self::SetCookie => "set-cookie",
            Self::Status => "status",
            Self::PartialContent => "partial-content",
            Self::Condition => "condition",
            Self::Unreadable => "unreadable",
            Self::NotUnderstood => "not-understood",
            Self::VaryStar => "vary-star",
            Self::NoLifetime => "no-lifetime",
            Self::NotReusable => "not-reusable",
            Self::TooLarge => "too-large",
        }
    }
}

/// Whether the response to this request may be kept and is worth it. `length` is the length of its body
/// where the backend stated it.
pub(super) fn judge(
    rules: &Rules,
    request: &RequestHead,
    request_no_store: bool,
    (response, directives): (&ResponseHead, &Directives),
    length: Option<u64>,
    freshness: &Freshness,
) -> Result<(), NotStored> {
    let fields = &response.fields;
    let has_lifetime = directives.has_lifetime(fields);
    let directives = &directives.response;
    match request.method {
        Method::Get => {}
        // RFC 9110 §9.3.3: its response may serve later GETs, if it says that it is what they would get.
        Method::Post if response.status == 200 && has_lifetime && names_target(request, fields) => {}
        _ => return Err(NotStored::Method),
    }
    if request_no_store {
        return Err(NotStored::RequestNoStore);
    }
    match response.status {
        // Partial responses are passed on; combining them (RFC 9111 §3.4) is optional.
        // A 226 is a change of a response (RFC 3229 §10.4.1).
        206 | 226 => return Err(NotStored::PartialContent),
        304 => return Err(NotStored::Status),
        // They answer a range, a condition or an expectation, even where the origin says that they last.
        412 | 416 | 417 => return Err(NotStored::Condition),
        // RFC 6585 §3 to §6: no cache may store them. They are about how somebody asks, or from where.
        428 | 429 | 431 | 511 => return Err(NotStored::Status),
        100..=199 => return Err(NotStored::Status),
        _ => {}
    }
    if directives.is_unreadable {
        return Err(NotStored::Unreadable);
    }
    if directives.must_understand {
        // RFC 9111 §5.2.2.3: no-store is for caches that do not understand the status.
        if !is_understood(response.status) {
            return Err(NotStored::NotUnderstood);
        }
    } else if directives.no_store {
        return Err(NotStored::NoStore);
    }
    if directives.private {
        return Err(NotStored::Private);
    }
    let is_meant_for_all = directives.public || directives.must_revalidate || directives.s_maxage.is_some();
    if request.fields.contains("authorization") && !is_meant_for_all {
        return Err(NotStored::Authorization);
    }
    let sets_cookie = fields.contains("set-cookie");
    let is_private = match rules.sharing {
        Sharing::Never => sets_cookie || has_credentials(&request.fields),
        Sharing::WhereStated => !is_meant_for_all && has_credentials(&request.fields),
        Sharing::ByRule => false,
    };
    if is_private {
        return Err(NotStored::Token);
    }
    let is_explicit = has_lifetime || directives.public;
    if sets_cookie && !(is_explicit && rules.store_set_cookie) {
        // RFC 9111 §7.3 lets a stated lifetime speak for it, but what sets a cookie is rarely meant for two.
        return Err(NotStored::SetCookie);
    }
    if super::vary::names(fields).is_none() {
        return Err(NotStored::VaryStar);
    }
    if !is_explicit && !is_heuristically_cacheable(response.status) {
        return Err(NotStored::Status);
    }
    let can_be_validated = fields.contains("etag") || fields.contains("last-modified");
    if freshness.source == Source::Nothing && !can_be_validated {
        return Err(NotStored::NoLifetime);
    }
    let is_ever_fresh = freshness.remaining_millis(freshness.received_at) > 0 && !freshness.no_cache;
    let is_used_stale = freshness.may_be_stale()
        && (freshness.stale_while_revalidate_millis > 0 || freshness.stale_if_error_millis > 0);
    if !is_ever_fresh && !can_be_validated && !is_used_stale {
        return Err(NotStored::NotReusable);
    }
    if length.is_some_and(|length| length > rules.max_object_bytes) {
        return Err(NotStored::TooLarge);
    }
    Ok(())
}

/// What a stored response loses: fields of one connection are gone already, these are about the message.
pub(super) fn fields_to_keep(rules: &Rules, directives: &Directives, fields: &mut Fields) {
    let unused: &[Vec<u8>] = match rules.ttl_mode {
        // With a forced TTL nothing is asked again in time, so these fields would be lost for nothing.
        TtlMode::Force => &[],
        _ => &directives.response.no_cache_fields,
    };
    fields.retain(|name, _| {
        // The length is known from the body, and trailers are not kept.
        let is_of_message =
            [&b"content-length"[..], b"trailer"].iter().any(|known| name.eq_ignore_ascii_case(known));
        !is_of_message && !unused.iter().any(|listed| name.eq_ignore_ascii_case(listed))
    });
}

/// Adds the `Date` that a recipient with a clock owes (RFC 9110 §6.6.1).
pub(super) fn add_date(fields: &mut Fields, received_at: Timestamp) {
    if !fields.contains("date") {
        fields.append("Date", crate::clock::http_date(received_at));
    }
}

/// Statuses whose meaning for caches is known and obeyed here (RFC 9110 §15).
fn is_understood(status: u16) -> bool {
    matches!(status,
        200..=205 | 300..=303 | 307 | 308 | 400..=417 | 421 | 422 | 426 | 428 | 429 | 431 | 451 | 500..=505)
}

/// `Content-Location` names the resource that was asked for.
fn names_target(request: &RequestHead, response: &Fields) -> bool {
    let Some(key) = super::Key::of_request(request) else { return false };
    let location = response.get("content-location");
    location.is_some_and(|location| {
        super::invalidation::resolve(request, location).is_some_and(|named| named == key)
    })
}

#[cfg(test)]
mod tests {
    use super::super::freshness::Times;
    use super::*;
    use std::time::Duration;

    const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);

    fn rules(ttl_seconds: u64) -> Rules {
        Rules {
            ttl: Duration::from_secs(ttl_seconds),
            ttl_mode: TtlMode::Default,
            sharing: Sharing::WhereStated,
            store_set_cookie: true,
            max_object_bytes: 1000,
        }
    }

    fn request(method: Method, fields: &[(&str, &str)]) -> RequestHead {
        let mut request = RequestHead::new(method, "/x");
        request.fields = fields.iter().copied().collect();
        request.fields.append("Host", "a");
        request
    }

    fn judged(
        rules: &Rules,
        request: &RequestHead,
        status: u16,
        fields: &[(&str, &str)],
    ) -> Result<(), NotStored> {
        let mut response = ResponseHead::new(status);
        response.fields = fields.iter().copied().collect();
        let freshness = Freshness::of(
            rules,
            status,
            &response.fields,
            Times { requested_at: NOW, received_at: NOW, ahead_micros: 0 },
        );
        judge(rules, request, false, (&response, &Directives::read(&response.fields)), Some(10), &freshness)
    }

    fn get(status: u16, fields: &[(&str, &str)]) -> Result<(), NotStored> {
        judged(&rules(0), &request(Method::Get, &[]), status, fields)
    }

    #[test]
    fn directives_of_rfc_9111_section_3_forbid_storing() {
        let with = |text: &str| get(200, &[("Cache-Control", text)]);
        assert_eq!(with("max-age=60"), Ok(()));
        assert_eq!(with("max-age=60, no-store"), Err(NotStored::NoStore));
        assert_eq!(with("max-age=60, private"), Err(NotStored::Private));
        assert_eq!(with("max-age=0"), Err(NotStored::NotReusable));
        assert_eq!(with("max-age=0, stale-if-error=60"), Ok(()));
        assert_eq!(get(200, &[]), Err(NotStored::NoLifetime));
        assert_eq!(get(200, &[("Cache-Control", "no-cache"), ("ETag", "\"a\"")]), Ok(()));
        assert_eq!(get(200, &[("Cache-Control", "max-age=60"), ("Vary", "a, *")]), Err(NotStored::VaryStar));
        let both = [("Cache-Control", "no-store"), ("CDN-Cache-Control", "max-age=9")];
        assert_eq!(get(200, &both), Ok(()));
    }

    #[test]
    fn must_understand_lifts_no_store_for_known_statuses_by_section_5_2_2_3() {
        let fields = [("Cache-Control", "max-age=60, no-store, must-understand")];
        assert_eq!(get(200, &fields), Ok(()));
        assert_eq!(get(599, &fields), Err(NotStored::NotUnderstood));
        assert_eq!(get(599, &[("Cache-Control", "max-age=60")]), Ok(()));
    }

    #[test]
    fn authorization_is_shared_only_as_section_3_5_allows() {
        let asked = request(Method::Get, &[("Authorization", "x")]);
        let with = |text: &str| judged(&rules(60), &asked, 200, &[("Cache-Control", text)]);
        assert_eq!(with("max-age=60"), Err(NotStored::Authorization));
        assert_eq!(with("x"), Err(NotStored::Authorization));
        for allowed in ["max-age=60, public", "max-age=60, must-revalidate", "s-maxage=60"] {
            assert_eq!(with(allowed), Ok(()), "{allowed}");
        }
    }

    #[test]
    fn with_sharing_off_nothing_that_carries_a_token_is_kept() {
        let rules = Rules { sharing: Sharing::Never, ..rules(60) };
        let public = ("Cache-Control", "public, max-age=60");
        for field in ["Authorization", "Cookie", "X-Api-Key"] {
            let asked = request(Method::Get, &[(field, "x")]);
            assert_eq!(judged(&rules, &asked, 200, &[public]), Err(NotStored::Token), "{field}");
        }
        let plain = request(Method::Get, &[]);
        assert_eq!(judged(&rules, &plain, 200, &[public, ("Set-Cookie", "a=b")]), Err(NotStored::Token));
        assert_eq!(judged(&rules, &plain, 200, &[public]), Ok(()));
    }

    #[test]
    fn credentials_are_shared_only_where_the_origin_says_so() {
        let by_rule = Rules { sharing: Sharing::ByRule, ..rules(60) };
        for field in
            ["Cookie", "X-Api-Key", "api_key", "X-Auth-Token", "Remote-User", "Cf-Access-Jwt-Assertion"]
        {
            let asked = request(Method::Get, &[(field, "x")]);
            let with = |rules: &Rules, text: &str| judged(rules, &asked, 200, &[("Cache-Control", text)]);
            assert_eq!(with(&rules(60), "x"), Err(NotStored::Token), "{field}");
            assert_eq!(with(&rules(60), "max-age=60"), Err(NotStored::Token), "{field}");
            for allowed in ["max-age=60, public", "max-age=60, must-revalidate", "s-maxage=60"] {
                assert_eq!(with(&rules(60), allowed), Ok(()), "{field}, {allowed}");
            }
            assert_eq!(with(&by_rule, "max-age=60"), Ok(()), "{field}");
        }
        for field in ["Accept", "Sec-Fetch-User", "User-Agent"] {
            assert_eq!(
                judged(&rules(60), &request(Method::Get, &[(field, "x")]), 200, &[]),
                Ok(()),
                "{field}"
            );
        }
    }

    #[test]
    fn a_cookie_is_shared_only_where_the_setting_and_the_origin_say_so() {
        let plain = request(Method::Get, &[]);
        let cookie = ("Set-Cookie", "a=b");
        assert_eq!(judged(&rules(60), &plain, 200, &[cookie]), Err(NotStored::SetCookie));
        let stated = [cookie, ("Cache-Control", "public, max-age=9")];
        assert_eq!(judged(&rules(60), &plain, 200, &stated), Ok(()));
        let by_default = Rules { store_set_cookie: false, ..rules(60) };
        assert_eq!(judged(&by_default, &plain, 200, &stated), Err(NotStored::SetCookie));
    }

    #[test]
    fn statuses_without_a_default_need_a_lifetime() {
        let plain = request(Method::Get, &[]);
        assert_eq!(judged(&rules(60), &plain, 200, &[]), Ok(()));
        assert_eq!(judged(&rules(60), &plain, 404, &[]), Ok(()));
        for status in [201, 302, 403, 500, 503] {
            assert_eq!(judged(&rules(60), &plain, status, &[]), Err(NotStored::Status), "{status}");
            let stated = [("Cache-Control", "max-age=60")];
            assert_eq!(judged(&rules(60), &plain, status, &stated), Ok(()), "{status}");
        }
        assert_eq!(judged(&rules(60), &plain, 501, &[]), Err(NotStored::NoLifetime));
        assert_eq!(get(206, &[("Cache-Control", "max-age=60")]), Err(NotStored::PartialContent));
    }

    #[test]
    fn a_post_is_kept_for_later_gets_only_if_it_says_so() {
        let post = request(Method::Post, &[]);
        let lifetime = ("Cache-Control", "max-age=60");
        assert_eq!(judged(&rules(60), &post, 200, &[lifetime]), Err(NotStored::Method));
        assert_eq!(judged(&rules(60), &post, 200, &[lifetime, ("Content-Location", "/x")]), Ok(()));
        assert_eq!(judged(&rules(60), &post, 200, &[("Content-Location", "/x")]), Err(NotStored::Method));
        let other = [lifetime, ("Content-Location", "/y")];
        assert_eq!(judged(&rules(60), &post, 200, &other), Err(NotStored::Method));
    }

    #[test]
    fn listed_fields_and_those_of_the_message_are_not_kept() {
        let mut fields: Fields = [
            ("Cache-Control", "no-cache=\"A\", max-age=60"),
            ("A", "1"),
            ("B", "2"),
            ("Trailer", "x"),
            ("Content-Length", "3"),
        ]
        .into_iter()
        .collect();
        fields_to_keep(&rules(0), &Directives::read(&fields), &mut fields);
        let names: Vec<_> = fields.iter().map(|(name, _)| name).collect();
        assert_eq!(names, [&b"Cache-Control"[..], b"B"]);
    }
}
