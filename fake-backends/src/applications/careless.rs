//! The caching headers that a careless developer might send with an answer that is meant for one user only.
//!
//! `tracking` answers with them at `/private/NAME/...`; the check that looks for answers in the wrong hands asks here what
//! RFC 9111 allows. A table, and nothing that decides at run time.

/// One way of being careless.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Careless {
    /// Its name in paths.
    pub name: &'static str,
    /// The fields of the answer.
    pub fields: &'static [(&'static str, &'static str)],
    /// What a shared cache may do with an answer to a request with `Authorization`.
    pub permission: Permission,
}

/// What a shared cache may do with an answer to a request with `Authorization`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Permission {
    /// Give it to another user without asking the origin: the origin said so in the words of RFC 9111 §3.5.
    MayShare,
    /// Keep it, but never give it to another user without asking the origin.
    MustAsk,
    /// Not keep it for others.
    MustNot,
}

use Permission::{MayShare, MustAsk, MustNot};

/// All of them, the harmless first.
pub const CARELESS: &[Careless] = &[
    Careless { name: "nothing", fields: &[], permission: MustNot },
    Careless { name: "no-store", fields: &[("Cache-Control", "no-store")], permission: MustNot },
    Careless { name: "private", fields: &[("Cache-Control", "private, max-age=60")], permission: MustNot },
    Careless { name: "etag", fields: &[("ETag", "\"one\"")], permission: MustNot },
    Careless {
        name: "last-modified",
        fields: &[("Last-Modified", "Mon, 06 Jan 2020 08:00:00 GMT")],
        permission: MustNot,
    },
    Careless { name: "max-age", fields: &[("Cache-Control", "max-age=60")], permission: MustNot },
    Careless {
        name: "immutable",
        fields: &[("Cache-Control", "max-age=60, immutable")],
        permission: MustNot,
    },
    Careless {
        name: "expires",
        fields: &[("Expires", "Fri, 01 Jan 2100 00:00:00 GMT")],
        permission: MustNot,
    },
    Careless {
        name: "pragma",
        fields: &[("Pragma", "public"), ("Cache-Control", "max-age=60")],
        permission: MustNot,
    },
    // §3.5 names must-revalidate, not its brother for shared caches alone.
    Careless {
        name: "proxy-revalidate",
        fields: &[("Cache-Control", "max-age=60, proxy-revalidate")],
        permission: MustNot,
    },
    // §4.2.1: conflicting directives are read in the most restrictive way.
    Careless {
        name: "both",
        fields: &[("Cache-Control", "public, private, max-age=60")],
        permission: MustNot,
    },
    Careless {
        name: "public-no-store",
        fields: &[("Cache-Control", "public, no-store")],
        permission: MustNot,
    },
    Careless {
        name: "public-no-cache",
        fields: &[("Cache-Control", "public, no-cache")],
        permission: MustAsk,
    },
    Careless {
        name: "vary",
        fields: &[("Cache-Control", "public, max-age=60"), ("Vary", "Authorization")],
        permission: MustAsk,
    },
    Careless {
        name: "s-maxage-0",
        fields: &[("Cache-Control", "s-maxage=0, max-age=60")],
        permission: MustAsk,
    },
    Careless { name: "public", fields: &[("Cache-Control", "public, max-age=60")], permission: MayShare },
    Careless { name: "s-maxage", fields: &[("Cache-Control", "s-maxage=60")], permission: MayShare },
    Careless {
        name: "must-revalidate",
        fields: &[("Cache-Control", "max-age=60, must-revalidate")],
        permission: MayShare,
    },
];

impl Careless {
    /// The one of a name.
    pub fn named(name: &str) -> Option<&'static Careless> {
        CARELESS.iter().find(|careless| careless.name == name)
    }
}
