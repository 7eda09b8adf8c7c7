//! What must not be, held by a test.

use std::path::Path;

fn assert_absent(folder: &Path, word: &str) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            assert_absent(&path, word);
            continue;
        }
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(!text.contains(word), "{} names {word}", path.display());
    }
}

#[test]
fn the_decision_and_the_pages_never_name_the_library_that_carries_them() {
    for folder in ["gate", "waiting"] {
        assert_absent(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src").join(folder), "pingora");
    }
}
