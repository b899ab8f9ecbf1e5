//! What our own side could not do: an error of ours is never the proxy's.
//!
//! Every kind of client, and the load engine, asks here what an error of the system or of a library means. Nothing is tried
//! again here.

use std::error::Error;
use std::io;

use rustix::io::Errno;

use harness_model::history::{ExchangeEnd, Trouble};

/// Errors of the system that say that it has no more of something: descriptors, ports, buffers, memory, processes.
const NO_MEANS: [Errno; 6] =
    [Errno::MFILE, Errno::NFILE, Errno::ADDRNOTAVAIL, Errno::NOBUFS, Errno::NOMEM, Errno::AGAIN];

/// How an exchange ended that has no connection because of this error.
pub(in crate::traffic) fn not_connected(error: &io::Error) -> ExchangeEnd {
    if is_lack(error) {
        return ours(Trouble::NoMeans, error);
    }
    ExchangeEnd::NotConnected(error.to_string())
}

/// An end that says nothing of the proxy.
pub(super) fn ours(trouble: Trouble, said: impl ToString) -> ExchangeEnd {
    ExchangeEnd::Ours { trouble, said: said.to_string() }
}

/// Whether the system had no more of something.
pub(super) fn is_lack(error: &io::Error) -> bool {
    let number = error.raw_os_error();
    NO_MEANS.iter().any(|lack| number == Some(lack.raw_os_error()))
}

/// An error and its causes.
pub(super) fn causes<'a>(
    error: &'a (dyn Error + 'static),
) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |&error: &&'a (dyn Error + 'static)| error.source())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn descriptors_and_ports_that_are_used_up_are_ours_and_a_refusal_is_not() {
        for lack in [Errno::MFILE, Errno::ADDRNOTAVAIL] {
            assert!(not_connected(&lack.into()).is_ours(), "{lack}");
        }
        assert!(matches!(not_connected(&Errno::CONNREFUSED.into()), ExchangeEnd::NotConnected(_)));
    }
}
