//! Passwords: hashed by argon2id, off the threads that serve requests, a few at a time.
//!
//! A hash takes 19 MiB and some tens of milliseconds on purpose. Whoever sends many logins must not get the memory and the
//! processors of the shop with it: so many are hashed at once as there are processors, so many more may wait, and one more
//! is told to come back.

use std::fmt;
use std::sync::Arc;

use admission::clock::{Random, RandomError};
use argon2::{Algorithm, Argon2, Params, PasswordHasher as _, PasswordVerifier as _, Version};
use serde::{Deserialize, Deserializer};
use tokio::sync::Semaphore;

/// Shortest password, in characters (NIST SP 800-63B).
pub const PASSWORD_LENGTH_MIN: usize = 8;
/// Longest password, in bytes: more than any program that keeps them makes.
pub const PASSWORD_BYTES_MAX: usize = 256;
/// Memory of a hash, in KiB, and how often it is gone over (OWASP's first choice for argon2id).
const MEMORY_KIB: u32 = 19 * 1024;
const PASSES: u32 = 2;
/// Most hashes at once, whatever the machine: 152 MiB.
const AT_ONCE_MAX: usize = 8;
/// Most that wait for a processor.
const WAITING_MAX: usize = 64;
/// Bytes of salt.
const SALT_BYTES: usize = 16;

/// A password as somebody typed it. It does not show itself.
#[derive(Clone)]
pub struct Password(String);

/// A text cannot be a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a password has {PASSWORD_LENGTH_MIN} characters or more, and at most {PASSWORD_BYTES_MAX} bytes")]
pub struct NoPassword;

/// Why a password was not hashed.
#[derive(Debug, thiserror::Error)]
pub enum HashError {
    /// Too many wait already.
    #[error("too many passwords are being checked")]
    Busy,
    /// There is no randomness.
    #[error(transparent)]
    Random(#[from] RandomError),
    /// Something failed that should not.
    #[error("a password could not be hashed")]
    Failed,
}

/// Hashes passwords, and checks them.
pub(super) struct Passwords {
    random: Arc<dyn Random>,
    waiting: Arc<Semaphore>,
    hashing: Arc<Semaphore>,
    /// Nobody's hash: what an unknown address is checked against, so that it takes as long as a known one.
    nobody: String,
}

impl Password {
    /// Takes `text` for a new password.
    ///
    /// # Errors
    /// When it is too short or too long.
    pub fn new(text: &str) -> Result<Self, NoPassword> {
        let fits = text.len() <= PASSWORD_BYTES_MAX && text.chars().count() >= PASSWORD_LENGTH_MIN;
        if fits { Ok(Self(text.to_owned())) } else { Err(NoPassword) }
    }

    /// Takes `text` for a password that is to be checked; what could be none is as good as a wrong one.
    pub fn presented(text: &str) -> Self {
        Self(text.chars().take(PASSWORD_BYTES_MAX).collect())
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(…)")
    }
}

impl<'de> Deserialize<'de> for Password {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::new(&text).map_err(serde::de::Error::custom)
    }
}

impl Passwords {
    /// Hashes with salt out of `random`.
    ///
    /// # Errors
    /// When not even one password can be hashed.
    pub(super) fn new(random: Arc<dyn Random>) -> Result<Self, HashError> {
        let at_once = std::thread::available_parallelism().map_or(1, usize::from).min(AT_ONCE_MAX);
        let nobody = hash(b"nobody's password", &salt(random.as_ref())?)?;
        Ok(Self {
            random,
            waiting: Arc::new(Semaphore::new(at_once + WAITING_MAX)),
            hashing: Arc::new(Semaphore::new(at_once)),
            nobody,
        })
    }

    /// The hash of a new password.
    ///
    /// # Errors
    /// When too many wait, or it fails.
    pub(super) async fn hash(&self, password: Password) -> Result<String, HashError> {
        let salt = salt(self.random.as_ref())?;
        self.apart(move || hash(password.0.as_bytes(), &salt)).await?
    }

    /// Whether `password` is the one of `hash`. Without a hash it is not, and takes as long.
    ///
    /// # Errors
    /// When too many wait, or it fails.
    pub(super) async fn is_right(&self, password: Password, hash: Option<&str>) -> Result<bool, HashError> {
        let known = hash.is_some();
        let hash = hash.unwrap_or(&self.nobody).to_owned();
        let right = self
            .apart(move || {
                argon2()
                    .is_ok_and(|argon2| argon2.verify_password(password.0.as_bytes(), hash.as_str()).is_ok())
            })
            .await?;
        Ok(right && known)
    }

    /// Does `work` on a thread of its own.
    async fn apart<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, HashError> {
        let place = Arc::clone(&self.waiting).try_acquire_owned().map_err(|_| HashError::Busy)?;
        let turn = Arc::clone(&self.hashing).acquire_owned().await.map_err(|_| HashError::Failed)?;
        let done = tokio::task::spawn_blocking(move || {
            // Held by the work itself: whoever asked may be gone, and the processor is still taken.
            let _held = (place, turn);
            work()
        });
        done.await.map_err(|_| HashError::Failed)
    }
}

fn salt(random: &dyn Random) -> Result<[u8; SALT_BYTES], RandomError> {
    let mut salt = [0; SALT_BYTES];
    random.fill(&mut salt)?;
    Ok(salt)
}

fn argon2() -> Result<Argon2<'static>, HashError> {
    let params = Params::new(MEMORY_KIB, PASSES, 1, None).map_err(|_| HashError::Failed)?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

fn hash(password: &[u8], salt: &[u8]) -> Result<String, HashError> {
    let hash = argon2()?.hash_password_with_salt(password, salt).map_err(|_| HashError::Failed)?;
    Ok(hash.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use admission::clock::SystemRandom;

    #[tokio::test]
    async fn only_the_right_password_is_right() {
        let passwords = Passwords::new(Arc::new(SystemRandom)).unwrap();
        let password = Password::new("correct horse").unwrap();
        let hash = passwords.hash(password.clone()).await.unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        assert!(
            passwords.nobody.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"),
            "nobody is faster than somebody"
        );
        assert_ne!(hash, passwords.hash(password.clone()).await.unwrap(), "no salt");
        assert!(passwords.is_right(password.clone(), Some(&hash)).await.unwrap());
        assert!(!passwords.is_right(Password::presented("correct horsE"), Some(&hash)).await.unwrap());
        assert!(!passwords.is_right(Password::presented("nobody's password"), None).await.unwrap());
        assert!(!passwords.is_right(password, Some("no hash")).await.unwrap());
    }

    #[tokio::test]
    async fn one_too_many_is_told_so_at_once() {
        let passwords = Passwords::new(Arc::new(SystemRandom)).unwrap();
        let all = passwords.waiting.available_permits();
        let _taken = passwords.waiting.clone().try_acquire_many_owned(u32::try_from(all).unwrap()).unwrap();
        let refused = passwords.is_right(Password::presented("x"), None).await;
        assert!(matches!(refused, Err(HashError::Busy)));
    }

    #[test]
    fn a_password_is_neither_short_nor_endless_and_does_not_show_itself() {
        for good in ["12345678", "비밀번호여덟글자", &"x".repeat(256)] {
            assert!(Password::new(good).is_ok(), "{good}");
        }
        for bad in ["", "1234567", "비밀번호", &"x".repeat(257)] {
            assert!(Password::new(bad).is_err(), "{bad}");
        }
        assert_eq!(format!("{:?}", Password::presented("s3cret")), "Password(…)");
    }
}
