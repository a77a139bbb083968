//! Types that are no part of any key.

use std::sync::{Arc, Mutex, RwLock};

/// Leaves a type out of every key: connection pools, clients, loggers.
///
/// ```
/// # use larder_runtime as larder;
/// struct Db;
/// impl larder::IgnoreInKey for Db {}
/// ```
///
/// `#[derive(larder::IgnoreInKey)]` writes the same line. References to the type, and `Arc`, `Box`, `Option`, `Result`, `Mutex`
/// and `RwLock` of it, are left out as well; with the feature `axum` so is `Extension<Db>`. To leave out one argument of one
/// function, write `#[cache(ignore)]` before it or `ignore(name)` in the attribute.
///
/// A value that differs between users, such as a session, is not for this trait: all users would share the entries. Derive
/// `serde::Serialize` for its type instead, and it is part of the key.
pub trait IgnoreInKey {}

impl<T: IgnoreInKey + ?Sized> IgnoreInKey for &T {}
impl<T: IgnoreInKey + ?Sized> IgnoreInKey for &mut T {}
impl<T: IgnoreInKey + ?Sized> IgnoreInKey for Arc<T> {}
impl<T: IgnoreInKey + ?Sized> IgnoreInKey for Box<T> {}
impl<T: IgnoreInKey> IgnoreInKey for Option<T> {}
impl<T: IgnoreInKey, E> IgnoreInKey for Result<T, E> {}
impl<T: IgnoreInKey> IgnoreInKey for Mutex<T> {}
impl<T: IgnoreInKey> IgnoreInKey for RwLock<T> {}
