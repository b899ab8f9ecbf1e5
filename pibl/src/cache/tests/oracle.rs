//! A second opinion: the crate http-cache-semantics, where it follows the RFC.
//!
//! It is no model where it leaves RFC 9111: repeated fields under `Vary`, `max-stale` beside `s-maxage`,
//! cookies, `proxy-revalidate`, statuses that they do not know, quoted lifetimes, apparent age. Those are left out here.

use std::time::SystemTime;

use http_cache_semantics::{BeforeRequest, CacheOptions, CachePolicy};
use proptest::prelude::*;

use super::super::freshness::{Directives, Freshness, Rules};
use super::super::storable;
use super::*;
use crate::http::date;

fn directives() -> impl Strategy<Value = String> {
    let lifetime = prop_oneof![
        Just(String::new()),
        (0u64..200).prop_map(|seconds| format!("max-age={seconds}")),
        (0u64..200).prop_map(|seconds| format!("s-maxage={seconds}")),
        (0u64..200, 0u64..200).prop_map(|(one, two)| format!("max-age={one}, s-maxage={two}")),
    ];
    let flags =
        prop::sample::subsequence(vec!["public", "private", "no-store", "no-cache", "ext=\"a, b\""], 0..3);
    (lifetime, flags).prop_map(|(lifetime, flags)| {
        let parts: Vec<&str> = std::iter::once(lifetime.as_str()).chain(flags).collect();
        parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(", ")
    })
}

proptest! {
    #[test]
    fn freshness_agrees_with_a_second_implementation(
        status in prop::sample::select(vec![200u16, 203, 204, 301, 404, 410]),
        cache_control in directives(),
        age in prop::option::of(0u64..150),
        expires in prop::option::of(-50i64..200),
        changed in prop::option::of(0i64..4000),
        later in 0u64..250,
    ) {
        let text = |offset: i64| date::format(START.seconds() + offset).to_vec();
        let mut fields = Fields::new();
        fields.append("Date", text(0));
        if !cache_control.is_empty() {
            fields.append("Cache-Control", &cache_control);
        }
        if let Some(age) = age {
            fields.append("Age", age.to_string());
        }
        if let Some(expires) = expires {
            fields.append("Expires", text(expires));
        }
        if let Some(changed) = changed {
            fields.append("Last-Modified", text(-changed));
        }
        let request = get("/x", &[]);
        let mut theirs_response = hyper::Response::builder().status(status);
        for (name, value) in fields.iter() {
            theirs_response = theirs_response.header(name, value);
        }
        let theirs_request = hyper::Request::get("http://a.example/x").body(()).unwrap();
        let start = SystemTime::UNIX_EPOCH + Duration::from_secs(START.seconds() as u64);
        let policy = CachePolicy::new_options(
            &theirs_request,
            &theirs_response.body(()).unwrap(),
            start,
            CacheOptions { shared: true, ..CacheOptions::default() },
        );
        let rules = Rules::new(&CacheSettings { ttl: Duration::ZERO, ..settings(std::path::Path::new("."), 0) });
        let response = ResponseHead { fields, ..ResponseHead::new(status) };
        let freshness = Freshness::of(&rules, status, &response.fields, times(START));
        let is_kept = storable::judge(&rules, &request, false, (&response, &Directives::read(&response.fields)), Some(1), &freshness).is_ok();
        let ours = is_kept && freshness.is_fresh(at(later));
        let is_theirs_fresh = matches!(
            policy.before_request(&theirs_request, start + Duration::from_secs(later)),
            BeforeRequest::Fresh(_)
        );
        let theirs = policy.is_storable() && is_theirs_fresh;
        // They round a guess down to whole seconds, this cache does not.
        let is_guess = freshness.source == super::super::freshness::Source::Heuristic;
        let remaining = freshness.remaining_millis(at(later));
        prop_assume!(!(is_guess && (0..1000).contains(&remaining)));
        prop_assert_eq!(ours, theirs, "{:?} after {} s", response.fields, later);
    }
}
