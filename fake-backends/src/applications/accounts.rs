//! Users with passwords and tokens, for the applications that have a login.
//!
//! Passwords are kept as salted hashes. The time that a slow password hash takes is waited for, not burnt: instances of a
//! run share the few cores of one machine, and burning them would measure the host.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use hmac::Mac;

use super::token::{Authority, BadToken};

/// The users of an application.
pub(super) struct Accounts {
    by_name: Mutex<HashMap<String, Vec<u8>>>,
    authority: Authority,
    hashing: Duration,
}

/// Why somebody cannot sign up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NoAccount {
    /// The name is taken.
    Taken,
    /// Name or password is missing or too short.
    TooShort,
}

const LEAST_PASSWORD: usize = 6;

impl Accounts {
    /// Nobody yet. Hashing a password takes so long.
    pub fn new(key: &[u8], lifetime: Duration, hashing: Duration) -> Accounts {
        Accounts { by_name: Mutex::default(), authority: Authority::new(key, lifetime), hashing }
    }

    /// Adds a user. What is wrong with the request is said at once, without hashing.
    pub async fn sign_up(&self, name: &str, password: &str) -> Result<(), NoAccount> {
        if name.is_empty() || password.len() < LEAST_PASSWORD {
            return Err(NoAccount::TooShort);
        }
        tokio::time::sleep(self.hashing).await;
        let mut accounts = self.by_name.lock().unwrap_or_else(PoisonError::into_inner);
        if accounts.contains_key(name) {
            return Err(NoAccount::Taken);
        }
        accounts.insert(name.to_owned(), hash(name, password));
        Ok(())
    }

    /// A token, if name and password are right. Takes the same time if they are not, so that nobody learns which names exist.
    pub async fn log_in(&self, name: &str, password: &str, now: u64) -> Option<String> {
        tokio::time::sleep(self.hashing).await;
        let accounts = self.by_name.lock().unwrap_or_else(PoisonError::into_inner);
        let is_right = accounts.get(name).is_some_and(|known| *known == hash(name, password));
        is_right.then(|| self.authority.issue(name, now))
    }

    /// Whose token it is.
    pub fn user_of(&self, token: &str, now: u64) -> Result<String, BadToken> {
        self.authority.verify(token, now).map(|claims| claims.sub)
    }
}

fn hash(salt: &str, password: &str) -> Vec<u8> {
    let mut mac = <hmac::Hmac<sha2::Sha256> as hmac::KeyInit>::new_from_slice(salt.as_bytes())
        .expect("HMAC takes keys of any length");
    mac.update(password.as_bytes());
    mac.finalize().into_bytes().to_vec()
}
