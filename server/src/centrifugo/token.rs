//! Tokens: JSON Web Tokens (RFC 7519) that a backend has signed with a secret that it shares with
//! this server, by HMAC with SHA-256 (RFC 7518, section 3.2) and nothing else.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    time::{SystemTime, UNIX_EPOCH},
};

use hmac::{Hmac, KeyInit, Mac};
use jsonwebtoken::{
    Algorithm, DecodingKey, Validation,
    crypto::{CryptoProvider, JwtVerifier, KeyUtils},
    errors::{Error, ErrorKind, new_error},
    signature,
};
use serde::{Deserialize, de::IgnoredAny};
use sha2::Sha256;

use super::client::Client;

/// Shortest secret: as long as the hash, as RFC 7518, section 3.2 has it.
const SECRET_BYTES_MIN: usize = 32;
/// Longest time that a token is good for: a year.
const SECONDS_MAX: u32 = 365 * 24 * 3600;

/// What a backend signs tokens with. It is never shown.
#[derive(Clone)]
pub(crate) struct Secret(String);

/// Why a secret is not taken. The caller is at fault.
#[derive(Debug, thiserror::Error)]
#[error("it has {0} bytes, but must have at least {SECRET_BYTES_MIN}")]
pub(crate) struct SecretError(usize);

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

/// Why a token is not taken. Whoever brings it is at fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TokenError {
    /// It was good once.
    Expired,
    /// It is no token of this secret, or not for this.
    Invalid,
}

/// What reads tokens.
#[derive(Clone)]
pub(crate) struct Tokens {
    key: DecodingKey,
    validation: Validation,
    /// Seconds since 1970.
    clock: fn() -> u64,
}

/// What a token for a connection says.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct ConnectionToken {
    pub(super) user: String,
    /// For how many seconds it is good, if it ends.
    pub(super) seconds: Option<u32>,
    /// What the connection is subscribed to from the beginning, each once.
    pub(super) channels: BTreeSet<String>,
}

/// What a token for a subscription says.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct SubscriptionToken {
    user: String,
    channel: String,
    /// The one connection that it is for, if it is for one only.
    client: Option<String>,
    /// For how many seconds it is good, if it ends.
    pub(super) seconds: Option<u32>,
}

impl SubscriptionToken {
    /// Whether it lets `client` into `channel`.
    pub(super) fn is_for(&self, channel: &str, client: &Client) -> bool {
        self.channel == channel
            && self.user == client.user()
            && self.client.as_ref().is_none_or(|id| *id == client.id.to_string())
    }
}

/// The claims that mean something here. Times may have fractions (RFC 7519, section 2).
#[derive(Deserialize)]
struct Claims {
    #[serde(default)]
    sub: String,
    channel: Option<String>,
    client: Option<String>,
    exp: Option<f64>,
    nbf: Option<f64>,
    /// When what the token grants ends, if not with the token; 0 is never.
    expire_at: Option<f64>,
    #[serde(default)]
    channels: BTreeSet<String>,
    #[serde(default)]
    subs: BTreeMap<String, IgnoredAny>,
}

impl Tokens {
    /// Reads tokens signed with `secret`, by the clock on the wall.
    ///
    /// # Errors
    ///
    /// If the secret is too short.
    pub(crate) fn new(secret: &Secret) -> Result<Self, SecretError> {
        Self::with_clock(secret, || {
            SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_secs())
        })
    }

    pub(super) fn with_clock(secret: &Secret, clock: fn() -> u64) -> Result<Self, SecretError> {
        if secret.0.len() < SECRET_BYTES_MIN {
            return Err(SecretError(secret.0.len()));
        }
        // Whoever was first has installed the same.
        let _ = PROVIDER.install_default();
        let mut validation = Validation::new(Algorithm::HS256);
        validation.required_spec_claims.clear();
        // Expiry has an answer of its own; it is looked at below.
        validation.validate_exp = false;
        validation.validate_aud = false;
        Ok(Self { key: DecodingKey::from_secret(secret.0.as_bytes()), validation, clock })
    }

    /// Reads a token for a connection.
    ///
    /// # Errors
    ///
    /// If it is none, or good no more.
    pub(super) fn connection(&self, token: &str) -> Result<ConnectionToken, TokenError> {
        let (claims, seconds) = self.claims(token)?;
        if claims.channel.is_some() {
            return Err(TokenError::Invalid);
        }
        let channels = claims.channels.into_iter().chain(claims.subs.into_keys()).collect();
        Ok(ConnectionToken { user: claims.sub, seconds, channels })
    }

    /// Reads a token for a subscription.
    ///
    /// # Errors
    ///
    /// If it is none, or good no more.
    pub(super) fn subscription(&self, token: &str) -> Result<SubscriptionToken, TokenError> {
        let (claims, seconds) = self.claims(token)?;
        let channel = claims.channel.ok_or(TokenError::Invalid)?;
        let client = claims.client.filter(|id| !id.is_empty());
        Ok(SubscriptionToken { user: claims.sub, channel, client, seconds })
    }

    /// What a token claims, and for how many seconds that is good.
    fn claims(&self, token: &str) -> Result<(Claims, Option<u32>), TokenError> {
        let claims = jsonwebtoken::decode::<Claims>(token, &self.key, &self.validation)
            .map_err(|_| TokenError::Invalid)?
            .claims;
        let now = (self.clock)() as f64;
        if claims.nbf.is_some_and(|nbf| nbf > now) {
            return Err(TokenError::Invalid);
        }
        if claims.exp.is_some_and(|exp| exp <= now) {
            return Err(TokenError::Expired);
        }
        let end = match claims.expire_at {
            Some(at) => (at != 0.0).then_some(at),
            None => claims.exp,
        };
        // As a cast saturates, no time is too far.
        let seconds = end.map(|end| ((end - now).ceil() as u32).min(SECONDS_MAX));
        if seconds == Some(0) {
            return Err(TokenError::Expired);
        }
        Ok((claims, seconds))
    }
}

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tokens").finish_non_exhaustive()
    }
}

/// The cryptography of the one algorithm that is taken. Those that come with `jsonwebtoken` bring
/// RSA and elliptic curves.
static PROVIDER: CryptoProvider = CryptoProvider {
    signer_factory: |_, _| Err(new_error(ErrorKind::UnsupportedAlgorithm)),
    verifier_factory: |algorithm, key| {
        if *algorithm != Algorithm::HS256 {
            return Err(new_error(ErrorKind::UnsupportedAlgorithm));
        }
        Ok(Box::new(Hs256::new(key)?))
    },
    key_utils: KeyUtils::new_unimplemented(),
};

struct Hs256(Hmac<Sha256>);

impl Hs256 {
    fn new(key: &DecodingKey) -> Result<Self, Error> {
        let key = Hmac::new_from_slice(key.try_get_as_bytes()?);
        key.map(Self).map_err(|_| new_error(ErrorKind::InvalidKeyFormat))
    }
}

impl signature::Verifier<Vec<u8>> for Hs256 {
    fn verify(&self, message: &[u8], signature: &Vec<u8>) -> Result<(), signature::Error> {
        // In a time that does not depend on where the two differ.
        let mac = self.0.clone().chain_update(message);
        mac.verify_slice(signature).map_err(|_| signature::Error::new())
    }
}

impl JwtVerifier for Hs256 {
    fn algorithm(&self) -> Algorithm {
        Algorithm::HS256
    }
}
