//! The entity tags that the cache makes.

/// The `ETag` of a cached response that has none of its own. It is made of the bytes of the body: the same in every process,
/// after every restart. A tag of the handler is passed on unchanged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum EtagKind {
    /// A weak tag, `W/".."`: it answers `If-None-Match`. Parts of the response are not served, because a layer outside the
    /// cache may compress it for one client and not for another.
    #[default]
    Weak,
    /// A strong tag: it answers `If-None-Match`, `If-Range` and `Range`. For responses that nothing outside the cache changes,
    /// such as downloads.
    Strong,
    /// No tag.
    Off,
}
