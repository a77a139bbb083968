//! The items that generated code names, and no others: `larder::__private`.

mod entries;
mod evict;
mod late_names;
mod many;
mod put;

#[cfg(feature = "axum")]
pub use axum::response::Response;

pub use self::{
    entries::{Entries, LateEntries, entry_with, late_entries, no_entry_with},
    evict::{Evict, evict, evict_named, evict_named_sync, evict_sync},
    late_names::{LateNames, LateTargets, NameTargets, late_targets},
    many::{
        ByOwned, ByRef, ByText, EntryOf, Many, by_owned, run_many, run_many_detachable,
        run_many_detachable_sync, run_many_sync,
    },
    put::{Put, put, put_sync},
};
#[cfg(feature = "axum")]
pub use crate::axum::{
    BodyProbe, Handler, Incoming, Outcome, Respond, Responded, Responds, ViaNoBody, ViaPeek, WithIncoming,
    evict_response, put_response, respond, respond_detachable, responded,
};
#[cfg(feature = "axum")]
pub use crate::http::{AsResponse, EtagKind};
#[cfg(feature = "rate_limit")]
pub use crate::rate_limit::{FromLimited, FunctionLimit};
pub use crate::{
    engine::call::Call,
    engine::found::Found,
    engine::owner::AsCache,
    engine::run::{run, run_detachable, run_detachable_sync, run_sync},
    site::{
        arguments::Arguments,
        body::{
            ArgType, BackgroundClone, Body, CloneForBackground, InBackground, MoveToBackground, RunMode,
            SyncBody, arg_type, borrowed, clone_for_background, move_to_background,
        },
        cacheable::{
            Cacheable, CacheableProbe, NeedsDeserialize, NeedsResponse, NeedsSerde, NeedsSerialize,
            NotDeserialize, NotSerde, NotSerialize, OnlyResponse, ResponseValue, ViaDeserialize, ViaOther,
            ViaResponse, ViaSerde, ViaSerialize, cacheable,
        },
        call_site::CallSite,
        class::{
            ArgumentContext, Attached, ByEntry, ByKey, ByPath, Class, Connected, Content, Declared,
            Identifying, InExpression, InFunction, InHandler, Naming, Undeclared, UrlContent, WholeBody,
            WholeRequest,
        },
        extractor::{BodyPart, ExtractPart, Extractor},
        kind::{
            BodyBypass, Extracted, ExtractedExtension, ExtractedUrl, Hashed, HashedInHandler, HashedShared,
            Ignored, KeyArgument, KeyContent, KeyExtension, KeyPart, Personal, SetPart, SharedKeyPart,
            Unordered, UrlAdded,
        },
        late_tags::{LateTags, no_tags_with, tags_with},
        many_body::{ManyBody, OutsideEntry, PassAgain, SyncManyBody, outside_entry, pass_again},
        many_id::{ManyId, SameId},
        many_probe::{Ids, ids},
        many_result::{Lost, ManyAnswer, ManyResult},
        outcome::{
            AsOption, AsPlain, AsResult, AsResultOption, HasNone, Ret, Shape, Split, Value, ViaOption,
            ViaPlain, ViaResult, ViaResultOption, has_none,
        },
        path::name_of,
        probe::{
            BesideBody, BesideExtractor, BesideIgnored, BesideOther, InKey, InText, LeftOut, Missing, Named,
            PartOfIgnored, PartOfOther, PartProbe, Place, Probe, Unbound, ViaExtract, ViaHash, ViaIgnore,
            ViaSet, ViaShared, part_probe, probe,
        },
        refusal::{
            DeclaredConnection, DeclaredInFunction, DeclaredInHandler, MentionedInKey, MentionedReceiver,
            NamedByEntry, NamesPart, RefusedBesideKey, RefusedConnection, RefusedInExpression,
            RefusedInFunction, RefusedInHandler, RefusedOmittedReceiver, RefusedReceiver, RefusedUrl,
            TakenReceiver,
        },
        rules::{
            ExpiryRule, NoExpireWith, NoUnless, Rules, TaggedRules, UnlessRule, ValueExpiry, ValueRules,
            expire_with, unless,
        },
        tag_list::{
            Characters, IsList, NoList, NotCharacters, TagListProbe, TagText, Texts, ViaCharacters,
            ViaNoList, ViaTexts, tag_list,
        },
        text::Text,
        value_caps::{
            SharedFailure, ValueCaps, ValueCapsProbe, ViaArc, ViaClone, ViaDebug, ViaDecode, ViaEqual,
            ViaNoDebug, ViaNoEqual, ViaOwn, ViaShare, bytes_only, value_caps, value_shape, value_type,
        },
    },
    types::windows::StaleWindows,
};
