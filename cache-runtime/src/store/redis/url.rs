//! The URL of a Redis server. Errors never contain a part that may be a password.

use std::fmt;
use std::path::PathBuf;

use url::Url;

use crate::types::error::Error;

const DEFAULT_PORT: u16 = 6379;
/// The remedy for a URL with an unescaped password.
const ESCAPE: &str = "percent-encode `/`, `?`, `#`, `@`, `:` and `%` in the user and the password";

/// A server, a database and a user.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Endpoint {
    /// The address of the server.
    pub(crate) address: Address,
    /// The user; Redis takes the user `default` if there is none.
    pub(crate) user: Option<String>,
    /// The password.
    pub(crate) password: Option<String>,
    /// The number of the database.
    pub(crate) db: i64,
}

/// The address of a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Address {
    /// A host and a port.
    Tcp {
        /// A name or an address, without brackets.
        host: String,
        /// The port.
        port: u16,
    },
    /// A socket in the file system.
    Unix {
        /// The path of the socket.
        path: PathBuf,
    },
}

impl Endpoint {
    /// Parses `redis://[user[:password]@]host[:port][/db]` or `redis+unix:///path[?db=0&user=..&pass=..]`.
    ///
    /// # Errors
    /// [`Error::Config`] with the invalid part.
    pub(crate) fn parse(text: &str) -> Result<Self, Error> {
        let Some((scheme, _)) = text.split_once("://") else {
            return Err(wrong("", "write it as `redis://host:6379`"));
        };
        match scheme.to_ascii_lowercase().as_str() {
            "redis" => Self::tcp(&parse(text)?),
            "redis+unix" => Self::unix(&parse(text)?),
            later @ ("rediss" | "redis+cluster" | "redis+sentinel") => Err(wrong(
                later,
                &format!("`{later}` is not available yet; write `redis://host:6379` or `redis+unix:///path`"),
            )),
            other => Err(wrong(
                other,
                "unknown scheme; write `memory://`, `redis://host:6379` or `redis+unix:///path`",
            )),
        }
    }

    fn tcp(url: &Url) -> Result<Self, Error> {
        let host = match url.host_str() {
            Some(host) if !host.is_empty() => {
                decode(host.trim_start_matches('[').trim_end_matches(']'), "host")?
            }
            _ => return Err(wrong("", "the host is missing; write `redis://host:6379`")),
        };
        if let Some((name, _)) = url.query_pairs().next() {
            return Err(wrong(harmless(&name), "unknown parameter; `redis://` takes none"));
        }
        Ok(Self {
            address: Address::Tcp { host, port: url.port().unwrap_or(DEFAULT_PORT) },
            user: non_empty(decode(url.username(), "user")?),
            password: url
                .password()
                .map(|password| decode(password, "password"))
                .transpose()?
                .and_then(non_empty),
            db: database(url.path().trim_start_matches('/'))?,
        })
    }

    fn unix(url: &Url) -> Result<Self, Error> {
        if url.host_str().is_some_and(|host| !host.is_empty()) {
            return Err(wrong("", "a path has no host; write `redis+unix:///path` with three slashes"));
        }
        let path = decode(url.path(), "path")?;
        if path.len() < 2 {
            return Err(wrong("", "the path is missing; write `redis+unix:///path`"));
        }
        let mut endpoint =
            Self { address: Address::Unix { path: path.into() }, user: None, password: None, db: 0 };
        // `query_pairs` would decode `+` as a space, which is wrong in a password.
        for pair in url.query().unwrap_or_default().split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            match name {
                "db" => endpoint.db = database(value)?,
                "user" => endpoint.user = non_empty(decode(value, "user")?),
                "pass" => endpoint.password = non_empty(decode(value, "password")?),
                other => {
                    return Err(wrong(
                        harmless(other),
                        "unknown parameter; there are `db`, `user` and `pass`",
                    ));
                }
            }
        }
        Ok(endpoint)
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp { host, port } if host.contains(':') => write!(f, "[{host}]:{port}"),
            Self::Tcp { host, port } => write!(f, "{host}:{port}"),
            Self::Unix { path } => write!(f, "{}", path.display()),
        }
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hidden = |secret: &Option<String>| secret.as_ref().map(|_| "***");
        f.debug_struct("Endpoint")
            .field("address", &self.address)
            .field("user", &hidden(&self.user))
            .field("password", &hidden(&self.password))
            .field("db", &self.db)
            .finish()
    }
}

fn parse(text: &str) -> Result<Url, Error> {
    let url = Url::parse(text).map_err(|error| match error {
        url::ParseError::InvalidPort => {
            wrong(port(text), &format!("invalid port number; if it is not a port, {ESCAPE}"))
        }
        url::ParseError::EmptyHost => wrong("", "the host is missing; write `redis://host:6379`"),
        other => wrong("", &format!("{other}; {ESCAPE}")),
    })?;
    match url.fragment() {
        Some(_) => Err(wrong("#", &format!("a URL of Redis has no fragment; {ESCAPE}"))),
        None => Ok(url),
    }
}

