//! Defects of content: what is stored under which key, and what a hit makes of it.
//!
//! The cache asks for the key and when it stores, the server at look-up. The honest rule: method and whole target decide,
//! only a GET answered with 200 is kept, and a hit is the miss again, byte for byte.

use std::sync::Mutex;

use super::Defect;
use crate::http::Message;

/// Whether the cache is asked without looking at the method.
pub fn looks_up_any_method(defect: Defect) -> bool {
    defect == Defect::AnswersPostFromCache
}

/// Under which name the answer to a request is kept: its target, and the origin of a browser, on which answers may depend.
pub fn name(defect: Defect, request: &Message) -> String {
    let target = request.word(1);
    let origin = request.fields.iter().find(|(name, _)| name.eq_ignore_ascii_case("origin"));
    match origin {
        Some((_, origin)) if defect != Defect::IgnoresOrigin => format!("{target} {origin}"),
        _ => target.to_owned(),
    }
}

/// Under which target what this method asks is looked up and kept, where that is done at all for others than GET.
pub fn target_of(defect: Defect, method: &str, target: &str) -> Option<String> {
    match (defect, method) {
        (Defect::KeepsPosts, "POST") => Some(format!("/posted{target}")),
        (Defect::KeepsHeads, "HEAD") => Some(target.to_owned()),
        _ => None,
    }
}

/// What is kept of an answer to another method than GET: a HEAD has its fields alone.
pub fn without_length(method: &str, answer: &Message) -> Message {
    let mut kept = answer.clone();
    if method == "HEAD" {
        kept.fields.retain(|(name, _)| !name.eq_ignore_ascii_case("content-length"));
    }
    kept
}

/// The hit that a client gets, of which others may be under way.
pub fn hit_among_others(defect: Defect, others: bool, hit: Message) -> Message {
    static LAST: Mutex<Option<Message>> = Mutex::new(None);
    if defect != Defect::HitOfAnother {
        return hit;
    }
    let Ok(mut last) = LAST.lock() else { return hit };
    let given = if others { last.clone() } else { None };
    *last = Some(hit.clone());
    given.unwrap_or(hit)
}

/// Whether an answer of this status is kept.
pub fn keeps_status(defect: Defect, status: u16) -> bool {
    match defect {
        Defect::CachesErrors => status == 200 || status >= 500,
        Defect::KeepsNotFound | Defect::KeepsNotFoundAsFound => status == 200 || status == 404,
        _ => status == 200,
    }
}

/// The key of a target.
pub fn key(defect: Defect, target: &str) -> String {
    match defect {
        Defect::DropsQueryFromKey => target.split('?').next().unwrap_or(target).to_owned(),
        Defect::KeysCollide => target.replace('/', "_"),
        Defect::KeyOfFortyCharacters => target.chars().take(40).collect(),
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
        Defect::KeepsNotFoundAsFound => "HTTP/1.1 200 OK".clone_into(&mut kept.first_line),
        Defect::HitHasOneByteMore => kept.body.push(b'\n'),
        Defect::HitWithoutContentType => {
            kept.fields.retain(|(name, _)| !name.eq_ignore_ascii_case("content-type"));
        }
        _ => {}
    }
    kept
}

/// Whether the answer to a request with a token is kept for everybody.
pub fn keeps_authorized(defect: Defect) -> bool {
    matches!(defect, Defect::SharesTokens | Defect::KeepsAuthorized)
}

/// Whether an answer that is called private is kept for everybody.
pub fn keeps_private(defect: Defect) -> bool {
    matches!(defect, Defect::SharesTokens | Defect::KeepsPrivate)
}

/// Whether an answer is kept that nobody may keep.
pub fn keeps_no_store(defect: Defect) -> bool {
    defect == Defect::SharesTokens
}

/// Whether a body is written behind the one that another client has just stored under the same key.
pub fn appends_to_what_is_there(defect: Defect) -> bool {
    defect == Defect::DoublesWhatIsStoredTwice
}

/// What is kept of an answer whose client left in the middle of it, where that is not what was kept before.
pub fn kept_of_what_was_broken_off(defect: Defect, answer: &Message) -> Option<Message> {
    (defect == Defect::KeepsWhatWasBrokenOff).then(|| {
        let mut kept = answer.clone();
        kept.body.truncate(kept.body.len() / 2);
        kept
    })
}
