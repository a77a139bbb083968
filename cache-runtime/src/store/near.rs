//! Near: the local tier of a cache, if it has one. Compiled to nothing without both features that it is made of.

use std::time::Duration;

use bytes::Bytes;

use super::AnyStore;
use crate::types::key::{Key, Label, Labels};

#[cfg(feature = "redis")]
mod on {
    use std::any::Any;
    use std::sync::{Arc, OnceLock};

    use super::*;
    use crate::handle::builder::Builder;
    use crate::observe::trace;
    use crate::store::local::{Local, LocalTier, ReadMark};
    use crate::store::memory::CallKey;
    use crate::types::clock::Clock;

    /// The local tier, opened when it is first wanted: by the builder, or by a function.
    #[derive(Default)]
    pub(crate) struct Near {
        settings: LocalTier,
        /// How long copies live of functions that do not say.
        life: Option<Duration>,
        prefix: String,
        max_value: usize,
        clock: Clock,
        local: OnceLock<Option<Local>>,
    }

    /// Where copies of one function are, and how long they may live.
    #[derive(Clone, Copy)]
    pub(crate) struct Beside<'a> {
        local: &'a Local,
        life: Duration,
    }

    impl Near {
        /// The settings of a builder that was checked.
        pub(crate) fn new(builder: &Builder, life: Option<Duration>, prefix: &str) -> Self {
            Self {
                settings: builder.local.clone().unwrap_or_default(),
                life,
                prefix: prefix.to_owned(),
                max_value: builder.max_value,
                clock: builder.clock.clone(),
                local: OnceLock::new(),
            }
        }

        /// Opens it now, if the builder asked for it.
        pub(crate) fn open(&self, tier: &AnyStore) {
            if self.life.is_some() {
                let _ = self.local(tier);
            }
        }

        /// Copies for a function that says `local` = this, or nothing.
        #[inline]
        pub(crate) fn beside<'a>(&'a self, tier: &AnyStore, own: Option<Duration>) -> Option<Beside<'a>> {
            let life = own.or(self.life)?;
            Some(Beside { local: self.local(tier)?, life })
        }

        #[inline]
        fn local(&self, tier: &AnyStore) -> Option<&Local> {
            match self.local.get() {
                Some(local) => local.as_ref(),
                None => self.made(tier),
            }
        }

        #[cold]
        fn made(&self, tier: &AnyStore) -> Option<&Local> {
            let make = || {
                // Memory has its values in this process already.
                let redis = tier.as_redis()?;
                let made = Local::open(redis, &self.prefix, self.max_value, &self.settings, &self.clock);
                made.inspect_err(|error| trace::warn(&format!("there is no local tier: {error}"))).ok()
            };
            self.local.get_or_init(make).as_ref()
        }

        fn opened(&self) -> Option<&Local> {
            self.local.get().and_then(Option::as_ref)
        }

        /// Drops the copy of an entry that this process has changed: it need not wait to be told.
        pub(crate) fn forget(&self, key: &Key) {
            self.opened().inspect(|local| local.forget(key.as_str()));
        }

        /// Drops all copies under labels that this process has dropped.
        pub(crate) fn forget_labels(&self, labels: &[Label]) {
            if let Some(local) = self.opened() {
                labels.iter().for_each(|label| local.forget(label.as_str()));
            }
        }

        /// Drops every copy.
        pub(crate) fn clear(&self) {
            self.opened().inspect(|local| local.clear());
        }

        /// Whether the stream of changes is healthy; `None` where nobody wants it.
        pub(crate) fn is_healthy(&self) -> Option<bool> {
            self.opened().map(Local::is_healthy)
        }
    }

    impl Beside<'_> {
        /// What is to be noted before an entry is read.
        pub(crate) fn mark(self, key: &Key, labels: Labels<'_>) -> ReadMark {
            self.local.mark(key, labels)
        }

        /// Keeps a copy of what was read since the mark; `left` is how much longer it is fresh.
        pub(crate) fn fill(
            self,
            mark: ReadMark,
            key: &Key,
            labels: Labels<'_>,
            bytes: &Bytes,
            left: Option<Duration>,
        ) {
            let life = left.map_or(self.life, |left| left.min(self.life));
            if !life.is_zero() {
                self.local.fill(mark, key, labels, bytes, life);
            }
        }

        /// The copy of an entry.
        pub(crate) fn bytes(self, key: &Key) -> Option<Bytes> {
            self.local.bytes(key)
        }

        /// The value that these arguments led to.
        #[inline]
        pub(crate) fn typed<V>(
            self,
            call_key: &CallKey<'_>,
            copy: fn(&(dyn Any + Send + Sync)) -> Option<V>,
        ) -> Option<V> {
            self.local.typed(call_key, copy)
        }

        /// Remembers the value decoded from `bytes`.
        pub(crate) fn insert_typed(
            self,
            call_key: &CallKey<'_>,
            key: &Key,
            bytes: &Bytes,
            value: impl FnOnce() -> Arc<dyn Any + Send + Sync>,
        ) {
            self.local.insert_typed(call_key, key, bytes, value);
        }
    }
}

#[cfg(not(feature = "redis"))]
mod off {
    use super::*;

    /// There is none.
    #[derive(Default)]
    pub(crate) struct Near;

    /// There never is one.
    #[derive(Clone, Copy)]
    pub(crate) enum Beside {}

    impl Near {
        pub(crate) fn open(&self, _: &AnyStore) {}
        pub(crate) fn beside(&self, _: &AnyStore, _: Option<Duration>) -> Option<Beside> {
            None
        }
        pub(crate) fn forget(&self, _: &Key) {}
        pub(crate) fn forget_labels(&self, _: &[Label]) {}
        pub(crate) fn clear(&self) {}
        pub(crate) fn is_healthy(&self) -> Option<bool> {
            None
        }
    }

    impl Beside {
        pub(crate) fn mark(self, _: &Key, _: Labels<'_>) {}
        pub(crate) fn fill(self, (): (), _: &Key, _: Labels<'_>, _: &Bytes, _: Option<Duration>) {}
        pub(crate) fn bytes(self, _: &Key) -> Option<Bytes> {
            match self {}
        }
    }
}

#[cfg(not(feature = "redis"))]
pub(crate) use self::off::Near;
#[cfg(feature = "redis")]
pub(crate) use self::on::Near;
