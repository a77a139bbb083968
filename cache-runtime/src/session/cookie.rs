//! The cookie of sessions: read from requests, and written for browsers.

use http::HeaderMap;
use http::header::COOKIE;

use crate::types::error::Error;

/// The requests from other sites that carry the cookie.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum SameSite {
    /// Those of a link that is followed, and no others.
    #[default]
    Lax,
    /// None: a link in a mail leads to a page without a session.
    Strict,
    /// All of them. The application has to tell forged requests apart.
    None,
}

/// The name of the cookie and its attributes.
#[derive(Debug, Clone)]
pub(super) struct CookieSettings {
    pub(super) name: String,
    pub(super) same_site: SameSite,
    pub(super) is_secure: bool,
    pub(super) domain: Option<String>,
}

impl CookieSettings {
    /// Returns the settings as they are, if a browser accepts the cookie.
    ///
    /// # Errors
    /// [`Error::Config`] for a name or attributes that browsers refuse.
    pub(super) fn checked(self) -> Result<Self, Error> {
        let is_token = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
        if self.name.is_empty() || !self.name.chars().all(is_token) {
            return Err(Error::config(
                "cookie",
                self.name,
                "is no name of a cookie; write one such as `__Host-id`",
            ));
        }
        let lower = self.name.to_ascii_lowercase();
        let (is_host, is_prefixed) = (lower.starts_with("__host-"), lower.starts_with("__"));
        if is_prefixed && !self.is_secure {
            let reason = "is refused by browsers without `Secure`; write a name such as `id` for plain HTTP";
            return Err(Error::config("cookie", self.name, reason));
        }
        if let Some(domain) = &self.domain {
            if is_host {
                let reason = "is refused by browsers with a `Domain`; write `__Secure-id`";
                return Err(Error::config("cookie", self.name, reason));
            }
            let is_domain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '.';
            if domain.is_empty() || !domain.chars().all(is_domain) {
                return Err(Error::config(
                    "domain",
                    domain.as_str(),
                    "is no domain; write one such as `example.com`",
                ));
            }
        }
        if self.same_site == SameSite::None && !self.is_secure {
            let reason = "is refused by browsers without `Secure`; leave `insecure` out";
            return Err(Error::config("same_site", "None", reason));
        }
        Ok(self)
    }

    /// Returns the value of the cookie in a request, the first one that `read` knows.
    pub(super) fn find<T>(&self, headers: &HeaderMap, read: impl Fn(&str) -> Option<T>) -> Option<T> {
        let headers = headers.get_all(COOKIE).iter().filter_map(|header| header.to_str().ok());
        let cookies =
            headers.flat_map(|header| header.split(';')).filter_map(|pair| pair.trim().split_once('='));
        cookies.filter(|(name, _)| *name == self.name).find_map(|(_, value)| read(value))
    }

    /// Returns the header that sets the cookie for so many seconds. With none, the browser removes it, which it does only if all attributes are
    /// those that it was set with.
    pub(super) fn header(&self, value: &str, max_age: u64) -> String {
        let same_site = match self.same_site {
            SameSite::Lax => "Lax",
            SameSite::Strict => "Strict",
            SameSite::None => "None",
        };
        let mut header =
            format!("{}={value}; Path=/; Max-Age={max_age}; HttpOnly; SameSite={same_site}", self.name);
        if self.is_secure {
            header.push_str("; Secure");
        }
        if let Some(domain) = &self.domain {
            header.push_str("; Domain=");
            header.push_str(domain);
        }
        header
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn settings(name: &str) -> CookieSettings {
        CookieSettings { name: name.to_owned(), same_site: SameSite::Lax, is_secure: true, domain: None }
    }

    #[test]
    fn a_cookie_is_found_among_others_of_any_form() {
        let find = |header: &[u8]| {
            let mut headers = HeaderMap::new();
            headers.insert(COOKIE, HeaderValue::from_bytes(header).expect("a header"));
            settings("id").find(&headers, |value| (value.len() == 3).then(|| value.to_owned()))
        };
        for header in
            ["id=abc", "a=b; id=abc", "id=abc; id=xyz", "id=long; id=abc", ";;=;id=abc;", "  id=abc  "]
        {
            assert_eq!(find(header.as_bytes()).as_deref(), Some("abc"), "{header}");
        }
        for header in ["", "id", "ID=abc", "id=", "xid=abc", "id=abcd", "id = abc", "a=id=abc"] {
            assert_eq!(find(header.as_bytes()), None, "{header}");
        }
        assert_eq!(find(b"id=\xff\xfe\xfd"), None);
        assert_eq!(find(&b"x=y; ".repeat(10_000)), None);
    }

    #[test]
    fn a_removal_repeats_the_attributes() {
        let attributes = |header: String| {
            header.split_once("; Path").expect("attributes").1.replace("Max-Age=0", "Max-Age=9")
        };
        for settings in [
            settings("__Host-id"),
            CookieSettings { domain: Some("a.example".to_owned()), ..settings("__Secure-id") },
        ] {
            let (set, removal) = (settings.header("v", 9), settings.header("", 0));
            assert_eq!(attributes(set.clone()), attributes(removal));
            assert!(
                set.contains("HttpOnly") && set.contains("Secure") && set.contains("SameSite=Lax"),
                "{set}"
            );
        }
    }

    #[test]
    fn what_browsers_refuse_is_an_error() {
        let refused = |settings: CookieSettings| settings.checked().expect_err("refused").to_string();
        let plain = |name| CookieSettings { is_secure: false, ..settings(name) };
        assert!(refused(plain("__Host-id")).contains("`id`"));
        assert!(refused(plain("__secure-id")).contains("Secure"));
        let domain =
            |name, domain: &str| CookieSettings { domain: Some(domain.to_owned()), ..settings(name) };
        assert!(refused(domain("__Host-id", "example.com")).contains("__Secure-id"));
        assert!(refused(domain("id", "a;b")).contains("domain"));
        assert!(refused(CookieSettings { same_site: SameSite::None, ..plain("id") }).contains("insecure"));
        for name in ["", "a b", "a=b", "a;b", "é"] {
            assert!(settings(name).checked().is_err(), "{name}");
        }
        assert!(plain("id").checked().is_ok() && domain("__Secure-id", "example.com").checked().is_ok());
    }
}
