//! The classes of extractors: how an argument counts depends on what it holds of the request, and on what the attribute says.
//!
//! | class | is the key | beside a key | mentioned in the text of a key | ignored |
//! |---|---|---|---|---|
//! | [`Content`] | counts | refused | - | - |
//! | [`UrlContent`] | counts | refused | - | the URL counts |
//! | [`WholeBody`] | counts | refused | - | bypasses, unless empty |
//! | [`Attached`] | counts | refused | - | - |
//! | [`Identifying`] | refused, unless `vary`, `private` or `shared` | the same | the same | - |
//! | [`WholeRequest`] | the same, and the URL counts | the same | the same | the URL counts |
//! | [`Connected`] | refused | refused | refused | - |
//!
//! Beside a key, content and a body whose pattern binds nothing are not refused: the function cannot read them. Such a body bypasses the
//! cache, unless it is empty.
//!
//! The expressions of a key are arguments in a context of their own: there a `ConnectInfo` counts.
//!
//! Clients of a handler are told `private` where the key holds what may tell users apart: an [`Attached`] that counts, anything but
//! [`Content`], [`UrlContent`] and [`WholeBody`] that a key mentions, and extractors that larder does not know.

use std::marker::PhantomData;

use super::kind::{
    BodyBypass, Extracted, ExtractedExtension, ExtractedUrl, Hashed, HashedInHandler, HashedShared, Ignored,
    Personal, UrlAdded,
};
use super::refusal::{
    RefusedBesideKey, RefusedConnection, RefusedInExpression, RefusedInFunction, RefusedInHandler, RefusedUrl,
};

/// A class of extractors: what is done with an argument, by its place. Each type has a method `put`.
pub trait Class {
    /// The arguments are the key.
    type Counted<C: ArgumentContext>: Default;
    /// The key does not mention the argument, whose pattern binds nothing.
    type Unbound<C: ArgumentContext>: Default;
    /// The key does not mention the argument, or the entry function does not take it: `R` refuses what counts.
    type Missing<C: ArgumentContext, R: Default>: Default;
    /// The text of a key or of a group mentions the argument.
    type InText<C: ArgumentContext>: Default;
    /// The argument is explicitly ignored.
    type Ignored<C: ArgumentContext>: Default;
    /// The argument counts: whether clients are told `private`.
    type InKey: Default;
    /// The key or the group mentions the argument: whether clients are told `private`.
    type Named: Default;
}

/// The attribute around the arguments.
pub trait ArgumentContext {
    /// An argument that may identify the user.
    type Identifying: Default;
    /// The whole request, outside an explicit key.
    type WholeRequest: Default;
    /// The address of the client.
    type Connected: Default;
    /// A part of the URL that is ignored.
    type Url: Default;
    /// A whole body that is no part of the key.
    type Body: Default;
    /// A shared value, `Arc<T>`, that is part of the key.
    type Shared: Default;
    /// Any other argument that is part of the key.
    type Other: Default;
}

/// `Json`, `Form` and other content.
#[derive(Debug)]
pub struct Content;
/// `Path`, `Query` and other parts of the URL.
#[derive(Debug)]
pub struct UrlContent;
/// `Bytes`: the body as it was sent.
#[derive(Debug)]
pub struct WholeBody;
/// `Extension`: what a middleware attached to the request.
#[derive(Debug)]
pub struct Attached;
/// `HeaderMap` and others that may identify the user.
#[derive(Debug)]
pub struct Identifying;
/// `Request` and `Parts`: they may identify the user, and hold the URL.
#[derive(Debug)]
pub struct WholeRequest;
/// `ConnectInfo`: the address of the client.
#[derive(Debug)]
pub struct Connected;

/// `#[cache]` without `response`.
#[derive(Debug)]
pub struct InFunction;
/// An expression of `key = ..`.
#[derive(Debug)]
pub struct InExpression;
/// `#[cache(response)]`, with or without a word about users, and with one of the ways to name an entry.
#[derive(Debug)]
pub struct InHandler<W, N>(PhantomData<(W, N)>);

/// None of `vary(..)`, `private` and `shared`.
#[derive(Debug)]
pub struct Undeclared;
/// `vary(..)`, `private` or `shared`.
#[derive(Debug)]
pub struct Declared;

/// The arguments and the path name the entry.
#[derive(Debug)]
pub struct ByPath;
/// The arguments name the entry, as `entry = ..` demands.
#[derive(Debug)]
pub struct ByEntry;
/// `key = ..` names the entry.
#[derive(Debug)]
pub struct ByKey;

