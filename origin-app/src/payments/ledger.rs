//! Where all the money is, in double entry. Pure.
//!
//! Every posting moves an amount from one account to another, in the same transaction as the step of the reservation that
//! it belongs to. So the sum over all accounts is zero at any moment, and each account can be held against something
//! else: the provider's books, the tickets, the refunds that are due.
//!
//! | account | what stands there |
//! |---|---|
//! | `provider` | what the provider took for the shop and has not given back |
//! | `sales` | what fans paid for the tickets that they have (negative: the shop owes the event) |
//! | `unsettled` | what fans paid without having tickets for it (negative: the shop owes the fans) |

use admission::clock::Timestamp;
use async_trait::async_trait;
use serde::Serialize;
use utoipa::ToSchema;

use crate::ids::EventId;
use crate::store::StoreError;

/// Where money can be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = LedgerAccount)]
pub enum Account {
    /// At the payment provider.
    Provider,
    /// Paid for tickets.
    Sales,
    /// Paid, and neither for tickets nor returned yet.
    Unsettled,
}

impl Account {
    const ALL: [Self; 3] = [Self::Provider, Self::Sales, Self::Unsettled];

    /// As the ledger spells it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Provider => "provider",
            Self::Sales => "sales",
            Self::Unsettled => "unsettled",
        }
    }

    /// The account that the ledger spells `text`.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|account| account.as_str() == text)
    }
}

/// Why money moves. A payment has each of them once at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Posting {
    /// The provider has charged.
    Charge,
    /// There are tickets for it.
    Tickets,
    /// The tickets are not the fan's any more.
    Return,
    /// The provider has given it back.
    Refund,
}

impl Posting {
    /// As the ledger spells it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Charge => "charge",
            Self::Tickets => "tickets",
            Self::Return => "return",
            Self::Refund => "refund",
        }
    }

    /// From which account, and to which.
    pub const fn accounts(self) -> (Account, Account) {
        match self {
            Self::Charge => (Account::Unsettled, Account::Provider),
            Self::Tickets => (Account::Sales, Account::Unsettled),
            Self::Return => (Account::Unsettled, Account::Sales),
            Self::Refund => (Account::Provider, Account::Unsettled),
        }
    }
}

/// What stands in an account, in one currency.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Balance {
    /// Which account.
    pub account: Account,
    /// In which currency.
    pub currency: String,
    /// How much.
    pub cents: i64,
}

/// What stands in the ledger, held against everything else that the database knows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct LedgerAudit {
    /// What stands in each account.
    pub balances: Vec<Balance>,
    /// Postings whose entries do not add up to nothing. Always 0.
    pub unbalanced: i64,
    /// Reservations whose entries are not those of their state. Always 0.
    pub contradictions: i64,
}

/// The port to the ledger, for reading. Writing is part of each step of a reservation.
#[async_trait]
pub trait LedgerStore: Send + Sync {
    /// What stands in the ledger, of one event or of all.
    async fn audit(&self, event: Option<&EventId>) -> Result<LedgerAudit, StoreError>;

    /// Of what was posted, or paid or returned, at `since` or after: postings and reservations that do not add up. Always 0.
    async fn wrong_since(&self, since: Timestamp) -> Result<u64, StoreError>;
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn balances(postings: &[Posting]) -> BTreeMap<&'static str, i64> {
        let mut accounts = BTreeMap::new();
        for posting in postings {
            let (from, to) = posting.accounts();
            *accounts.entry(from.as_str()).or_default() -= 100;
            *accounts.entry(to.as_str()).or_default() += 100;
        }
        accounts.retain(|_, cents| *cents != 0);
        accounts
    }

    #[test]
    fn money_is_where_the_reservation_says() {
        use Posting::{Charge, Refund, Return, Tickets};
        assert_eq!(balances(&[Charge, Tickets]), [("provider", 100), ("sales", -100)].into());
        assert_eq!(balances(&[Charge]), [("provider", 100), ("unsettled", -100)].into());
        assert_eq!(balances(&[Charge, Refund]), BTreeMap::new());
        assert_eq!(balances(&[Charge, Tickets, Return]), [("provider", 100), ("unsettled", -100)].into());
        assert_eq!(balances(&[Charge, Tickets, Return, Refund]), BTreeMap::new());
    }

    #[test]
    fn accounts_read_as_they_are_written() {
        for account in Account::ALL {
            assert_eq!(Account::parse(account.as_str()), Some(account));
            assert_eq!(serde_json::to_value(account).unwrap(), account.as_str());
        }
    }
}
