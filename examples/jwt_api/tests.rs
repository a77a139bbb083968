//! Tokens that the API refuses.

use serde_json::{Value, json};

use super::client::Client;
use super::*;

async fn start() -> (App, Client) {
    let cache = Cache::builder().url("memory://").build().await.expect("a cache");
    let app = App::new(&cache).expect("keys");
    (app.clone(), Client(app.routes()))
}

fn claims(app: &App, access: &str) -> Value {
    let mut validation = Validation::new(Algorithm::EdDSA);
    validation.set_audience(&[AUDIENCE]);
    decode::<Value>(access, &app.keys.1, &validation).expect("a token").claims
}

/// Tokens that a careless server accepts.
#[tokio::test]
async fn forged_tokens_are_refused() {
    let (app, client) = start().await;
    let (access, refresh) = client.login().await.expect("tokens");
    assert_eq!(client.me(&access).await.expect("an answer"), 200);
    let good = claims(&app, &access);
    let parts: Vec<&str> = access.split('.').collect();
    let sign = |header: &Header, claims: &Value| encode(header, claims, &app.keys.0).expect("a token");
    let own = Header::new(Algorithm::EdDSA);
    let by_secret = |secret: &[u8]| {
        let key = EncodingKey::from_secret(secret).expect("a key");
        encode(&Header::default(), &good, &key).expect("a token")
    };
    let mut forged = vec![
        // {"alg":"none"}
        format!("eyJhbGciOiJub25lIn0.{}.", parts[1]),
        format!("{}.{}.", parts[0], parts[1]),
        // The public key as the secret of another algorithm.
        by_secret(&app.public),
        by_secret(b"secret"),
        sign(&Header { kid: Some("../../dev/null".to_owned()), ..own.clone() }, &good),
        // Another token altogether.
        refresh,
        String::new(),
        "..".to_owned(),
        "x".repeat(10_000),
    ];
    let without = |claim: &str| {
        let mut claims = good.clone();
        claims.as_object_mut().expect("claims").remove(claim);
        claims
    };
    for claim in ["iss", "aud", "sub", "jti", "iat", "nbf", "exp", "gen"] {
        forged.push(sign(&own, &without(claim)));
    }
    for (claim, value) in [
        ("iss", json!("https://evil.example")),
        ("aud", json!("https://other.example")),
        ("exp", json!(now() - 60)),
        ("nbf", json!(now() + 60)),
        ("sub", json!("bob")),
        ("sub", Value::Null),
        ("gen", json!(0)),
    ] {
        let mut claims = good.clone();
        claims[claim] = value;
        forged.push(sign(&own, &claims));
    }
    for token in forged {
        assert_eq!(client.me(&token).await.expect("an answer"), 401, "{token}");
    }
    assert_eq!(client.me(&sign(&own, &good)).await.expect("an answer"), 200);
}

#[tokio::test]
async fn a_logout_ends_both_tokens_and_one_everywhere_ends_all() {
    let (_, client) = start().await;
    let (access, refresh) = client.login().await.expect("tokens");
    let (other, other_refresh) = client.login().await.expect("tokens");
    assert_eq!(client.logout(&access, &refresh).await.expect("an answer"), 204);
    assert_eq!(client.me(&access).await.expect("an answer"), 401);
    assert!(client.refresh(&refresh).await.expect("an answer").is_none());
    assert_eq!(client.me(&other).await.expect("an answer"), 200);
    assert_eq!(client.logout_everywhere(&other).await.expect("an answer"), 204);
    assert_eq!(client.me(&other).await.expect("an answer"), 401);
    assert!(client.refresh(&other_refresh).await.expect("an answer").is_none());
    let (access, _) = client.login().await.expect("tokens");
    assert_eq!(client.me(&access).await.expect("an answer"), 200);
}

#[tokio::test]
async fn a_refresh_token_is_no_access_token_and_a_wrong_password_none_at_all() {
    let (_, client) = start().await;
    let (access, refresh) = client.login().await.expect("tokens");
    assert_eq!(client.me(&refresh).await.expect("an answer"), 401);
    assert!(client.refresh(&access).await.expect("an answer").is_none());
    let wrong = json!({ "user": "ada", "password": "guess" });
    assert_eq!(client.send("POST", "/login", "", &wrong).await.expect("an answer").0, 401);
}
