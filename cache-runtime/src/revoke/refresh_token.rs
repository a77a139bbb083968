//! Refresh tokens as texts: `family.number.mac`.

use std::fmt;
use std::ops::Deref;

use super::ledger::TokenHash;
use super::token_store::FamilyId;

/// The number of digits of a family: the hash of its user, and its own.
const FAMILY: usize = 4 * size_of::<TokenHash>();
/// The longest text of a token: a number has twenty digits at most.
const LONGEST: usize = FAMILY + 1 + 20 + 1 + 2 * blake3::OUT_LEN;

/// A refresh token for a client, and its user. It reads as its text.
#[derive(Clone, PartialEq, Eq)]
pub struct RefreshToken {
    text: String,
    user: String,
}

/// The key of the MAC of tokens.
#[derive(Clone)]
pub(super) struct TokenKey([u8; blake3::KEY_LEN]);

impl RefreshToken {
    /// Returns the text, for the client.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Returns the user that the family was begun for.
    #[must_use]
    pub fn user(&self) -> &str {
        &self.user
    }

    /// Returns the token with this number of a family.
    pub(super) fn new(key: &TokenKey, id: &FamilyId, number: u64, user: String) -> Self {
        Self { text: key.text(id, number), user }
    }
}

impl TokenKey {
    /// Derives the key from a secret of the application.
    pub(super) fn new(secret: &[u8]) -> Self {
        Self(blake3::derive_key("larder revoke refresh tokens", secret))
    }

    /// Returns the family and the number of a token; `None` for a text that was not made with this key.
    pub(super) fn read(&self, text: &str) -> Option<(FamilyId, u64)> {
        if text.len() > LONGEST {
            return None;
        }
        let (family, rest) = text.split_once('.')?;
        let (number, mac) = rest.split_once('.')?;
        let mac = blake3::Hash::from_hex(mac).ok()?;
        let number: u64 = number.parse().ok()?;
        let (user, own) = family.split_at_checked(FAMILY / 2)?;
        let id = FamilyId { user: hash(user)?, family: hash(own)? };
        // In constant time. A token has one text only: no other digits of the same numbers.
        let is_own = self.mac(&family_text(&id), number) == mac && self.text(&id, number) == text;
        is_own.then_some((id, number))
    }

    fn text(&self, id: &FamilyId, number: u64) -> String {
        let family = family_text(id);
        format!("{family}.{number}.{}", self.mac(&family, number).to_hex())
    }

    fn mac(&self, family: &str, number: u64) -> blake3::Hash {
        let mut hasher = blake3::Hasher::new_keyed(&self.0);
        hasher.update(family.as_bytes()).update(&number.to_le_bytes());
        hasher.finalize()
    }
}

fn family_text(id: &FamilyId) -> String {
    id.user.iter().chain(&id.family).map(|byte| format!("{byte:02x}")).collect()
}

fn hash(text: &str) -> Option<TokenHash> {
    let mut hash = TokenHash::default();
    let digits = text.as_bytes();
    if digits.len() != 2 * hash.len() || !text.is_ascii() {
        return None;
    }
    for (byte, pair) in hash.iter_mut().zip(0..) {
        *byte = u8::from_str_radix(&text[2 * pair..2 * pair + 2], 16).ok()?;
    }
    Some(hash)
}

impl Deref for RefreshToken {
    type Target = str;

    fn deref(&self) -> &str {
        &self.text
    }
}

impl AsRef<str> for RefreshToken {
    fn as_ref(&self) -> &str {
        &self.text
    }
}

impl From<RefreshToken> for String {
    fn from(token: RefreshToken) -> Self {
        token.text
    }
}

impl fmt::Display for RefreshToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for RefreshToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Whoever reads the text can use it.
        f.debug_struct("RefreshToken").field("user", &self.user).finish_non_exhaustive()
    }
}

impl fmt::Debug for TokenKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenKey")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_read_with_its_own_key_only() {
        let (key, other) = (TokenKey::new(&[1; 32]), TokenKey::new(&[2; 32]));
        let id = FamilyId { user: [0xab; 16], family: [7; 16] };
        let token = RefreshToken::new(&key, &id, 42, "ada".to_owned());
        assert_eq!(key.read(&token), Some((id, 42)));
        assert_eq!(other.read(&token), None);
        assert!(token.len() <= LONGEST);
        let debug = format!("{token:?}{key:?}");
        assert!(!debug.contains(token.as_str()) && !debug.contains("abab"), "{debug}");
    }

    #[test]
    fn a_text_that_was_changed_is_none() {
        let key = TokenKey::new(&[1; 32]);
        let id = FamilyId { user: [1; 16], family: [2; 16] };
        let text = RefreshToken::new(&key, &id, 9, "ada".to_owned()).to_string();
        for at in 0..text.len() {
            for replacement in ["0", "a", "A", ".", "+", "é", ""] {
                let changed = [&text[..at], replacement, &text[at + 1..]].concat();
                assert!(changed == text || key.read(&changed).is_none(), "{changed}");
            }
        }
        let long = "0".repeat(10_000);
        for other in ["", ".", "..", "...", "a.b.c", "é.1.é", &long, &text[1..], &[&text, "0"].concat()] {
            assert_eq!(key.read(other), None, "{other}");
        }
    }
}
