//! The wires between the processes of a stack, where they lead through links of ours.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use super::link::{Link, Weather};

/// All links of a stack.
#[derive(Debug, Default)]
pub struct Links {
    /// From each edge to the Redis with the line.
    pub(super) line: Vec<Link>,
    /// From the edges to the shop.
    pub(super) shop: Option<Link>,
    /// From the shop to the Redis with the seats.
    pub(super) inventory: Option<Link>,
    /// From the shop to PostgreSQL.
    pub(super) database: Option<Link>,
    /// From the shop to the payment provider.
    pub(super) payments: Option<Link>,
}

/// Which of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Between {
    /// Every edge and the line.
    EdgesAndLine,
    /// One edge and the line.
    EdgeAndLine(usize),
    /// The edges and the shop.
    EdgesAndShop,
    /// The shop and its inventory.
    ShopAndInventory,
    /// The shop and its database.
    ShopAndDatabase,
    /// The shop and who takes the money.
    ShopAndPayments,
}

impl Links {
    /// From now on these do this.
    ///
    /// # Errors
    /// When there is no link between them.
    pub fn set(&self, between: Between, weather: Weather) -> Result<()> {
        let found: Vec<&Link> = match between {
            Between::EdgesAndLine => self.line.iter().collect(),
            Between::EdgeAndLine(nth) => self.line.get(nth).into_iter().collect(),
            Between::EdgesAndShop => self.shop.iter().collect(),
            Between::ShopAndInventory => self.inventory.iter().collect(),
            Between::ShopAndDatabase => self.database.iter().collect(),
            Between::ShopAndPayments => self.payments.iter().collect(),
        };
        found.first().with_context(|| format!("the stack has no link for {between:?}"))?;
        found.into_iter().for_each(|link| link.set(weather));
        Ok(())
    }
}

/// A link to the socket of a PostgreSQL, and the folder that the shop finds it in.
pub(super) fn to_postgres(folder: &Path, server: &Path, socket: &str) -> Result<(Link, PathBuf)> {
    let near = folder.join("pg");
    std::fs::create_dir(&near).with_context(|| format!("{} cannot be made", near.display()))?;
    let link = Link::to_socket(&near.join(socket), &server.join(socket))?;
    Ok((link, near))
}
