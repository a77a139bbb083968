//! The rejection of a guard, as a response of the layer.

use std::pin::Pin;

use axum::body::{Body, to_bytes};
use axum::response::Response;
use bytes::Bytes;
use http::{HeaderValue, Method, header};
use http_body::Body as HttpBody;

use super::axum_body::cast;
use super::body::CacheBody;
use super::options::MAX_BODY;

/// A rejection as the response to a request with this method.
pub(super) async fn rejected<B>(
    rejection: Response,
    method: &Method,
) -> http::Response<CacheBody<Pin<Box<B>>>>
where
    B: HttpBody<Data = Bytes> + 'static,
{
    let (mut parts, mut body) = rejection.into_parts();
    if *method == Method::HEAD {
        if let Some(length) = body.size_hint().exact() {
            parts.headers.entry(header::CONTENT_LENGTH).or_insert(HeaderValue::from(length));
        }
        body = Body::empty();
    }
    let body = match cast::<Body, B>(body) {
        Ok(body) => CacheBody::service(Box::pin(body)),
        // The service has bodies of another type. Rejections are short.
        Err(body) => {
            let bytes = to_bytes(body, MAX_BODY).await.unwrap_or_default();
            CacheBody::whole(bytes)
        }
    };
    http::Response::from_parts(parts, body)
}
