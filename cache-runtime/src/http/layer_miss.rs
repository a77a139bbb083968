//! The requests to a layer that no cached response answers.

use std::sync::Arc;

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use tower_service::Service;

use crate::engine::entry_op::EntryOp;
use crate::engine::entry_target::EntryTarget;
use crate::handle::Entry;
use crate::handle::cache::Cache;
use crate::site::body::RunMode;

use super::body_error::BodyError;
use super::client_conditions::ClientConditions;
use super::exchange::{ExchangeRules, ServiceCall};
use super::find::Start;
use super::key::{KeySource, ResponseKey, UrlKey};
use super::pass::PassStart;
use super::request::{CacheRequest, Freshness};
use super::rfc::revalidation;
use super::run::exchange;
use super::service::{BoxBody, CallResult, call, untouched};
use super::settings::LayerSettings;
use super::storability::DeclaredExpiry;

impl LayerSettings {
    /// Answers a request that the lookup did not answer.
    pub(super) async fn missed<S, I, B>(
        &self,
        op: EntryOp<'_>,
        (asked, freshness): (CacheRequest, Freshness),
        mut start: Box<Start>,
        inner: S,
        request: Request<I>,
    ) -> CallResult<B, S::Error>
    where
        S: Service<Request<I>, Response = Response<B>> + Send + 'static,
        S::Future: Send + 'static,
        S::Error: Send + 'static,
        I: Send + 'static,
        B: Body<Data = Bytes> + Send + 'static,
        B::Error: Into<BodyError> + Send,
    {
        if let Some(pass) = start.take_passing() {
            return Box::pin(self.pass(op, (asked, freshness), pass, inner, request)).await;
        }
        let host = self.host(request.uri(), request.headers()).map(Box::from);
        let service = self.service_call(inner, request, &freshness);
        self.exchanged(op, (asked, freshness), start, (service, host)).await
    }

    /// Calls the service for a request that passes, and stores the response if that may be cached.
    async fn pass<S, I, B>(
        &self,
        op: EntryOp<'_>,
        (asked, freshness): (CacheRequest, Freshness),
        pass: PassStart,
        inner: S,
        mut request: Request<I>,
    ) -> CallResult<B, S::Error>
    where
        S: Service<Request<I>, Response = Response<B>> + Send + 'static,
        S::Future: Send + 'static,
        S::Error: Send + 'static,
        I: Send + 'static,
        B: Body<Data = Bytes> + Send + 'static,
        B::Error: Into<BodyError> + Send,
    {
        // As for every first call of the service.
        if asked.is_conditional()
            && let Some(conditions) = ClientConditions::take(&mut request)
        {
            request.extensions_mut().insert(conditions);
        }
        let host = self.host(request.uri(), request.headers()).map(Box::from);
        let response = pass.run(&op, call(inner, request)).await.inspect_err(|_| pass.failed(&op))?;
        let declared = self.declared(&op);
        let credentials = self.options.told_credentials(&asked.headers, &op.core.credentials);
        match pass.passed(&op, (&asked, &self.options), &declared, response) {
            Ok(response) => Ok(self.with_vary(untouched(response), credentials.as_deref())),
            Err(response) => {
                let response = response.map(Box::pin);
                let service: ServiceCall<BoxBody<B>, S::Error> =
                    Box::new(move |_, _| Box::pin(std::future::ready(Ok(response))));
                let start = Start::passed(pass);
                Box::pin(self.exchanged(op, (asked, freshness), start, (service, host))).await
            }
        }
    }

    fn declared(&self, op: &EntryOp<'_>) -> DeclaredExpiry {
        DeclaredExpiry { expire: self.expire.unwrap_or(op.core.default_expire), policy: self.policy }
    }

    /// Sends a request that the lookup did not answer through the cache. `host` is part of the key.
    async fn exchanged<B, E>(
        &self,
        op: EntryOp<'_>,
        (asked, freshness): (CacheRequest, Freshness),
        start: Box<Start>,
        (service, host): (ServiceCall<BoxBody<B>, E>, Option<Box<str>>),
    ) -> CallResult<B, E>
    where
        B: Body<Data = Bytes> + Send + 'static,
        B::Error: Into<BodyError> + Send,
        E: Send + 'static,
    {
        self.declare_hosts(&Cache::of(Arc::clone(op.core)));
        let declared = self.declared(&op);
        let credentials = self.options.told_credentials(&asked.headers, &op.core.credentials);
        let rules = ExchangeRules {
            cache: Arc::clone(op.core),
            options: Arc::clone(&self.options),
            declared,
            values: Box::new(self.rules.clone()),
            can_detach: true,
            host,
        };
        let silence = op.silence.get().copy();
        let entry = Entry::new(Cache::of(Arc::clone(op.core)), Ok(EntryTarget::of(op)));
        let key = UrlKey { entry, name: Arc::clone(&self.name), silence };
        let key = ResponseKey::new(KeySource::Url(Arc::new(key)));
        // Boxed, so that a hit does not carry the room that everything else needs.
        let response = Box::pin(exchange(rules, (asked, freshness), key, *start, service)).await?;
        Ok(self.with_vary(response, credentials.as_deref()))
    }

    /// The call of the service for a request.
    fn service_call<S, I, B>(
        &self,
        inner: S,
        mut request: Request<I>,
        freshness: &Freshness,
    ) -> ServiceCall<BoxBody<B>, S::Error>
    where
        S: Service<Request<I>, Response = Response<B>> + Send + 'static,
        S::Future: Send + 'static,
        I: Send + 'static,
        B: Body + 'static,
    {
        // The service makes a whole response; the conditions of the client are judged here.
        let conditions = if freshness.is_storable { ClientConditions::take(&mut request) } else { None };
        let revalidates = self.options.obey_origin && freshness.is_storable;
        let is_refresh = freshness.is_refresh;
        Box::new(move |mode, known| {
            // A response that replaces another is for all clients.
            let is_first = mode == RunMode::Inline && known.is_none() && !is_refresh;
            if let Some(conditions) = conditions.filter(|_| is_first) {
                request.extensions_mut().insert(conditions);
            }
            if let Some(known) = known.filter(|_| revalidates) {
                revalidation::ask(request.headers_mut(), known.headers());
            }
            Box::pin(async move { call(inner, request).await.map(|response| response.map(Box::pin)) })
        })
    }
}
