//! What a run shows: while it goes on, as a page afterwards, as a file for machines, and beside another run.
//!
//! - [`live`] is the view in the terminal while a run goes on.
//! - [`html`] makes the page of a run from its record and from nothing else.
//! - [`mod@file`] writes records and reads them.
//! - [`compare`] puts two runs beside each other.
//! - [`command`] is `loadtest report` and `loadtest compare`.
//! - `plot`, `document` and `words` are what all pages of this program are made of; those of the rehearsal, too.

pub mod command;
pub mod compare;
pub(crate) mod document;
pub(crate) mod figures;
pub mod file;
pub mod live;
mod page;
pub(crate) mod plain;
pub(crate) mod plot;
mod plots;
pub(crate) mod thin;
pub(crate) mod words;

pub use page::html;
