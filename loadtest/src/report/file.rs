//! Records as files for machines.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::path::Path;

use anyhow::{Context as _, Result, bail, ensure};
use serde::Deserialize;

use crate::run::record::{FORMAT, RunRecord};

/// Longest file that is read: a day by the second of a dozen processes and kinds of requests is a tenth of it.
pub const BYTES_MAX: u64 = 512 * 1024 * 1024;

/// What every format says of itself.
#[derive(Deserialize)]
struct Head {
    format: Option<u64>,
}

/// Reads the record of a run.
///
/// # Errors
/// When there is no such file, or it is no record, one of another format, or a damaged one: each in words of its own.
pub fn read(file: &Path) -> Result<RunRecord> {
    let name = file.display();
    let mut text = String::new();
    let opened = File::open(file).with_context(|| format!("{name} cannot be read"))?;
    opened
        .take(BYTES_MAX + 1)
        .read_to_string(&mut text)
        .with_context(|| format!("{name} cannot be read as text: is it the JSON file of a run?"))?;
    ensure!(text.len() as u64 <= BYTES_MAX, "{name} is longer than any record of a run");
    parse(&text).with_context(|| format!("{name} cannot be used"))
}

/// The record in this text.
///
/// # Errors
/// As [`read`].
pub fn parse(text: &str) -> Result<RunRecord> {
    let head: Head = serde_json::from_str(text).map_err(|error| damage(&error))?;
    match head.format {
        Some(format) if format == u64::from(FORMAT) => {}
        Some(format) => bail!(
            "it is a record of format {format}, and this program reads format {FORMAT}: use the program that wrote it, \
             or run the scenario again"
        ),
        None => bail!("it is JSON, but not the record of a run: `format` is missing"),
    }
    let record: RunRecord = serde_json::from_str(text).map_err(|error| damage(&error))?;
    Ok(record)
}

fn damage(error: &serde_json::Error) -> anyhow::Error {
    if error.is_eof() {
        return anyhow::anyhow!(
            "it ends in the middle, at line {}: it was not written to its end",
            error.line()
        );
    }
    anyhow::anyhow!("it is damaged, or no record of a run: {error}")
}

/// Writes the record of a run. The file is there as a whole or not at all.
///
/// # Errors
/// When it cannot be written, or holds a figure that is none.
pub fn write(file: &Path, record: &RunRecord) -> Result<()> {
    let name = file.display();
    let text = serde_json::to_string(record)?;
    // JSON has no figures that are none (NaN): what is written has to be what is read.
    parse(&text).context("the record has a figure that is none")?;
    write_whole(file, &text).with_context(|| format!("{name} cannot be written"))
}

/// Writes `text` to `file`, as a whole or not at all.
pub(crate) fn write_whole(file: &Path, text: &str) -> Result<()> {
    let folder = match file.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let mut beside = tempfile::Builder::new().prefix(".writing-").tempfile_in(folder)?;
    beside.write_all(text.as_bytes())?;
    // Temporary files are for their owner alone; this one is for whoever may read the folder.
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o644);
    beside.as_file().set_permissions(mode)?;
    beside.persist(file)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str) -> String {
        format!("{:#}", parse(text).unwrap_err())
    }

    #[test]
    fn a_record_comes_back_as_it_was() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("run.json");
        let record = RunRecord { format: FORMAT, late_ms: 7, ..RunRecord::default() };
        write(&file, &record).unwrap();
        assert_eq!(read(&file).unwrap(), record);
        let nothing = RunRecord { configured: vec![(f64::NAN, 1.0)], ..record };
        assert!(format!("{:#}", write(&file, &nothing).unwrap_err()).contains("a figure that is none"));
        assert_eq!(read(&file).unwrap().late_ms, 7);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn what_is_no_record_is_told_apart() {
        let text = serde_json::to_string(&RunRecord { format: FORMAT, ..RunRecord::default() }).unwrap();
        assert!(refused(&text[..text.len() / 2]).contains("it ends in the middle"));
        assert!(refused(&text.replace("\"format\":1", "\"format\":9")).contains("a record of format 9"));
        assert!(refused("{}").contains("`format` is missing"));
        assert!(refused("{\"format\":1}").contains("damaged"));
        assert!(refused("hello").contains("damaged, or no record"));
        assert!(format!("{:#}", read(Path::new("/nowhere.json")).unwrap_err()).contains("cannot be read"));
    }
}
