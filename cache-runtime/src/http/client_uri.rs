//! The URI that the client sent, and the one that the service sees.

use http::{Extensions, Uri};

/// The URI of the client: inside a nested router of axum a request has a shorter one, which may be the same in two routers.
#[cfg(feature = "axum")]
pub(crate) fn original_uri<'r>(uri: &'r Uri, extensions: &'r Extensions) -> &'r Uri {
    extensions.get::<axum::extract::OriginalUri>().map_or(uri, |original| &original.0)
}

/// The URI of the client.
#[cfg(not(feature = "axum"))]
pub(crate) fn original_uri<'r>(uri: &'r Uri, _: &'r Extensions) -> &'r Uri {
    uri
}

/// Returns whether a middleware rewrote the URI of the client: `uri` differs from `original` by more than the prefix that nested
/// routers of axum removed. Then the original alone does not determine what the service sees.
#[cfg(feature = "axum")]
pub(crate) fn is_rewritten(original: &Uri, uri: &Uri, extensions: &Extensions) -> bool {
    if original.query() != uri.query() || original.authority() != uri.authority() {
        return true;
    }
    let (original, path) = (original.path(), uri.path());
    original != path && {
        let nested = extensions.get::<axum::extract::NestedPath>();
        nested.is_none_or(|nested| without_prefix(original, nested.as_str()) != path)
    }
}

/// Only axum keeps the URI of the client.
#[cfg(not(feature = "axum"))]
pub(crate) fn is_rewritten(_: &Uri, _: &Uri, _: &Extensions) -> bool {
    false
}

/// A path without as many segments as the path of a nested router has.
#[cfg(feature = "axum")]
fn without_prefix<'p>(path: &'p str, nested: &str) -> &'p str {
    let segments = nested.trim_end_matches('/').matches('/').count();
    path.match_indices('/').nth(segments).map_or("/", |(start, _)| &path[start..])
}

#[cfg(all(test, feature = "axum"))]
mod tests {
    use super::*;

    #[test]
    fn a_nested_path_is_removed_by_its_segments() {
        for (path, nested, left) in [
            ("/api/users", "/api", "/users"),
            ("/api/", "/api", "/"),
            ("/api", "/api", "/"),
            ("/api/users", "/api/", "/users"),
            ("/a/v0/users/7", "/a/{version}", "/users/7"),
            ("/a//users", "/a", "//users"),
            ("/users", "/", "/users"),
        ] {
            assert_eq!(without_prefix(path, nested), left, "{path} {nested}");
        }
    }
}
