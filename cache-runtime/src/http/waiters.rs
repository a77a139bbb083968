//! The clients that wait for a response while its body is collected.

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;
use http::{Response, StatusCode, response};
use http_body::{Body, Frame, SizeHint};
use tokio::sync::mpsc;

use super::begun_frames::BegunFrames;
use super::body::{BodyPiece, CacheBody};
use super::body_budget::Reservation;
use super::body_error::BodyError;
use super::client_times::ClientTimes;
use super::collect::Waiters;
use super::exchange::Exchange;
use super::key::ResponseKey;
use super::normalize::strip_ranges;
use super::rfc::conditional::not_modified_headers;
use super::status_headers::CacheResult;
use super::times::ResponseTimes;

/// The clients that wait for a response while its body is collected: the one whose request it is, and others that want the
/// same response.
pub(super) struct BodyWaiters<'e, B: Body, E> {
    pub(super) exchange: &'e Exchange<B, E>,
    pub(super) key: &'e ResponseKey,
    pub(super) parts: &'e response::Parts,
    pub(super) times: &'e ResponseTimes,
    pub(super) size: SizeHint,
}

impl<B, E> Waiters<B> for BodyWaiters<'_, B, E>
where
    B: Body<Data = Bytes> + Send + Unpin + 'static,
    B::Error: Into<BodyError> + Send,
{
    fn share(
        &mut self,
        frames: &mut VecDeque<Frame<Bytes>>,
        memory: &Arc<Reservation>,
    ) -> Option<mpsc::UnboundedSender<BodyPiece<B>>> {
        let Self { exchange, parts, times, size, .. } = self;
        let options = exchange.options();
        if options.looks {
            return None;
        }
        let client = exchange.take_client()?;
        let (sender, pieces) = mpsc::unbounded_channel();
        let frames = BegunFrames::new(std::mem::take(frames), Arc::clone(memory));
        let mut response = Response::new(CacheBody::shared(frames, pieces, *size));
        *response.status_mut() = parts.status;
        let mut headers = parts.headers.clone();
        options.pass_on(parts.status, &mut headers);
        if !options.obey_origin {
            strip_ranges(&mut headers);
        }
        let own = exchange.request.client_max_age.or(options.client_max_age);
        let max_age = own.or(exchange.rules.cache.client_max_age);
        let is_personal = exchange.request.is_personal;
        let (result, now_ms) = (CacheResult::Miss, times.received_ms);
        let told = ClientTimes { options, max_age, is_personal, result, now_ms };
        told.of((parts.status, &parts.headers), times, || times.expires()).write(&mut headers);
        let status_headers =
            exchange.status_headers(CacheResult::Miss, Some(exchange.forwarded(parts.status, false)));
        status_headers.add(&mut headers);
        if exchange.request.knows(parts.status, &headers) {
            // The client has the response, and the body is collected for others.
            headers = not_modified_headers(&headers);
            status_headers.add(&mut headers);
            *response.status_mut() = StatusCode::NOT_MODIFIED;
            *response.body_mut() = CacheBody::default();
        }
        *response.headers_mut() = headers;
        *response.extensions_mut() = exchange.take_extensions();
        // Where the client has gone meanwhile, its response is stored all the same.
        client.send(response).ok().map(|()| sender)
    }

    fn waits_for_body(&mut self, is_shared: bool) -> bool {
        // The other clients do not wait for a body that may have no end.
        if let Some(op) = self.key.op() {
            op.core.flights.release_waiters(op.key.as_str());
        }
        is_shared
    }
}
