//! The settings of a layer.

use std::borrow::Cow;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use http::{HeaderMap, Uri, request};

use crate::engine::entry_op::EntryOp;
use crate::engine::function_ops::suffix;
use crate::engine::silence::SilenceOf;
use crate::handle::Entry;
use crate::handle::cache::Cache;
use crate::observe::stats::Tally;
use crate::observe::trace;
use crate::rt::caught::caught;
use crate::site::expiries::{Expiries, capped};
use crate::site::policy::Policy;
use crate::types::error::Error;
use crate::types::expire::Expire;
use crate::types::function_name::FunctionName;
use crate::types::key::Label;

use super::bypass_reason::BypassReason;
use super::client_uri::{is_rewritten, original_uri};
use super::guards::Guards;
use super::options::ResponseOptions;
use super::response_rules::ResponseRules;
use super::rfc::host::{NamedHost, named, normalize, text_of};
use super::rfc::url::{UrlRules, reduced, text};
use super::url_key::{METHOD, rewritten_end, url_key};

/// Makes the key of a request.
pub(super) type MakeKey = Arc<dyn Fn(&request::Parts) -> String + Send + Sync>;
/// Makes tags of a request.
pub(super) type MakeTags = Arc<dyn Fn(&request::Parts) -> Vec<String> + Send + Sync>;

/// The largest number of tags of a response.
const MOST_TAGS: usize = 64;

/// The name of a layer that has none.
const DEFAULT_NAME: &str = "http";

/// The settings of a layer.
#[derive(Clone)]
pub(super) struct LayerSettings {
    pub(super) cache: Option<Cache>,
    pub(super) options: Arc<ResponseOptions>,
    pub(super) policy: Policy,
    pub(super) expire: Option<Expire>,
    pub(super) url: UrlRules,
    /// The hosts whose requests are cached, as keys spell them; `None` for all.
    pub(super) hosts: Option<Box<[String]>>,
    pub(super) make_key: Option<MakeKey>,
    pub(super) group: Option<String>,
    pub(super) tags: Vec<String>,
    pub(super) make_tags: Vec<MakeTags>,
    /// The name in statistics, events, spans and metrics.
    pub(super) name: Arc<str>,
    /// The same for the envelopes of its entries.
    pub(super) function: &'static FunctionName,
    pub(super) guards: Guards,
    pub(super) rules: ResponseRules,
    /// The errors of setters.
    errors: Vec<Error>,
    /// The error of these settings, found and reported at the first request.
    reported: OnceLock<Option<Error>>,
}

impl LayerSettings {
    /// The defaults.
    pub(super) fn new() -> Self {
        Self {
            cache: None,
            options: Arc::new(ResponseOptions::new()),
            policy: Policy::new(),
            expire: None,
            url: UrlRules { authority: true, sort: true, allow: None },
            hosts: None,
            make_key: None,
            group: None,
            tags: Vec::new(),
            make_tags: Vec::new(),
            name: DEFAULT_NAME.into(),
            function: FunctionName::plain(DEFAULT_NAME),
            guards: Guards::default(),
            rules: ResponseRules::default(),
            errors: Vec::new(),
            reported: OnceLock::new(),
        }
    }

    /// Takes the error of a setter.
    pub(super) fn fail(&mut self, error: Error) {
        self.errors.push(error);
    }

    /// Forgets what was reported about other settings, and counts apart from a layer that has them.
    pub(super) fn changed(&mut self) {
        Arc::make_mut(&mut self.options);
        self.reported = OnceLock::new();
    }

    /// Returns the errors of these settings in one.
    pub(super) fn check(&self) -> Result<(), Error> {
        let mut policy = self.policy;
        policy.expire = match self.expire {
            Some(Expire::After(expire)) => Some(expire),
            Some(Expire::Never) | None => None,
        };
        if self.options.obey_origin {
            // The response decides about its expiry and its stale windows.
            (policy.expire, policy.stale_retry) = (None, None);
        }
        let contradiction = policy.contradiction().map(|reason| Error::config("policy", "..", reason));
        match Error::joined(self.errors.iter().cloned().chain(contradiction)) {
            Some(error) => Err(error),
            None => Ok(()),
        }
    }

    /// Returns the error of these settings, and logs it the first time.
    pub(super) fn error(&self) -> Option<&Error> {
        let report = || {
            let error = self.check().err();
            let name = &self.name;
            error.inspect(|error| {
                trace::warn(&format!("the `ResponseCacheLayer` `{name}` bypasses its cache: {error}"));
            })
        };
        self.reported.get_or_init(report).as_ref()
    }

    /// The cache of the layer, if there is one by now.
    pub(super) fn open_cache(&self) -> Option<Cache> {
        let cache = self.cache.clone().or_else(|| Cache::current().ok());
        cache.filter(|cache| cache.core().check_open().is_ok())
    }

