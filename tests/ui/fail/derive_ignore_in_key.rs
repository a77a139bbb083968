use larder::IgnoreInKey;

#[derive(IgnoreInKey)]
#[larder(krate = ::larder)]
struct Unknown;

#[derive(IgnoreInKey)]
#[larder(crate = larder)]
struct Relative;

#[derive(IgnoreInKey)]
#[larder(crate = ::larder, crate = ::larder)]
struct Twice;

fn main() {}
