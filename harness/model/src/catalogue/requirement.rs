//! The identifiers of what the assignment asks.
//!
//! Scenarios, verdicts, reports and rubrics cite them. The sentences a reader sees are in the module `language`, the point
//! of the assignment that each comes from is here; no check is named here.

use serde::{Deserialize, Serialize};

macro_rules! requirements {
    ($($variant:ident = $id:literal @ $point:literal),+ $(,)?) => {
        /// One thing that the assignment asks of a proxy, in the order in which a report shows them.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema)]
        pub enum Requirement {
            $(#[doc = concat!("`", $id, "`, point ", $point, " of the assignment.")] #[serde(rename = $id)] $variant),+
        }
        impl Requirement {
            /// All of them, in order.
            pub const ALL: &'static [Requirement] = &[$(Requirement::$variant),+];
            /// The identifier, such as `REQ-8c`.
            pub const fn id(self) -> &'static str { match self { $(Requirement::$variant => $id),+ } }
            /// The point of the assignment it comes from, such as `5.8c`.
            pub const fn point(self) -> &'static str { match self { $(Requirement::$variant => $point),+ } }
        }
    };
}

requirements! {
    Req1 = "REQ-1" @ "5.1",
    Req1a = "REQ-1a" @ "5.1a",
    Req2 = "REQ-2" @ "5.2",
    Req3 = "REQ-3" @ "5.3",
    Req4 = "REQ-4" @ "5.4",
    Req5 = "REQ-5" @ "5.5",
    Req6 = "REQ-6" @ "5.6",
    Req7 = "REQ-7" @ "5.7",
    Req8 = "REQ-8" @ "5.8",
    Req8a = "REQ-8a" @ "5.8a",
    Req8b = "REQ-8b" @ "5.8b",
    Req8c = "REQ-8c" @ "5.8c",
    Req9 = "REQ-9" @ "5.9",
    Req10 = "REQ-10" @ "5.10",
    ReqArch = "REQ-ARCH" @ "3",
    ReqAws = "REQ-AWS" @ "4",
    ReqDoc = "REQ-DOC" @ "8",
}

impl std::fmt::Display for Requirement {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.id())
    }
}

impl std::str::FromStr for Requirement {
    type Err = ();
    fn from_str(text: &str) -> Result<Self, ()> {
        Requirement::ALL.iter().copied().find(|r| r.id().eq_ignore_ascii_case(text)).ok_or(())
    }
}
