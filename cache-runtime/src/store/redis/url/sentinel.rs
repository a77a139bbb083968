//! The URL of a primary that Redis Sentinel names.

use super::address::Address;
use super::hosts::{self, HostList};
use super::login::Login;
use super::parts::{database, decode, non_empty, wrong};
use super::query::Query;
#[cfg(feature = "tls")]
use crate::store::redis::tls::Tls;
use crate::types::error::Error;

/// The port of a sentinel without one.
const DEFAULT_PORT: u16 = 26_379;
/// The form of the URL, for errors.
const FORM: &str = "`redis+sentinel://host1:26379,host2:26379/mymaster`";

/// Sentinels, and the name under which they watch a primary.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SentinelServers {
    /// The sentinels, each once.
    pub(crate) sentinels: Vec<Address>,
    /// The name of the master in the configuration of the sentinels.
    pub(crate) master: String,
    /// The user of the sentinels themselves.
    pub(crate) login: Login,
    /// The TLS parameters of the sentinels themselves, if connections to them use TLS.
    #[cfg(feature = "tls")]
    pub(crate) tls: Option<Tls>,
}

/// Parses `[user[:password]@]host[:port],../master[/db][?sentinel_user=..&sentinel_pass=..]`, which follows the scheme. With
/// TLS to the servers, sentinels have TLS as well unless `sentinel_tls=off`, and without only with `sentinel_tls=on`. Returns
/// the other parameters, too.
///
/// # Errors
/// [`Error::Config`] with the invalid part.
pub(super) fn parse(text: &str, is_tls: bool) -> Result<(SentinelServers, Login, Query), Error> {
    let HostList { login, hosts: sentinels, path, query } = hosts::parse(text, DEFAULT_PORT, FORM)?;
    let (master, db) = path.split_once('/').unwrap_or((path, ""));
    let login = Login { db: database(db.trim_end_matches('/'))?, ..login };
    let master = decode(master, "name of the master")?;
    if master.is_empty() {
        return Err(wrong("", &format!("the name of the master is missing; write {FORM}")));
    }
    let mut query = Query::parse(query)?;
    let of_sentinels = Login {
        user: query.take("sentinel_user").and_then(non_empty),
        password: query.take("sentinel_pass").and_then(non_empty),
        db: 0,
    };
    let has_tls = is_switched_on(&mut query, is_tls)?;
    #[cfg(feature = "tls")]
    let tls = if has_tls { Some(super::tls::take(&mut query, "sentinel_")?) } else { None };
    #[cfg(not(feature = "tls"))]
    if has_tls {
        return Err(wrong("sentinel_tls", "needs the feature `tls` of larder"));
    }
    let servers = SentinelServers {
        sentinels,
        master,
        login: of_sentinels,
        #[cfg(feature = "tls")]
        tls,
    };
    Ok((servers, login, query))
}

