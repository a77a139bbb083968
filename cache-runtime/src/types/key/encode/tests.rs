use std::collections::{BTreeMap, HashMap, HashSet};

use proptest::prelude::*;
use serde::ser::{SerializeMap, SerializeSeq, SerializeStruct, SerializeTuple, Serializer};

use super::*;

fn parts(feed: impl FnOnce(&mut KeyEncoder)) -> ArgKey {
    let mut encoder = KeyEncoder::new();
    feed(&mut encoder);
    encoder.key().unwrap()
}

fn key<T: Serialize + ?Sized>(value: &T) -> ArgKey {
    parts(|encoder| encoder.part(value))
}

fn text(key: &ArgKey) -> String {
    hex(&key.digest(&salt("m::f", 0))).iter().copied().map(char::from).collect()
}

#[derive(serde::Serialize)]
struct Ab {
    a: u8,
    b: u8,
}

#[derive(serde::Serialize)]
struct Wrapped(u64);

#[derive(serde::Serialize)]
struct Nothing;

#[derive(serde::Serialize)]
enum Choice {
    Unit,
    One(u8),
    Two(u8, u8),
    Fields { a: u8, b: u8 },
}

/// Every kind of value, with a name for the golden table.
fn table() -> Vec<(&'static str, ArgKey)> {
    let map = BTreeMap::from([("a", 1_u8), ("b", 2)]);
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

/// Frozen. A line that changes here is a cold cache for every user, and may be a wrong answer.
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

/// The layout written out by hand, for whoever has to compute a key elsewhere.
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

#[test]
fn different_values_differ() {
    let table = table();
    for (at, (one, key)) in table.iter().enumerate() {
        for (other, other_key) in &table[at + 1..] {
            assert_ne!(key, other_key, "{one} and {other}");
            assert_ne!(text(key), text(other_key), "{one} and {other}");
        }
    }
}

#[test]
fn equal_values_are_equal() {
    assert_eq!(key(&1_u8), key(&1_u64));
    assert_eq!(key(&-1_i8), key(&-1_i128));
    assert_eq!(key(&1_u64), key(&Wrapped(1)));
    assert_eq!(key("a"), key(&String::from("a")));
    assert_eq!(key("a"), key(&&Box::<str>::from("a")));
    assert_eq!(key(&0.0_f64), key(&-0.0_f64));
    assert_eq!(key(&0.0_f32), key(&-0.0_f32));
    assert_eq!(key(&f64::NAN), key(&-f64::NAN));
    assert_eq!(key(&f64::NAN), key(&f64::from_bits(0x7ff0_0000_0000_0001)));
    assert_eq!(key(&vec![1_u8]), key(&[1_u8][..]));
}

#[test]
fn identity_and_version_count() {
    let key = key(&1);
    let digest = key.digest(&salt("m::f", 0));
    assert_ne!(digest, key.digest(&salt("m::g", 0)));
    assert_ne!(digest, key.digest(&salt("m::f", 1)));
    assert_eq!(&hex(&[0, 1, 0xab, 0xff, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10])[..8], b"0001abff");
}

#[test]
fn sets_have_no_order() {
    let set = |items: &[u8]| parts(|encoder| encoder.set_part(items.iter()));
    assert_eq!(set(&[1, 2, 3]), set(&[3, 1, 2]));
    assert_ne!(set(&[1, 2, 3]), set(&[1, 2]));
    assert_ne!(set(&[1, 1]), set(&[1]));
    assert_ne!(set(&[1, 2]), key(&vec![1_u8, 2]));
    let items: HashSet<String> = (0..1_000).map(|n| n.to_string()).collect();
    let again: HashSet<String> = (0..1_000).rev().map(|n| n.to_string()).collect();
    let set = |items: &HashSet<String>| parts(|encoder| encoder.set_part(items.iter()));
    assert_eq!(set(&items), set(&again));
}

#[test]
fn failures_are_kept() {
    struct Fails;
    impl Serialize for Fails {
        fn serialize<S: Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
            Err(ser::Error::custom("no, thanks"))
        }
    }
    struct Lies(usize);
    impl Serialize for Lies {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            let mut tuple = serializer.serialize_tuple(self.0)?;
            tuple.serialize_element(&1)?;
            tuple.end()
        }
    }
    for feed in [
        &(|encoder: &mut KeyEncoder| encoder.part(&vec![Fails])) as &dyn Fn(&mut KeyEncoder),
        &|encoder| encoder.set_part([Fails].iter()),
        &|encoder| encoder.part(&HashMap::from([(1, Fails)])),
        &|encoder| encoder.part(&Lies(0)),
        &|encoder| encoder.part(&Lies(2)),
    ] {
        let mut encoder = KeyEncoder::new();
        feed(&mut encoder);
        encoder.part(&1);
        encoder.set_part([1].iter());
        assert!(matches!(encoder.key(), Err(Error::Key { .. })));
    }
    assert_eq!(key(&Lies(1)), key(&(1,)));
}

