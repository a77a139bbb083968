use larder::cache;

struct Db;

#[derive(serde::Serialize)]
struct Shop {
    id: u64,
}

#[cache(key = "order:{id}")]
async fn order(id: u64, region: &str) -> String {
    format!("{id}{region}")
}

#[cache(key = "order:{id}")]
async fn of_pool(id: u64, db: &Db) -> u64 {
    let Db = db;
    id
}

#[cache(key = (id, 1))]
async fn by_expression(id: u64, page: u32) -> u64 {
    id + u64::from(page)
}

#[cache(key = "order:{id}", tags = ["region:{region}"])]
async fn tagged(id: u64, region: &str) -> String {
    format!("{id}{region}")
}

#[cache(key = "pair:{a}")]
async fn bound((a, b): (u64, u64)) -> u64 {
    a + b
}

#[cache(key = "all")]
async fn by_constant(r#type: u8) -> u8 {
    r#type
}

impl Shop {
    #[cache(key = "page:{page}")]
    async fn page(&self, page: u32) -> u64 {
        self.id + u64::from(page)
    }
}

#[cache(ignore(a))]
async fn part((a, b): (u64, u64)) -> u64 {
    a + b
}

// None of these is an error.

#[cache(key = "order:{id}", group = "region:{region}")]
async fn grouped(id: u64, region: &str) -> String {
    format!("{id}{region}")
}

#[cache(key = "pair:{a}", ignore(b))]
async fn half((a, b): (u64, u64)) -> u64 {
    a + b
}

#[cache(key = "shop:{shop.id}", ignore(region))]
async fn field(shop: Shop, region: &str) -> u64 {
    shop.id + region.len() as u64
}

#[cache(key = "none")]
async fn unread(_: u64) -> u64 {
    1
}

fn main() {}
