//! An API with JSON Web Tokens: login, refresh, logout, and logout everywhere. Runs without a server, on `memory://`:
//! `cargo run --example jwt_api --features jwt`
//!
//! Access tokens live for five minutes and are checked against the deny list; refresh tokens are opaque and replaced at each use. The
//! algorithm is fixed, every claim is required, and what a token's header says about keys and algorithms decides nothing.

mod client;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use aws_lc_rs::rand::{SecureRandom as _, SystemRandom};
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use axum::extract::{FromRequestParts, State};
use axum::http::StatusCode;
use axum::http::header::{AUTHORIZATION, WWW_AUTHENTICATE};
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, decode_header, encode};
use larder::Cache;
use larder::revoke::{RefreshTokens, Revocations, Rotation, TokenRefused};
use serde::{Deserialize, Serialize};

const ISSUER: &str = "https://login.example";
const AUDIENCE: &str = "https://api.example";
/// The only key; a token may name it or none.
const KEY_ID: &str = "2026";
/// The life of an access token in seconds.
const LIFE: u64 = 300;
/// The seconds by which clocks may differ.
const LEEWAY: u64 = 5;

type AnyError = Box<dyn std::error::Error>;

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Claims {
    iss: String,
    aud: String,
    sub: String,
    jti: String,
    iat: u64,
    nbf: u64,
    exp: u64,
    /// The generation of the user.
    #[serde(rename = "gen")]
    generation: u64,
}

#[derive(Clone)]
struct App {
    revocations: Revocations,
    refresh: RefreshTokens,
    keys: Arc<(EncodingKey, DecodingKey)>,
    /// The public key as everybody knows it.
    #[cfg_attr(not(test), expect(dead_code, reason = "a forgery of the tests is made with it"))]
    public: Arc<[u8]>,
}

/// The errors of the API.
enum ApiError {
    /// There is no token, or none that is accepted.
    Unauthorized,
    Refused(TokenRefused),
    /// Redis did not answer. A client keeps its tokens and asks again.
    Unavailable,
}

#[derive(Deserialize)]
struct Login {
    user: String,
    password: String,
}

#[derive(Deserialize)]
struct Presented {
    refresh_token: String,
}

#[derive(Serialize)]
struct Tokens {
    access_token: String,
    refresh_token: String,
}

impl App {
    fn new(cache: &Cache) -> Result<Self, AnyError> {
        // A service reads its keys from a secret store: with these, a restart ends all tokens.
        let random = SystemRandom::new();
        let private = Ed25519KeyPair::generate_pkcs8(&random)?;
        let public = Ed25519KeyPair::from_pkcs8(private.as_ref())?.public_key().as_ref().to_vec();
        let mut secret = [0; 32];
        random.fill(&mut secret)?;
        Ok(Self {
            revocations: Revocations::new(cache).leeway(LEEWAY),
            refresh: RefreshTokens::new(cache, secret),
            keys: Arc::new((EncodingKey::from_ed_der(private.as_ref()), DecodingKey::from_ed_der(&public))),
            public: public.into(),
        })
    }

    fn routes(self) -> Router {
        Router::new()
            .route("/login", post(login))
            .route("/refresh", post(refresh))
            .route("/me", get(me))
            .route("/logout", post(logout))
            .route("/logout-everywhere", post(logout_everywhere))
            .with_state(self)
    }

    async fn access_token(&self, user: &str) -> Result<String, ApiError> {
        let now = now();
        let claims = Claims {
            iss: ISSUER.to_owned(),
            aud: AUDIENCE.to_owned(),
            sub: user.to_owned(),
            jti: token_id()?,
            iat: now,
            nbf: now,
            exp: now + LIFE,
            generation: self.revocations.generation(user).await?,
        };
        let header = Header { kid: Some(KEY_ID.to_owned()), ..Header::new(Algorithm::EdDSA) };
        encode(&header, &claims, &self.keys.0).map_err(|_| ApiError::Unauthorized)
    }

