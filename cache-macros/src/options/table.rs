//! The table of all options. A line here is an option that is parsed, offered in messages and, with `sets`, passed on to `Policy`.
//! `declare.rs` turns each line into a field of `Args`; `read/policy.rs` reads the lines with `sets`.
//!
//! The columns:
//! - the name, with `as ".."` if the name is a keyword of Rust;
//! - the syntax of the value;
//! - the attributes that take the option; the presets take what `Cache` takes, except `expire`;
//! - `sets`: the option calls the setter of `Policy` that has its name, with a value of this kind (`setting.rs`);
//! - `needs`: the option means nothing without this other one.

use crate::options::choices::{CODECS, COMPRESSIONS};
use crate::options::declare::declare_args;
use crate::options::setting::{choice, number, share_above_zero, share_from_zero, time};
use crate::options::syntax::{Arguments, Expression, Flag, Headers, ModPath, Statuses};

declare_args! {
    expire:                  Expression,  [Cache, Put, Many];
    expire_with:             Expression,  [Cache, Put, Many];
    key:                     Expression,  [Cache, Evict, Put, Many];
    ignore:                  Arguments,   [Cache, Many];
    name:                    Expression,  [Cache, Many];
    group:                   Expression,  [Cache, Evict, Put, Many];
    when:                    Expression,  [Cache, Many];
    unless:                  Expression,  [Cache, Put, Many];
    none_expire:             Expression,  [Cache, Put, Many];
    stale_while_revalidate:  Expression,  [Cache, Many],              sets time().in_background();
    soft_timeout:            Expression,  [Cache, Many],              sets time().in_background();
    stale_if_error:          Expression,  [Cache, Many],              sets time();
    stale_retry:             Expression,  [Cache, Many],              sets time();
    refresh_ahead:           Expression,  [Cache, Many],              sets share_above_zero("0.8").in_background();
    background:              Flag,        [Cache, Many];
    jitter:                  Expression,  [Cache, Many],              sets share_from_zero("0.1");
    local:                   Expression,  [Cache, Many],              sets time();
    local_copy:              Expression,  [Cache, Many];
    tags:                    Expression,  [Cache, Evict, Put, Many];
    tags_with:               Expression,  [Cache, Evict];
    codec:                   Expression,  [Cache, Put, Many],         sets choice(&CODECS);
    compress:                Expression,  [Cache, Put, Many],         sets choice(&COMPRESSIONS);
    version:                 Expression,  [Cache, Put, Many],         sets number();
    entry:                   Expression,  [Cache, Evict, Put];
    entry_with:              Expression,  [Evict];
    of:                      Expression,  [Many];
    response:                Flag,        [Cache, Evict, Put];
    private:                 Flag,        [Cache],              needs response;
    shared:                  Flag,        [Cache],              needs response;
    vary:                    Headers,     [Cache],              needs response;
    statuses:                Statuses,    [Cache],              needs response;
    uncached:                Expression,  [Cache],              needs response;
    etag:                    Expression,  [Cache, Put],         needs response;
    client_max_age:          Expression,  [Cache],              needs response;
    url:                     Expression,  [Evict];
    before:                  Flag,        [Evict];
    policy:                  Expression,  [Cache, Put, Many];
    cache:                   Expression,  [Cache, Evict, Put, Many];
    krate as "crate":        ModPath,     [Cache, Evict, Put, Many];
}