#[test]
fn short_and_long_paths_agree() {
    // The same content in one piece and in many, on both sides of the boundary.
    for len in 0..300 {
        let content: Vec<u8> = (0..len).map(|n| n as u8).collect();
        let mut whole = Sink::new();
        whole.put(&content);
        let mut pieces = Sink::new();
        content.chunks(7).for_each(|piece| pieces.put(piece));
        assert_eq!(whole.hash(), *blake3::hash(&content).as_bytes());
        assert_eq!(whole.hash(), pieces.hash());
        assert_eq!(matches!(whole, Sink::Inline { .. }), len <= INLINE);
        assert_eq!(matches!(pieces, Sink::Inline { .. }), len <= INLINE);
    }
}

#[test]
fn debug_shows_no_arguments() {
    let mut encoder = KeyEncoder::new();
    encoder.part("secret");
    assert_eq!(format!("{encoder:?}"), "KeyEncoder { .. }");
    assert_eq!(format!("{:?}", key("secret")), "ArgKey(9 bytes)");
    assert_eq!(format!("{:?}", key(&"x".repeat(100))), "ArgKey(hash)");
}

/// Whatever serde can express.
#[derive(Debug, Clone)]
enum Value {
    Unit,
    Bool(bool),
    Unsigned(u128),
    Signed(i128),
    F32(f32),
    F64(f64),
    Char(char),
    Text(String),
    Bytes(Vec<u8>),
    None,
    Some(Box<Value>),
    Seq(Vec<Value>),
    Tuple(Vec<Value>),
    Map(Vec<(Value, Value)>),
    Struct(Vec<(&'static str, Value)>),
    Variant(&'static str),
    Newtype(&'static str, Box<Value>),
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Unit => serializer.serialize_unit(),
            Self::Bool(v) => serializer.serialize_bool(*v),
            Self::Unsigned(v) => serializer.serialize_u128(*v),
            Self::Signed(v) => serializer.serialize_i128(*v),
            Self::F32(v) => serializer.serialize_f32(*v),
            Self::F64(v) => serializer.serialize_f64(*v),
            Self::Char(v) => serializer.serialize_char(*v),
            Self::Text(v) => serializer.serialize_str(v),
            Self::Bytes(v) => serializer.serialize_bytes(v),
            Self::None => serializer.serialize_none(),
            Self::Some(v) => serializer.serialize_some(v),
            Self::Seq(items) => {
                let mut seq = serializer.serialize_seq(None)?;
                items.iter().try_for_each(|item| seq.serialize_element(item))?;
                seq.end()
            }
            Self::Tuple(items) => {
                let mut tuple = serializer.serialize_tuple(items.len())?;
                items.iter().try_for_each(|item| tuple.serialize_element(item))?;
                tuple.end()
            }
            Self::Map(entries) => {
                let mut map = serializer.serialize_map(None)?;
                entries.iter().try_for_each(|(key, value)| map.serialize_entry(key, value))?;
                map.end()
            }
            Self::Struct(fields) => {
                let mut fields_of = serializer.serialize_struct("S", fields.len())?;
                fields.iter().try_for_each(|(name, value)| fields_of.serialize_field(name, value))?;
                fields_of.end()
            }
            Self::Variant(name) => serializer.serialize_unit_variant("E", 0, name),
            Self::Newtype(name, v) => serializer.serialize_newtype_variant("E", 0, name, v),
        }
    }
}

impl Value {
    /// The oracle: a text that is the same for equal values and no others.
    fn canonical(&self) -> String {
        let all = |items: &[Self]| items.iter().map(Self::canonical).collect::<Vec<_>>();
        match self {
            Self::F32(v) if *v == 0.0 => "F32(0)".to_owned(),
            Self::F64(v) if *v == 0.0 => "F64(0)".to_owned(),
            Self::Some(v) => format!("Some({:?})", v.canonical()),
            Self::Newtype(name, v) => format!("{name:?}({:?})", v.canonical()),
            Self::Seq(items) => format!("Seq{:?}", all(items)),
            Self::Tuple(items) => format!("Tuple{:?}", all(items)),
            Self::Struct(fields) => {
                let one = |(name, value): &(&str, Self)| format!("{name}: {:?}", value.canonical());
                format!("Struct{:?}", fields.iter().map(one).collect::<Vec<_>>())
            }
            Self::Map(entries) => {
                let one = |(key, value): &(Self, Self)| (key.canonical(), value.canonical());
                let mut entries: Vec<_> = entries.iter().map(one).collect();
                entries.sort();
                format!("Map{entries:?}")
            }
            plain => format!("{plain:?}"),
        }
    }

    /// The same value, its maps in reverse.
    fn reversed(&self) -> Self {
        let all = |items: &[Self]| items.iter().map(Self::reversed).collect();
        match self {
            Self::Some(v) => Self::Some(Box::new(v.reversed())),
            Self::Newtype(name, v) => Self::Newtype(name, Box::new(v.reversed())),
            Self::Seq(items) => Self::Seq(all(items)),
            Self::Tuple(items) => Self::Tuple(all(items)),
            Self::Struct(fields) => {
                Self::Struct(fields.iter().map(|(name, v)| (*name, v.reversed())).collect())
            }
            Self::Map(entries) => {
                Self::Map(entries.iter().rev().map(|(key, v)| (key.reversed(), v.reversed())).collect())
            }
            plain => plain.clone(),
        }
    }
}

/// Few different leaves, so that near misses are common.
fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Unit),
        Just(Value::None),
        any::<bool>().prop_map(Value::Bool),
        (0..3_u128).prop_map(Value::Unsigned),
        any::<u128>().prop_map(Value::Unsigned),
        (-2..3_i128).prop_map(Value::Signed),
        prop::sample::select(vec![0.0, -0.0, 1.0, f32::NAN, -f32::NAN]).prop_map(Value::F32),
        prop::sample::select(vec![0.0, -0.0, 1.0, f64::NAN, -f64::NAN]).prop_map(Value::F64),
        prop::char::range('0', '2').prop_map(Value::Char),
        "[\\x00-\\x02a]{0,3}".prop_map(Value::Text),
        "a{90,100}".prop_map(Value::Text),
        prop::collection::vec(0..3_u8, 0..3).prop_map(Value::Bytes),
        prop::sample::select(vec!["", "a", "b"]).prop_map(Value::Variant),
    ];
    leaf.prop_recursive(4, 24, 3, |inner| {
        let items = || prop::collection::vec(inner.clone(), 0..3);
        let name = || prop::sample::select(vec!["", "a", "b"]);
        prop_oneof![
            inner.clone().prop_map(|v| Value::Some(Box::new(v))),
            (name(), inner.clone()).prop_map(|(name, v)| Value::Newtype(name, Box::new(v))),
            items().prop_map(Value::Seq),
            items().prop_map(Value::Tuple),
            prop::collection::vec((inner.clone(), inner.clone()), 0..3).prop_map(Value::Map),
            prop::collection::vec((name(), inner.clone()), 0..3).prop_map(Value::Struct),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn injective(values in prop::collection::vec(value(), 1..12)) {
        let keys: Vec<_> = values.iter().map(|value| (value.canonical().replace("-NaN", "NaN"), key(value))).collect();
        for (one, one_key) in &keys {
            for (other, other_key) in &keys {
                prop_assert_eq!(one == other, one_key == other_key, "{} {}", one, other);
            }
        }
    }

    #[test]
    fn arguments_do_not_run_together(a in prop::collection::vec(value(), 0..3), b in prop::collection::vec(value(), 0..3)) {
        let whole = |values: &[Value]| parts(|encoder| values.iter().for_each(|value| encoder.part(value)));
        let oracle = |values: &[Value]| Value::Seq(values.to_vec()).canonical();
        prop_assert_eq!(oracle(&a) == oracle(&b), whole(&a) == whole(&b));
    }

    #[test]
    fn maps_have_no_order(value in value(), map in prop::collection::hash_map(any::<u16>(), ".{0,40}", 0..20)) {
        prop_assert_eq!(key(&value), key(&value.reversed()));
        let again: HashMap<_, _> = map.iter().collect();
        let sorted: BTreeMap<_, _> = map.iter().collect();
        prop_assert_eq!(key(&map), key(&again));
        prop_assert_eq!(key(&map), key(&sorted));
    }
}
