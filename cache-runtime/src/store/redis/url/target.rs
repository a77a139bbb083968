//! The deployment that a URL names.

use url::Url;

use super::address::{Address, DEFAULT_PORT};
use super::login::Login;
use super::parts::{self, database, decode, harmless, non_empty, wrong};
use crate::types::error::Error;

/// A deployment of Redis, a database and a user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Target {
    /// The servers.
    pub(crate) servers: Servers,
    /// The database and the user.
    pub(crate) login: Login,
}

/// The servers of a deployment, as far as the URL names them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Servers {
    /// One server.
    One(Address),
}

impl Target {
    /// Parses `redis://[user[:password]@]host[:port][/db]` or `redis+unix:///path[?db=0&user=..&pass=..]`.
    ///
    /// # Errors
    /// [`Error::Config`] with the invalid part.
    pub(crate) fn parse(text: &str) -> Result<Self, Error> {
        let Some((scheme, _)) = text.split_once("://") else {
            return Err(wrong("", "write it as `redis://host:6379`"));
        };
        match scheme.to_ascii_lowercase().as_str() {
            "redis" => Self::tcp(&parts::parse(text)?),
            "redis+unix" => Self::unix(&parts::parse(text)?),
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
        let login = Login {
            user: non_empty(decode(url.username(), "user")?),
            password: url
                .password()
                .map(|password| decode(password, "password"))
                .transpose()?
                .and_then(non_empty),
            db: database(url.path().trim_start_matches('/'))?,
        };
        let address = Address::Tcp { host, port: url.port().unwrap_or(DEFAULT_PORT) };
        Ok(Self { servers: Servers::One(address), login })
    }

    fn unix(url: &Url) -> Result<Self, Error> {
        if url.host_str().is_some_and(|host| !host.is_empty()) {
            return Err(wrong("", "a path has no host; write `redis+unix:///path` with three slashes"));
        }
        let path = decode(url.path(), "path")?;
        if path.len() < 2 {
            return Err(wrong("", "the path is missing; write `redis+unix:///path`"));
        }
        let mut login = Login::default();
        // `query_pairs` would decode `+` as a space, which is wrong in a password.
        for pair in url.query().unwrap_or_default().split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            match name {
                "db" => login.db = database(value)?,
                "user" => login.user = non_empty(decode(value, "user")?),
                "pass" => login.password = non_empty(decode(value, "password")?),
                other => {
                    return Err(wrong(
                        harmless(other),
                        "unknown parameter; there are `db`, `user` and `pass`",
                    ));
                }
            }
        }
        Ok(Self { servers: Servers::One(Address::Unix { path: path.into() }), login })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tcp(text: &str) -> (String, u16, Option<String>, Option<String>, i64) {
        match Target::parse(text) {
            Ok(Target { servers: Servers::One(Address::Tcp { host, port }), login }) => {
                (host, port, login.user, login.password, login.db)
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
        let target =
            Target::parse("redis+unix:///run/my%20redis.sock?db=2&user=u&pass=a%26b+").expect("valid");
        assert_eq!(target.servers, Servers::One(Address::Unix { path: "/run/my redis.sock".into() }));
        assert_eq!(
            (target.login.user.as_deref(), target.login.password.as_deref(), target.login.db),
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
            match Target::parse(text) {
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
            let error = Target::parse(text).expect_err(text);
            assert!(!format!("{error} {error:?}").contains("secret"), "{error}");
        }
        let target = Target::parse("redis://me:secret@h").expect("valid");
        assert!(!format!("{target:?}").contains("secret"));
    }
}
