//! Call: one call of a function with an attribute on it, from its arguments to its key.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use crate::engine::context::CallMode;
use crate::engine::core::Core;
use crate::engine::core::label_text;
use crate::engine::entry_op::EntryOp;
use crate::handle::cache::Cache;
use crate::handle::global;
use crate::handle::{Entry, Target};
use crate::observe::stats::Tally;
use crate::observe::trace;
use crate::site::call_site::CallSite;
use crate::site::expiries::Expiries;
use crate::site::expiries::capped;
use crate::site::outcome::ValueCaps;
use crate::site::policy::Policy;
use crate::site::probe::Arguments;
use crate::site::text::Text;
use crate::types::error::Error;
use crate::types::expire::{Expire, IntoExpire};
use crate::types::key::{KeyEncoder, Label, hex};

/// One call, while generated code describes it. It stays where it was made for as long as it may be a hit in this
/// process: moving it would take longer than the look at the table.
pub struct Call {
    site: &'static CallSite,
    /// The compiler's name of this instance of the function.
    identity: &'static str,
    cache: Owner,
    when: bool,
    expire: Option<Expire>,
    none_expire: Option<Expire>,
    args: KeyEncoder,
    /// Whether `args` name the entry.
    has_args: bool,
    /// Whether an argument that is no part of the key may tell who a request is from.
    tells_who: bool,
    /// Whether one tells what URL was asked for.
    tells_where: bool,
    /// What it does with the cache, from [`Call::find`] on.
    mode: CallMode,
    /// Apart: most calls have nothing of it, and every hit drops what is here.
    more: Option<Box<More>>,
}

/// What only some calls have.
#[derive(Default)]
struct More {
    /// In place of the compiler's name.
    identity: Option<String>,
    group: Option<Box<str>>,
    tags: Vec<Label>,
    /// `key = ".."`: names the entry in place of the arguments.
    text: Option<String>,
    error: Option<Error>,
}

/// What [`Call::find`] found.
pub enum Found<V> {
    /// The value, in this process.
    Local(V),
    /// Nothing yet: the call goes to the store.
    Remote(Arc<Call>),
}

/// The cache a call uses. The global one is borrowed: counting its references on every call would make all threads
/// write to one place.
enum Owner {
    Global(&'static Cache),
    Own(Cache),
    Nobody,
}

impl Call {
    /// A call of the function at `site`; `identity` is the compiler's name of this instance of it.
    #[inline]
    pub fn new(site: &'static CallSite, identity: &'static str) -> Self {
        Self {
            site,
            identity,
            cache: global::get().map_or(Owner::Nobody, Owner::Global),
            when: true,
            expire: None,
            none_expire: None,
            args: KeyEncoder::new(),
            has_args: false,
            tells_who: false,
            tells_where: false,
            mode: CallMode::Normal,
            more: None,
        }
    }

    /// [`Call::new`] in the function that `entry = ..` generates.
    pub fn of_entry(site: &'static CallSite, identity: Cow<'static, str>) -> Self {
        match identity {
            Cow::Borrowed(identity) => Self::new(site, identity),
            Cow::Owned(identity) => {
                let mut call = Self::new(site, "");
                call.more().identity = Some(identity);
                call
            }
        }
    }

    /// `cache = ..`: this cache instead of the global one.
    #[inline]
    #[must_use]
    pub fn cache<C: AsCache + ?Sized>(&mut self, cache: &C) -> &mut Self {
        self.cache = Owner::Own(cache.as_cache().clone());
        self
    }

    /// `when = ..`: whether to use the cache at all.
    #[inline]
    #[must_use]
    pub fn when(&mut self, when: bool) -> &mut Self {
        self.when = when;
        self
    }

    /// `expire = ..` that is not a literal.
    #[inline]
    #[must_use]
    pub fn expire(&mut self, expire: impl IntoExpire) -> &mut Self {
        self.expire = self.declared("expire", expire);
        self
    }

    /// `none_expire = ..` that is not a literal.
    #[inline]
    #[must_use]
    pub fn none_expire(&mut self, expire: impl IntoExpire) -> &mut Self {
        self.none_expire = self.declared("none_expire", expire);
        self
    }

    /// `group = ".."`.
    #[inline]
    #[must_use]
    pub fn group(&mut self, write: impl FnOnce(&mut Text)) -> &mut Self {
        if self.is_active() {
            let group = self.written(write).map(|text| label_text(&text).into_boxed_str());
            self.more().group = group;
        }
        self
    }

    /// One of `tags = [..]`.
    #[inline]
    #[must_use]
    pub fn tag(&mut self, write: impl FnOnce(&mut Text)) -> &mut Self {
        if self.is_active()
            && let Some(text) = self.written(write)
            && let Some(cache) = self.owner()
        {
            let label = cache.core().tag(&text);
            // The same text from two templates is one tag.
            let tags = &mut self.more().tags;
            if !tags.contains(&label) {
                tags.push(label);
            }
        }
        self
    }

