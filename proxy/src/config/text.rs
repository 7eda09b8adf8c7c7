//! A configuration as bytes: short enough, UTF-8, and of characters that stand in texts.

use std::io::Read as _;
use std::path::Path;

use admission::store::CONFIGURATION_MAX;

use super::error::{ConfigError, Source};

/// What some editors write in front of UTF-8. It means nothing.
const MARK: &str = "\u{feff}";

/// Reads a file, and no more of it than a configuration may have.
///
/// # Errors
/// When it cannot be read, or is no text.
pub(crate) fn read(file: &Path) -> Result<String, ConfigError> {
    let mut bytes = Vec::new();
    std::fs::File::open(file)
        .and_then(|opened| opened.take(CONFIGURATION_MAX as u64 + 1).read_to_end(&mut bytes))
        .map_err(|error| ConfigError::whole(file, format!("cannot be read: {error}")))?;
    if bytes.len() > CONFIGURATION_MAX {
        let length = std::fs::metadata(file).map_or(bytes.len() as u64, |data| data.len());
        return Err(too_long(file, length));
    }
    of_bytes(file, &bytes)
}

/// The text that these bytes are.
///
/// # Errors
/// When they are none, or too many.
pub(crate) fn of_bytes(file: &Path, bytes: &[u8]) -> Result<String, ConfigError> {
    if bytes.len() > CONFIGURATION_MAX {
        return Err(too_long(file, bytes.len() as u64));
    }
    if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
        return Err(ConfigError::whole(file, "found UTF-16; save it as UTF-8"));
    }
    match std::str::from_utf8(bytes) {
        Ok(text) => Ok(text.strip_prefix(MARK).unwrap_or(text).to_owned()),
        Err(error) => {
            let end = error.valid_up_to();
            let before = bytes.get(..end).map(String::from_utf8_lossy).unwrap_or_default();
            let found = bytes.get(end).copied().unwrap_or_default();
            let source = Source { file, text: &before };
            Err(ConfigError {
                line: Some(source.line_of(&(end..end))),
                column: Some(source.column_of(&(end..end))),
                ..ConfigError::whole(
                    file,
                    format!("found the byte 0x{found:02X}, which is not UTF-8; save it as UTF-8"),
                )
            })
        }
    }
}

fn too_long(file: &Path, length: u64) -> ConfigError {
    ConfigError::whole(file, format!("found {length} bytes; at most {CONFIGURATION_MAX} are a configuration"))
}

impl Source<'_> {
    /// Refuses a text that is too long, or has a character that shows nowhere.
    pub(super) fn check_characters(&self) -> Result<(), ConfigError> {
        if self.text.len() > CONFIGURATION_MAX {
            return Err(too_long(self.file, self.text.len() as u64));
        }
        let is_none = |c: &char| c.is_control() && !matches!(c, '\t' | '\n' | '\r');
        match self.text.char_indices().find(|(_, c)| is_none(c)) {
            None => Ok(()),
            Some((at, c)) => Err(ConfigError {
                line: Some(self.line_of(&(at..at))),
                column: Some(self.column_of(&(at..at))),
                ..ConfigError::whole(
                    self.file,
                    format!("found the control character U+{:04X}; take it out", u32::from(c)),
                )
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(bytes: &[u8]) -> String {
        let text = of_bytes(Path::new("f"), bytes);
        let checked = text.and_then(|text| Source { file: Path::new("f"), text: &text }.check_characters());
        checked.err().map(|error| error.to_string()).unwrap_or_default()
    }

    #[test]
    fn what_is_no_text_is_said_with_its_place() {
        assert_eq!(
            error(b"a = 1\nb = \"\xc3\xa9\xff\""),
            "f:2:7: found the byte 0xFF, which is not UTF-8; save it as UTF-8"
        );
        assert_eq!(error(b"\xff\xfea\0"), "f: found UTF-16; save it as UTF-8");
        assert_eq!(error(b"a = 1 # x\x1b[31m"), "f:1:10: found the control character U+001B; take it out");
        assert_eq!(error(b"a\0"), "f:1:2: found the control character U+0000; take it out");
        let long = vec![b'a'; CONFIGURATION_MAX + 1];
        assert_eq!(error(&long), "f: found 1048577 bytes; at most 1048576 are a configuration");
        assert_eq!(error(b"\xef\xbb\xbfa = 1\r\n\tb = 2\n"), "");
        assert_eq!(of_bytes(Path::new("f"), b"\xef\xbb\xbfa").unwrap(), "a");
    }
}
