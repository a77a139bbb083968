//! Expand: Model -> tokens. Nothing here can fail, and nothing here is imported by the readers.
//!
//! ```text
//! // Input:   #[cache(expire = "5m")]
//! //          async fn user(#[cache(ignore)] db: &Db, id: u64) -> Result<User, DbError> { BODY }
//! // Output:
//! async fn user(db: &Db, id: u64) -> Result<User, DbError> {
//!     static __CACHE_CALL_SITE: CallSite = CallSite::new(module_path!(), "user", file!(), line!(), Policy::new().expire(..));
//!     let __cache_shape = (&&&&Ret::<Result<User, DbError>>::new()).__cache_shape();
//!     let __cache_shape = (&&&&&cacheable::<Result<User, DbError>, _>(&__cache_shape)).__cache_cacheable().checked(__cache_shape);
//!     let __cache_caps = {
//!         let __cache_probe = value_caps::<Result<User, DbError>, _>(&__cache_shape);
//!         (&&&__cache_probe).__cache_caps().sharing(..).comparing(..)
//!     };
//!     let __cache_found = (&mut Call::new(&__CACHE_CALL_SITE, name_of(&|| {}))).args(|__cache_key| {
//!         { let __cache_part = &id; (&&&&probe::<InFunction, _>(__cache_part)).__cache_kind().put(__cache_part, __cache_key); }
//!     }).find(__cache_caps);
//!     let __cache_unless = NoUnless;
//!     let __cache_expire = NoExpireWith;
//!     let __cache_rules = Rules::new(__cache_unless, __cache_expire);
//!     run(__cache_found, __cache_shape, __cache_caps, __cache_rules, async move {
//!         if false { let __cache_never: Result<User, DbError> = loop {}; return __cache_never; }
//!         BODY
//!     })
//!     .await
//! }
//! ```
//!
//! The call is one expression, and its methods take it by reference: the call is moved only if its value is not found in the
//! process. `&mut` is written out, so that no method of a trait in the user's scope is preferred to ours. A function that returns a
//! boxed future has the same statements inside the box.
//!
//! With options that refresh in the background the last expression is another one, which `background` shows; with `response` so is
//! the signature, which `response` shows.
//!
//! All generated tokens have a span of the macro's own, so that generated names and the user's never meet and the user's lints do not
//! apply. Tokens that a compiler message should point at are located at the user's token.

pub(crate) mod item;

mod above;
mod background;
mod body;
mod call;
mod call_site;
mod entry;
mod key;
mod late;
mod many;
mod refusal;
mod response;
mod rules;
mod run;
