//! The first frame of a request's body, which tells whether the body is empty.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Error;
use axum::body::{Body, Bytes, HttpBody};
use http_body::{Frame, SizeHint};

use crate::rt::io;

/// The time that a body has to send its first frame. A slower one counts as present.
const PATIENCE: Duration = Duration::from_millis(100);

/// A body and its first frame, which was already received.
struct PutBack {
    frame: Option<Result<Frame<Bytes>, Error>>,
    rest: Body,
}

/// Returns the body, and whether it is empty. A body that does not know is asked for its first frame, which is put back.
pub(crate) async fn peek(mut body: Body) -> (Body, bool) {
    if body.is_end_stream() || body.size_hint().upper() == Some(0) {
        return (body, true);
    }
    if body.size_hint().lower() > 0 {
        return (body, false);
    }
    // Most bodies answer at once, without a timer.
    let first = match poll_fn(|context| Poll::Ready(Pin::new(&mut body).poll_frame(context))).await {
        Poll::Ready(frame) => Some(frame),
        Poll::Pending => {
            io::timeout(PATIENCE, poll_fn(|context| Pin::new(&mut body).poll_frame(context))).await
        }
    };
    match first {
        None => (body, false),
        Some(None) => (Body::empty(), true),
        Some(frame) => (Body::new(PutBack { frame, rest: body }), false),
    }
}

impl HttpBody for PutBack {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        match self.frame.take() {
            None => Pin::new(&mut self.rest).poll_frame(context),
            frame => Poll::Ready(frame),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.frame.is_none() && self.rest.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let held =
            self.frame.iter().flatten().filter_map(Frame::data_ref).map(Bytes::len).sum::<usize>() as u64;
        let rest = self.rest.size_hint();
        let mut hint = SizeHint::new();
        hint.set_lower(held.saturating_add(rest.lower()));
        if let Some(upper) = rest.upper() {
            hint.set_upper(held.saturating_add(upper));
        }
        hint
    }
}
