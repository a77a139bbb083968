//! The keys of a layer: the parts of a request that select an entry, and its labels.

use std::sync::Arc;

use http::{HeaderName, request};

use crate::site::late_tags::LateTags;
use crate::types::error::Error;

use super::layer::ResponseCacheLayer;
use super::options::Access;
use super::rfc::host::Host;

impl ResponseCacheLayer {
    /// Query parameters that are part of the key. The others are removed from the request before the service sees it, so that
    /// nobody fills the cache with invented ones, and no response depends on them. Default: all are.
    ///
    /// ```
    /// # use larder_runtime as larder;
    /// # fn main() -> Result<(), larder::Error> {
    /// use larder::http::ResponseCacheLayer;
    ///
    /// // `/items?page=2&utm_source=mail` is `/items?page=2` for the key, and for the service.
    /// let layer = ResponseCacheLayer::new().expire("1m").query_allow(["page", "q"]).check()?;
    /// # drop(layer);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// Names are compared decoded: `%70age` is `page`. A query of which nothing is left is none. A request that bypasses the
    /// cache keeps its query.
    pub fn query_allow<'n>(self, names: impl IntoIterator<Item = &'n str>) -> Self {
        let names: Box<[String]> = names.into_iter().map(str::to_owned).collect();
        self.set(|settings| settings.url.allow = Some(names))
    }

    /// Makes the host part of the key, or leaves it out where a service has the same responses for all hosts. Default: it is
    /// part of the key.
    ///
    /// Spellings of one host (`A.example`, `a.example.`, `a.example:443`) are one, and the service sees it as the key has it.
    /// Without the host in the key, a response that depends on it, such as a redirect, is served to other hosts.
    pub fn authority(self, counts: bool) -> Self {
        self.set(|settings| settings.url.authority = counts)
    }

    /// The hosts whose responses are cached; requests for others bypass the cache. Default: all are cached, each in entries
    /// of its own, and clients can invent more.
    ///
    /// ```
    /// # use larder_runtime as larder;
    /// # fn main() -> Result<(), larder::Error> {
    /// use larder::http::ResponseCacheLayer;
    ///
    /// let layer = ResponseCacheLayer::new().expire("1m").hosts(["example.com", "localhost:3000"]).check()?;
    /// # drop(layer);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// Write a host with its port, if that is not the default one. A request that changes something removes the cached
    /// responses of its path for all of these hosts.
    pub fn hosts<'n>(self, hosts: impl IntoIterator<Item = &'n str>) -> Self {
        let parse = |text: &str| match Host::parse(text, None) {
            Some(host) => Ok(host.text()),
            None => Err(Error::config(
                "hosts",
                text,
                "is not a host; write one such as `example.com` or `localhost:3000`",
            )),
        };
        let hosts = hosts.into_iter().map(parse).collect::<Result<Box<[String]>, Error>>();
        let hosts = hosts.and_then(|hosts| match hosts.is_empty() {
            true => Err(Error::config(
                "hosts",
                "[]",
                "names no host, so nothing would be cached; name one or remove it",
            )),
            false => Ok(hosts),
        });
        self.set_to(hosts, |settings, hosts| settings.hosts = Some(hosts))
    }

    /// Makes the key in place of the URL. Requests with different responses must have different keys. The parts have the URI
    /// that the client sent, inside a nested router as well. A request for which the closure panics bypasses the cache.
    pub fn key(self, make: impl Fn(&request::Parts) -> String + Send + Sync + 'static) -> Self {
        self.set(|settings| settings.make_key = Some(Arc::new(make)))
    }

    /// A number to bump when the responses under the old one must not be served any more. Default: 0.
    pub fn version(self, version: u32) -> Self {
        self.set(|settings| settings.policy = settings.policy.version(version))
    }

    /// Request headers that responses differ by, beside those in their own `Vary`, to which they are added.
    pub fn vary<'n>(self, names: impl IntoIterator<Item = &'n str>) -> Self {
        let parse = |name: &str| {
            let header = HeaderName::from_bytes(name.as_bytes());
            header.map_err(|_| Error::config("vary", name, "is not the name of a header"))
        };
        names.into_iter().map(parse).fold(self, |layer, name| {
            layer.set_to(name, |settings, name| Arc::make_mut(&mut settings.options).vary.push(name))
        })
    }

    /// One entry per credential, whichever headers it is in, and `Cache-Control: private` for caches further on. A request
    /// without a credential bypasses the cache.
    pub fn private(self) -> Self {
        self.access("private", Access::Private)
    }

    /// One entry for all users, whatever their credentials. Default: requests with a credential bypass the cache, unless
    /// [`Self::vary`] names all headers that it is in.
    pub fn shared(self) -> Self {
        self.access("shared", Access::Shared)
    }

    /// The namespace of all responses of the layer, dropped by [`Cache::delete_group`](crate::Cache::delete_group) in one step.
    pub fn group(self, name: impl Into<String>) -> Self {
        let name = name.into();
        self.set(|settings| settings.group = Some(name)).options(|options| options.is_revocable = true)
    }

    /// A tag of all responses of the layer, for [`Cache::invalidate_tag`](crate::Cache::invalidate_tag).
    pub fn tag(self, name: impl Into<String>) -> Self {
        let name = name.into();
        self.set(|settings| settings.tags.push(name)).options(|options| options.is_revocable = true)
    }

    /// Tags of a response, made from its request, for [`Cache::invalidate_tag`](crate::Cache::invalidate_tag).
    ///
    /// ```
    /// # use larder_runtime as larder;
    /// # fn main() -> Result<(), larder::Error> {
    /// use larder::http::ResponseCacheLayer;
    ///
    /// // `/shops/7/offers` has the tag `shop:7`.
    /// let layer = ResponseCacheLayer::new().expire("1h").tag("offers").tags(|parts| {
    ///     let shop = parts.uri.path().strip_prefix("/shops/").and_then(|rest| rest.split('/').next());
    ///     shop.map(|shop| format!("shop:{shop}"))
    /// });
    /// # layer.check()?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// The closure runs for each request, also for a hit, with the URI that the client sent, inside a nested router as well.
    /// Its tags must depend on nothing but what is in the key: a response with other tags is no hit, and is replaced. At most
    /// 64 tags; a request with more, or for which the closure panics, bypasses the cache.
    pub fn tags<T>(self, make: impl Fn(&request::Parts) -> T + Send + Sync + 'static) -> Self
    where
        T: IntoIterator<Item: Into<String>>,
    {
        let make = move |parts: &request::Parts| make(parts).into_iter().map(Into::into).collect();
        let error = LateTags::check::<T::Item>();
        self.set(|settings| {
            error.into_iter().for_each(|error| settings.fail(error));
            settings.make_tags.push(Arc::new(make));
        })
        .options(|options| options.is_revocable = true)
    }

    fn access(self, setting: &'static str, access: Access) -> Self {
        self.set(|settings| {
            let options = Arc::make_mut(&mut settings.options);
            if options.access != Access::Undeclared && options.access != access {
                let reason =
                    "`private` has an entry for each credential and `shared` one for all; remove one of them";
                settings.fail(Error::config(setting, "..", reason));
            } else {
                options.access = access;
            }
        })
    }
}
