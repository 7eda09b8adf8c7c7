//! The command line. A flag wins over the environment, the environment over the file.

use std::path::PathBuf;

use clap::Parser;

use crate::commands::Command;

/// The ticket shop behind the edge.
///
/// Secrets come from the environment: STANCHION_EDGE_KEYS (what the edge signs with) and
/// STANCHION_ORGANISER_TOKEN (the bearer token that may create events).
#[derive(Clone, Debug, Default, Parser)]
#[command(name = "origin-app", version)]
pub struct Args {
    /// The configuration file; without one, the defaults of the shipped config/shop.toml hold.
    #[arg(long, value_name = "FILE", env = "STANCHION_SHOP_CONFIG")]
    pub config: Option<PathBuf>,
    /// Address and port to listen on, such as 127.0.0.1:9090.
    #[arg(long, value_name = "ADDRESS", env = "STANCHION_SHOP_LISTEN")]
    pub listen: Option<String>,
    /// Database, such as sqlite://shop.db or postgres://shop@localhost/shop.
    #[arg(long, value_name = "URL", env = "STANCHION_SHOP_DATABASE", hide_env_values = true)]
    pub database: Option<String>,
    /// Where it is kept which seats are free: memory, or a URL such as redis://127.0.0.1:6379/0.
    #[arg(long, value_name = "STORE", env = "STANCHION_SHOP_INVENTORY", hide_env_values = true)]
    pub inventory: Option<String>,
    /// Read and check the configuration and the keys, and stop.
    #[arg(long)]
    pub check: bool,
    /// Print the configuration in force, without secrets, and stop.
    #[arg(long)]
    pub print_config: bool,
    /// What to do instead of serving.
    #[command(subcommand)]
    pub command: Option<Command>,
}
