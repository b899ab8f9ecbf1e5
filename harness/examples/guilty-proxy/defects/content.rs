//! Defects of content: what is stored under which key, and what a hit makes of it.
//!
//! The cache asks for the key and when it stores, the server at look-up. The honest rule: method and whole target decide,
//! only a GET answered with 200 is kept, and a hit is the miss again, byte for byte.

use super::Defect;
use crate::http::Message;

/// Whether the cache is asked without looking at the method.
pub fn looks_up_any_method(defect: Defect) -> bool {
    defect == Defect::AnswersPostFromCache
}

/// Whether an answer of this status is kept.
pub fn keeps_status(defect: Defect, status: u16) -> bool {
    status == 200 || (status >= 500 && defect == Defect::CachesErrors)
}

/// The key of a target.
pub fn key(defect: Defect, target: &str) -> String {
    match defect {
        Defect::DropsQueryFromKey => target.split('?').next().unwrap_or(target).to_owned(),
        Defect::KeysCollide => target.replace('/', "_"),
        _ => target.to_owned(),
    }
}

/// What is kept of an answer.
pub fn stored(defect: Defect, answer: &Message) -> Message {
    let mut kept = answer.clone();
    match defect {
        Defect::StoresFourKilobytes => kept.body.truncate(4 * 1024),
        Defect::StoresUpToNul => {
            let end = kept.body.iter().position(|&byte| byte == 0).unwrap_or(kept.body.len());
            kept.body.truncate(end);
        }
        Defect::HitHasOneByteMore => kept.body.push(b'\n'),
        Defect::HitWithoutContentType => {
            kept.fields.retain(|(name, _)| !name.eq_ignore_ascii_case("content-type"));
        }
        _ => {}
    }
    kept
}

/// Whether what belongs to one user is kept for everybody.
pub fn keeps_what_is_private(defect: Defect) -> bool {
    defect == Defect::SharesTokens
}
