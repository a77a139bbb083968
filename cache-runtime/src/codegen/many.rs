//! `#[cache_many]`: a function for several ids, each of which has an entry.

use std::fmt;
use std::sync::Arc;

use crate::engine::call::Call;
use crate::engine::context::CallMode;
use crate::engine::many::{DetachableMany, Inline, ManyCall, Targets, run};
use crate::handle::Entry;
use crate::rt::park;
use crate::rt::stack::DeepFuture;
use crate::site::call_site::CallSite;
use crate::site::many_body::{ManyBody, SyncManyBody};
use crate::site::many_id::ManyId;
use crate::site::many_result::{Lost, ManyResult};
use crate::site::outcome::Value;
use crate::site::rules::ValueRules;
use crate::site::value_caps::ValueCaps;
use crate::types::error::Error;

/// The capabilities of the value of one id.
type EachCaps<V> = ValueCaps<Result<Option<V>, Lost>, V>;

/// One call of a function for several ids, described by generated code.
pub struct Many<T>(ManyCall<T>);

impl<T: ManyId> Many<T> {
    /// A call whose entries are those of the function itself: `call` describes the one of an id.
    pub fn new(ids: &[T], call: impl Fn(&T) -> Call) -> Self {
        Self(ManyCall::new(ids, |ids| {
            let mut calls: Vec<Call> = ids.iter().map(call).collect();
            let mode = CallMode::current();
            calls.iter_mut().for_each(|call| call.set_mode(mode));
            Targets::Own(calls)
        }))
    }

    /// `of = ..`: a call whose entries are those that `entry` returns.
    #[expect(clippy::needless_pass_by_value, reason = "generated code passes a function or a closure")]
    pub fn of<K>(
        site: &'static CallSite,
        identity: &'static str,
        when: bool,
        ids: &[T],
        entry: impl EntryOf<T, K>,
    ) -> Self {
        let mut call = Call::new(site, identity).when(when).made();
        call.enter();
        Self(ManyCall::new(ids, |ids| {
            let mut owner = None;
            let targets = ids.iter().map(|id| {
                let (cache, target) = entry.entry_of(id).into_parts()?;
                let owner = &*owner.get_or_insert_with(|| cache.clone());
                if Arc::ptr_eq(owner.core(), cache.core()) { Ok(target) } else { Err(several_caches()) }
            });
            let targets = targets.collect::<Result<_, _>>();
            if let Some(cache) = &owner {
                let _ = call.cache(cache);
            }
            Targets::Of(Box::new(call), targets)
        }))
    }
}

fn several_caches() -> Error {
    Error::config("of", "several caches", "the entries of one call must be in one cache")
}

/// A function or closure from an id of type `T` to its entry. `K` is the way in which it takes the id.
#[diagnostic::on_unimplemented(
    message = "`of` needs a function from `{T}` to an `Entry`",
    label = "does not take one id of type `{T}`, or returns no `Entry`",
    note = "take ids of the type that the entry function takes; where it takes more than the id, write `entry = user_entry(id)` in its `#[cache]`, or a closure here: `of = |id| user_entry(id, 0)`"
)]
pub trait EntryOf<T, K> {
    /// Returns the entry of an id.
    fn entry_of(&self, id: &T) -> Entry;
}

/// The id is taken by value.
#[derive(Debug)]
pub struct ByOwned;
/// The id is taken by reference.
#[derive(Debug)]
pub struct ByRef;
/// The id is a `String` that is taken as `&str`.
#[derive(Debug)]
pub struct ByText;

impl<T: Clone, F: Fn(T) -> Entry> EntryOf<T, ByOwned> for F {
    fn entry_of(&self, id: &T) -> Entry {
        self(id.clone())
    }
}

impl<T, F: Fn(&T) -> Entry> EntryOf<T, ByRef> for F {
    fn entry_of(&self, id: &T) -> Entry {
        self(id)
    }
}

