//! What the checks saw, typed: one variant per distinct thing that can be said.
//!
//! Each check fills in figures; the language room has one sentence per variant and language, and a missing one does not
//! compile. Quantities carry their unit in the name.

use serde::{Deserialize, Serialize};

use crate::catalogue::CheckId;

/// What a check saw.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "finding")]
pub enum Finding {
    /// The check was not reached because another one failed.
    DependsOn {
        /// The one that failed.
        check: CheckId,
    },
    /// The adapter declares that the proxy cannot do this.
    DeclaredUnsupported {
        /// The capability, such as `cache: memory`.
        capability: String,
    },
    /// The steps it needs did not take place.
    NotReached,
}