/// Returns the port as written, if it is a number. In `redis://user:secret` the password is in its place, so that anything
/// else must not appear in an error.
fn port(text: &str) -> &str {
    let authority =
        text.split_once("://").map_or("", |(_, rest)| rest.split(['/', '?', '#']).next().unwrap_or(""));
    match authority.rsplit_once(':') {
        Some((_, port)) if !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit()) => port,
        _ => "",
    }
}

fn database(text: &str) -> Result<i64, Error> {
    match text {
        "" => Ok(0),
        text => match text.parse() {
            Ok(db @ 0_i64..) => Ok(db),
            _ => Err(wrong(harmless(text), "the database is a number, as in `redis://host:6379/0`")),
        },
    }
}

/// Returns `part`, or nothing if it may belong to a password. An unescaped character in a password moves the rest of the
/// password to another part, followed by an `@`.
fn harmless(part: &str) -> &str {
    if part.contains(['@', ':']) { "" } else { part }
}

/// Decodes percent-encoding; a `+` stays.
fn decode(text: &str, part: &'static str) -> Result<String, Error> {
    let mut bytes = text.bytes();
    let mut out = Vec::with_capacity(text.len());
    while let Some(byte) = bytes.next() {
        if byte != b'%' {
            out.push(byte);
            continue;
        }
        let mut digit = || bytes.next().and_then(|byte| char::from(byte).to_digit(16));
        match (digit(), digit()) {
            (Some(high), Some(low)) => out.extend(u8::try_from(high * 16 + low)),
            _ => {
                return Err(wrong(
                    "%",
                    &format!(
                        "the {part} has a `%` that is not followed by two hexadecimal digits; write `%25`"
                    ),
                ));
            }
        }
    }
    String::from_utf8(out).map_err(|_| wrong("%", &format!("the {part} is not UTF-8 once decoded")))
}

fn non_empty(text: String) -> Option<String> {
    (!text.is_empty()).then_some(text)
}

fn wrong(part: &str, reason: &str) -> Error {
    Error::config("url", part, reason)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tcp(text: &str) -> (String, u16, Option<String>, Option<String>, i64) {
        match Endpoint::parse(text) {
            Ok(Endpoint { address: Address::Tcp { host, port }, user, password, db }) => {
                (host, port, user, password, db)
            }
            other => panic!("{text}: {other:?}"),
        }
    }

    #[test]
    fn tcp_urls_are_parsed() {
        assert_eq!(tcp("redis://h"), ("h".into(), 6379, None, None, 0));
        assert_eq!(tcp("redis://h:7000/3"), ("h".into(), 7000, None, None, 3));
        assert_eq!(tcp("redis://:p@[::1]:1/"), ("::1".into(), 1, None, Some("p".into()), 0));
        assert_eq!(
            tcp("REDIS://u:a%2Fb+c%40@h"),
            ("h".into(), 6379, Some("u".into()), Some("a/b+c@".into()), 0)
        );
    }

    #[test]
    fn socket_urls_are_parsed() {
        let endpoint =
            Endpoint::parse("redis+unix:///run/my%20redis.sock?db=2&user=u&pass=a%26b+").expect("valid");
        assert_eq!(endpoint.address, Address::Unix { path: "/run/my redis.sock".into() });
        assert_eq!(
            (endpoint.user.as_deref(), endpoint.password.as_deref(), endpoint.db),
            (Some("u"), Some("a&b+"), 2)
        );
    }

    #[test]
    fn errors_name_the_invalid_part() {
        for (text, part) in [
            ("rediss://h", "rediss"),
            ("redis+cluster://a:1,b:2", "redis+cluster"),
            ("redis+sentinel://a:1/m/0", "redis+sentinel"),
            ("http://h", "http"),
            ("redis://h:99999", "99999"),
            ("redis://u:p@h:99999", "99999"),
            ("redis://h/abc", "abc"),
            ("redis://h/-1", "-1"),
            ("redis://h/0?protocol=resp3", "protocol"),
            ("redis+unix:///s?password=x", "password"),
            ("redis+unix:///s?db=x", "x"),
            ("redis://", ""),
            ("redis:///0", ""),
            ("redis://u:p@/0", ""),
            ("redis+unix://s", ""),
            ("localhost:6379", ""),
        ] {
            match Endpoint::parse(text) {
                Err(Error::Config { setting: "url", value, reason }) => {
                    assert_eq!(value, part, "{text}: {reason}");
                }
                other => panic!("{text}: {other:?}"),
            }
        }
    }

    #[test]
    fn errors_never_contain_a_password() {
        for text in [
            "redis://u:secret@h:99999",
            "redis://u:secret@h/x",
            "redis://u:secret@",
            "redis://u:secret",
            "redis://u:sec/secret@h",
            "redis://u:1/secret@h",
            "redis://u:1#secret@h",
            "redis://u:1?secret@h=1",
            "redis://u:%zzsecret@h",
            "redis://u:%ffsecret@h",
            "redis+unix:///s?pass=secret&x=1",
            "redis+unix:///s?pass=secret%",
            "rediss://u:secret@h",
            "u:secret@h",
        ] {
            let error = Endpoint::parse(text).expect_err(text);
            assert!(!format!("{error} {error:?}").contains("secret"), "{error}");
        }
        let endpoint = Endpoint::parse("redis://me:secret@h").expect("valid");
        assert!(!format!("{endpoint:?}").contains("secret"));
    }
}
