//! The deployment that a URL names.

use url::Url;

use super::address::{Address, DEFAULT_PORT};
#[cfg(feature = "cluster")]
use super::cluster;
use super::login::Login;
use super::parts::{self, database, decode, non_empty, wrong};
use super::query::Query;
#[cfg(feature = "sentinel")]
use super::sentinel::{self, SentinelServers};
#[cfg(feature = "tls")]
use crate::store::redis::tls::Tls;
use crate::types::error::Error;

/// A deployment of Redis, a database and a user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Target {
    /// The servers.
    pub(crate) servers: Servers,
    /// The database and the user.
    pub(crate) login: Login,
    /// The TLS parameters of a scheme with TLS.
    #[cfg(feature = "tls")]
    pub(crate) tls: Option<Tls>,
}

/// The servers of a deployment, as far as the URL names them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Servers {
    /// One server.
    One(Address),
    /// The primary that sentinels name.
    #[cfg(feature = "sentinel")]
    Sentinel(SentinelServers),
    /// Some of the nodes of a cluster.
    #[cfg(feature = "cluster")]
    Cluster(Vec<Address>),
}

impl Target {
    /// Parses `redis://[user[:password]@]host[:port][/db]`, `redis+unix:///path[?db=0&user=..&pass=..]` or
    /// `redis+sentinel://[user[:password]@]host[:port],../master[/db][?sentinel_user=..&sentinel_pass=..]` or
    /// `redis+cluster://[user[:password]@]host[:port],..`. With `rediss` in place of `redis` there are the parameters `ca`,
    /// `cert`, `key` and `sni`.
    ///
    /// # Errors
    /// [`Error::Config`] with the invalid part.
    pub(crate) fn parse(text: &str) -> Result<Self, Error> {
        let Some((scheme, rest)) = text.split_once("://") else {
            return Err(wrong("", "write it as `redis://host:6379`"));
        };
        let scheme = scheme.to_ascii_lowercase();
        let (plain, is_tls) = match scheme.strip_prefix("rediss") {
            Some(rest) if rest.is_empty() || rest.starts_with('+') => (format!("redis{rest}"), true),
            _ => (scheme.clone(), false),
        };
        if is_tls && cfg!(not(feature = "tls")) {
            return Err(without_feature(&scheme, "tls"));
        }
        match (plain.as_str(), is_tls) {
            ("redis", _) => Self::tcp(&parts::parse(text)?, is_tls),
            ("redis+unix", false) => Self::unix(&parts::parse(text)?),
            ("redis+unix", true) => {
                Err(wrong(&scheme, "a socket in the file system has no TLS; write `redis+unix:///path`"))
            }
            ("redis+sentinel", _) => Self::sentinel(&scheme, rest, is_tls),
            ("redis+cluster", _) => Self::cluster(&scheme, rest, is_tls),
            _ => Err(wrong(
                &scheme,
                "unknown scheme; write `memory://`, `redis://host:6379`, `rediss://host:6380`, `redis+unix:///path`, \
                 `redis+sentinel://host1:26379,host2:26379/master` or `redis+cluster://host1:6379,host2:6379`",
            )),
        }
    }

    fn tcp(url: &Url, is_tls: bool) -> Result<Self, Error> {
        let host = match url.host_str() {
            Some(host) if !host.is_empty() => {
                decode(host.trim_start_matches('[').trim_end_matches(']'), "host")?
            }
            _ => return Err(wrong("", "the host is missing; write `redis://host:6379`")),
        };
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
        let query = Query::parse(url.query().unwrap_or_default())?;
        Self::with_query(query, is_tls, "", Servers::One(address), login)
    }

