//! The frozen digests, and the layout that they are made of.

use std::collections::BTreeMap;

use super::*;

#[derive(serde::Serialize)]
struct Ab {
    a: u8,
    b: u8,
}

#[derive(serde::Serialize)]
struct Nothing;

#[derive(serde::Serialize)]
enum Choice {
    Unit,
    One(u8),
    Two(u8, u8),
    Fields { a: u8, b: u8 },
}

/// One value of every kind, with a name for the golden table.
pub(super) fn table() -> Vec<(&'static str, ArgKey)> {
    let mut table = scalars();
    table.extend(compounds());
    table
}

fn scalars() -> Vec<(&'static str, ArgKey)> {
    vec![
        ("no arguments", parts(|_| {})),
        ("()", key(&())),
        (
            "\"ab\", \"c\"",
            parts(|encoder| {
                encoder.part("ab");
                encoder.part("c");
            }),
        ),
        (
            "\"a\", \"bc\"",
            parts(|encoder| {
                encoder.part("a");
                encoder.part("bc");
            }),
        ),
        ("(\"ab\", \"c\")", key(&("ab", "c"))),
        ("\"abc\"", key("abc")),
        ("0u64", key(&0_u64)),
        ("1u64", key(&1_u64)),
        ("1i64", key(&1_i64)),
        ("-1i64", key(&-1_i64)),
        ("\"1\"", key("1")),
        ("'1'", key(&'1')),
        ("true", key(&true)),
        ("false", key(&false)),
        ("1f32", key(&1_f32)),
        ("1f64", key(&1_f64)),
        ("0f64", key(&0_f64)),
        ("NaN", key(&f64::NAN)),
        ("NaN f32", key(&f32::NAN)),
        ("infinity", key(&f64::INFINITY)),
        ("2^53", key(&(1_u64 << 53))),
        ("2^53 + 1", key(&((1_u64 << 53) + 1))),
        ("u128::MAX", key(&u128::MAX)),
        ("i128::MIN", key(&i128::MIN)),
        ("i128::MAX", key(&i128::MAX)),
    ]
}

fn compounds() -> Vec<(&'static str, ArgKey)> {
    let map = BTreeMap::from([("a", 1_u8), ("b", 2)]);
    vec![
        ("None", key(&None::<String>)),
        ("Some(\"\")", key(&Some(""))),
        ("Some(\"none\")", key(&Some("none"))),
        ("Some(None)", key(&Some(None::<u8>))),
        ("\"\"", key("")),
        ("[]", key(&Vec::<u8>::new())),
        ("[[]]", key(&vec![Vec::<u8>::new()])),
        ("[[1], [2]]", key(&vec![vec![1_u8], vec![2]])),
        ("[[1, 2]]", key(&vec![vec![1_u8, 2]])),
        ("[1, 2]", key(&vec![1_u8, 2])),
        ("(1, 2)", key(&(1_u8, 2_u8))),
        ("(1,)", key(&(1_u8,))),
        ("((1,),)", key(&((1_u8,),))),
        ("{a, b} struct", key(&Ab { a: 1, b: 2 })),
        ("{a, b} map", key(&map)),
        ("empty map", key(&BTreeMap::<u8, u8>::new())),
        ("unit struct", key(&Nothing)),
        ("unit variant", key(&Choice::Unit)),
        ("\"Unit\"", key("Unit")),
        ("newtype variant", key(&Choice::One(1))),
        ("tuple variant", key(&Choice::Two(1, 2))),
        ("struct variant", key(&Choice::Fields { a: 1, b: 2 })),
        ("set", parts(|encoder| encoder.set_part([1_u8, 2].iter()))),
        ("empty set", parts(|encoder| encoder.set_part(std::iter::empty::<&u8>()))),
        ("long text", key(&"long ".repeat(100))),
    ]
}

#[test]
fn golden() {
    let actual = table();
    assert_eq!(actual.len(), GOLDEN.len());
    for ((name, key), golden) in actual.iter().zip(GOLDEN) {
        assert_eq!((*name, text(key).as_str()), *golden);
    }
}

