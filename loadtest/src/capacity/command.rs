//! `loadtest capacity`.

use clap::Args;

use super::{Ask, FANS_MAX, measured, table};

/// What the on-sale is like.
#[derive(Clone, Debug, Args)]
pub struct CapacityArgs {
    /// How many fans come, up to ten million.
    #[arg(long, default_value = "100000", value_parser = fans)]
    fans: f64,
    /// In how many minutes they come.
    #[arg(long, default_value = "5", value_parser = positive)]
    window: f64,
    /// How many times the mean come in the busiest second.
    #[arg(long, default_value = "2", value_parser = positive)]
    peak: f64,
    /// Fans let in a minute.
    #[arg(long, default_value = "1500", value_parser = positive)]
    drain: f64,
    /// They come before the opening, and the order is drawn.
    #[arg(long)]
    drawn: bool,
    /// The edge ends no TLS.
    #[arg(long)]
    plain: bool,
    /// The share of fans who hold a live connection; the others poll.
    #[arg(long, default_value = "100%", value_parser = share)]
    sockets: f64,
    /// How many seats there are.
    #[arg(long, default_value = "20000", value_parser = positive)]
    seats: f64,
    /// Seats that a buyer takes.
    #[arg(long, default_value = "2", value_parser = positive)]
    seats_each: f64,
    /// The share of fans who buy, while there are seats.
    #[arg(long, default_value = "30%", value_parser = share)]
    buyers: f64,
    /// Requests of a fan in the shop, from the turn to the end.
    #[arg(long, default_value = "40", value_parser = positive)]
    requests: f64,
    /// How many minutes a fan stays in the shop.
    #[arg(long, default_value = "4", value_parser = positive)]
    stay: f64,
    /// How long a request works at the shop, in milliseconds of a core. Ours where nothing is said; yours takes longer.
    #[arg(long, value_parser = positive)]
    shop_ms: Option<f64>,
    /// Prints the tables of docs/capacity.md instead.
    #[arg(long, exclusive = true)]
    tables: bool,
}

impl CapacityArgs {
    /// What it needs, as text.
    pub fn run(&self) -> String {
        if self.tables {
            return table::tables();
        }
        table::terminal(&self.ask())
    }

    fn ask(&self) -> Ask {
        Ask {
            fans: self.fans,
            window_s: self.window * 60.0,
            peak: self.peak,
            drain_per_minute: self.drain,
            is_drawn: self.drawn,
            is_tls: !self.plain,
            sockets: self.sockets,
            seats: self.seats,
            seats_each: self.seats_each,
            buyers: self.buyers,
            requests_each: self.requests,
            stay_s: self.stay * 60.0,
            shop_ms: self.shop_ms.unwrap_or(measured::SHOP_REQUEST.value / 1000.0),
        }
    }
}

fn fans(text: &str) -> Result<f64, String> {
    let number = text.replace(['_', ','], "").parse::<u64>().ok();
    number
        .filter(|fans| (1..=FANS_MAX).contains(fans))
        .map(|fans| fans as f64)
        .ok_or_else(|| format!("a whole number from 1 to {FANS_MAX} is needed"))
}

fn positive(text: &str) -> Result<f64, String> {
    let number = text.replace(['_', ','], "").parse::<f64>().ok();
    number
        .filter(|number| (0.001..=1e9).contains(number))
        .ok_or_else(|| "a number from 0.001 to 1000000000 is needed".to_owned())
}

fn share(text: &str) -> Result<f64, String> {
    let number = text.trim().strip_suffix('%').and_then(|number| number.trim().parse::<f64>().ok());
    number
        .filter(|percent| (0.0..=100.0).contains(percent))
        .map(|percent| percent / 100.0)
        .ok_or_else(|| "a percentage from 0% to 100% is needed".to_owned())
}
