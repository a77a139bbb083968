//! The parts of a URL with several hosts, which parsers of URLs do not know.

use super::address::Address;
use super::login::Login;
use super::parts::{decode, non_empty, wrong};
use crate::types::error::Error;

/// The remedy for a URL with an unescaped password.
const ESCAPE: &str = "percent-encode `/`, `?`, `#`, `@`, `:` and `%` in the user and the password";

/// The parts of `[user[:password]@]host[:port],..[/path][?query]`.
#[derive(Debug)]
pub(super) struct HostList<'u> {
    /// The user and the password.
    pub(super) login: Login,
    /// The hosts, each once.
    pub(super) hosts: Vec<Address>,
    /// The text after the first slash.
    pub(super) path: &'u str,
    /// The text after the question mark.
    pub(super) query: &'u str,
}

/// Parses the text that follows the scheme of a URL. `form` is an example of a whole URL, for errors.
///
/// # Errors
/// [`Error::Config`] with the invalid part.
pub(super) fn parse<'u>(text: &'u str, default_port: u16, form: &str) -> Result<HostList<'u>, Error> {
    if text.contains('#') {
        return Err(wrong("#", &format!("a URL of Redis has no fragment; {ESCAPE}")));
    }
    let (text, query) = text.split_once('?').unwrap_or((text, ""));
    let (authority, path) = text.split_once('/').unwrap_or((text, ""));
    let (user, names) = authority.rsplit_once('@').unwrap_or(("", authority));
    if path.contains('@') || (user.is_empty() && query.contains('@')) {
        return Err(wrong("", &format!("an `@` is in the wrong place; {ESCAPE}")));
    }
    let mut hosts = Vec::new();
    for name in names.split(',') {
        let address = address(name, default_port, form)?;
        if !hosts.contains(&address) {
            hosts.push(address);
        }
    }
    let (user, password) = user.split_once(':').unwrap_or((user, ""));
    let login = Login {
        user: non_empty(decode(user, "user")?),
        password: non_empty(decode(password, "password")?),
        ..Login::default()
    };
    Ok(HostList { login, hosts, path, query })
}

/// Parses `host`, `host:port`, `[::1]` or `[::1]:port`.
fn address(text: &str, default_port: u16, form: &str) -> Result<Address, Error> {
    let (host, port) = match text.strip_prefix('[') {
        Some(rest) => match rest.split_once(']') {
            Some((host, "")) => (host, None),
            Some((host, port)) if port.starts_with(':') => (host, Some(&port[1..])),
            _ => return Err(wrong("", "an IPv6 address is written in brackets, as in `[::1]:6379`")),
        },
        None => match text.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (text, None),
        },
    };
    let host = decode(host, "host")?;
    if host.is_empty() || host.contains(char::is_whitespace) {
        return Err(wrong("", &format!("a host is missing; write {form}")));
    }
    let port = match port {
        None => default_port,
        // Anything but a number may be a password.
        Some(port) => port.parse().map_err(|_| {
            let is_number = !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
            let shown = if is_number { port } else { "" };
            wrong(shown, &format!("invalid port number; an IPv6 address is in brackets, and {ESCAPE}"))
        })?,
    };
    Ok(Address::Tcp { host, port })
}
