//! Defects of serving: who is let in, and what is looked up for whom.
//!
//! The server asks at every connection and request. The honest rule: everyone at once, and only a GET may be cached.

use super::Defect;

/// Whether a client is answered before the next one is accepted.
pub fn one_after_the_other(defect: Defect) -> bool {
    defect == Defect::SerialAccept
}

/// Whether the cache is asked without looking at the method.
pub fn looks_up_any_method(defect: Defect) -> bool {
    defect == Defect::AnswersPostFromCache
}
