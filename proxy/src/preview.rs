//! `proxy preview`: a page of a room with made-up facts, for who designs one.

use std::path::PathBuf;

use clap::Args;
use proxy::config::Config;
use proxy::waiting::page::Pages;
use proxy::waiting::samples::{self, Subject};

/// What arrives with the first round trip of a new connection.
const FIRST_FLIGHT: usize = 14 * 1024;

/// What is to be seen.
#[derive(Args)]
pub(crate) struct Preview {
    /// The room, as in rooms.toml.
    room: String,
    /// The state that the page is in, such as waiting, prequeue, paused, admitted, or full; `--state list` lists all.
    #[arg(long, default_value = "waiting")]
    state: String,
    /// The language, such as ko.
    #[arg(long, default_value = "en")]
    lang: String,
    /// Write it to this file instead of to standard output.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// The page for standard output, which is nothing where it went to a file, and a remark for whoever looks.
///
/// # Errors
/// What is not there, and what there is.
pub(crate) fn write(preview: &Preview, config: &Config, pages: &Pages) -> Result<(String, String), String> {
    if preview.state == "list" {
        return Ok((samples::names().join("\n") + "\n", String::new()));
    }
    let Some(room) = config.rooms.iter().find(|room| room.id.as_str() == preview.room) else {
        let rooms: Vec<&str> = config.rooms.iter().map(|room| room.id.as_str()).collect();
        return Err(format!("there is no room \"{}\"; there are: {}", preview.room, rooms.join(", ")));
    };
    let look = pages.look(Some(&preview.room));
    if look.languages().index_of(&preview.lang).is_none() {
        let tags: Vec<&str> = look.languages().iter().map(|texts| texts.tag.as_str()).collect();
        return Err(format!("`--lang` is \"{}\"; there are: {}", preview.lang, tags.join(", ")));
    }
    let first_page = room.first_page();
    let subject = Subject {
        room: room.id.as_str(),
        title: &room.title,
        message: &room.message,
        page: &first_page,
        language: &preview.lang,
    };
    let Some(page) = samples::page(look, &subject, &preview.state) else {
        return Err(format!(
            "`--state` is \"{}\"; there are: {}",
            preview.state,
            samples::names().join(", ")
        ));
    };
    let page = page.map_err(|error| error.to_string())?;
    let size = samples::packed(&page);
    let limit =
        if size > FIRST_FLIGHT { "; more than the 14 KiB that arrive with the first round trip" } else { "" };
    let remark = format!("{}.{} KiB in gzip{limit}\n", size / 1024, size % 1024 * 10 / 1024);
    let page = with_policy(&page, samples::policy(look, &preview.state));
    match &preview.out {
        None => Ok((page, remark)),
        Some(file) => std::fs::write(file, page)
            .map(|()| (String::new(), remark))
            .map_err(|error| format!("{} cannot be written: {error}", file.display())),
    }
}

/// With the policy in the page itself, for a file has no headers: what a browser would refuse it refuses here too.
fn with_policy(page: &str, policy: &str) -> String {
    // This directive has no effect there, and browsers say so.
    let policy = policy.replace("; frame-ancestors 'none'", "");
    let element = format!("<head>\n<meta http-equiv=\"Content-Security-Policy\" content=\"{policy}\">");
    page.replacen("<head>", &element, 1)
}
