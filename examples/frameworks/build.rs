//! The service of `src/bin/tonic.rs`, without `protoc`.

use tonic_build::manual::{Builder, Method, Service};

fn main() {
    let get = Method::builder()
        .name("get")
        .route_name("Get")
        .input_type("crate::ArticleRequest")
        .output_type("crate::Article")
        .codec_path("tonic_prost::ProstCodec")
        .build();
    Builder::new().compile(&[Service::builder().name("Articles").package("articles").method(get).build()]);
}
