//! The host of a request (RFC 9110 section 7.2): of its URI, or of the field `Host`.

use http::{HeaderMap, HeaderValue, Uri, header::HOST, uri::Authority};

/// A host and its port, which is empty for the default one. Equal ones differ in case at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Host<'a> {
    name: &'a str,
    port: &'a str,
}

/// The host that a request names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NamedHost<'a> {
    None,
    One(Host<'a>),
    /// Several, or something that is no host: the service may read it in another way than this cache.
    Unclear,
}

impl<'a> Host<'a> {
    /// Reads `name:port`, without the dot at the end of the name and without the default port of the scheme. A server often
    /// does not know the scheme of a request; then both default ports are left out.
    pub(crate) fn parse(text: &'a str, scheme: Option<&str>) -> Option<Self> {
        let is_literal = text.starts_with('[');
        let end = if is_literal {
            text.rfind(']').map(|end| end + 1).or_else(|| text.find(':'))
        } else {
            text.bytes().position(|byte| !is_name(byte))
        };
        let end = end.unwrap_or(text.len());
        let (name, rest) = text.split_at(end);
        let port = if rest.is_empty() { "" } else { rest.strip_prefix(':')? };
        let name = name.strip_suffix('.').unwrap_or(name);
        let is_address = |byte: u8| byte.is_ascii_hexdigit() || b"[]:.".contains(&byte);
        let is_valid = !name.is_empty()
            && (!is_literal || name.bytes().all(is_address))
            && port.bytes().all(|byte| byte.is_ascii_digit());
        let is_default = match scheme {
            Some(scheme) if scheme.eq_ignore_ascii_case("http") => port == "80",
            Some(scheme) if scheme.eq_ignore_ascii_case("https") => port == "443",
            Some(_) => false,
            None => port == "80" || port == "443",
        };
        is_valid.then_some(Self { name, port: if is_default { "" } else { port } })
    }

    /// Appends the host in lower case.
    pub(crate) fn write(self, text: &mut String) {
        let start = text.len();
        text.push_str(self.name);
        if !self.port.is_empty() {
            text.push(':');
            text.push_str(self.port);
        }
        text[start..].make_ascii_lowercase();
    }

    /// The host in lower case.
    pub(crate) fn text(self) -> String {
        let mut text = String::new();
        self.write(&mut text);
        text
    }

    /// Returns whether a text is this host in lower case, with nothing that is left out.
    fn is_spelled(self, text: &[u8]) -> bool {
        let port = if self.port.is_empty() { 0 } else { self.port.len() + 1 };
        text.len() == self.name.len() + port && !text.iter().any(u8::is_ascii_uppercase)
    }

    fn is(self, other: Self) -> bool {
        self.name.eq_ignore_ascii_case(other.name) && self.port == other.port
    }

    /// Returns whether this host is one of a list of texts.
    pub(crate) fn is_among(self, hosts: &[String]) -> bool {
        hosts.iter().any(|host| Host::parse(host, None).is_some_and(|host| self.is(host)))
    }
}

/// Returns whether a byte may be in the name of a host.
fn is_name(byte: u8) -> bool {
    static NAMES: [bool; 256] = {
        let mut names = [false; 256];
        let mut byte = 0_u8;
        while byte < 128 {
            names[byte as usize] = byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_');
            byte += 1;
        }
        names
    };
    NAMES[usize::from(byte)]
}

/// Returns the host that a request names. An empty `Host` names none.
pub(crate) fn named<'a>(uri: &'a Uri, headers: &'a HeaderMap) -> NamedHost<'a> {
    let own = uri.authority().map(|authority| authority.as_str().as_bytes());
    let fields = headers.get_all(HOST).iter().map(HeaderValue::as_bytes);
    let mut found = NamedHost::None;
    for text in own.into_iter().chain(fields) {
        let host = std::str::from_utf8(text).ok().and_then(|text| Host::parse(text, uri.scheme_str()));
        found = match (found, host) {
            (NamedHost::None, None) if text.is_empty() => NamedHost::None,
            (NamedHost::None, Some(host)) => NamedHost::One(host),
            (NamedHost::One(first), Some(host)) if first.is(host) => found,
            _ => return NamedHost::Unclear,
        };
    }
    found
}

/// Spells the host of a request as keys do: a service that writes it into its response writes what others may read.
pub(crate) fn normalize(uri: &mut Uri, headers: &mut HeaderMap) {
    let NamedHost::One(host) = named(uri, headers) else { return };
    let own = uri.authority().map(|authority| authority.as_str().as_bytes());
    let mut fields = headers.get_all(HOST).iter().map(HeaderValue::as_bytes);
    if own.is_none_or(|own| host.is_spelled(own)) && fields.all(|field| host.is_spelled(field)) {
        return;
    }
    let text = host.text();
    if let (Some(_), Ok(authority)) = (own, text.parse::<Authority>()) {
        let mut parts = uri.clone().into_parts();
        parts.authority = Some(authority);
        if let Ok(spelled) = Uri::from_parts(parts) {
            *uri = spelled;
        }
    }
    if let (true, Ok(value)) = (headers.contains_key(HOST), HeaderValue::try_from(text)) {
        headers.insert(HOST, value);
    }
}

/// Returns the text of the host that a request names, of its URI before the field.
pub(crate) fn text_of<'a>(uri: &'a Uri, headers: &'a HeaderMap) -> Option<&'a str> {
    let own = uri.authority().map(Authority::as_str);
    own.or_else(|| headers.get(HOST)?.to_str().ok()).filter(|text| !text.is_empty())
}

#[cfg(test)]
#[path = "tests/host.rs"]
mod tests;
