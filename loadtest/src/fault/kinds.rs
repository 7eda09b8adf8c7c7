//! What can happen to a system in the middle of a sale.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What can happen. Names say to whom first: `proxy-killed`.
///
/// - `…-killed`: ended without warning, and started again.
/// - `…-paused`: does nothing; connections stay open.
/// - `…-slow`: answers come late, over a narrow wire.
/// - `…-cut-off`: connections end and are refused.
/// - `…-unreachable`: connections stay open, and nothing comes through.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, clap::ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fault {
    /// Redis is told to forget everything.
    Flushall,
    /// Redis is killed, and comes back later with all that it knew.
    RedisKilled,
    /// Redis is killed, and comes back with nothing.
    RedisRestartedEmpty,
    /// Redis is killed, and comes back with what it knew a second before.
    RedisLostLastSecond,
    /// A replica that was cut off a second ago takes the place of a Redis that is killed.
    StaleReplica,
    /// Redis does not answer; its connections stay open.
    RedisStopped,
    /// Redis answers late, and seldom in time.
    RedisSlow,
    /// No edge can connect to Redis.
    RedisCutOff,
    /// Nothing comes through between the edges and Redis.
    RedisUnreachable,
    /// One proxy is killed, and started again.
    ProxyKilled,
    /// All proxies are killed at once, and started again.
    AllProxiesKilled,
    /// One proxy does nothing for a while; its connections stay open.
    ProxyPaused,
    /// One proxy is far from Redis, over a narrow wire.
    ProxySlow,
    /// One proxy cannot connect to Redis; the others can.
    ProxyCutOff,
    /// Nothing comes through between one proxy and Redis.
    ProxyUnreachable,
    /// The shop is killed, and started again later.
    ShopKilled,
    /// The shop does nothing for a while; its connections stay open.
    ShopPaused,
    /// The shop is far from the edges, over a narrow wire.
    ShopSlow,
    /// No edge can connect to the shop.
    ShopCutOff,
    /// Nothing comes through between the edges and the shop.
    ShopUnreachable,
    /// The Redis with the seats is killed, and comes back later with all that it knew.
    InventoryKilled,
    /// The Redis with the seats is killed, and comes back with nothing.
    InventoryRestartedEmpty,
    /// The Redis with the seats does not answer; its connections stay open.
    InventoryPaused,
    /// The Redis with the seats is far from the shop, over a narrow wire.
    InventorySlow,
    /// The shop cannot connect to the Redis with the seats.
    InventoryCutOff,
    /// Nothing comes through between the shop and the Redis with the seats.
    InventoryUnreachable,
    /// PostgreSQL is killed, and started again later.
    PostgresKilled,
    /// PostgreSQL does nothing for a while; its connections stay open.
    PostgresPaused,
    /// PostgreSQL is far from the shop, over a narrow wire.
    PostgresSlow,
    /// The shop cannot connect to PostgreSQL.
    PostgresCutOff,
    /// Nothing comes through between the shop and PostgreSQL.
    PostgresUnreachable,
    /// The payment provider is killed, and started again later.
    PaymentsKilled,
    /// The payment provider does nothing for a while; its connections stay open.
    PaymentsPaused,
    /// The payment provider is far from the shop, over a narrow wire.
    PaymentsSlow,
    /// The shop cannot connect to the payment provider.
    PaymentsCutOff,
    /// Nothing comes through between the shop and the payment provider.
    PaymentsUnreachable,
    /// All proxies and Redis are killed at once; Redis comes back with nothing.
    PowerCut,
}

/// To whom a fault happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Part {
    /// The Redis with the line.
    Redis,
    /// The first proxy.
    Proxy,
    /// All proxies.
    Proxies,
    /// The shop.
    Shop,
    /// The Redis with the seats.
    Inventory,
    /// PostgreSQL.
    Postgres,
    /// The payment provider.
    Payments,
    /// All proxies, and the Redis with the line.
    ProxiesAndRedis,
}

/// What happens to them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Harm {
    /// Ended without warning, and started again.
    Killed,
    /// Does nothing; connections stay open.
    Paused,
    /// Answers come late, over a narrow wire.
    Slow,
    /// Connections end and are refused.
    CutOff,
    /// Connections stay open, and nothing comes through.
    Unreachable,
    /// It comes back without all or some of what it knew.
    Forgetful,
}

