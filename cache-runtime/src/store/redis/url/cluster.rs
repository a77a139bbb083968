//! The URL of a cluster.

use super::address::{Address, DEFAULT_PORT};
use super::hosts::{self, HostList};
use super::login::Login;
use super::parts::{harmless, wrong};
use super::query::Query;
use crate::types::error::Error;

/// The form of the URL, for errors.
const FORM: &str = "`redis+cluster://host1:6379,host2:6379`";

/// Parses `[user[:password]@]host[:port],..`, which follows the scheme. Returns the parameters, too.
///
/// # Errors
/// [`Error::Config`] with the invalid part.
pub(super) fn parse(text: &str) -> Result<(Vec<Address>, Login, Query), Error> {
    let HostList { login, hosts, path, query } = hosts::parse(text, DEFAULT_PORT, FORM)?;
    if !matches!(path, "" | "0") {
        return Err(wrong(harmless(path), "a cluster has no databases but 0; leave the path out"));
    }
    Ok((hosts, login, Query::parse(query)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::redis::url::{Servers, Target};

    #[test]
    fn several_hosts_are_parsed() {
        let text = "Redis+Cluster://u:p%2F+%40@a,b:1,[::1],[::2]:3,a:6379/";
        let Ok(Target { servers: Servers::Cluster(hosts), login, .. }) = Target::parse(text) else {
            panic!("invalid")
        };
        let hosts: Vec<String> = hosts.iter().map(ToString::to_string).collect();
        assert_eq!(hosts, ["a:6379", "b:1", "[::1]:6379", "[::2]:3"]);
        assert_eq!((login.user.as_deref(), login.password.as_deref()), (Some("u"), Some("p/+@")));
        assert!(parse("a/0").is_ok());
    }

    #[test]
    fn errors_name_the_invalid_part() {
        for (text, part) in [
            ("", ""),
            ("a,,b", ""),
            ("a,", ""),
            ("a:99999", "99999"),
            ("::1", ""),
            ("[::1", ""),
            ("[::1]x", ""),
            ("a:", ""),
            ("a/1", "1"),
            ("a/x", "x"),
            ("a?protocol=resp3", "protocol"),
            ("a?protocol", "protocol"),
            ("a#x", "#"),
        ] {
            match Target::parse(&format!("redis+cluster://{text}")) {
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
            "u:secret@a:99999",
            "u:secret@a/1",
            "u:secret@",
            "u:secret",
            "u:secret,b",
            "u:sec/secret@a",
            "u:1/secret@a",
            "u:1#secret@a",
            "u:1?secret@a",
            "u:sec?ret=secret@a",
            "u:%zzsecret@a",
            "u:%ffsecret@a",
        ] {
            let error = Target::parse(&format!("redis+cluster://{text}")).expect_err(text);
            assert!(!format!("{error} {error:?}").contains("secret"), "{error}");
        }
    }
}
