use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Form, Path, Query};
use axum_extra::extract::WithRejection;
use larder::cache;

struct Page {
    number: u64,
}

#[cache(response)]
async fn query(Query(page): Query<Page>) -> String {
    page.number.to_string()
}

#[cache(response)]
async fn path(page: Path<Vec<Page>>) -> String {
    page.len().to_string()
}

#[cache(response, private, vary(accept_language))]
async fn json(page: Option<Json<Page>>) -> String {
    page.is_some().to_string()
}

#[cache(response)]
async fn form(page: Form<Page>) -> String {
    page.number.to_string()
}

#[cache]
async fn checked(page: &Result<Query<Page>, QueryRejection>) -> String {
    page.is_ok().to_string()
}

#[cache(response)]
async fn with_rejection(page: WithRejection<Query<Page>, QueryRejection>) -> String {
    page.0.number.to_string()
}

fn main() {}
