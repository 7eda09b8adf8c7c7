//! Drives the real binary over real sockets, with a test shop behind it.

#![expect(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that cannot go on stops"
)]

// What the attacks of the fuzz targets are on.
use proxy::gate;

#[expect(unreachable_pub, clippy::expect_used, reason = "elsewhere it is a library; a test may stop")]
#[path = "../../fuzz/src/attacks/mod.rs"]
mod attacks;

mod admin;
mod attacked;
mod autobahn;
mod behind_a_cdn;
mod binding;
mod broken;
mod by_hand;
mod bypass;
mod cdn;
mod certificates;
mod configuration;
mod dashboard;
mod documented;
mod ending;
mod explain;
mod fair_use;
mod fleet;
mod forms;
mod harness;
mod header_form;
mod hot_configuration;
mod house;
mod http2;
mod in_force;
mod invitations;
mod keys;
mod known_sessions;
mod line;
mod live;
mod merging;
mod names;
mod nginx;
mod noted;
mod operators;
mod own_pages;
mod pages;
mod passing;
mod past_the_line;
mod prequeue;
mod proxy_protocol;
mod public_paths;
mod quick_start;
mod racing;
mod rekeyed;
mod relocated;
mod restart;
mod secure_shop;
mod shadow;
mod shop;
mod short_pass;
mod short_way;
mod shown;
mod signed_cookie;
mod slow_clients;
mod smuggling;
mod store_away;
mod telemetry;
mod tls;
mod tokens;
mod told_seeds;
mod upgrade;
mod upstreams;
mod varnish;
mod voiding;
mod wire;
mod work;
