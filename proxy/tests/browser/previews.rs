//! The pages that `proxy preview` writes, for the states that are hard to come by and for the looks of all.

use std::path::PathBuf;

use crate::harness::{command, files, room};

/// The states of the waiting page.
pub(crate) const WAITING: [&str; 12] = [
    "waiting",
    "prequeue",
    "drawn",
    "early",
    "admitted",
    "paused",
    "closed",
    "expired",
    "full",
    "slowed",
    "store-away",
    "rebuilding",
];

/// The pages that `proxy preview` writes.
pub(crate) struct Previews {
    folder: tempfile::TempDir,
}

impl Previews {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let words = folder.path().join("words");
        std::fs::create_dir(&words).unwrap();
        std::fs::write(words.join("ar.toml"), include_str!("ar.toml")).unwrap();
        let rooms = room("message = \"\"").replace("The Show", "Stanchion Demo Night");
        files(&folder, "[upstream]\naddress = \"127.0.0.1:1\"\n[pages]\ntexts = \"words\"", &rooms);
        Self { folder }
    }

    fn run(&self, arguments: &[&str]) -> String {
        let mut command = command();
        command.arg("--config").arg(self.folder.path().join("edge.toml"));
        command.arg("--rooms").arg(self.folder.path().join("rooms.toml"));
        let output = command.args(["preview", "demo"]).args(arguments).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    /// The names of all pages.
    pub(crate) fn names(&self) -> Vec<String> {
        let list = self.run(&["--state", "list"]);
        let names: Vec<String> = list.split_whitespace().map(ToOwned::to_owned).collect();
        assert!(WAITING.iter().all(|name| names.iter().any(|found| found == name)), "{names:?}");
        assert!(names.len() > 35, "{names:?}");
        names
    }

    /// The address of a page.
    pub(crate) fn write(&self, state: &str, language: &str) -> String {
        let out: PathBuf = self.folder.path().join(format!("{state}-{language}.html"));
        self.run(&["--state", state, "--lang", language, "--out", &out.display().to_string()]);
        format!("file://{}", out.display())
    }
}
