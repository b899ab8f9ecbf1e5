//! Defects of reading and writing: messages that come in pieces, that end in unusual ways, or that share a connection.
//!
//! The codec and the server ask at the point where a message is read or written. The honest rule: whatever HTTP/1.1 allows,
//! read to its end and passed on whole.

use super::Defect;
use crate::http::Message;

/// Largest head that is read, in bytes.
pub fn head_limit(defect: Defect) -> u64 {
    if defect == Defect::HeadOfFourKilobytes { 4 * 1024 } else { 64 * 1024 }
}

/// Whether a head must come in one piece.
pub fn head_in_one_piece(defect: Defect) -> bool {
    defect == Defect::FirstSegmentOfHead
}

/// Whether a body ends with what came together with its head.
pub fn body_in_one_piece(defect: Defect) -> bool {
    defect == Defect::FirstSegmentOfBody
}

/// Whether a field announces a length.
pub fn announces_length(defect: Defect, name: &str) -> bool {
    match defect {
        Defect::LengthInOneSpelling => name == "Content-Length",
        _ => name.eq_ignore_ascii_case("content-length"),
    }
}

/// Whether a 1xx is passed on as if nothing followed it.
pub fn interim_is_final(defect: Defect) -> bool {
    defect == Defect::InterimForFinal
}

/// Whether the framing of a chunked answer is taken for content.
pub fn chunks_are_body(defect: Defect) -> bool {
    defect == Defect::PassesChunksAsBody
}

/// Whether fewer bytes than announced are taken for all of them.
pub fn believes_a_cut_body(defect: Defect) -> bool {
    defect == Defect::PassesTruncatedAsWhole
}

/// Whether anything that a backend says is taken for an answer.
pub fn passes_garbage(defect: Defect) -> bool {
    defect == Defect::PassesGarbage
}

/// The refusal of a request for its method or its version.
pub fn refusal(defect: Defect, request: &Message) -> Option<Message> {
    match defect {
        Defect::GetAndPostOnly if !matches!(request.word(0), "GET" | "HEAD" | "POST") => {
            Some(Message::own(501, "Not Implemented"))
        }
        Defect::RefusesHttp10 if request.word(2) == "HTTP/1.0" => {
            Some(Message::own(505, "HTTP Version Not Supported"))
        }
        _ => None,
    }
}

/// Whether a connection ends with its first answer. (Where the port is not to be bound again this side must close first.)
pub fn closes_always(defect: Defect) -> bool {
    matches!(defect, Defect::ClosesAlways | Defect::NoReuseaddr)
}

/// Whether its answers say nothing of that.
pub fn closes_without_saying(defect: Defect) -> bool {
    defect == Defect::ClosesWithoutSaying
}

/// Whether bytes that were read beyond a request are thrown away.
pub fn forgets_the_rest(defect: Defect) -> bool {
    defect == Defect::ForgetsWhatWasPipelined
}

/// Whether this answer is written without its length and never ended.
pub fn never_ends(defect: Defect, answer: &Message) -> bool {
    defect == Defect::UntilCloseNeverEnds && answer.until_close
}

/// The bytes of an answer as they leave.
pub fn as_written(defect: Defect, request: &Message, answer: &Message, mut bytes: Vec<u8>) -> Vec<u8> {
    match defect {
        Defect::BodyTo204 if matches!(answer.status(), 204 | 304) => bytes.extend(b"no content\n"),
        Defect::CloseLosesTheTail if request.says_close => {
            bytes.truncate(bytes.len() - answer.body.len() / 2);
        }
        _ => {}
    }
    bytes
}
