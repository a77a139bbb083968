//! The types of the crate `http` as arguments in keys.

use http::{Extensions, HeaderMap, Method, Request, Uri, request};

use crate::site::arguments::Arguments;
use crate::site::class::{Identifying, UrlContent, WholeRequest};
use crate::site::extractor::{ExtractPart, Extractor};
use crate::site::ignore_in_key::IgnoreInKey;

impl<T> Extractor for HeaderMap<T> {
    type Class = Identifying;
}

impl Extractor for Extensions {
    type Class = Identifying;
}

impl<B> Extractor for Request<B> {
    type Class = WholeRequest;
}

impl Extractor for request::Parts {
    type Class = WholeRequest;
}

impl Extractor for Uri {
    type Class = UrlContent;
}

impl ExtractPart for Uri {
    type Content = str;

    fn extract(&self, key: &mut Arguments<'_>) {
        key.part(&self.to_string());
    }
}

/// `GET` and `HEAD` alone are cached.
impl IgnoreInKey for Method {}
