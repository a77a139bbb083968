//! Arguments that hold a body nobody has read: whether the body is empty decides about the cache.
//!
//! `(&BodyProbe::of(&arg)).__cache_body().peek(&mut arg, &mut incoming)` is probed like arguments of a key.

use std::fmt;
use std::marker::PhantomData;
use std::mem;

use axum::body::Body;
use axum::extract::Request;
use axum::http::Method;

use crate::http::ask_axum;

use super::incoming::Incoming;

/// A probe for the type of one argument.
pub struct BodyProbe<'a, T>(PhantomData<&'a T>);

impl<'a, T> BodyProbe<'a, T> {
    /// A probe for the type of `argument`.
    pub fn of(_: &'a T) -> Self {
        Self(PhantomData)
    }
}

impl<T> fmt::Debug for BodyProbe<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BodyProbe")
    }
}

/// An argument that holds a body.
pub trait HoldsBody {
    /// The body.
    fn body(&mut self) -> &mut Body;
}

impl HoldsBody for Request {
    fn body(&mut self) -> &mut Body {
        self.body_mut()
    }
}

impl HoldsBody for Body {
    fn body(&mut self) -> &mut Body {
        self
    }
}

/// Asks the argument for its body.
#[derive(Debug)]
pub struct Peeked;
/// Leaves the argument.
#[derive(Debug)]
pub struct Unread;

impl Peeked {
    /// Notes in `incoming` that there is a body.
    pub async fn peek<T: HoldsBody>(self, argument: &mut T, incoming: &mut Incoming) {
        let request = &incoming.request;
        // Other requests bypass the cache, and their bodies stay as they are.
        if ![Method::GET, Method::HEAD].contains(&request.method) || request.announces_body() {
            return;
        }
        let (body, is_empty) = ask_axum(mem::take(argument.body())).await;
        *argument.body() = body;
        incoming.has_body = !is_empty;
    }
}

impl Unread {
    /// Does nothing.
    pub async fn peek<T>(self, _: &mut T, _: &mut Incoming) {}
}

/// First choice: an argument that holds a body.
pub trait ViaPeek {
    /// Returns `Peeked`.
    fn __cache_body(&self) -> Peeked {
        Peeked
    }
}
impl<T: HoldsBody> ViaPeek for BodyProbe<'_, T> {}

/// Last choice: any other argument.
pub trait ViaNoBody {
    /// Returns `Unread`.
    fn __cache_body(&self) -> Unread {
        Unread
    }
}
impl<T> ViaNoBody for &BodyProbe<'_, T> {}
