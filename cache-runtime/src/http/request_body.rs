//! The bodies of requests. A response may depend on a body, which is in no key, so a request with a body bypasses the cache.

use http::{HeaderMap, Version, header};
use http_body::Body;

/// Returns the body of a request, unchanged for the service, and whether it is empty.
///
/// The body of axum is asked for its first frame if it does not say that it is empty: HTTP/2 has bodies that no header
/// announces. From a body of another type no frame can be put back, so the head decides about it.
pub(super) async fn ask<B: Body + Send + 'static>(body: B, head: (&HeaderMap, Version)) -> (B, bool) {
    if let Some(is_empty) = declared(&body) {
        return (body, is_empty);
    }
    // Boxed, because it is rare.
    #[cfg(feature = "axum")]
    let body = match Box::pin(asked::by_type(body)).await {
        Ok(asked) => return asked,
        Err(other) => other,
    };
    (body, announces_none(head))
}

/// [`ask`] for the body of axum.
#[cfg(feature = "axum")]
pub(crate) async fn ask_axum(body: axum::body::Body) -> (axum::body::Body, bool) {
    match declared(&body) {
        Some(is_empty) => (body, is_empty),
        None => asked::first(body).await,
    }
}

/// Returns whether a body is empty, if the body says so by itself.
fn declared(body: &impl Body) -> Option<bool> {
    let size = body.size_hint();
    if body.is_end_stream() || size.upper() == Some(0) {
        return Some(true);
    }
    (size.lower() > 0).then_some(false)
}

/// Returns whether a head says that no body follows (RFC 9112 section 6.3). From HTTP/2 on, only frames do.
fn announces_none((headers, version): (&HeaderMap, Version)) -> bool {
    let is_empty = headers.get(header::CONTENT_LENGTH).is_none_or(|length| length == "0");
    version <= Version::HTTP_11 && is_empty && !headers.contains_key(header::TRANSFER_ENCODING)
}

/// Bodies of axum that are asked for their first frame.
#[cfg(feature = "axum")]
mod asked {
    use std::pin::{Pin, pin};
    use std::task::{Context, Poll};
    use std::time::Duration;

    use axum::BoxError;
    use axum::body::{Body, Bytes};
    use http_body::{Body as _, Frame, SizeHint};

    use crate::http::axum_body::cast;
    use crate::rt::io::timeout;

    /// The longest wait for a first frame. A client that sends none until then bypasses the cache.
    const LIMIT: Duration = Duration::from_millis(100);

    /// The number of frames without data after which a body counts as one that goes on.
    const EMPTY_FRAMES: usize = 16;

    /// A frame of a body of axum.
    type BodyFrame = Result<Frame<Bytes>, axum::Error>;

    /// Asks a body of axum; another is returned untouched.
    pub(super) async fn by_type<B: Send + 'static>(body: B) -> Result<(B, bool), B> {
        let (body, is_empty) = first(cast::<B, Body>(body)?).await;
        match cast(body) {
            Ok(body) => Ok((body, is_empty)),
            Err(_) => unreachable!("the types were equal before"),
        }
    }

    /// Asks a body for its first frame, and puts the frame back. The body is empty if it ends at once.
    pub(super) async fn first(mut body: Body) -> (Body, bool) {
        match first_frame(&mut body).await {
            Some(None) => (Body::empty(), true),
            Some(Some(frame)) => (Body::new(Resumed { first: Some(frame), rest: body }), false),
            None => (body, false),
        }
    }

    /// The first frame with contents; `None` if it takes too long.
    async fn first_frame(body: &mut Body) -> Option<Option<BodyFrame>> {
        let mut skipped = 0;
        let next = std::future::poll_fn(|context| {
            loop {
                match Pin::new(&mut *body).poll_frame(context) {
                    // A frame without data says nothing about the next one.
                    Poll::Ready(Some(Ok(frame)))
                        if skipped < EMPTY_FRAMES && frame.data_ref().is_some_and(Bytes::is_empty) =>
                    {
                        skipped += 1;
                    }
                    polled => return polled,
                }
            }
        });
        let mut next = pin!(next);
        // Most bodies answer at once, without a timer.
        let at_once = std::future::poll_fn(|context| {
            Poll::Ready(match next.as_mut().poll(context) {
                Poll::Ready(frame) => Some(frame),
                Poll::Pending => None,
            })
        });
        match at_once.await {
            Some(frame) => Some(frame),
            None => timeout(LIMIT, next).await,
        }
    }

    /// A body whose first frame was put back.
    struct Resumed {
        first: Option<BodyFrame>,
        rest: Body,
    }

    impl http_body::Body for Resumed {
        type Data = Bytes;
        // Without the wrapper of axum, which adds its own.
        type Error = BoxError;

        fn poll_frame(
            mut self: Pin<&mut Self>,
            context: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
            let polled = match self.first.take() {
                Some(first) => Poll::Ready(Some(first)),
                None => Pin::new(&mut self.rest).poll_frame(context),
            };
            polled.map(|frame| frame.map(|frame| frame.map_err(axum::Error::into_inner)))
        }

        fn is_end_stream(&self) -> bool {
            self.first.is_none() && self.rest.is_end_stream()
        }

        fn size_hint(&self) -> SizeHint {
            let first = self.first.as_ref().and_then(|first| first.as_ref().ok()?.data_ref());
            let begun = first.map_or(0, |data| data.len() as u64);
            let rest = self.rest.size_hint();
            let mut size = SizeHint::new();
            if let Some(upper) = rest.upper() {
                size.set_upper(upper.saturating_add(begun));
            }
            size.set_lower(rest.lower().saturating_add(begun));
            size
        }
    }
}

#[cfg(test)]
#[path = "tests/request_body.rs"]
mod tests;
