use super::*;

fn read(uri: &str, hosts: &[&str]) -> Option<String> {
    let uri: Uri = uri.parse().unwrap();
    let headers = hosts.iter().map(|host| (HOST, host.parse().unwrap()));
    let headers = headers.fold(HeaderMap::new(), |mut map, (name, value)| {
        map.append(name, value);
        map
    });
    match named(&uri, &headers) {
        NamedHost::None => Some(String::new()),
        NamedHost::One(host) => Some(host.text()),
        NamedHost::Unclear => None,
    }
}

#[test]
fn equal_hosts_have_one_text() {
    for (uri, hosts, wanted) in [
        ("/", &["a.example"][..], "a.example"),
        ("/", &["A.Example"], "a.example"),
        ("/", &["a.example."], "a.example"),
        ("/", &["a.example:80"], "a.example"),
        ("/", &["a.example:443"], "a.example"),
        ("/", &["a.example.:443"], "a.example"),
        ("/", &["a.example:"], "a.example"),
        ("/", &["a.example:8080"], "a.example:8080"),
        ("/", &["a.example", "A.example:80"], "a.example"),
        ("http://a.example/", &[], "a.example"),
        ("http://a.example:80/", &["a.example"], "a.example"),
        ("http://a.example:443/", &[], "a.example:443"),
        ("https://a.example:443/", &[], "a.example"),
        ("https://a.example:80/", &[], "a.example:80"),
        ("/", &["[::1]:80"], "[::1]"),
        ("/", &["[FE80::1]:8080"], "[fe80::1]:8080"),
        ("/", &["127.0.0.1:3000"], "127.0.0.1:3000"),
        ("/", &[], ""),
        ("/", &[""], ""),
    ] {
        assert_eq!(read(uri, hosts).as_deref(), Some(wanted), "{uri} {hosts:?}");
    }
}

#[test]
fn a_service_sees_the_text_of_the_key() {
    for (uri, hosts, own, field) in [
        ("/x?y", &["A.example.:80"][..], None, Some("a.example")),
        ("/x", &["a.example:8080"], None, Some("a.example:8080")),
        ("/x", &["A.example", "a.example"], None, Some("a.example")),
        ("https://A.example:443/x?y", &[], Some("https://a.example/x?y"), None),
        ("http://a.example/x", &["a.example:80"], None, Some("a.example")),
        // Nothing is said about a host that is not clear.
        ("/x", &["A", "B"], None, Some("A")),
    ] {
        let mut seen: Uri = uri.parse().unwrap();
        let mut headers = HeaderMap::new();
        for host in hosts {
            headers.append(HOST, host.parse().unwrap());
        }
        normalize(&mut seen, &mut headers);
        assert_eq!(seen.to_string(), own.unwrap_or(uri));
        assert_eq!(headers.get(HOST).map(|host| host.to_str().unwrap()), field, "{uri}");
    }
}

#[test]
fn two_hosts_and_malformed_ones_are_unclear() {
    for (uri, hosts) in [
        ("http://good/", &["evil"][..]),
        ("/", &["good", "evil"]),
        ("/", &["good", ""]),
        ("/", &["good:80", "good:8080"]),
        ("http://user@good/", &[]),
        ("/", &["a/b"]),
        ("/", &["a b"]),
        ("/", &["a:b"]),
        ("/", &["a:80:80"]),
        ("/", &["::1"]),
        ("/", &["[::1"]),
        ("/", &["[::1]x"]),
        ("/", &["a]"]),
        ("/", &["[a.example]"]),
        ("/", &["."]),
        ("/", &[":80"]),
        ("/", &["a*"]),
    ] {
        assert_eq!(read(uri, hosts), None, "{uri} {hosts:?}");
    }
    let mut headers = HeaderMap::new();
    headers.append(HOST, HeaderValue::from_bytes("bücher.example".as_bytes()).unwrap());
    assert_eq!(named(&Uri::from_static("/"), &headers), NamedHost::Unclear);
}
