//! axum's extractors in keys.

use axum::body::Bytes;
use axum::extract::{
    ConnectInfo, Extension, Form, Json, MatchedPath, NestedPath, OriginalUri, Path, Query, RawForm,
    RawPathParams, RawQuery, State,
};
use serde::Serialize;

use crate::site::arguments::Arguments;
use crate::site::class::{Attached, Connected, Content, UrlContent, WholeBody};
use crate::site::extractor::{BodyPart, ExtractPart, Extractor};
use crate::site::ignore_in_key::IgnoreInKey;

/// Implements both traits for extractors with a content: the type, its class, the type of the content, and the value that counts.
macro_rules! by_content {
    ($($extractor:ident $([$generic:ident])?, $class:ty, $content:ty, |$value:ident| $part:expr;)*) => {
        $(
            impl$(<$generic>)? Extractor for $extractor$(<$generic>)? {
                type Class = $class;
            }

            impl$(<$generic>)? ExtractPart for $extractor$(<$generic>)? {
                type Content = $content;

                #[inline]
                fn extract(&self, key: &mut Arguments<'_>)
                $(where
                    $generic: Serialize)?
                {
                    let $value = self;
                    key.part($part);
                }
            }
        )*
    };
}

#[cfg(feature = "axum-extra")]
pub(super) use by_content;

by_content! {
    Path[T], UrlContent, T, |path| &path.0;
    Query[T], UrlContent, T, |query| &query.0;
    OriginalUri, UrlContent, str, |uri| &uri.0.to_string();
    RawQuery, UrlContent, str, |query| &query.0;
    MatchedPath, UrlContent, str, |path| path.as_str();
    NestedPath, UrlContent, str, |path| path.as_str();
    RawPathParams, UrlContent, str, |params| &params.iter().collect::<Vec<_>>();
    Json[T], Content, T, |json| &json.0;
    Form[T], Content, T, |form| &form.0;
    RawForm, Content, [u8], |form| &*form.0;
    Bytes, WholeBody, [u8], |bytes| &**bytes;
    ConnectInfo[T], Connected, T, |info| &info.0;
}

/// Without the layer that adds the extension, every request is rejected.
impl<T> Extractor for Extension<T> {
    type Class = Attached;
    const HAS_ONE_REJECTION: bool = true;
}

impl<T> ExtractPart for Extension<T> {
    type Content = T;

    #[inline]
    fn extract(&self, key: &mut Arguments<'_>)
    where
        T: Serialize,
    {
        key.part(&self.0);
    }
}

impl BodyPart for Bytes {
    fn is_present(&self) -> bool {
        !self.is_empty()
    }
}

impl<T: IgnoreInKey> IgnoreInKey for Extension<T> {}
impl<S> IgnoreInKey for State<S> {}
