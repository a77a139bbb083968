//! The extractors of `axum-extra` in keys.

use axum_extra::TypedHeader;
use axum_extra::extract::{Cached, CookieJar, Form, OptionalQuery, Query, WithRejection};
use serde::Serialize;

use crate::site::arguments::Arguments;
use crate::site::class::{Content, Identifying, UrlContent};
use crate::site::extractor::{ExtractPart, Extractor};
use crate::site::ignore_in_key::IgnoreInKey;

use super::keys::by_content;

by_content! {
    Query[T], UrlContent, T, |query| &query.0;
    OptionalQuery[T], UrlContent, T, |query| &query.0;
    Form[T], Content, T, |form| &form.0;
}

impl<T> Extractor for TypedHeader<T> {
    type Class = Identifying;
}

impl Extractor for CookieJar {
    type Class = Identifying;
}

impl<E: Extractor> Extractor for Cached<E> {
    type Class = E::Class;
    const HAS_ONE_REJECTION: bool = E::HAS_ONE_REJECTION;

    fn host(&self) -> Option<&str> {
        self.0.host()
    }
}

impl<E: ExtractPart> ExtractPart for Cached<E> {
    type Content = E::Content;

    fn extract(&self, key: &mut Arguments<'_>)
    where
        E::Content: Serialize,
    {
        self.0.extract(key);
    }
}

impl<E: Extractor, R> Extractor for WithRejection<E, R> {
    type Class = E::Class;
    const HAS_ONE_REJECTION: bool = E::HAS_ONE_REJECTION;

    fn host(&self) -> Option<&str> {
        self.0.host()
    }
}

impl<E: ExtractPart, R> ExtractPart for WithRejection<E, R> {
    type Content = E::Content;

    fn extract(&self, key: &mut Arguments<'_>)
    where
        E::Content: Serialize,
    {
        self.0.extract(key);
    }
}

impl<E: IgnoreInKey> IgnoreInKey for Cached<E> {}
impl<E: IgnoreInKey, R> IgnoreInKey for WithRejection<E, R> {}

#[expect(deprecated, reason = "applications use it as long as it is there")]
mod host {
    use axum_extra::extract::Host;

    use super::*;

    /// The host that the service reads, `X-Forwarded-Host` included.
    impl Extractor for Host {
        type Class = UrlContent;

        fn host(&self) -> Option<&str> {
            Some(&self.0)
        }
    }

    impl ExtractPart for Host {
        type Content = str;

        fn extract(&self, key: &mut Arguments<'_>) {
            key.part(&self.0.to_ascii_lowercase());
        }
    }
}