    fn expiries(&self, cache: &Cache) -> Expiries {
        let mut expiries = Expiries::of(&self.policy, cache.core().default_expire);
        expiries.value = self.expire.map_or(expiries.value, capped);
        expiries
    }

    /// The access to the entry of a request; `None` if a closure panics or makes too many tags. `rewritten` is the end of its
    /// key.
    pub(super) fn op<'s>(
        &'s self,
        cache: &'s Cache,
        parts: &request::Parts,
        rewritten: &str,
    ) -> Option<EntryOp<'s>> {
        let core = cache.core();
        let version = suffix("", self.policy.version);
        let scoped;
        let scope = match self.group {
            None => cache,
            Some(_) => {
                scoped = self.scope(cache);
                &scoped
            }
        };
        let key = match &self.make_key {
            Some(_) => scope.key_of(&[&self.own_key(parts)?, &version]),
            None => {
                let uri = original_uri(&parts.uri, &parts.extensions);
                let url = text(uri, text_of(uri, &parts.headers), &self.url);
                scope.key_of(&[METHOD, &url, rewritten, &version])
            }
        };
        Some(EntryOp {
            core,
            key: Cow::Owned(key),
            tags: self.tags_of(parts)?.iter().map(|tag| core.tag(tag)).collect(),
            late_tags: 0,
            knows_tags: true,
            policy: &self.policy,
            expiries: self.expiries(cache),
            counters: Tally::Row(core.stats.row(&self.name)),
            function: &self.name,
            name: self.function,
            silence: SilenceOf::default(),
            waiting: None,
        })
    }

    /// The end of the key of a request whose URI a middleware rewrote below the router that the client reached; empty for all
    /// others.
    pub(super) fn rewritten(&self, parts: &request::Parts) -> String {
        let (uri, extensions) = (&parts.uri, &parts.extensions);
        if self.make_key.is_some() || !is_rewritten(original_uri(uri, extensions), uri, extensions) {
            return String::new();
        }
        rewritten_end(uri, text_of(uri, &parts.headers), &self.url)
    }

    /// The key that the layer's closure makes.
    pub(super) fn own_key(&self, parts: &request::Parts) -> Option<String> {
        let make = self.make_key.as_ref()?;
        caught(|| make(parts))
    }

    fn tags_of(&self, parts: &request::Parts) -> Option<Cow<'_, [String]>> {
        if self.make_tags.is_empty() {
            return Some(Cow::Borrowed(&self.tags));
        }
        let mut tags = self.tags.clone();
        for make in &self.make_tags {
            tags.extend(caught(|| make(parts))?);
        }
        // In one order: the tags of an entry are compared with those of the request.
        tags.sort_unstable();
        tags.dedup();
        (tags.len() <= MOST_TAGS).then_some(Cow::Owned(tags))
    }

    /// The entry of another URL of the same service, to be removed.
    pub(super) fn entry_of(&self, scope: &Cache, uri: &Uri, host: Option<&str>) -> Entry {
        self.entry_at(scope, &url_key(uri, host, &self.url), Vec::new())
    }

    /// The entry of a URL that a middleware rewrites to `rewritten`, to be removed.
    pub(super) fn entry_of_rewritten(
        &self,
        scope: &Cache,
        (uri, rewritten): (&Uri, &Uri),
        host: Option<&str>,
    ) -> Entry {
        let end = rewritten_end(rewritten, host, &self.url);
        self.entry_at(scope, &[url_key(uri, host, &self.url), end].concat(), Vec::new())
    }

    /// The entry with a key. Removing it needs no tags.
    pub(super) fn entry_at(&self, scope: &Cache, key: &str, tags: Vec<Label>) -> Entry {
        let key = scope.key(&[key, &suffix("", self.policy.version)].concat());
        Entry::keyed(scope, (key, tags), self.policy, self.expire, self.function)
    }

    /// Runs closures of the user on the parts of a request, with the URI that the client sent: a nested router of axum has
    /// removed a part of it.
    pub(super) fn with_client_uri<T>(
        &self,
        parts: &mut request::Parts,
        run: impl FnOnce(&request::Parts) -> T,
    ) -> T {
        if self.guards.when.is_empty() && self.make_key.is_none() && self.make_tags.is_empty() {
            return run(parts);
        }
        let uri = original_uri(&parts.uri, &parts.extensions).clone();
        let routed = std::mem::replace(&mut parts.uri, uri);
        let result = run(parts);
        parts.uri = routed;
        result
    }

    /// Removes the parameters that are no part of the key, so that the service does not see them either.
    pub(super) fn reduce(&self, parts: &mut request::Parts) {
        if let Some(uri) = reduced(&parts.uri, &self.url) {
            parts.uri = uri;
        }
        #[cfg(feature = "axum")]
        if let Some(original) = parts.extensions.get_mut::<axum::extract::OriginalUri>()
            && let Some(uri) = reduced(&original.0, &self.url)
        {
            original.0 = uri;
        }
    }

    /// Returns whether the host is part of the key.
    pub(super) fn separates_hosts(&self) -> bool {
        self.url.authority && self.make_key.is_none()
    }

    /// Returns the reason for which the host of a request keeps it from the cache, if it does. If a request names two, the
    /// service may read the other one, whose response must not be cached for this one.
    pub(super) fn refuses_host(&self, uri: &Uri, headers: &HeaderMap) -> Option<BypassReason> {
        if !self.separates_hosts() && self.hosts.is_none() {
            return None;
        }
        match (named(uri, headers), &self.hosts) {
            (NamedHost::Unclear, _) => Some(BypassReason::UnclearHost),
            (_, None) => None,
            (NamedHost::One(host), Some(hosts)) if host.is_among(hosts) => None,
            (host, Some(hosts)) => {
                let host = match host {
                    NamedHost::One(host) => Some(host.text()),
                    NamedHost::None | NamedHost::Unclear => None,
                };
                self.options.count_other_host(&self.name, host, hosts);
                Some(BypassReason::Host)
            }
        }
    }

    /// Spells the host of a request as its key does.
    pub(super) fn spell_host(&self, parts: &mut request::Parts) {
        if !self.separates_hosts() {
            return;
        }
        normalize(&mut parts.uri, &mut parts.headers);
        #[cfg(feature = "axum")]
        if let Some(original) = parts.extensions.get_mut::<axum::extract::OriginalUri>() {
            normalize(&mut original.0, &mut HeaderMap::new());
        }
    }

    /// The host of a request, if it is part of the key.
    pub(super) fn host<'p>(&self, uri: &'p Uri, headers: &'p HeaderMap) -> Option<&'p str> {
        self.separates_hosts().then(|| text_of(uri, headers))?
    }

    /// Notes the host of a request in any spelling, for evictions by a path alone.
    pub(super) fn note_own_host(&self, cache: &Cache, parts: &request::Parts) {
        if self.separates_hosts()
            && let NamedHost::One(host) = named(&parts.uri, &parts.headers)
        {
            cache.core().known_hosts.note(&host.text());
        }
    }

    /// Notes the hosts of `hosts`, for evictions by a path alone.
    pub(super) fn declare_hosts(&self, cache: &Cache) {
        if let Some(hosts) = self.hosts.as_deref().filter(|_| self.separates_hosts()) {
            cache.core().known_hosts.declare(hosts);
        }
    }

    /// The hosts that a URL without a host is about; `None` is the one of requests that name no host. Returns whether they
    /// are all.
    pub(super) fn hosts_of_path(&self, cache: &Cache) -> (Vec<Option<String>>, bool) {
        if !self.separates_hosts() {
            return (vec![None], true);
        }
        let (hosts, are_all) = match &self.hosts {
            Some(hosts) => (hosts.to_vec(), true),
            None => {
                let (hosts, are_all) = cache.core().known_hosts.all();
                (hosts.into_iter().map(String::from).collect(), are_all)
            }
        };
        (std::iter::once(None).chain(hosts.into_iter().map(Some)).collect(), are_all)
    }

    /// The cache, or its group.
    pub(super) fn scope(&self, cache: &Cache) -> Cache {
        self.group.as_deref().map_or_else(|| cache.clone(), |group| cache.group(group))
    }

    /// Takes the options that a policy sets, each as its setter does.
    pub(super) fn apply(&mut self, policy: Policy) {
        let unusable = [
            (policy.none_expire.is_some(), "none_expire", "a response is never `None`; remove it"),
            (policy.codec != crate::codec::Codec::Json, "codec", "a response is stored as bytes; remove it"),
        ];
        for (is_set, option, reason) in unusable {
            if is_set {
                self.fail(Error::config("policy", option, reason));
            }
        }
        let own = self.policy;
        let or = |new: Option<Duration>, own: Option<Duration>| new.or(own);
        self.expire = policy.expire.map(|expire| capped(Expire::After(expire))).or(self.expire);
        self.policy = Policy {
            expire: None,
            none_expire: None,
            codec: own.codec,
            compress: if policy.compress == crate::codec::Compress::None {
                own.compress
            } else {
                policy.compress
            },
            version: if policy.version == 0 { own.version } else { policy.version },
            stale_while_revalidate: or(policy.stale_while_revalidate, own.stale_while_revalidate),
            soft_timeout: or(policy.soft_timeout, own.soft_timeout),
            stale_if_error: or(policy.stale_if_error, own.stale_if_error),
            stale_retry: or(policy.stale_retry, own.stale_retry),
            refresh_ahead: policy.refresh_ahead.or(own.refresh_ahead),
            jitter: if policy.jitter == 0 { own.jitter } else { policy.jitter },
            local: or(policy.local, own.local),
            late_tags: false,
        };
    }
}
