//! A body that the test sends piece by piece.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use axum::body::{Body, Bytes};
use hyper::body::{Frame, SizeHint};
use larder::http::ResponseCacheLayer;
use support::stores::caches_with;
use support::wire::{Origin, Site, response};
use tokio::sync::mpsc;

pub(super) type Piece = Result<Frame<Bytes>, io::Error>;

/// A body that the test sends piece by piece.
pub(super) struct Fed {
    pub(super) pieces: mpsc::UnboundedReceiver<Piece>,
    pub(super) size: SizeHint,
}

impl hyper::body::Body for Fed {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Piece>> {
        self.pieces.poll_recv(context)
    }

    fn size_hint(&self) -> SizeHint {
        self.size
    }
}

/// The sending end of a [`Fed`] body.
#[derive(Clone, Default)]
pub(super) struct Feed(pub(super) Arc<Mutex<Option<mpsc::UnboundedSender<Piece>>>>);

impl Feed {
    /// Makes the body that receives the pieces from now on.
    pub(super) fn body(&self, size: SizeHint) -> Body {
        let (sender, pieces) = mpsc::unbounded_channel();
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(sender);
        Body::new(Fed { pieces, size })
    }

    pub(super) fn send(&self, text: &'static str) {
        self.give(Ok(Frame::data(Bytes::from_static(text.as_bytes()))));
    }

    pub(super) fn give(&self, piece: Piece) {
        let sender = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // The reader may be gone.
        drop(sender.as_ref().expect("it was asked").send(piece));
    }

    pub(super) fn end(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
    }
}

/// Makes sites whose origin sends the fed body to the first request; others get the number of the request.
pub(super) async fn fed(
    layer: ResponseCacheLayer,
    headers: &'static [(&'static str, &'static str)],
    size: SizeHint,
) -> Vec<(Site, Feed)> {
    let clock = larder::test_util::TestClock::new();
    let mut fed = Vec::new();
    for cache in caches_with(|builder| builder.clock(clock.clone())).await {
        let feed = Feed::default();
        let own = feed.clone();
        let origin = Origin::new(move |n, _| {
            Ok(response(200, headers, if n == 0 { own.body(size) } else { Body::from(n.to_string()) }))
        });
        let service = origin.behind(&layer.clone().cache(&cache));
        fed.push((Site::new(cache, clock.clone(), origin, service), feed));
    }
    fed
}

pub(super) fn minute() -> ResponseCacheLayer {
    ResponseCacheLayer::new().expire("1m")
}