impl<F: Fn(&str) -> Entry> EntryOf<String, ByText> for F {
    fn entry_of(&self, id: &String) -> Entry {
        self(id)
    }
}

/// Returns a closure, with the type of its argument inferred from the ids.
pub fn by_owned<T, F: Fn(T) -> Entry>(_: &[T], entry: F) -> F {
    entry
}

/// Runs an async function for several ids whose body borrows from its caller.
pub fn run_many<R, T, A, F, B>(
    many: Many<T>,
    caps: EachCaps<R::Value>,
    rules: A,
    body: B,
) -> impl Future<Output = R> + use<R, T, A, F, B>
where
    R: ManyResult<T>,
    R::Value: Value,
    T: Clone,
    A: ValueRules<R::Value>,
    F: Future<Output = R>,
    B: Fn(Vec<T>) -> F,
{
    DeepFuture::new(async move { run(&many.0, caps, &rules, Inline(body)).await })
}

/// Runs an async function for several ids whose body can also run in the background.
pub fn run_many_detachable<R, T, A, F, M>(
    many: Many<T>,
    caps: EachCaps<R::Value>,
    rules: A,
    body: M,
) -> impl Future<Output = R> + use<R, T, A, F, M>
where
    R: ManyResult<T> + 'static,
    R::Value: Value + Send + 'static,
    T: Clone + Send + Sync + 'static,
    A: ValueRules<R::Value> + Send + Sync + 'static,
    F: Future<Output = R>,
    M: Fn(Option<Vec<T>>) -> ManyBody<T, F>,
{
    DeepFuture::new(detachable(many, caps, rules, body, false))
}

/// Runs a synchronous function for several ids whose body borrows from its caller.
pub fn run_many_sync<R, T, A, F, B>(many: Many<T>, caps: EachCaps<R::Value>, rules: A, body: B) -> R
where
    R: ManyResult<T>,
    R::Value: Value,
    T: Clone,
    A: ValueRules<R::Value>,
    F: FnOnce() -> R,
    B: Fn(Vec<T>) -> F,
{
    let body = |ids| {
        let body = body(ids);
        async { park::unparked(body) }
    };
    park::block_on(run_many(many, caps, rules, body))
}

/// Runs a synchronous function for several ids whose body can also run in the background, on a thread where blocking is
/// allowed.
pub fn run_many_detachable_sync<R, T, A, F, M>(
    many: Many<T>,
    caps: EachCaps<R::Value>,
    rules: A,
    body: M,
) -> R
where
    R: ManyResult<T> + 'static,
    R::Value: Value + Send + 'static,
    T: Clone + Send + Sync + 'static,
    A: ValueRules<R::Value> + Send + Sync + 'static,
    F: FnOnce() -> R,
    M: Fn(Option<Vec<T>>) -> SyncManyBody<T, F, R>,
{
    let body = |ids| match body(ids) {
        SyncManyBody::Inline(body) => ManyBody::Inline(async { park::unparked(body) }),
        SyncManyBody::Background(body) => {
            ManyBody::background_needs_send(move |ids| async move { park::unparked(|| body(ids)) })
        }
    };
    park::block_on(detachable(many, caps, rules, body, true))
}

async fn detachable<R, T, A, F, M>(
    many: Many<T>,
    caps: EachCaps<R::Value>,
    rules: A,
    body: M,
    blocks: bool,
) -> R
where
    R: ManyResult<T> + 'static,
    R::Value: Value + Send + 'static,
    T: Clone + Send + Sync + 'static,
    A: ValueRules<R::Value> + Send + Sync + 'static,
    F: Future<Output = R>,
    M: Fn(Option<Vec<T>>) -> ManyBody<T, F>,
{
    let (call, rules) = (Arc::new(many.0), Arc::new(rules));
    let (own, own_rules) = (Arc::clone(&call), Arc::clone(&rules));
    run(&call, caps, &*rules, DetachableMany { call: own, caps, rules: own_rules, body, blocks }).await
}

impl<T> fmt::Debug for Many<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Many")
    }
}
