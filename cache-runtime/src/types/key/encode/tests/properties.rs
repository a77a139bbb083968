//! Properties of keys.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::value::{Value, value};
use super::*;

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
