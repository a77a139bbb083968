//! The URLs that a request with an unsafe method invalidates (RFC 9111 section 4.4).

use http::{
    HeaderMap, HeaderValue, Method, StatusCode, Uri,
    header::{CONTENT_LOCATION, LOCATION},
    uri::PathAndQuery,
};

/// Returns whether a method only reads (RFC 9110 section 9.2.1). Unknown methods do not.
pub(crate) fn is_safe(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS | Method::TRACE)
}

/// Returns whether a status means that the change took place.
pub(crate) fn invalidates(status: StatusCode) -> bool {
    status.is_success() || status.is_redirection()
}

/// The URLs that may be stale: the target of the request, and those of `Location` and `Content-Location`.
///
/// Other origins are left out: one must not empty the cache of another. All have the form of the request's own URI, so that
/// they make the same keys.
pub(crate) fn targets(request_uri: &Uri, host: Option<&HeaderValue>, response: &HeaderMap) -> Vec<Uri> {
    let mut targets = vec![request_uri.clone()];
    for reference in [response.get(LOCATION), response.get(CONTENT_LOCATION)].into_iter().flatten() {
        if let Some(target) = resolve(request_uri, host, reference)
            && !targets.contains(&target)
        {
            targets.push(target);
        }
    }
    targets
}

/// Resolves a reference against the URI of the request (RFC 3986 section 5.2); `None` for another origin.
fn resolve(base: &Uri, host: Option<&HeaderValue>, reference: &HeaderValue) -> Option<Uri> {
    let reference = reference.to_str().ok()?.trim().split('#').next()?;
    let (scheme, rest) = match reference.split_once(':') {
        Some((scheme, rest)) if is_scheme(scheme) => (Some(scheme), rest),
        _ => (None, reference),
    };
    let path = match rest.strip_prefix("//") {
        Some(rest) => {
            let (authority, path) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
            is_same_origin(base, host, scheme, authority).then(|| rooted(path))?
        }
        None if scheme.is_some() || rest.is_empty() => return None,
        None => beside(base.path(), rest),
    };
    let mut parts = base.clone().into_parts();
    parts.path_and_query = Some(PathAndQuery::try_from(without_dots(&path)).ok()?);
    Uri::from_parts(parts).ok()
}

fn is_scheme(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_alphabetic())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte))
}

/// Returns whether two schemes may be one. The server often does not know the scheme of a request, and accepts either.
fn is_same_origin(base: &Uri, host: Option<&HeaderValue>, scheme: Option<&str>, authority: &str) -> bool {
    let own = base.authority().map(http::uri::Authority::as_str);
    let Some(own) = own.or_else(|| host?.to_str().ok()) else { return false };
    let scheme = scheme.or(base.scheme_str()).unwrap_or("").to_ascii_lowercase();
    let port = match scheme.as_str() {
        "http" => ":80",
        "https" => ":443",
        "" => ":",
        _ => return false,
    };
    base.scheme_str().is_none_or(|own| own.eq_ignore_ascii_case(&scheme))
        && plain(own, port) == plain(authority, port)
}

/// Host and port in lower case, without the user and without the default port of the scheme.
fn plain(authority: &str, port: &str) -> String {
    let host = authority.rsplit('@').next().unwrap_or_default().to_ascii_lowercase();
    let host = host.strip_suffix(':').unwrap_or(&host);
    host.strip_suffix(port).unwrap_or(host).to_owned()
}

fn rooted(path: &str) -> String {
    if path.starts_with('/') { path.to_owned() } else { format!("/{path}") }
}

/// Resolves a reference without an authority.
fn beside(base: &str, reference: &str) -> String {
    if reference.starts_with('/') {
        return reference.to_owned();
    }
    if reference.starts_with('?') {
        return format!("{base}{reference}");
    }
    let folder = base.rfind('/').map_or("/", |slash| &base[..=slash]);
    format!("{folder}{reference}")
}

/// Resolves `.` and `..` (RFC 3986 section 5.2.4).
fn without_dots(path: &str) -> String {
    let (path, query) = path.split_at(path.find('?').unwrap_or(path.len()));
    let mut resolved = Vec::new();
    let mut segments = path.split('/').skip(1).peekable();
    while let Some(segment) = segments.next() {
        match segment {
            "." => {}
            ".." => drop(resolved.pop()),
            _ => resolved.push(segment),
        }
        if segments.peek().is_none() && matches!(segment, "." | "..") {
            resolved.push("");
        }
    }
    format!("/{}{query}", resolved.join("/"))
}

#[cfg(test)]
#[path = "tests/unsafe_method.rs"]
mod tests;
