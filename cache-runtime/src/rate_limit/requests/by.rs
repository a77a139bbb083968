//! The identity of a client.

use std::any::type_name;
use std::fmt::{self, Display};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use http::request::Parts;
use http::{Extensions, HeaderName};

use super::address::AddressRules;
use super::network::Network;

/// Returns the identity of a request's client; `None` if there is none.
type FindIdentity = Arc<dyn Fn(&Parts) -> Option<Vec<u8>> + Send + Sync>;

/// The part of a request that identifies its client: each client has a limit of its own.
///
/// Identities are stored as hashes, so that neither a secret nor what a client made up is in Redis.
///
/// ```
/// # use larder_runtime as larder;
/// use larder::rate_limit::By;
///
/// let by = By::header("x-api-key").or(By::ip().trust(["10.0.0.0/8"]));
/// ```
#[derive(Clone)]
#[must_use = "it identifies clients once a limit uses it"]
pub struct By {
    kind: ByKind,
    /// Identifies clients that this one does not.
    other: Option<Box<By>>,
}

#[derive(Clone)]
enum ByKind {
    Ip(AddressRules),
    /// With the words for a warning.
    Found(String, FindIdentity),
}

/// A closure of [`By::extension`]: it takes `&T` and returns what identifies the client, which is anything that can be printed.
pub trait Identify<T>: Fn(&T) -> <Self as Identify<T>>::Id + Send + Sync + 'static {
    /// The identity.
    type Id: Display;
}

impl<T, F, R> Identify<T> for F
where
    F: Fn(&T) -> R + Send + Sync + 'static,
    R: Display,
{
    type Id = R;
}

impl By {
    /// Identifies a client by the address of the connection: the default.
    ///
    /// IPv6 addresses of one network of 64 bits are one client, see [`By::ipv6_prefix`]. Behind a proxy, every request has the address
    /// of the proxy unless it is trusted, see [`By::trust`]. `X-Forwarded-For` counts for nothing else, because anybody can send it.
    ///
    /// axum knows the address if the router is served by
    /// [`into_make_service_with_connect_info::<SocketAddr>()`](https://docs.rs/axum/0.8/axum/struct.Router.html#method.into_make_service_with_connect_info);
    /// other stacks put a `SocketAddr` or an `IpAddr` into the extensions of the request.
    pub fn ip() -> Self {
        Self::of(ByKind::Ip(AddressRules::default()))
    }

    /// Trusts proxies in these networks to name the clients that call them in `X-Forwarded-For`. Default: none. With [`By::ip`] only.
    ///
    /// The address of the connection and those in the header, from the last to the first, are walked through as long as they are
    /// trusted: the client is the first that is not.
    ///
    /// ```
    /// # use larder_runtime as larder;
    /// use larder::rate_limit::By;
    ///
    /// let by = By::ip().trust(["10.0.0.0/8", "2001:db8::7"]);
    /// ```
    ///
    /// # Panics
    /// If one of the texts is neither a network nor an address, and if this is not [`By::ip`].
    #[track_caller]
    pub fn trust<N: AsRef<str>>(mut self, networks: impl IntoIterator<Item = N>) -> Self {
        let networks = networks.into_iter().map(|text| {
            let text = text.as_ref();
            let Some(network) = Network::parse(text) else {
                panic!("trust = {text:?}: is not a network; write one such as `10.0.0.0/8`, or an address")
            };
            network
        });
        let networks: Vec<Network> = networks.collect();
        self.address_rules("trust").trusted.extend(networks);
        self
    }

    /// Sets the number of bits of an IPv6 address that identify a client. Default: 64, which is the smallest network that a customer
    /// gets. With [`By::ip`] only.
    ///
    /// ```
    /// # use larder_runtime as larder;
    /// use larder::rate_limit::By;
    ///
    /// let by = By::ip().ipv6_prefix(56);
    /// ```
    ///
    /// # Panics
    /// If the number is not from 1 to 128, and if this is not [`By::ip`].
    #[track_caller]
    pub fn ipv6_prefix(mut self, bits: u32) -> Self {
        assert!((1..=128).contains(&bits), "ipv6_prefix = {bits}: must be from 1 to 128; write 64");
        self.address_rules("ipv6_prefix").ipv6_bits = bits;
        self
    }

    /// Identifies a client by a header, such as an API key.
    ///
    /// Anybody can make up another value, so the header must be one that is checked before the limit, or that a proxy sets. A request
    /// with no such header, an empty one, or several of them is not identified.
    ///
    /// ```
    /// # use larder_runtime as larder;
    /// use larder::rate_limit::By;
    ///
    /// let by = By::header("x-api-key");
    /// ```
    ///
    /// # Panics
    /// If the text is not the name of a header.
    #[track_caller]
    pub fn header(name: impl AsRef<str>) -> Self {
        let name = name.as_ref();
        let Ok(header) = HeaderName::from_bytes(name.as_bytes()) else {
            panic!("header = {name:?}: is not the name of a header; write one such as `x-api-key`")
        };
        Self::found(format!("the header `{header}`"), move |parts| {
            let mut values = parts.headers.get_all(&header).into_iter();
            let value = values.next().filter(|value| !value.is_empty())?;
            values.next().is_none().then(|| value.as_bytes().to_vec())
        })
    }

