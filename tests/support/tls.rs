//! Servers with TLS, and the certificates that they need.

use std::fs;
use std::path::Path;

use rcgen::{
    BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose, date_time_ymd,
};

use super::deployment::Deployment;
use super::redis::{RedisServer, free_port};

/// A certificate authority.
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
}

/// A certificate with its private key, in PEM.
#[derive(Debug, Clone)]
pub struct Identity {
    /// The certificate.
    pub cert: String,
    /// The private key.
    pub key: String,
}

/// The years in which a certificate is valid.
#[derive(Debug, Clone, Copy)]
pub struct Validity(pub i32, pub i32);

impl Validity {
    /// Valid now.
    pub const NOW: Self = Self(2000, 4000);
}

/// A server with a port for TLS, beside the plain one that the test uses to inspect the server.
pub struct TlsServer {
    /// The server.
    pub redis: RedisServer,
    /// The authority that signed the certificate of the server.
    pub authority: Authority,
    port: u16,
}

/// A server that requires a client certificate, as a deployment.
pub struct MutualServer(pub TlsServer);

impl Authority {
    /// Makes an authority with this name.
    pub fn new(name: &str) -> Self {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let key = KeyPair::generate().expect("a key");
        let pem = params.self_signed(&key).expect("a certificate").pem();
        Self { issuer: Issuer::new(params, key), pem }
    }

    /// The certificate of the authority.
    pub fn pem(&self) -> &str {
        &self.pem
    }

    /// Signs a certificate for these host names and addresses.
    pub fn sign(&self, names: &[&str], validity: Validity) -> Identity {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let mut params = CertificateParams::new(names).expect("names");
        params.distinguished_name.push(DnType::CommonName, "test");
        params.not_before = date_time_ymd(validity.0, 1, 1);
        params.not_after = date_time_ymd(validity.1, 1, 1);
        let key = KeyPair::generate().expect("a key");
        let cert = params.signed_by(&key, &self.issuer).expect("a certificate").pem();
        Identity { cert, key: key.serialize_pem() }
    }

    /// Writes the certificates of a server and of a client to the directory of the server, and returns the arguments for a port
    /// with TLS.
    pub(super) fn equip(&self, dir: &Path, port: u16, names: &[&str], validity: Validity) -> Vec<String> {
        let path = |name: &str| dir.join(name).display().to_string();
        write_files(dir, self, names, validity);
        let tls = ["--tls-port", &port.to_string(), "--bind", "127.0.0.1", "::1"].map(str::to_owned);
        let files = [
            ("--tls-cert-file", "server.pem"),
            ("--tls-key-file", "server.key"),
            ("--tls-ca-cert-file", "ca.pem"),
        ];
        let files = files.into_iter().flat_map(|(option, name)| [option.to_owned(), path(name)]);
        tls.into_iter().chain(files).collect()
    }
}

impl TlsServer {
    /// Starts a server whose certificate is for `localhost`, `127.0.0.1` and `::1`.
    pub fn start() -> Self {
        Self::start_with(&["localhost", "127.0.0.1", "::1"], Validity::NOW, &["--tls-auth-clients", "no"])
    }

    /// Starts a server as [`TlsServer::start`] that requires a client certificate.
    pub fn start_mutual() -> Self {
        Self::start_with(&["localhost", "127.0.0.1", "::1"], Validity::NOW, &["--tls-auth-clients", "yes"])
    }

    /// Starts a server with a certificate for these names and years, and with more arguments.
    pub fn start_with(names: &[&str], validity: Validity, args: &[&str]) -> Self {
        let authority = Authority::new("larder tests");
        let mut port = 0;
        let redis = RedisServer::start_in(|dir| {
            port = free_port();
            let tls = authority.equip(dir, port, names, validity);
            tls.into_iter().chain(args.iter().map(|arg| (*arg).to_owned())).collect()
        });
        Self { redis, authority, port }
    }

    /// Replaces all files by those of another authority, and restarts the server with them.
    pub fn rotate(&mut self, names: &[&str]) {
        self.authority = Authority::new("larder tests, second");
        write_files(self.redis.dir(), &self.authority, names, Validity::NOW);
        self.redis.restart();
    }

    /// The port for TLS.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The path of a file of the server: `ca.pem`, `client.pem`, `client.key`, ..
    pub fn file(&self, name: &str) -> String {
        self.redis.dir().join(name).display().to_string()
    }

    /// The URL with the authority of the server.
    pub fn url(&self) -> String {
        format!("rediss://localhost:{}?ca={}", self.port, self.file("ca.pem"))
    }

    /// The URL with the authority of the server and a client certificate.
    pub fn mutual_url(&self) -> String {
        format!("{}&cert={}&key={}", self.url(), self.file("client.pem"), self.file("client.key"))
    }
}

impl Deployment for TlsServer {
    fn url(&self) -> String {
        self.url()
    }

    fn command(&self, args: &[&str]) -> String {
        self.redis.command(args)
    }
}

impl Deployment for MutualServer {
    fn url(&self) -> String {
        self.0.mutual_url()
    }

    fn command(&self, args: &[&str]) -> String {
        self.0.redis.command(args)
    }
}

/// Writes the files of the server and of a client.
fn write_files(dir: &Path, authority: &Authority, names: &[&str], validity: Validity) {
    let (server, client) = (authority.sign(names, validity), authority.sign(&["client"], Validity::NOW));
    for (name, text) in [
        ("ca.pem", authority.pem()),
        ("server.pem", &server.cert),
        ("server.key", &server.key),
        ("client.pem", &client.cert),
        ("client.key", &client.key),
    ] {
        fs::write(dir.join(name), text).expect("a file of the server");
    }
}
