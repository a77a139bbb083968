use larder::cache;
use serde::{Deserialize, Serialize, de::DeserializeOwned};

#[derive(Clone, Serialize, Deserialize)]
struct Row<V>(V);

impl<V: Clone + Send + Sync + Serialize + DeserializeOwned> Row<V> {
    #[cache(ignore(value))]
    async fn load(value: V) -> Self {
        Self(value)
    }
}

// With `local_copy = false`, or bounded, it is no error.

#[derive(Clone, Serialize, Deserialize)]
struct Decoded<V>(V);

impl<V: Clone + Send + Sync + Serialize + DeserializeOwned> Decoded<V> {
    #[cache(ignore(value), local_copy = false)]
    async fn load(value: V) -> Self {
        Self(value)
    }
}

#[derive(Clone, Serialize, Deserialize)]
struct Bounded<V>(V);

impl<V: Clone + Send + Sync + Serialize + DeserializeOwned + 'static> Bounded<V> {
    #[cache(ignore(value))]
    async fn load(value: V) -> Self {
        Self(value)
    }
}

#[cache(local_copy = "no")]
async fn no_flag(id: u64) -> u64 {
    id
}

fn main() {}