/// Takes the parameter that decides whether connections to sentinels use TLS.
fn is_switched_on(query: &mut Query, default: bool) -> Result<bool, Error> {
    match query.take("sentinel_tls").as_deref() {
        None => Ok(default),
        Some("on") => Ok(true),
        Some("off") => Ok(false),
        Some(_) => Err(wrong("sentinel_tls", "write `sentinel_tls=on` or `sentinel_tls=off`")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::redis::url::{Servers, Target};

    fn parse(text: &str) -> Result<(SentinelServers, Login, Query), Error> {
        super::parse(text, false)
    }

    fn hosts(servers: &SentinelServers) -> Vec<String> {
        servers.sentinels.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn several_hosts_are_parsed() {
        let (servers, login, _) = parse("a,b:1,[::1],[::2]:3,a:26379/m").expect("valid");
        assert_eq!(hosts(&servers), ["a:26379", "b:1", "[::1]:26379", "[::2]:3"]);
        assert_eq!(
            (servers.master.as_str(), servers.login, login),
            ("m", Login::default(), Login::default())
        );
    }

    #[test]
    fn both_logins_and_the_database_are_parsed() {
        let url = "redis+sentinel://u:p%2F+%40@a/my%20m/3?sentinel_user=s&sentinel_pass=x%26y+@";
        let Ok(Target { servers: Servers::Sentinel(servers), login, .. }) = Target::parse(url) else {
            panic!("invalid")
        };
        assert_eq!(servers.master, "my m");
        assert_eq!(
            (login.user.as_deref(), login.password.as_deref(), login.db),
            (Some("u"), Some("p/+@"), 3)
        );
        assert_eq!(
            (servers.login.user.as_deref(), servers.login.password.as_deref(), servers.login.db),
            (Some("s"), Some("x&y+@"), 0)
        );
        let target = Target::parse("redis+sentinel://u:secret@a/m?sentinel_pass=secret").expect("valid");
        assert!(!format!("{target:?}").contains("secret"));
    }

    #[test]
    fn errors_name_the_invalid_part() {
        for (text, part) in [
            ("", ""),
            ("/m", ""),
            ("a,,b/m", ""),
            ("a", ""),
            ("a/", ""),
            ("a//3", ""),
            ("a:99999/m", "99999"),
            ("::1/m", ""),
            ("[::1/m", ""),
            ("[::1]x/m", ""),
            ("a:/m", ""),
            ("a/m/x", "x"),
            ("a/m/-1", "-1"),
            ("a/m/1/2", "1/2"),
            ("a/m?db=1", "db"),
            ("a/m?sentinel_password=secret", "sentinel_password"),
            ("a/m?sentinel_user=a&sentinel_user=b", "sentinel_user"),
            ("a/m?sentinel_tls=1", "sentinel_tls"),
            ("a/m?sentinel_ca=x", "sentinel_ca"),
            ("a/m?ca=x", "ca"),
            ("a/m#x", "#"),
        ] {
            match Target::parse(&format!("redis+sentinel://{text}")) {
                Err(Error::Config { setting: "url", value, reason }) => {
                    assert_eq!(value, part, "{text}: {reason}");
                }
                other => panic!("{text}: {other:?}"),
            }
        }
    }

    #[cfg(feature = "tls")]
    #[test]
    fn servers_and_sentinels_have_tls_of_their_own() {
        let tls = |url: &str| match Target::parse(url) {
            Ok(Target { servers: Servers::Sentinel(servers), tls, .. }) => (tls, servers.tls),
            other => panic!("{url}: {other:?}"),
        };
        let file = |path: &str| Some(path.to_owned());
        let none = || Some(Tls::new());
        assert_eq!(tls("redis+sentinel://a/m"), (None, None));
        assert_eq!(tls("rediss+sentinel://a/m"), (none(), none()));
        assert_eq!(tls("rediss+sentinel://a/m?sentinel_tls=off"), (none(), None));
        assert_eq!(tls("redis+sentinel://a/m?sentinel_tls=on"), (None, none()));
        assert_eq!(
            tls("rediss+sentinel://a/m?ca=/a&sni=n&sentinel_ca=/b"),
            (
                Some(Tls::of_url(file("/a"), None, None, file("n"))),
                Some(Tls::of_url(file("/b"), None, None, None))
            )
        );
    }

    #[test]
    fn errors_never_contain_a_password() {
        for text in [
            "u:secret@a:99999/m",
            "u:secret@a/m/x",
            "u:secret@/m",
            "u:secret@a",
            "u:secret",
            "u:sec/secret@a/m",
            "u:1/secret@a/m",
            "u:1#secret@a/m",
            "u:1?secret@a/m",
            "u:sec?ret=secret@a/m",
            "u:%zzsecret@a/m",
            "u:%ffsecret@a/m",
            "a/m?sentinel_pass=secret&x=1",
            "a/m?sentinel_pass=secret%",
            "a/m?sentinel_pass=%ffsecret",
            "u:secret,b/m",
        ] {
            let error = Target::parse(&format!("redis+sentinel://{text}")).expect_err(text);
            assert!(!format!("{error} {error:?}").contains("secret"), "{error}");
        }
    }
}