    /// Identifies a client by a value that a layer outside the limit puts into the extensions of the request, such as a user. The identity
    /// that the closure returns borrows nothing: write `|user| user.name.clone()` for a text.
    ///
    /// ```
    /// # use larder_runtime as larder;
    /// use larder::rate_limit::By;
    ///
    /// #[derive(Clone)]
    /// struct User {
    ///     id: u64,
    /// }
    ///
    /// let by = By::extension::<User>(|user| user.id);
    /// ```
    pub fn extension<T: Send + Sync + 'static>(identify: impl Identify<T>) -> Self {
        Self::found(format!("the extension `{}`", type_name::<T>()), move |parts| {
            parts.extensions.get::<T>().map(|value| identify(value).to_string().into_bytes())
        })
    }

    /// Identifies a client by a function of the request; `None` if it does not identify one.
    ///
    /// ```
    /// # use larder_runtime as larder;
    /// use larder::rate_limit::By;
    ///
    /// let by = By::function(|parts| {
    ///     let tenant = parts.uri.path().split('/').nth(1)?;
    ///     (!tenant.is_empty()).then(|| tenant.to_owned())
    /// });
    /// ```
    pub fn function<R: Display>(identify: impl Fn(&Parts) -> Option<R> + Send + Sync + 'static) -> Self {
        Self::found("the function".to_owned(), move |parts| {
            identify(parts).map(|identity| identity.to_string().into_bytes())
        })
    }

    /// Identifies by `other` each client that this does not identify.
    ///
    /// ```
    /// # use larder_runtime as larder;
    /// use larder::rate_limit::By;
    ///
    /// let by = By::header("x-api-key").or(By::ip());
    /// ```
    pub fn or(mut self, other: Self) -> Self {
        self.other = Some(Box::new(match self.other {
            Some(first) => first.or(other),
            None => other,
        }));
        self
    }

    /// Returns the identity of a request's client; `None` if there is none.
    pub(super) fn identify(&self, parts: &Parts) -> Option<Vec<u8>> {
        let found = match &self.kind {
            ByKind::Ip(rules) => peer(&parts.extensions).map(|peer| {
                let lines = parts.headers.get_all(FORWARDED_FOR).into_iter();
                rules.client(peer, lines.map(http::HeaderValue::as_bytes)).to_string().into_bytes()
            }),
            ByKind::Found(_, find) => find(parts),
        };
        found.or_else(|| self.other.as_ref()?.identify(parts))
    }

    /// Returns a warning about a request whose address is that of a proxy which nobody trusts.
    pub(super) fn warning(&self, parts: &Parts) -> Option<String> {
        let ByKind::Ip(rules) = &self.kind else { return self.other.as_ref()?.warning(parts) };
        let peer = peer(&parts.extensions)?.to_canonical();
        let is_local = match peer {
            IpAddr::V4(peer) => peer.is_private() || peer.is_loopback(),
            IpAddr::V6(peer) => peer.is_unique_local() || peer.is_loopback(),
        };
        let is_proxied = is_local && rules.trusted.is_empty() && parts.headers.contains_key(FORWARDED_FOR);
        is_proxied.then(|| {
            "requests come from a proxy in the local network, and a rate limit counts them all as one client; name the proxy by \
             `By::ip().trust([..])`"
                .to_owned()
        })
    }

    /// Returns the remedy for a client that is not identified.
    pub(super) fn remedy(&self) -> String {
        let own = match &self.kind {
            ByKind::Ip(_) => {
                "the address of the connection: serve the router by `into_make_service_with_connect_info::<SocketAddr>()`"
            }
            ByKind::Found(text, _) => text,
        };
        match &self.other {
            Some(other) => format!("{own}, or {}", other.remedy()),
            None => own.to_owned(),
        }
    }

    fn of(kind: ByKind) -> Self {
        Self { kind, other: None }
    }

    fn found(words: String, find: impl Fn(&Parts) -> Option<Vec<u8>> + Send + Sync + 'static) -> Self {
        Self::of(ByKind::Found(words, Arc::new(find)))
    }

    #[track_caller]
    fn address_rules(&mut self, setting: &str) -> &mut AddressRules {
        match &mut self.kind {
            ByKind::Ip(rules) => rules,
            ByKind::Found(words, _) => {
                panic!("{setting}: is about addresses, and this is {words}; write it after `By::ip()`")
            }
        }
    }
}

impl Default for By {
    fn default() -> Self {
        Self::ip()
    }
}

impl fmt::Debug for By {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_tuple("By");
        match &self.kind {
            ByKind::Ip(rules) => debug.field(rules),
            ByKind::Found(words, _) => debug.field(words),
        };
        if let Some(other) = &self.other {
            debug.field(other);
        }
        debug.finish()
    }
}

const FORWARDED_FOR: &str = "x-forwarded-for";

/// Returns the address of the connection.
fn peer(extensions: &Extensions) -> Option<IpAddr> {
    #[cfg(feature = "axum")]
    {
        use ::axum::extract::ConnectInfo;
        use ::axum::extract::connect_info::MockConnectInfo;

        let known = extensions.get::<ConnectInfo<SocketAddr>>().map(|info| info.0.ip());
        let mocked = || extensions.get::<MockConnectInfo<SocketAddr>>().map(|info| info.0.ip());
        if let Some(address) = known.or_else(mocked) {
            return Some(address);
        }
    }
    let socket = extensions.get::<SocketAddr>().map(SocketAddr::ip);
    socket.or_else(|| extensions.get::<IpAddr>().copied())
}
