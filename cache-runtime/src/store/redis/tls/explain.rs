//! The errors of TLS in words that name the setting to change.

use rustls::{AlertDescription, CertificateError, Error, InvalidMessage, PeerIncompatible};

/// The explanation of a server that does not speak TLS.
pub(crate) const PLAIN: &str =
    "the server does not speak TLS; write `redis://`, or the port of the server that has TLS";

/// Returns the explanation of an error that this side found.
pub(super) fn explain(error: &Error, has_own_ca: bool) -> String {
    match error {
        Error::InvalidMessage(
            InvalidMessage::InvalidContentType
            | InvalidMessage::UnknownProtocolVersion
            | InvalidMessage::MessageTooLarge
            | InvalidMessage::InvalidEmptyPayload,
        ) => PLAIN.to_owned(),
        Error::InvalidCertificate(error) => certificate(error, has_own_ca),
        Error::PeerIncompatible(PeerIncompatible::ServerDoesNotSupportTls12Or13) => {
            "the server supports only versions before TLS 1.2".to_owned()
        }
        other => other.to_string(),
    }
}

fn certificate(error: &CertificateError, has_own_ca: bool) -> String {
    let authorities = if has_own_ca { "`ca`" } else { "the root certificates of the system" };
    match error {
        CertificateError::UnknownIssuer => format!(
            "the certificate of the server is not signed by {authorities}; write the authority that signed it as `ca`"
        ),
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            format!("the certificate of the server has expired{}", details(error))
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            format!("the certificate of the server is not valid yet{}", details(error))
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => format!(
            "the certificate of the server is for another name{}; write the name that it is for as the host or as `sni`",
            details(error)
        ),
        CertificateError::Revoked => "the certificate of the server was revoked".to_owned(),
        other if format!("{other:?}").contains("CaUsedAsEndEntity") => {
            "the certificate of the server is that of an authority; issue one for the server, signed by that authority".to_owned()
        }
        other => format!("the certificate of the server cannot be used: {other}"),
    }
}

/// Returns the details of an error in parentheses, if there are some.
fn details(error: &CertificateError) -> String {
    match error {
        CertificateError::ExpiredContext { time, not_after } => {
            format!(" ({} ago)", rounded(time.as_secs().saturating_sub(not_after.as_secs())))
        }
        CertificateError::NotValidYetContext { time, not_before } => {
            format!(" (it will be in {})", rounded(not_before.as_secs().saturating_sub(time.as_secs())))
        }
        CertificateError::NotValidForNameContext { .. } => format!(" ({error})"),
        _ => String::new(),
    }
}

fn rounded(seconds: u64) -> String {
    match seconds {
        0..3_600 => format!("{} minutes", seconds / 60),
        3_600..172_800 => format!("{} hours", seconds / 3_600),
        _ => format!("{} days", seconds / 86_400),
    }
}

/// Returns the explanation of an alert of the server about the certificate of this client; `None` for other errors.
pub(super) fn explain_reply(error: &Error, has_client_cert: bool) -> Option<String> {
    let Error::AlertReceived(alert) = error else { return None };
    Some(match alert {
        AlertDescription::CertificateRequired => MISSING.to_owned(),
        // Before TLS 1.3 there is no alert of its own for a missing certificate.
        AlertDescription::HandshakeFailure | AlertDescription::BadCertificate if !has_client_cert => {
            format!("the server ended the handshake ({alert:?}); {MISSING}")
        }
        AlertDescription::UnknownCA
        | AlertDescription::BadCertificate
        | AlertDescription::CertificateExpired
        | AlertDescription::CertificateRevoked
        | AlertDescription::CertificateUnknown
        | AlertDescription::UnsupportedCertificate
        | AlertDescription::AccessDenied
        | AlertDescription::DecryptError
            if has_client_cert =>
        {
            format!("the server rejects the client certificate ({alert:?})")
        }
        _ => format!("the server ended the handshake ({alert:?})"),
    })
}

const MISSING: &str =
    "the server requires a client certificate; write `cert` and `key`, or `Tls::client_cert`";
