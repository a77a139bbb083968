//! One call of a function with an attribute, from its arguments to its key.

use std::fmt;
use std::sync::Arc;

use super::context::CallMode;
use super::core::{Core, label_text};
use super::owner::{AsCache, Owner};
use super::rare_parts::RareParts;
use crate::codec::Codec;
use crate::observe::stats::Tally;
use crate::observe::trace;
use crate::site::arguments::Arguments;
use crate::site::call_site::CallSite;
use crate::site::expiries::{Expiries, capped};
use crate::site::path::name_of;
use crate::site::policy::Policy;
use crate::site::text::Text;
use crate::types::error::Error;
use crate::types::expire::{Expire, IntoExpire};
use crate::types::key::{KeyEncoder, Label};

/// One call, described by generated code. A call stays in place for as long as it may be a hit in this process: moving
/// it would cost more than the lookup.
pub struct Call {
    site: &'static CallSite,
    /// The compiler's name of this instance of the function.
    identity: &'static str,
    /// The call is one of the function that `entry = ..` generates.
    is_entry: bool,
    owner: Owner,
    pub(crate) when: bool,
    expire: Option<Expire>,
    none_expire: Option<Expire>,
    args: KeyEncoder,
    /// True if `args` name the entry.
    has_args: bool,
    /// True if an argument outside the key holds the URL of the request.
    needs_url: bool,
    /// True if the key holds something that may tell users apart.
    is_personal: bool,
    /// True if an argument outside the key decides about the result of this call alone.
    pub(crate) bypasses: bool,
    mode: CallMode,
    /// The shape of the value as a codec stores it, where the codec may store values by position.
    shape: Option<fn(Codec) -> u64>,
    rare: RareParts,
}

impl Call {
    /// A call of the function at `site`; `identity` is the compiler's name of this instance of the function.
    #[inline]
    pub fn new(site: &'static CallSite, identity: &'static str) -> Self {
        Self {
            site,
            identity,
            is_entry: false,
            owner: Owner::current(),
            when: true,
            expire: None,
            none_expire: None,
            args: KeyEncoder::new(),
            has_args: false,
            needs_url: false,
            is_personal: false,
            bypasses: false,
            mode: CallMode::Normal,
            shape: None,
            rare: RareParts::none(),
        }
    }

    /// [`Call::new`] in the function that `entry = ..` generates.
    ///
    /// `closure` is one in that function; `entry` and `function` are the names of the two.
    pub fn of_entry<F>(
        site: &'static CallSite,
        closure: &F,
        entry: &'static str,
        function: &'static str,
    ) -> Self {
        let identity = site.entry_identity(name_of(closure), entry, function);
        Self { is_entry: true, ..Self::new(site, identity) }
    }

