use super::*;

const SECRET: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";
const OTHER: &str = "HxwdHBsaGRgXFhUUExIREA8ODQwLCgkIBwYFBAMCAQA";

fn ring(text: &str) -> Keyring {
    Keyring::parse(text).unwrap()
}

#[test]
fn the_first_key_signs_and_all_verify() {
    let before = ring(&format!("old:{SECRET}"));
    let after = ring(&format!("# rotated\nnew:{OTHER}\nold:{SECRET} # until Friday"));
    let signature = before.sign(Purpose::Ticket, &[b"a", b"b"]);
    assert_eq!(signature.key_id, "old");
    assert!(after.verify(Purpose::Ticket, "old", &[b"a", b"b"], &signature.tag));
    assert_eq!(after.sign(Purpose::Ticket, &[b"a"]).key_id, "new");
}

#[test]
fn a_signature_holds_for_its_parts_purpose_and_key_only() {
    let ring = ring(&format!("k1:{SECRET},k2:{OTHER}"));
    let Signature { key_id, tag } = ring.sign(Purpose::Ticket, &[b"ab", b"c"]);
    assert!(ring.verify(Purpose::Ticket, &key_id, &[b"ab", b"c"], &tag));
    assert!(!ring.verify(Purpose::Ticket, &key_id, &[b"a", b"bc"], &tag), "parts moved");
    assert!(!ring.verify(Purpose::Ticket, &key_id, &[b"ab", b"c", b""], &tag), "part added");
    assert!(!ring.verify(Purpose::EdgeRequest, &key_id, &[b"ab", b"c"], &tag), "other purpose");
    assert!(!ring.verify(Purpose::Ticket, "k2", &[b"ab", b"c"], &tag), "other key");
    assert!(!ring.verify(Purpose::Ticket, "k3", &[b"ab", b"c"], &tag), "unknown key");
    assert!(!ring.verify(Purpose::Ticket, &key_id, &[b"ab", b"c"], &tag[..16]), "cut short");
    assert!(!ring.verify(Purpose::Ticket, &key_id, &[b"ab", b"c"], b""), "no tag");
}

#[test]
fn every_purpose_has_a_key_of_its_own() {
    let ring = ring(&format!("k1:{SECRET}"));
    let mut tags: Vec<_> = Purpose::ALL.map(|purpose| ring.sign(purpose, &[b"a"]).tag).into();
    tags.sort_unstable();
    tags.dedup();
    assert_eq!(tags.len(), Purpose::ALL.len());
}

#[test]
fn bad_rings_are_refused_with_the_entry_and_without_the_secret() {
    let short = "c2hvcnQtc2VjcmV0";
    let cases = [
        ("", KeyringError::Empty),
        (" # only a comment", KeyringError::Empty),
        ("k1", KeyringError::Malformed { entry: 1 }),
        (&format!("k1:{SECRET} K2:{OTHER}"), KeyringError::BadKeyId { entry: 2 }),
        ("k1:%%%", KeyringError::NotBase64 { entry: 1, key_id: "k1".into() }),
        (&format!("k1:rs256:{SECRET}"), KeyringError::BadAlgorithm { entry: 1, key_id: "k1".into() }),
        (&format!("k1::{SECRET}"), KeyringError::BadAlgorithm { entry: 1, key_id: "k1".into() }),
        (&format!("k1:{SECRET}:eddsa"), KeyringError::BadAlgorithm { entry: 1, key_id: "k1".into() }),
        ("k1:eddsa:", KeyringError::TooShort { entry: 1, key_id: "k1".into(), found: 0 }),
        (&format!("k1:{short}"), KeyringError::TooShort { entry: 1, key_id: "k1".into(), found: 12 }),
        (&format!("k1:{SECRET} k1:{OTHER}"), KeyringError::Repeated { entry: 2, key_id: "k1".into() }),
    ];
    for (text, expected) in cases {
        let error = Keyring::parse(text).unwrap_err();
        assert_eq!(error, expected, "{text}");
        assert!(!error.to_string().contains(short) && !error.to_string().contains(SECRET));
    }
}

#[test]
fn both_alphabets_of_base64_are_one_secret() {
    let standard = "k1:+/+/AwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
    let url_safe = "k1:-_-_AwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";
    let signature = ring(standard).sign(Purpose::Ticket, &[b"x"]);
    assert_eq!(signature, ring(url_safe).sign(Purpose::Ticket, &[b"x"]));
}

#[test]
fn debug_shows_ids_only() {
    assert_eq!(format!("{:?}", ring(&format!("k1:{SECRET}"))), r#"["k1"]"#);
}
