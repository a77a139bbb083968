//! The rules as data: what to check, the layers, the limits, and every exception with its reason.

use crate::layers::Layers;

/// The crates whose type names are checked: the folder of the source and its root file.
pub(crate) const CRATES: &[(&str, &str)] = &[
    ("cache-macros/src", "lib"),
    ("cache-runtime/src", "lib"),
    ("house/src", "main"),
    ("model/src", "main"),
    ("src", "lib"),
];

/// The crates whose imports run down only, each with its layers, the lowest first.
///
/// An entry is a folder or a file, relative to the source and without `.rs`. The longest entry that fits decides, so
/// a single file may leave the layer of its folder. Entries on one line are one layer and may import each other.
pub(crate) const LAYERS: &[(&str, &Layers)] = &[
    (
        "cache-macros/src",
        &[
            &["errors", "tokens"],
            &["verb", "options"],
            &["input"],
            &["read"],
            &["check"],
            &["model"],
            &["expand"],
            &["fallback"],
            &["limit"],
            &["ignore_in_key"],
            &["lib"],
        ],
    ),
    (
        "cache-runtime/src",
        &[
            &["types"],
            &["rt"],
            &["observe"],
            &["codec"],
            &["site"],
            &[
                "http/rfc",
                "http/no_cache",
                "http/body_budget",
                "http/sent_bodies",
                "http/credentials",
                "http/known_hosts",
            ],
            &[
                "store/lease",
                "store/page",
                "store/dropped_groups",
                "store/listener",
                "store/near/local_tier",
                "store/redis/credentials",
                "store/redis/tls",
            ],
            &["store/contract", "store/settings"],
            &["store/memory", "store/redis/url", "store/redis/cause", "store/redis/probed"],
            &["store/redis/sentinel/primary"],
            &["store/redis/config"],
            &["store/redis/location"],
            &["store/redis/connect"],
            &["store/redis/sentinel"],
            &["store/redis/nodes"],
            &["store/redis/push"],
            &["store/redis/store"],
            &["store/redis/commands"],
            &["store/watched"],
            &["store/any"],
            &["store/near", "store/chaos"],
            &["store"],
            &[
                "engine/pending_invalidation",
                "engine/decide",
                "engine/leader_waker",
                "engine/stall_limit",
                "engine/waits",
                "engine/turns",
                "engine/held_leases",
                "engine/pending",
                "engine/recent",
                "engine/abandoned",
                "engine/companions",
                "engine/outage",
                "engine/reclaim_queue",
                "engine/unreadable",
                "engine/silence",
                "engine/key_sizes",
                "engine/known_tags",
                "engine/warming",
            ],
            &["engine/key_times", "engine/follower", "engine/snapshot"],
            &["engine/passing", "engine/flight_state"],
            &["engine/neighbor", "engine/stalls", "engine/flight_shard"],
            &["engine/flight"],
            &["engine/core"],
            &["engine/deferred"],
            &["engine/context", "engine/global", "engine/reclaim", "engine/forget", "engine/store_failure"],
            &["engine/retry"],
            &["engine/switches"],
            &["engine/invalidation_guard"],
            &["engine/deferred_send"],
            &["engine/owner"],
            &["engine/rare_parts"],
            &["engine/call"],
            &["engine/found"],
            &["engine/waiting"],
            &["engine/entry_op"],
            &["engine/entry_target"],
            &["engine/function_ops"],
            &["engine/large_values", "engine/read_back", "engine/unusable"],
            &["engine/lease", "engine/lookup", "engine/ttl", "engine/judge"],
            &[
                "engine/fallback",
                "engine/fill",
                "engine/write",
                "engine/invalidate",
                "engine/compute_input",
                "engine/local_hit",
            ],
            &["engine/serve"],
            &["engine/compute", "engine/claim", "engine/stale"],
            &["engine/lead"],
            &["engine/refresh"],
            &["engine/computation"],
            &["engine/miss"],
            &["engine/run_future"],
            &["engine/run"],
            &["engine/many"],
            &["engine"],
            &["observe/publish"],
            &["handle"],
            &["codegen/entries", "codegen/late_names", "codegen/evict", "codegen/many", "codegen/put"],
            &["http"],
            &["axum"],
            &["rate_limit"],
            &["revoke"],
            &["session"],
            &["event_log"],
            &["codegen"],
            &["health"],
            &["lib"],
        ],
    ),
];

/// The largest number of files in a circle of imports.
pub(crate) const MAX_CIRCLE: usize = 4;

/// Circles of files of one folder, as `folder: file file`, in alphabetical order.
pub(crate) const CIRCLES: &[(&str, &str)] = &[];

/// The largest number of entries in [`REPEATED_NAMES`].
pub(crate) const MAX_REPEATED_NAMES: usize = 10;

/// Names of several types of one crate, as `source folder: Name`.
pub(crate) const REPEATED_NAMES: &[(&str, &str)] = &[];

/// The largest number of lines of a file.
pub(crate) const MAX_FILE_LINES: usize = 400;

/// The largest number of lines of a function, from its signature to its closing brace.
pub(crate) const MAX_FUNCTION_LINES: usize = 60;

/// Longer files, as `path`, and longer functions, as `path fn name`.
pub(crate) const LONG: &[(&str, &str)] = &[];