    /// The arguments that make the key.
    #[inline]
    #[must_use]
    pub fn args(&mut self, feed: impl FnOnce(&mut Arguments<'_>)) -> &mut Self {
        if self.is_active() {
            self.has_args = true;
            if let Owner::Global(Cache { core, .. }) | Owner::Own(Cache { core, .. }) = &self.cache {
                let mut arguments = Arguments::new(&mut self.args, &core.ignored);
                feed(&mut arguments);
                self.tells_who = arguments.tell_who();
                self.tells_where = arguments.tell_where();
            }
        }
        self
    }

    /// What else the arguments are hashed with, unless the key was written as a text.
    #[cfg(feature = "axum")]
    pub(crate) fn beside(&mut self, part: &str) {
        if self.has_args {
            self.args.part(part);
        }
    }

    /// `key = ".."`.
    #[inline]
    #[must_use]
    pub fn text(&mut self, write: impl FnOnce(&mut Text)) -> &mut Self {
        if self.is_active() {
            let text = self.written(write);
            self.more().text = text;
        }
        self
    }

    /// The handle that `entry = ..` returns.
    #[inline]
    pub fn entry(&mut self) -> Entry {
        let cache = match &self.cache {
            Owner::Global(cache) => Ok((*cache).clone()),
            Owner::Own(cache) => Ok(cache.clone()),
            Owner::Nobody => Err(Error::NotInitialised),
        };
        match cache {
            Ok(cache) => {
                let made = self.op().unwrap_or(Err(Error::Closed));
                Entry::made(cache, made.map(Target::of))
            }
            Err(error) => Entry::unusable(error),
        }
    }

    /// The value that these very arguments led to before, if it is in this process.
    #[inline]
    pub fn find<R, V>(&mut self, kept: ValueCaps<R, V>) -> Found<V> {
        self.mode = CallMode::current();
        if self.mode == CallMode::Normal
            && let Some(value) = crate::engine::local_hit::typed(self, kept.clone)
        {
            return Found::Local(value);
        }
        Found::Remote(self.away())
    }

    #[cold]
    fn away(&mut self) -> Arc<Self> {
        Arc::new(self.made())
    }

    /// The call, once it is described, for who has to keep it.
    #[must_use]
    pub fn made(&mut self) -> Self {
        std::mem::replace(self, Self::new(self.site, ""))
    }

    /// What it does with the cache, once [`Call::find`] asked.
    pub(crate) fn mode(&self) -> CallMode {
        self.mode
    }

    /// The call with its key, or `None` when it is to run uncached. `Err` when its arguments cannot be made a key.
    pub(crate) fn op(&self) -> Option<Result<EntryOp<'_>, Error>> {
        let cache = self.owner()?;
        let core = cache.shared();
        let (identity, label) = (self.identity(), self.label());
        let more = self.more.as_deref();
        if let Some(error) = more.and_then(|more| more.error.as_ref()) {
            return Some(Err(error.clone()));
        }
        let group = more.and_then(|more| more.group.as_deref());
        let key = match self.own_text() {
            Some(text) => {
                let marks = marks(&self.site.instance(identity), self.site.policy.version);
                core.key(group, &[text, &marks])
            }
            None if self.has_args => {
                let args = match self.args.key() {
                    Ok(args) => args,
                    Err(error) => return Some(Err(error)),
                };
                let salt = match self.own_identity() {
                    None => self.site.remembered_salt(self.identity),
                    Some(identity) => self.site.salt(identity),
                };
                let digest = hex(&args.digest(&salt));
                core.key(group, &[label, ":", std::str::from_utf8(&digest).unwrap_or_default()])
            }
            None => return None,
        };
        let mut expiries = Expiries::of(&self.site.policy, core.default_expire);
        expiries.value = self.expire.map_or(expiries.value, capped);
        expiries.none = self.none_expire.map(capped).or(expiries.none);
        Some(Ok(EntryOp {
            core,
            key,
            tags: Cow::Borrowed(more.map_or(&[], |more| &more.tags)),
            knows_tags: true,
            policy: self.site.policy,
            expiries,
            counters: self.counters(core),
            label,
        }))
    }

    /// Whether a cookie may decide about the response of a handler: one that it can see, or may see.
    #[cfg(feature = "axum")]
    pub(crate) fn minds_cookies(&self) -> bool {
        self.tells_who || self.own_text().is_some()
    }

    /// Whether the URL decides about the response of a handler, beside what its other arguments hold of it.
    #[cfg(feature = "axum")]
    pub(crate) fn minds_url(&self) -> bool {
        self.tells_where
    }

