//! The adapters that ship with the harness, so that `--sut nginx` works in any directory.
//!
//! They are the files of `scenarios/suts/`, embedded; a file of the user's with the same name is given by its path.

/// Name and text of each, the default first.
pub const ALL: &[(&str, &str)] = &[
    ("pibl", include_str!("../../../../scenarios/suts/pibl.yaml")),
    ("pibl-private", include_str!("../../../../scenarios/suts/pibl-private.yaml")),
    ("nginx", include_str!("../../../../scenarios/suts/nginx.yaml")),
    ("haproxy", include_str!("../../../../scenarios/suts/haproxy.yaml")),
    ("varnish", include_str!("../../../../scenarios/suts/varnish.yaml")),
    ("apache", include_str!("../../../../scenarios/suts/apache.yaml")),
    ("squid", include_str!("../../../../scenarios/suts/squid.yaml")),
    ("trafficserver", include_str!("../../../../scenarios/suts/trafficserver.yaml")),
    ("caddy", include_str!("../../../../scenarios/suts/caddy.yaml")),
    ("lighttpd", include_str!("../../../../scenarios/suts/lighttpd.yaml")),
    ("h2o", include_str!("../../../../scenarios/suts/h2o.yaml")),
    ("node-http-proxy", include_str!("../../../../scenarios/suts/node-http-proxy.yaml")),
    ("nginx-tutorial", include_str!("../../../../scenarios/suts/nginx-tutorial.yaml")),
];

/// One that is another setting of a proxy above, for a scenario that asks about it; a league has each proxy once.
pub const VARIANTS: &[&str] = &["pibl-private"];

/// The text of one.
pub fn text_of(name: &str) -> Option<&'static str> {
    ALL.iter().find(|(known, _)| *known == name).map(|(_, text)| *text)
}
