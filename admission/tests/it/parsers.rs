//! The attacks of the fuzz targets, on random bytes: what fans carry is parsed without a panic, opens when it is
//! good, and in no other spelling.

#[expect(unreachable_pub, clippy::expect_used, reason = "elsewhere it is a library; a test may stop")]
#[path = "../../fuzz/src/lib.rs"]
mod attacks;

use proptest::prelude::*;

/// Bytes of every kind of attack: any bytes, and fields with lengths that fit.
fn bytes() -> impl Strategy<Value = Vec<u8>> {
    let field = prop_oneof![
        Just(b"demo".to_vec()),
        Just(b"general".to_vec()),
        "[rdp]".prop_map(String::into_bytes),
        Just(b"k1".to_vec()),
        proptest::collection::vec(any::<u8>(), 12),
        (1_700_000_000_000_u64..1_700_000_100_000).prop_map(|moment| moment.to_be_bytes().to_vec()),
        any::<u64>().prop_map(|number| number.to_be_bytes().to_vec()),
        (0_u32..3).prop_map(|uses| uses.to_be_bytes().to_vec()),
        proptest::collection::vec(any::<u8>(), 0..40),
    ];
    let fields = proptest::collection::vec(field, 0..8).prop_map(|fields| {
        let field = |field: Vec<u8>| [vec![field.len() as u8], field].concat();
        [vec![1], fields.into_iter().flat_map(field).collect()].concat()
    });
    let edits = proptest::collection::vec(any::<u8>(), 0..13).prop_map(|edits| [vec![2], edits].concat());
    prop_oneof![proptest::collection::vec(any::<u8>(), 0..300), fields, edits]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn no_attack_on_tickets_succeeds(bytes in bytes()) {
        attacks::ticket(&bytes);
    }

    #[test]
    fn no_attack_on_invitations_succeeds(bytes in bytes()) {
        attacks::invitation(&bytes);
    }

    #[test]
    fn no_attack_on_links_that_move_a_place_succeeds(bytes in bytes()) {
        attacks::transfer(&bytes);
    }

    #[test]
    fn no_attack_on_links_past_the_line_succeeds(bytes in bytes()) {
        attacks::bypass(&bytes);
    }

    #[test]
    fn no_attack_on_admission_tokens_succeeds(bytes in bytes()) {
        attacks::token(&bytes);
    }
}

#[test]
fn what_the_fuzz_targets_begin_with_succeeds_neither() {
    let seeds = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/seeds");
    for (name, attack) in [
        ("ticket", attacks::ticket as fn(&[u8])),
        ("invitation", attacks::invitation),
        ("token", attacks::token),
        ("transfer", attacks::transfer),
        ("bypass", attacks::bypass),
    ] {
        let files: Vec<_> = seeds.join(name).read_dir().unwrap().map(|file| file.unwrap().path()).collect();
        assert!(!files.is_empty());
        for file in files {
            attack(&std::fs::read(file).unwrap());
        }
    }
}
