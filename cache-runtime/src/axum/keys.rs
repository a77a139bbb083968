//! axum's extractors in keys: `Path`, `Query`, `Json` and `Form` count by their content; what carries the request or the
//! application itself does not count.

use axum::extract::{
    ConnectInfo, Extension, Form, Json, MatchedPath, OriginalUri, Path, Query, Request, State,
};
use axum::http::{HeaderMap, Method};
use serde::Serialize;

use crate::key::KeyEncoder;
use crate::probe::{ExtractPart, IgnoreInKey};

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

impl<S> IgnoreInKey for State<S> {}
impl<T> IgnoreInKey for Extension<T> {
    const TELLS_WHO: bool = true;
}
impl<T> IgnoreInKey for ConnectInfo<T> {}
impl IgnoreInKey for Request {
    const TELLS_WHO: bool = true;
}
impl IgnoreInKey for HeaderMap {
    const TELLS_WHO: bool = true;
}
impl IgnoreInKey for Method {}
impl IgnoreInKey for MatchedPath {}
impl IgnoreInKey for OriginalUri {}
