use std::sync::Arc;

use larder::cache;

trait Service {
    fn name(&self) -> String;
}

struct Pool;

#[cache]
async fn borrowed(service: &Arc<dyn Service + Send + Sync>, id: u64) -> String {
    format!("{}{id}", service.name())
}

#[cache]
async fn owned(service: Arc<dyn Service + Send + Sync>, pool: Arc<Pool>) -> String {
    let Pool = *pool;
    service.name()
}

fn main() {}
