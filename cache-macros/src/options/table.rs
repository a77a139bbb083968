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
    expire:                  Expression,  [Cache, Put];
    expire_with:             Expression,  [Cache, Put];
    key:                     Expression,  [Cache, Evict, Put];
    ignore:                  Arguments,   [Cache];
    name:                    Expression,  [Cache];
    group:                   Expression,  [Cache, Evict, Put];
    when:                    Expression,  [Cache];
    unless:                  Expression,  [Cache, Put];
    none_expire:             Expression,  [Cache, Put];
    stale_while_revalidate:  Expression,  [Cache],              sets time().in_background();
    soft_timeout:            Expression,  [Cache],              sets time().in_background();
    stale_if_error:          Expression,  [Cache],              sets time();
    stale_retry:             Expression,  [Cache],              sets time();
    refresh_ahead:           Expression,  [Cache],              sets share_above_zero("0.8").in_background();
    background:              Flag,        [Cache];
    jitter:                  Expression,  [Cache],              sets share_from_zero("0.1");
    local:                   Expression,  [Cache],              sets time();
    local_copy:              Expression,  [Cache];
    tags:                    Expression,  [Cache, Evict, Put];
    codec:                   Expression,  [Cache, Put],         sets choice(&CODECS);
    compress:                Expression,  [Cache, Put],         sets choice(&COMPRESSIONS);
    version:                 Expression,  [Cache, Put],         sets number();
    entry:                   Expression,  [Cache, Evict, Put];
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
    policy:                  Expression,  [Cache, Put];
    cache:                   Expression,  [Cache, Evict, Put];
    krate as "crate":        ModPath,     [Cache, Evict, Put];
}