/// A way to name the entry of a handler.
pub trait Naming {
    /// A part of the URL that is ignored.
    type Url: Default;
}

impl Naming for ByPath {
    type Url = UrlAdded;
}
impl Naming for ByEntry {
    type Url = RefusedUrl;
}
impl Naming for ByKey {
    type Url = Ignored;
}

impl ArgumentContext for InFunction {
    type Identifying = RefusedInFunction;
    type WholeRequest = RefusedInFunction;
    type Connected = RefusedConnection;
    type Url = Ignored;
    type Body = Ignored;
    type Shared = HashedShared;
    type Other = Hashed;
}
impl ArgumentContext for InExpression {
    type Identifying = RefusedInExpression;
    type WholeRequest = RefusedInExpression;
    type Connected = Extracted;
    type Url = Ignored;
    type Body = Ignored;
    type Shared = HashedShared;
    type Other = Hashed;
}
impl<N: Naming> ArgumentContext for InHandler<Undeclared, N> {
    type Identifying = RefusedInHandler;
    type WholeRequest = RefusedInHandler;
    type Connected = RefusedConnection;
    type Url = N::Url;
    type Body = BodyBypass;
    type Shared = HashedInHandler;
    type Other = HashedInHandler;
}
impl<N: Naming> ArgumentContext for InHandler<Declared, N> {
    type Identifying = Ignored;
    type WholeRequest = N::Url;
    type Connected = RefusedConnection;
    type Url = N::Url;
    type Body = BodyBypass;
    type Shared = HashedInHandler;
    type Other = HashedInHandler;
}

impl Class for Content {
    type Counted<C: ArgumentContext> = Extracted;
    type Unbound<C: ArgumentContext> = Ignored;
    type Missing<C: ArgumentContext, R: Default> = R;
    type InText<C: ArgumentContext> = Ignored;
    type Ignored<C: ArgumentContext> = Ignored;
    type InKey = Ignored;
    type Named = Ignored;
}
impl Class for UrlContent {
    type Counted<C: ArgumentContext> = ExtractedUrl;
    type Unbound<C: ArgumentContext> = Ignored;
    type Missing<C: ArgumentContext, R: Default> = R;
    type InText<C: ArgumentContext> = Ignored;
    type Ignored<C: ArgumentContext> = C::Url;
    type InKey = Ignored;
    type Named = Ignored;
}
impl Class for WholeBody {
    type Counted<C: ArgumentContext> = Extracted;
    type Unbound<C: ArgumentContext> = C::Body;
    type Missing<C: ArgumentContext, R: Default> = R;
    type InText<C: ArgumentContext> = Ignored;
    type Ignored<C: ArgumentContext> = C::Body;
    type InKey = Ignored;
    type Named = Ignored;
}
impl Class for Attached {
    type Counted<C: ArgumentContext> = ExtractedExtension;
    type Unbound<C: ArgumentContext> = RefusedBesideKey;
    type Missing<C: ArgumentContext, R: Default> = RefusedBesideKey;
    type InText<C: ArgumentContext> = Ignored;
    type Ignored<C: ArgumentContext> = Ignored;
    type InKey = Personal;
    type Named = Personal;
}
impl Class for Identifying {
    type Counted<C: ArgumentContext> = C::Identifying;
    type Unbound<C: ArgumentContext> = C::Identifying;
    type Missing<C: ArgumentContext, R: Default> = C::Identifying;
    type InText<C: ArgumentContext> = C::Identifying;
    type Ignored<C: ArgumentContext> = Ignored;
    type InKey = Ignored;
    type Named = Personal;
}
impl Class for WholeRequest {
    type Counted<C: ArgumentContext> = C::WholeRequest;
    type Unbound<C: ArgumentContext> = C::Identifying;
    type Missing<C: ArgumentContext, R: Default> = C::Identifying;
    type InText<C: ArgumentContext> = C::Identifying;
    type Ignored<C: ArgumentContext> = C::Url;
    type InKey = Ignored;
    type Named = Personal;
}
impl Class for Connected {
    type Counted<C: ArgumentContext> = C::Connected;
    type Unbound<C: ArgumentContext> = C::Connected;
    type Missing<C: ArgumentContext, R: Default> = C::Connected;
    type InText<C: ArgumentContext> = C::Connected;
    type Ignored<C: ArgumentContext> = Ignored;
    type InKey = Ignored;
    type Named = Personal;
}