/// Frozen. A changed line means a cold cache for every user, and possibly wrong answers.
const GOLDEN: &[(&str, &str)] = &[
    ("no arguments", "42c7bd408b2e7bed634ad94386d1bcdd"),
    ("()", "8b6a17c7c9c579a87d50ace872d31eaf"),
    ("\"ab\", \"c\"", "eeb1c8e9e1b5ffa31ad03f43df94da9c"),
    ("\"a\", \"bc\"", "82ad425cce4a94cb08fbdf8e0ea4dc91"),
    ("(\"ab\", \"c\")", "64131f6d0d1cf8c82d22bc866d472d3b"),
    ("\"abc\"", "17683b6b577d3cecbc357a12311a1ca1"),
    ("0u64", "bddce58515ce26abf3e782610960125e"),
    ("1u64", "61c69d6ddce51acb496616a5d035761b"),
    ("1i64", "550a3ca7371e63dbbf90575273ba8d4c"),
    ("-1i64", "c52853cf1cda7dd10100a7640f17315a"),
    ("\"1\"", "f3d02ed315d3bed2e5acc27b6c979f54"),
    ("'1'", "7f697e0b01edd8974f6870536df808dc"),
    ("true", "622af43b32f48afbc6ea9e8acc917457"),
    ("false", "348e737544f1da5206589b5c8f22d89d"),
    ("1f32", "35ac38749c548c29553fea4eff9e1e14"),
    ("1f64", "f56a051a8781f8c3c7301d732b3c4eb8"),
    ("0f64", "71a4ea43a1aefb334bde03c1103348ee"),
    ("NaN", "8a108034fc237604bfe114a65597688e"),
    ("NaN f32", "2e04fd442800a2fba4fe66699fb903e0"),
    ("infinity", "df0cfde9a23ba45e8588706b5a4d834e"),
    ("2^53", "265be807f5eb6293911eff66c86f2931"),
    ("2^53 + 1", "d723230378c2b1de09e75f8a974aaf91"),
    ("u128::MAX", "e1be2cd1160887ad7da3e67ce332190a"),
    ("i128::MIN", "c5c4acf77a2db8e3e5e41a4275103afb"),
    ("i128::MAX", "3e85fb730ce1d90d779d6c2dfe269460"),
    ("None", "e5da97a81ca4f7a75a63561f5ac906b8"),
    ("Some(\"\")", "eca798248e8d495498078df1538184fa"),
    ("Some(\"none\")", "63da7fdb57987de1d74d902b809fa2fe"),
    ("Some(None)", "7009c464248c6650cb8e05bdbc85998a"),
    ("\"\"", "c7bf20c1c04ee686bd4600fd2232059c"),
    ("[]", "8c2ddfce973892121c521317455888f7"),
    ("[[]]", "86c6f0d72e84250c85f1d492daf226fc"),
    ("[[1], [2]]", "8fb38a8eee7c35a0080b21d11b6edc14"),
    ("[[1, 2]]", "377589e1f115269a86be950a185606f7"),
    ("[1, 2]", "17f5fb26cf948fb893f42c99e72539be"),
    ("(1, 2)", "3fe9833ac3ee3dc8289ad19512178c7d"),
    ("(1,)", "d584fdfbd8a47c8f1d1224119e28f410"),
    ("((1,),)", "461d6a704844bb443849314da8f6e6ad"),
    ("{a, b} struct", "5fc8428e3bca00d03b7056da3dbacacf"),
    ("{a, b} map", "399e3d727b337a4df442260f604930b0"),
    ("empty map", "a85c95f18a19e2ef9c9735a61dbef20a"),
    ("unit struct", "f93ebb522f1d2e405385f76d9c56188b"),
    ("unit variant", "da4ce92e315cdcd7be546a829f65f8d3"),
    ("\"Unit\"", "c7c5e44f60836c7c43f462e827056203"),
    ("newtype variant", "c65840e5bb78a897277326e54f85cf0c"),
    ("tuple variant", "9efb5ee4ad51d2991671b1357006151b"),
    ("struct variant", "1e136032cb8ec7764a0a5b179972ae95"),
    ("set", "d6ae698e2a802c277272df21e64ada3c"),
    ("empty set", "01b90ccf57b237fc3aa90d9896f94132"),
    ("long text", "cd9535d193c8c965ed040326aff0601b"),
];

/// The layout byte by byte, for code that computes a key elsewhere.
#[test]
fn layout() {
    let mut bytes = b"larder key 1".to_vec();
    bytes.extend([4, 0, 0, 0, 0, 0, 0, 0]);
    bytes.extend(b"m::f");
    bytes.extend([3, 0, 0, 0]);
    let salt_bytes = *blake3::hash(&bytes).as_bytes();
    let arguments = [0, 0x01, 0x05, 2, 0x01, 0x2c, 0x01, 0x0a, 1, b'x'];
    let key = parts(|encoder| {
        encoder.part(&300);
        encoder.part("x");
    });
    assert_ne!(key.digest(&salt("m::f", 3)), blake3::keyed_hash(&salt_bytes, &arguments).as_bytes()[..16]);
    let key = parts(|encoder| {
        encoder.part(&300_u16);
        encoder.part("x");
    });
    assert_eq!(key.digest(&salt("m::f", 3)), blake3::keyed_hash(&salt_bytes, &arguments).as_bytes()[..16]);
}