impl Fault {
    /// To whom it happens, and what.
    pub const fn what(self) -> (Part, Harm) {
        match self {
            Self::Flushall | Self::RedisRestartedEmpty | Self::RedisLostLastSecond | Self::StaleReplica => {
                (Part::Redis, Harm::Forgetful)
            }
            Self::RedisKilled => (Part::Redis, Harm::Killed),
            Self::RedisStopped => (Part::Redis, Harm::Paused),
            Self::RedisSlow => (Part::Redis, Harm::Slow),
            Self::RedisCutOff => (Part::Redis, Harm::CutOff),
            Self::RedisUnreachable => (Part::Redis, Harm::Unreachable),
            Self::ProxyKilled => (Part::Proxy, Harm::Killed),
            Self::AllProxiesKilled => (Part::Proxies, Harm::Killed),
            Self::ProxyPaused => (Part::Proxy, Harm::Paused),
            Self::ProxySlow => (Part::Proxy, Harm::Slow),
            Self::ProxyCutOff => (Part::Proxy, Harm::CutOff),
            Self::ProxyUnreachable => (Part::Proxy, Harm::Unreachable),
            Self::ShopKilled => (Part::Shop, Harm::Killed),
            Self::ShopPaused => (Part::Shop, Harm::Paused),
            Self::ShopSlow => (Part::Shop, Harm::Slow),
            Self::ShopCutOff => (Part::Shop, Harm::CutOff),
            Self::ShopUnreachable => (Part::Shop, Harm::Unreachable),
            Self::InventoryKilled => (Part::Inventory, Harm::Killed),
            Self::InventoryRestartedEmpty => (Part::Inventory, Harm::Forgetful),
            Self::InventoryPaused => (Part::Inventory, Harm::Paused),
            Self::InventorySlow => (Part::Inventory, Harm::Slow),
            Self::InventoryCutOff => (Part::Inventory, Harm::CutOff),
            Self::InventoryUnreachable => (Part::Inventory, Harm::Unreachable),
            Self::PostgresKilled => (Part::Postgres, Harm::Killed),
            Self::PostgresPaused => (Part::Postgres, Harm::Paused),
            Self::PostgresSlow => (Part::Postgres, Harm::Slow),
            Self::PostgresCutOff => (Part::Postgres, Harm::CutOff),
            Self::PostgresUnreachable => (Part::Postgres, Harm::Unreachable),
            Self::PaymentsKilled => (Part::Payments, Harm::Killed),
            Self::PaymentsPaused => (Part::Payments, Harm::Paused),
            Self::PaymentsSlow => (Part::Payments, Harm::Slow),
            Self::PaymentsCutOff => (Part::Payments, Harm::CutOff),
            Self::PaymentsUnreachable => (Part::Payments, Harm::Unreachable),
            Self::PowerCut => (Part::ProxiesAndRedis, Harm::Forgetful),
        }
    }

    /// Whether the stack needs links for it.
    pub const fn needs_links(self) -> bool {
        let (part, harm) = self.what();
        match harm {
            Harm::CutOff | Harm::Unreachable => true,
            Harm::Slow => !matches!(part, Part::Redis),
            Harm::Killed | Harm::Paused | Harm::Forgetful => false,
        }
    }

    /// Whether somebody remembers afterwards which sessions are over.
    pub(super) const fn keeps_who_ended(self) -> bool {
        !matches!(self, Self::PowerCut)
    }
}

impl Part {
    /// What people call it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Redis => "Redis",
            Self::Proxy => "proxy-1",
            Self::Proxies => "all proxies",
            Self::Shop => "the shop",
            Self::Inventory => "the Redis with the seats",
            Self::Postgres => "PostgreSQL",
            Self::Payments => "the payment provider",
            Self::ProxiesAndRedis => "all proxies and Redis",
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use clap::ValueEnum as _;
        self.to_possible_value().map_or(Err(fmt::Error), |value| f.pad(value.get_name()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::ValueEnum as _;

    #[test]
    fn every_fault_has_one_name_everywhere() {
        for fault in Fault::value_variants() {
            let name = fault.to_string();
            assert_eq!(serde_json::to_value(fault).unwrap(), serde_json::Value::from(name.clone()));
            assert_eq!(serde_json::from_value::<Fault>(name.into()).unwrap(), *fault);
        }
    }
}