    /// `cache = ..`: this cache instead of the process-wide one.
    #[inline]
    #[must_use]
    pub fn cache<C: AsCache + ?Sized>(&mut self, cache: &C) -> &mut Self {
        self.owner = Owner::Explicit(Arc::clone(cache.as_core()));
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
            let group = self.noted(Text::write(write)).map(|text| label_text(&text).into_boxed_str());
            self.rare.make().group = group;
        }
        self
    }

    /// One of `tags = [..]`.
    #[inline]
    #[must_use]
    pub fn tag(&mut self, write: impl FnOnce(&mut Text)) -> &mut Self {
        if self.is_active()
            && let Some(text) = self.noted(Text::write_tag(write))
            && let Some(core) = self.core()
        {
            let label = core.tag(&text);
            // Two templates that give the same text are one tag.
            let tags = &mut self.rare.make().tags;
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
        // An earlier argument that makes the call bypass the cache would be one of these.
        if self.when && self.is_unique() {
            self.has_args = true;
            self.feed(feed);
        }
        self
    }

    /// The arguments outside the key, some of which matter by their types, and in a handler also those that the key holds.
    #[inline]
    #[must_use]
    pub fn beside(&mut self, feed: impl FnOnce(&mut Arguments<'_>)) -> &mut Self {
        if self.is_active() {
            self.feed(feed);
        }
        self
    }

    /// Adds one more part to the hashed arguments, unless the key was written as a text.
    #[cfg(feature = "axum")]
    pub(crate) fn add_key_part(&mut self, part: &str) {
        if self.has_args {
            self.args.part(part);
        }
    }

    /// The shape of the value, which is part of hashed keys.
    #[inline]
    #[must_use]
    pub fn shaped(&mut self, shape: fn(Codec) -> u64) -> &mut Self {
        self.shape = Some(shape);
        self
    }

    /// `key = ".."`.
    #[inline]
    #[must_use]
    pub fn text(&mut self, write: impl FnOnce(&mut Text)) -> &mut Self {
        if self.is_active() {
            let text = self.noted(Text::write(write));
            self.rare.make().text = text;
        }
        self
    }

    /// Moves the call out, because the methods that describe it return references.
    #[must_use]
    pub fn made(&mut self) -> Self {
        std::mem::replace(self, Self::new(self.site, ""))
    }

    /// Reads the mode that applies here: `refresh(..)`, `bypass(..)` or neither.
    #[inline]
    pub(crate) fn enter(&mut self) -> CallMode {
        self.mode = CallMode::current();
        self.mode
    }

    /// Sets the mode.
    pub(crate) fn set_mode(&mut self, mode: CallMode) {
        self.mode = mode;
    }

    /// The mode that applied when the call was looked up.
    pub(crate) fn mode(&self) -> CallMode {
        self.mode
    }

    /// Returns whether an argument outside the key holds the URL of the request.
    #[cfg(feature = "axum")]
    pub(crate) fn needs_url(&self) -> bool {
        self.needs_url
    }

    /// Returns whether the key holds something that may tell users apart.
    #[cfg(feature = "axum")]
    pub(crate) fn is_personal(&self) -> bool {
        self.is_personal
    }

    /// Makes the call run uncached.
    #[inline]
    pub(crate) fn set_bypassed(&mut self) {
        self.bypasses = true;
        // Without a key there is no lookup in this process either.
        self.has_args = false;
        if let Some(rare) = self.rare.get_mut() {
            rare.text = None;
        }
    }

    #[inline]
    pub(crate) fn site(&self) -> &'static CallSite {
        self.site
    }

    /// The options that are constant.
    #[inline]
    pub(crate) fn policy(&self) -> &Policy {
        &self.site.policy
    }

    /// The expiries of this call: computed ones take precedence over constant ones.
    pub(crate) fn expiries(&self, default: Expire) -> Expiries {
        let mut expiries = Expiries::of(&self.site.policy, default);
        expiries.value = self.expire.map_or(expiries.value, capped);
        expiries.none = self.none_expire.map(capped).or(expiries.none);
        expiries
    }

    /// True for a call with nothing but arguments.
    #[inline]
    pub(super) fn is_ordinary(&self) -> bool {
        self.rare.are_none()
    }

    /// The first error in the description.
    pub(crate) fn error(&self) -> Option<&Error> {
        self.rare.get()?.error.as_ref()
    }

    pub(crate) fn group_name(&self) -> Option<&str> {
        self.rare.get()?.group.as_deref()
    }

    pub(crate) fn tags(&self) -> &[Label] {
        self.rare.get().map_or(&[], |rare| &rare.tags)
    }

    /// The shape of the value, for a codec that stores values by position; else 0.
    pub(crate) fn shape(&self) -> u64 {
        self.shape.map_or(0, |shape| shape(self.policy().codec))
    }

    /// The hashed arguments, where they name the entry.
    #[inline]
    pub(crate) fn hashed_args(&self) -> Option<&KeyEncoder> {
        self.has_args.then_some(&self.args)
    }

    #[inline]
    pub(crate) fn counters(&self, core: &Core) -> Tally<'_> {
        self.site.tally(core.id, self.identity(), &core.stats)
    }

    /// The name of the function, for people.
    #[inline]
    pub(crate) fn function(&self) -> &str {
        self.site.name(self.identity())
    }

    /// The name of this instance of the function.
    #[inline]
    pub(crate) fn identity(&self) -> &'static str {
        self.identity
    }

    /// Returns whether this is the call of the function that `entry = ..` generates.
    #[inline]
    pub(crate) fn is_entry(&self) -> bool {
        self.is_entry
    }

    /// `key = ".."`, written.
    #[inline]
    pub(crate) fn key_text(&self) -> Option<&str> {
        self.rare.get()?.text.as_deref()
    }

    /// The cache of this call, whether the call uses it or not.
    #[inline]
    pub(crate) fn core(&self) -> Option<&Arc<Core>> {
        self.owner.core()
    }

    /// Warns once per process that a cached function ran before there was a cache.
    pub(crate) fn warn_if_early(&self) {
        use std::sync::Once;
        static EARLY: Once = Once::new();
        if self.when {
            EARLY.call_once(|| {
                trace::warn(&format!(
                    "`{}` ran uncached: there is no process-wide cache yet; call `larder::Cache::builder()..init()` at start-up",
                    self.function()
                ));
            });
        }
    }

    #[inline]
    pub(crate) fn is_active(&self) -> bool {
        self.when && !self.bypasses && self.core().is_some() && self.is_unique()
    }

    /// Returns `false` for the second of two functions with one path.
    #[inline]
    fn is_unique(&self) -> bool {
        // The function that `entry = ..` generates deliberately uses the cached function's path, so its identity is not
        // unique.
        self.is_entry || self.site.is_unique(self.identity)
    }

    #[inline]
    fn feed(&mut self, feed: impl FnOnce(&mut Arguments<'_>)) {
        let Some(core) = self.owner.core() else { return };
        let mut arguments = Arguments::new(&mut self.args, &core.ignored);
        feed(&mut arguments);
        self.needs_url |= arguments.needs_url();
        self.is_personal |= arguments.is_personal();
        if arguments.bypasses() {
            self.set_bypassed();
        }
    }

    /// Returns a text, or remembers the error.
    fn noted(&mut self, text: Result<String, Error>) -> Option<String> {
        match text {
            Ok(text) => Some(text),
            Err(error) => {
                self.rare.make().error = Some(error);
                None
            }
        }
    }

    fn declared(&mut self, option: &'static str, expire: impl IntoExpire) -> Option<Expire> {
        match expire.into_expire() {
            Ok(expire) => Some(expire),
            Err(error) => {
                self.rare.make().error = Some(match error {
                    Error::Config { value, reason, .. } => Error::Config { setting: option, value, reason },
                    other => other,
                });
                None
            }
        }
    }
}

impl fmt::Debug for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Neither arguments nor key: they may hold what must not be logged.
        f.debug_struct("Call").field("function", &self.site.source_path()).finish_non_exhaustive()
    }
}
