//! The page around what is shown: one file that loads nothing, runs nothing, and says so to the browser.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use sha2::{Digest as _, Sha256};

use super::plot;
use super::words::escaped;

const STYLE: &str = include_str!("style.css");

/// A whole page. `body` is HTML.
pub(crate) fn document(title: &str, body: &str) -> String {
    let style = format!("{STYLE}{}", plot::style());
    let hash = BASE64_STANDARD.encode(Sha256::digest(style.as_bytes()));
    let policy =
        format!("default-src 'none'; style-src 'sha256-{hash}'; base-uri 'none'; form-action 'none'");
    let title = escaped(title);
    format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta http-equiv=\"Content-Security-Policy\" content=\"{policy}\">\
         <meta name=\"viewport\" content=\"width=device-width\">\
         <title>{title}</title><style>{style}</style></head><body><main>{body}</main></body></html>\n"
    )
}

/// A table. Cells are HTML; columns from the second on are figures where `is_figures` says so.
pub(crate) fn table(heads: &[&str], rows: &[Vec<String>], is_figures: bool) -> String {
    let class = |column: usize| if is_figures && column > 0 { " class=\"n\"" } else { "" };
    let mut html = String::from("<div class=\"table\" tabindex=\"0\"><table>");
    if !heads.is_empty() {
        html.push_str("<thead><tr>");
        for (column, head) in heads.iter().enumerate() {
            let _ = match *head {
                "" => write!(html, "<td></td>"),
                head => write!(html, "<th scope=\"col\"{}>{head}</th>", class(column)),
            };
        }
        html.push_str("</tr></thead>");
    }
    html.push_str("<tbody>");
    for row in rows {
        html.push_str("<tr>");
        for (column, cell) in row.iter().enumerate() {
            let _ = match column {
                0 => write!(html, "<th scope=\"row\">{cell}</th>"),
                _ => write!(html, "<td{}>{cell}</td>", class(column)),
            };
        }
        html.push_str("</tr>");
    }
    html.push_str("</tbody></table></div>");
    html
}
