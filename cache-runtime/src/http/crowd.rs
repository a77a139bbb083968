//! Crowd: those who wait for a response while its body is collected.

use std::collections::VecDeque;

use bytes::Bytes;
use http::{Response, StatusCode, response};
use http_body::{Body, Frame, SizeHint};
use tokio::sync::mpsc;

use crate::site::rules::ValueRules;

use super::answer::{From, Signs, tell_times};
use super::body::{Audience, CacheBody, Piece};
use super::cached::CachedResponse;
use super::errand::Errand;
use super::judge::Kept;
use super::rfc::conditional::not_modified_headers;
use super::spot::Spot;

/// Those who wait for a response while its body is collected: its own client, and others who want the same.
pub(super) struct Crowd<'e, B: Body, E, A, M> {
    pub(super) errand: &'e Errand<B, E, A, M>,
    pub(super) spot: &'e Spot,
    pub(super) parts: &'e response::Parts,
    pub(super) kept: &'e Kept,
    pub(super) size: SizeHint,
}

impl<B, E, A, M> Audience<B> for Crowd<'_, B, E, A, M>
where
    B: Body<Data = Bytes> + Send + Unpin + 'static,
    B::Error: Send,
    A: ValueRules<CachedResponse>,
{
    fn share(&mut self, frames: &mut VecDeque<Frame<Bytes>>) -> Option<mpsc::UnboundedSender<Piece<B>>> {
        let Self { errand, parts, kept, size, .. } = self;
        if errand.options.looks {
            return None;
        }
        let client = errand.client()?;
        let (sender, pieces) = mpsc::unbounded_channel();
        let mut response = Response::new(CacheBody::shared(std::mem::take(frames), pieces, *size));
        *response.status_mut() = parts.status;
        let mut headers = parts.headers.clone();
        errand.options.pass_on(parts.status, &mut headers);
        tell_times(
            &mut headers,
            &kept.times,
            Some(kept.times.expires()),
            From::Miss,
            &errand.options,
            kept.times.received_ms,
        );
        let signs = Signs { from: From::Miss, field: &errand.cache.status_field, status: None };
        signs.mark(&mut headers);
        if errand.asked.knows(parts.status, &headers) {
            // The client has it, and what is collected is for others.
            headers = not_modified_headers(&headers);
            signs.mark(&mut headers);
            *response.status_mut() = StatusCode::NOT_MODIFIED;
            *response.body_mut() = CacheBody::default();
        }
        *response.headers_mut() = headers;
        // A client that went meanwhile is no reason not to keep what it asked for.
        client.send(response).ok().map(|()| sender)
    }

    fn is_patient(&mut self, is_shared: bool) -> bool {
        // The others are not to wait for what may have no end.
        if let Some(op) = self.spot.op() {
            op.core.flights.scatter(op.key.as_str());
        }
        is_shared
    }
}
