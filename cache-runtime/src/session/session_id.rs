//! Ids of sessions, and the places of their records.

use std::fmt;

use super::random::random;
use crate::types::error::Error;

/// The bits that nobody can guess: 192.
const SECRET: usize = 24;
/// The length of hashes.
const HASH: usize = 16;

/// The id of a session, as its cookie has it. Whoever has it is the client.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct SessionId {
    secret: [u8; SECRET],
    /// The hash of the user, or random: the records of a user are in one slot of a cluster.
    place: [u8; HASH],
}

/// The place of a record in the store. Nobody can make an id of it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct RecordPlace {
    pub(super) place: String,
    pub(super) hash: String,
}

impl SessionId {
    /// Returns a new id, of a session of this user.
    ///
    /// # Errors
    /// As [`random`].
    pub(super) fn new(user: Option<&str>) -> Result<Self, Error> {
        let place = user.map_or_else(random, |user| Ok(user_place(user)))?;
        Ok(Self { secret: random()?, place })
    }

    /// Reads the value of a cookie; `None` for all others than ids.
    pub(super) fn read(text: &str) -> Option<Self> {
        let mut bytes = [0; SECRET + HASH];
        if text.len() != 2 * bytes.len()
            || !text.bytes().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f'))
        {
            return None;
        }
        for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
            *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
        }
        let (secret, place) = bytes.split_at(SECRET);
        Some(Self { secret: secret.try_into().ok()?, place: place.try_into().ok()? })
    }

    /// Returns the value of the cookie.
    pub(super) fn text(&self) -> String {
        [hex(&self.secret), hex(&self.place)].concat()
    }

    /// Returns the place of the record.
    pub(super) fn record(&self) -> RecordPlace {
        RecordPlace { place: hex(&self.place), hash: hashed("id", &self.secret) }
    }
}

impl RecordPlace {
    /// Returns the name of the session for its user and for administrators.
    pub(super) fn handle(&self) -> String {
        hashed("handle", self.hash.as_bytes())[..HASH].to_owned()
    }

    /// Returns the place of a record as one text.
    #[cfg(any(feature = "redis", test))]
    pub(super) fn text(&self) -> String {
        [&self.place, ":", &self.hash].concat()
    }

    /// Reads [`RecordPlace::text`].
    #[cfg(any(feature = "redis", test))]
    pub(super) fn read(text: &str) -> Option<Self> {
        let (place, hash) = text.split_once(':')?;
        Some(Self { place: place.to_owned(), hash: hash.to_owned() })
    }
}

/// Returns the place of the records of a user.
pub(super) fn place_of(user: &str) -> String {
    hex(&user_place(user))
}

fn user_place(user: &str) -> [u8; HASH] {
    let mut place = [0; HASH];
    place.copy_from_slice(&digest("user", user.as_bytes()).as_bytes()[..HASH]);
    place
}

fn hashed(kind: &str, bytes: &[u8]) -> String {
    hex(&digest(kind, bytes).as_bytes()[..HASH])
}

fn digest(kind: &str, bytes: &[u8]) -> blake3::Hash {
    let mut hasher = blake3::Hasher::new();
    hasher.update(b"larder session\0").update(kind.as_bytes()).update(b"\0").update(bytes);
    hasher.finalize()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

impl fmt::Debug for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SessionId")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_read_from_its_text_and_nothing_else_is() {
        let id = SessionId::new(Some("ada")).expect("random bytes");
        let text = id.text();
        assert_eq!(SessionId::read(&text), Some(id.clone()));
        let upper = text.to_uppercase();
        for other in ["", "0", &text[1..], &[&text, "0"].concat(), &upper, &"é".repeat(40), &"\r".repeat(80)]
        {
            assert!(SessionId::read(other).is_none() || *other == *text, "{other}");
        }
        assert!(!format!("{id:?}").contains(&text[..8]));
    }

    #[test]
    fn a_record_tells_nothing_of_its_id() {
        let (one, two) =
            (SessionId::new(Some("ada")).expect("bytes"), SessionId::new(Some("ada")).expect("bytes"));
        assert!(one != two && one.record().place == two.record().place);
        assert_eq!(one.record().place, place_of("ada"));
        assert!(!one.text().contains(&one.record().hash) && one.record().handle() != two.record().handle());
        assert_eq!(RecordPlace::read(&one.record().text()), Some(one.record()));
        assert_ne!(
            SessionId::new(None).expect("bytes").record().place,
            SessionId::new(None).expect("bytes").record().place
        );
    }
}