    /// Checks a token: the signature and the claims, then the deny list.
    async fn authenticate(&self, token: &str) -> Result<Claims, ApiError> {
        let header = decode_header(token).map_err(|_| ApiError::Unauthorized)?;
        if header.kid.is_some_and(|kid| kid != KEY_ID) {
            return Err(ApiError::Unauthorized);
        }
        // One algorithm, which the header does not choose. An audience that is set is not required by itself.
        let mut validation = Validation::new(Algorithm::EdDSA);
        validation.set_required_spec_claims(&["exp", "nbf", "aud", "iss", "sub"]);
        validation.set_audience(&[AUDIENCE]);
        validation.set_issuer(&[ISSUER]);
        validation.validate_nbf = true;
        validation.leeway = LEEWAY;
        let token = decode::<Claims>(token, &self.keys.1, &validation).map_err(|_| ApiError::Unauthorized)?;
        let claims = token.claims;
        self.revocations.check(&claims.sub, &claims.jti, claims.generation).issued_at(claims.iat).await?;
        Ok(claims)
    }
}

impl FromRequestParts<App> for Claims {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, ApiError> {
        let header = parts.headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
        let token = header.and_then(|value| value.strip_prefix("Bearer ")).ok_or(ApiError::Unauthorized)?;
        app.authenticate(token).await
    }
}

async fn login(State(app): State<App>, Json(login): Json<Login>) -> Result<Json<Tokens>, ApiError> {
    if login.password != "secret" {
        return Err(ApiError::Unauthorized);
    }
    let access_token = app.access_token(&login.user).await?;
    let refresh_token = app.refresh.begin(&login.user).await?.into();
    Ok(Json(Tokens { access_token, refresh_token }))
}

async fn refresh(State(app): State<App>, Json(presented): Json<Presented>) -> Result<Json<Tokens>, ApiError> {
    match app.refresh.rotate(&presented.refresh_token).await? {
        Rotation::Rotated(next) => {
            let access_token = app.access_token(next.user()).await?;
            Ok(Json(Tokens { access_token, refresh_token: next.into() }))
        }
        // A place to tell somebody of a theft, for `Reused`.
        Rotation::Reused | Rotation::Unknown => Err(ApiError::Unauthorized),
    }
}

async fn me(claims: Claims) -> String {
    claims.sub
}

async fn logout(
    State(app): State<App>,
    claims: Claims,
    Json(presented): Json<Presented>,
) -> Result<StatusCode, ApiError> {
    app.revocations.revoke(&claims.jti, claims.exp).await?;
    app.refresh.end(&presented.refresh_token).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn logout_everywhere(State(app): State<App>, claims: Claims) -> Result<StatusCode, ApiError> {
    app.revocations.bump(&claims.sub).await?;
    Ok(StatusCode::NO_CONTENT)
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        match self {
            Self::Unauthorized => (StatusCode::UNAUTHORIZED, [(WWW_AUTHENTICATE, "Bearer")]).into_response(),
            Self::Refused(refused) => refused.into_response(),
            Self::Unavailable => StatusCode::SERVICE_UNAVAILABLE.into_response(),
        }
    }
}

impl From<larder::Error> for ApiError {
    fn from(_: larder::Error) -> Self {
        Self::Unavailable
    }
}

impl From<TokenRefused> for ApiError {
    fn from(refused: TokenRefused) -> Self {
        Self::Refused(refused)
    }
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_secs())
}

/// An id that no other token has. A service may take a UUID.
fn token_id() -> Result<String, ApiError> {
    let mut id = [0; 16];
    SystemRandom::new().fill(&mut id).map_err(|_| ApiError::Unavailable)?;
    Ok(id.iter().map(|byte| format!("{byte:02x}")).collect())
}

#[tokio::main]
async fn main() -> Result<(), AnyError> {
    let cache = Cache::from_env().init().await?;
    let client = client::Client(App::new(&cache)?.routes());

    println!("login");
    let (access, first) = client.login().await?;
    println!("    GET /me: {}", client.me(&access).await?);

    println!("refresh: the token before is good for ten seconds more, as after a lost response");
    let (access, second) = client.refresh(&first).await?.ok_or("a new token")?;
    let again = client.refresh(&first).await?.ok_or("the same token")?;
    println!("    GET /me: {}, the same token again: {}", client.me(&access).await?, again.1 == second);

    println!("logout");
    println!("    POST /logout: {}", client.logout(&access, &second).await?);
    println!("    GET /me: {}", client.me(&access).await?);
    println!("    POST /refresh: {}", client.refresh(&second).await?.is_some());

    println!("logout everywhere");
    let ((phone, _), (laptop, refresh)) = (client.login().await?, client.login().await?);
    println!("    POST /logout-everywhere: {}", client.logout_everywhere(&phone).await?);
    println!("    GET /me: {} and {}", client.me(&phone).await?, client.me(&laptop).await?);
    println!("    POST /refresh: {}", client.refresh(&refresh).await?.is_some());
    Ok(())
}