    /// Takes the parameters that every scheme with a host has; `known` are the others that this one has.
    fn with_query(
        #[cfg_attr(not(feature = "tls"), expect(unused_mut, reason = "only TLS has parameters"))]
        mut query: Query,
        is_tls: bool,
        known: &str,
        servers: Servers,
        login: Login,
    ) -> Result<Self, Error> {
        #[cfg(feature = "tls")]
        let tls = if is_tls { Some(super::tls::take(&mut query, "")?) } else { None };
        query.finish(&match (known, is_tls) {
            ("", false) => "the scheme takes none".to_owned(),
            ("", true) => "there are `ca`, `cert`, `key` and `sni`".to_owned(),
            (known, false) => format!("there are {known}"),
            (known, true) => format!("there are {known}, `ca`, `cert`, `key` and `sni`"),
        })?;
        Ok(Self {
            servers,
            login,
            #[cfg(feature = "tls")]
            tls,
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
        let mut query = Query::parse(url.query().unwrap_or_default())?;
        let login = Login {
            db: database(&query.take("db").unwrap_or_default())?,
            user: query.take("user").and_then(non_empty),
            password: query.take("pass").and_then(non_empty),
        };
        query.finish("there are `db`, `user` and `pass`")?;
        Ok(Self {
            servers: Servers::One(Address::Unix { path: path.into() }),
            login,
            #[cfg(feature = "tls")]
            tls: None,
        })
    }

    #[cfg(feature = "sentinel")]
    fn sentinel(_: &str, rest: &str, is_tls: bool) -> Result<Self, Error> {
        let (servers, login, query) = sentinel::parse(rest, is_tls)?;
        let known = "`sentinel_user`, `sentinel_pass`, `sentinel_tls`, and with TLS `sentinel_ca`, `sentinel_cert`, \
                     `sentinel_key` and `sentinel_sni`";
        Self::with_query(query, is_tls, known, Servers::Sentinel(servers), login)
    }

    #[cfg(not(feature = "sentinel"))]
    fn sentinel(scheme: &str, _: &str, _: bool) -> Result<Self, Error> {
        Err(without_feature(scheme, "sentinel"))
    }

    #[cfg(feature = "cluster")]
    fn cluster(_: &str, rest: &str, is_tls: bool) -> Result<Self, Error> {
        let (seeds, login, query) = cluster::parse(rest)?;
        Self::with_query(query, is_tls, "", Servers::Cluster(seeds), login)
    }

    #[cfg(not(feature = "cluster"))]
    fn cluster(scheme: &str, _: &str, _: bool) -> Result<Self, Error> {
        Err(without_feature(scheme, "cluster"))
    }
}

/// Returns the error of a scheme whose feature is off.
fn without_feature(scheme: &str, feature: &str) -> Error {
    wrong(scheme, &format!("`{scheme}://` needs the feature `{feature}` of larder"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tcp(text: &str) -> (String, u16, Option<String>, Option<String>, i64) {
        match Target::parse(text) {
            Ok(Target { servers: Servers::One(Address::Tcp { host, port }), login, .. }) => {
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

    #[cfg(feature = "tls")]
    #[test]
    fn tls_urls_are_parsed() {
        assert_eq!(tcp("rediss://u:p@h:6380/2"), ("h".into(), 6380, Some("u".into()), Some("p".into()), 2));
        let tls = |text| Target::parse(text).expect("valid").tls;
        assert_eq!(tls("redis://h"), None);
        assert_eq!(tls("rediss://h"), Some(Tls::new()));
        let of = |text: &str| Some(text.to_owned());
        assert_eq!(
            tls("rediss://h?sni=a.b&key=/k%20y&ca=c+a&cert=/c"),
            Some(Tls::of_url(of("c+a"), of("/c"), of("/k y"), of("a.b")))
        );
        for (text, part) in [
            ("rediss://h?insecure=1", "insecure"),
            ("rediss://h?ca=", "ca"),
            ("rediss://h?ca=1&ca=2", "ca"),
            ("rediss+unix:///s", "rediss+unix"),
        ] {
            let error = Target::parse(text).expect_err(text);
            assert!(matches!(&error, Error::Config { value, .. } if value == part), "{text}: {error}");
        }
    }

    #[cfg(not(feature = "tls"))]
    #[test]
    fn a_scheme_without_its_feature_names_the_feature() {
        for scheme in ["rediss", "rediss+cluster", "rediss+sentinel"] {
            let error = Target::parse(&format!("{scheme}://h")).expect_err("not available");
            assert!(error.to_string().contains("the feature `tls`"), "{error}");
        }
    }

    #[test]
    fn errors_name_the_invalid_part() {
        for (text, part) in [
            ("rediss+unix:///s", "rediss+unix"),
            ("redisss://h", "redisss"),
            ("http://h", "http"),
            ("redis://h:99999", "99999"),
            ("redis://u:p@h:99999", "99999"),
            ("redis://h/abc", "abc"),
            ("redis://h/-1", "-1"),
            ("redis://h/0?protocol=resp3", "protocol"),
            ("redis+unix:///s?password=x", "password"),
            ("redis://h?ca=x", "ca"),
            ("redis+unix:///s?db=1&db=2", "db"),
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
            "rediss://u:secret@h:99999",
            "rediss://u:1?secret@h",
            "rediss://h?pass=secret",
            "u:secret@h",
        ] {
            let error = Target::parse(text).expect_err(text);
            assert!(!format!("{error} {error:?}").contains("secret"), "{error}");
        }
        let target = Target::parse("redis://me:secret@h").expect("valid");
        assert!(!format!("{target:?}").contains("secret"));
    }
}
