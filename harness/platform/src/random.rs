//! Numbers that nobody can guess.
//!
//! The page of a run that lasts has one in its address. Choices of a run are drawn from its seed and never from here.

use std::io::{self, Read as _};

/// 128 bits of the system, as 32 hexadecimal digits.
///
/// # Errors
/// The system has none to give.
pub fn unguessable() -> io::Result<String> {
    let mut bytes = [0_u8; 16];
    std::fs::File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

#[cfg(test)]
mod tests {
    use super::unguessable;

    #[test]
    fn two_are_never_the_same() {
        let (one, other) = (unguessable().unwrap(), unguessable().unwrap());
        assert_eq!(one.len(), 32);
        assert_ne!(one, other);
    }
}
