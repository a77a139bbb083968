//! axum's extractors in keys: `Path`, `Query`, `Json`, `Form` and those of the URI and the body count by their content; those of
//! the whole request and of the application do not count.

use axum::body::Bytes;
use axum::extract::{
    ConnectInfo, Extension, Form, Json, MatchedPath, OriginalUri, Path, Query, RawQuery, Request, State,
};
use axum::http::{HeaderMap, Method, Uri};
use serde::Serialize;

use crate::site::probe::{ExtractPart, IgnoreInKey};
use crate::types::key::KeyEncoder;

macro_rules! by_content {
    ($($extractor:ident)*) => {
        $(impl<T: Serialize> ExtractPart for $extractor<T> {
            fn extract(&self, key: &mut KeyEncoder) {
                key.part(&self.0);
            }
        })*
    };
}

by_content! { Path Query Json Form }

impl ExtractPart for Uri {
    fn extract(&self, key: &mut KeyEncoder) {
        key.part(&self.to_string());
    }
}

impl ExtractPart for OriginalUri {
    fn extract(&self, key: &mut KeyEncoder) {
        self.0.extract(key);
    }
}

impl ExtractPart for RawQuery {
    fn extract(&self, key: &mut KeyEncoder) {
        key.part(&self.0);
    }
}

impl ExtractPart for MatchedPath {
    fn extract(&self, key: &mut KeyEncoder) {
        key.part(self.as_str());
    }
}

impl ExtractPart for Bytes {
    fn extract(&self, key: &mut KeyEncoder) {
        key.part(&**self);
    }
}

impl<S> IgnoreInKey for State<S> {}
impl<T> IgnoreInKey for Extension<T> {
    const CARRIES_URL: bool = true;
}
impl<T> IgnoreInKey for ConnectInfo<T> {}
impl IgnoreInKey for Request {
    const CARRIES_URL: bool = true;
}
impl IgnoreInKey for HeaderMap {}
impl IgnoreInKey for Method {}
