//! A client of the API.

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE};
use axum::http::{Request, StatusCode};
use serde_json::{Value, json};
use tower::ServiceExt as _;

use crate::AnyError;

pub(super) struct Client(pub(super) Router);

impl Client {
    pub(super) async fn send(
        &self,
        method: &str,
        path: &str,
        token: &str,
        body: &Value,
    ) -> Result<(StatusCode, Value), AnyError> {
        let request = Request::builder().method(method).uri(path).header(CONTENT_TYPE, "application/json");
        let request =
            request.header(AUTHORIZATION, format!("Bearer {token}")).body(Body::from(body.to_string()))?;
        let response = self.0.clone().oneshot(request).await?;
        let status = response.status();
        let body = to_bytes(response.into_body(), 1 << 20).await?;
        Ok((status, serde_json::from_slice(&body).unwrap_or_default()))
    }

    pub(super) async fn login(&self) -> Result<(String, String), AnyError> {
        let login = json!({ "user": "ada", "password": "secret" });
        let (_, tokens) = self.send("POST", "/login", "", &login).await?;
        read(&tokens).ok_or_else(|| "no tokens".into())
    }

    pub(super) async fn refresh(&self, token: &str) -> Result<Option<(String, String)>, AnyError> {
        let (_, tokens) = self.send("POST", "/refresh", "", &json!({ "refresh_token": token })).await?;
        Ok(read(&tokens))
    }

    pub(super) async fn me(&self, token: &str) -> Result<StatusCode, AnyError> {
        Ok(self.send("GET", "/me", token, &Value::Null).await?.0)
    }

    pub(super) async fn logout(&self, token: &str, refresh: &str) -> Result<StatusCode, AnyError> {
        Ok(self.send("POST", "/logout", token, &json!({ "refresh_token": refresh })).await?.0)
    }

    pub(super) async fn logout_everywhere(&self, token: &str) -> Result<StatusCode, AnyError> {
        Ok(self.send("POST", "/logout-everywhere", token, &Value::Null).await?.0)
    }
}

fn read(tokens: &Value) -> Option<(String, String)> {
    let text = |name: &str| tokens[name].as_str().map(str::to_owned);
    text("access_token").zip(text("refresh_token"))
}