    /// What the memory tier may be asked with before a key text is built: site, instance and arguments.
    #[inline]
    pub(crate) fn call_key(&self) -> Option<(&Core, crate::store::memory::CallKey<'_>)> {
        let is_apart = |more: &More| more.group.is_some() || more.error.is_some() || more.identity.is_some();
        if self.more.as_deref().is_some_and(is_apart) {
            return None;
        }
        let args = match self.own_text() {
            Some(text) => text.as_bytes(),
            None if self.has_args => self.args.short()?,
            None => return None,
        };
        let core = self.owner()?.core();
        Some((core, crate::store::memory::CallKey::new(self.site, self.identity, args)))
    }

    /// What the attribute says.
    #[inline]
    pub(crate) fn policy(&self) -> &Policy {
        &self.site.policy
    }

    #[inline]
    pub(crate) fn counters(&self, core: &Core) -> Tally<'_> {
        self.site.tally(core.id, self.identity(), &core.stats)
    }

    #[inline]
    pub(crate) fn label(&self) -> &str {
        self.site.label(self.identity())
    }

    /// The name of this instance of the function.
    #[inline]
    fn identity(&self) -> &str {
        self.own_identity().unwrap_or(self.identity)
    }

    /// One that was made up for the function that `entry = ..` generates.
    #[inline]
    fn own_identity(&self) -> Option<&str> {
        self.more.as_ref()?.identity.as_deref()
    }

    #[inline]
    fn own_text(&self) -> Option<&str> {
        self.more.as_ref()?.text.as_deref()
    }

    #[cold]
    fn more(&mut self) -> &mut More {
        self.more.get_or_insert_default()
    }

    /// The cache of this call, whether it uses it or not.
    #[inline]
    pub(crate) fn owner(&self) -> Option<&Cache> {
        match &self.cache {
            Owner::Global(cache) => Some(cache),
            Owner::Own(cache) => Some(cache),
            Owner::Nobody => None,
        }
    }

    /// Says once per process that a cached function ran before there was a cache.
    pub(crate) fn warn_if_early(&self) {
        use std::sync::Once;
        static EARLY: Once = Once::new();
        if self.when {
            EARLY.call_once(|| {
                trace::warn(&format!(
                    "`{}` ran uncached: there is no process-wide cache yet; call `larder::Cache::builder()..init()` at start-up",
                    self.site.written()
                ));
            });
        }
    }

    #[inline]
    pub(crate) fn is_active(&self) -> bool {
        // The function that `entry = ..` generates goes by the path of the cached one on purpose; its name is made up.
        let unique = self.own_identity().is_some() || self.site.is_unique(self.identity);
        self.when && self.owner().is_some() && unique
    }

    fn written(&mut self, write: impl FnOnce(&mut Text)) -> Option<String> {
        match Text::write(write) {
            Ok(text) => Some(text),
            Err(error) => {
                self.more().error = Some(error);
                None
            }
        }
    }

    fn declared(&mut self, option: &'static str, expire: impl IntoExpire) -> Option<Expire> {
        match expire.into_expire() {
            Ok(expire) => Some(expire),
            Err(error) => {
                self.more().error = Some(match error {
                    Error::Config { value, reason, .. } => Error::Config { setting: option, value, reason },
                    other => other,
                });
                None
            }
        }
    }
}

/// What keeps instances of a generic function and versions apart, behind the text of a template.
pub(crate) fn marks(instance: &str, version: u32) -> String {
    let mut marks = String::new();
    if !instance.is_empty() {
        marks.push('~');
        marks.push_str(&crate::site::call_site::dotted(instance));
    }
    if version > 0 {
        marks.push_str(&format!("~v{version}"));
    }
    marks
}

impl fmt::Debug for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Neither arguments nor key: they may hold what must not be logged.
        f.debug_struct("Call").field("function", &self.site.written()).finish_non_exhaustive()
    }
}

impl<V> fmt::Debug for Found<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Local(_) => "Local",
            Self::Remote(_) => "Remote",
        })
    }
}

/// What `cache = ..` takes: a [`Cache`], a reference to one or an `Arc` of one.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a cache",
    label = "expected a `larder::Cache`, a reference to one or an `Arc` of one"
)]
pub trait AsCache {
    /// The cache.
    fn as_cache(&self) -> &Cache;
}
impl AsCache for Cache {
    fn as_cache(&self) -> &Cache {
        self
    }
}
impl<C: AsCache + ?Sized> AsCache for &C {
    fn as_cache(&self) -> &Cache {
        (**self).as_cache()
    }
}
impl<C: AsCache + ?Sized> AsCache for Arc<C> {
    fn as_cache(&self) -> &Cache {
        (**self).as_cache()
    }
}
