use axum::extract::Path;
use larder::cache;

#[cache(response, client_max_age = share)]
async fn no_time(Path(share): Path<f64>) -> String {
    share.to_string()
}

#[cache(response, client_max_age = larder::Expire::Never)]
async fn no_end() -> String {
    String::new()
}

fn main() {}
