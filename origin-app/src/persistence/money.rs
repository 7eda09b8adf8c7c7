//! What both databases say about money: the sandbox provider's books and the ledger.

use super::rows::{self, Columns};
use crate::payments::{Account, Balance, ChargeOutcome, LedgerAudit, Posting, Standing};
use crate::reservations::Reservation;
use crate::store::StoreError;

/// $1 key, $2 charge, $3 reference, $4 card, $5 amount, $6 currency, $7 outcome the first time, $8 now, $9 outcome later.
pub(super) const ASK_CHARGE: &str = "INSERT INTO sandbox_payments AS p
       (idempotency_key, charge_id, reference, card, amount_cents, currency, outcome, asked, created_at)
     VALUES ($1, $2, $3, $4, $5, $6, $7, 1, $8)
     ON CONFLICT (idempotency_key) DO UPDATE SET asked = p.asked + 1,
        outcome = CASE WHEN p.outcome = 'asked' THEN $9 ELSE p.outcome END
     RETURNING charge_id, card, outcome, asked, refunds_asked";

/// $1 key, $2 charge, $3 reference, $4 card, $5 amount, $6 currency, $7 now.
pub(super) const CLOSE_CHARGE: &str = "INSERT INTO sandbox_payments AS p
       (idempotency_key, charge_id, reference, card, amount_cents, currency, outcome, asked, created_at)
     VALUES ($1, $2, $3, $4, $5, $6, 'closed', 0, $7)
     ON CONFLICT (idempotency_key) DO UPDATE
        SET outcome = CASE WHEN p.outcome = 'asked' THEN 'closed' ELSE p.outcome END
     RETURNING charge_id, card, outcome, asked, refunds_asked";

/// $1 key.
pub(super) const ASK_REFUND: &str = "UPDATE sandbox_payments SET refunds_asked = refunds_asked + 1
  WHERE idempotency_key = $1 AND outcome = 'charged'
  RETURNING charge_id, card, outcome, asked, refunds_asked";

/// $1 key, $2 now.
pub(super) const REFUND_CHARGE: &str = "UPDATE sandbox_payments SET refunded_at = $2
  WHERE idempotency_key = $1 AND outcome = 'charged' AND refunded_at IS NULL";

/// $1 id, $2 kind, $3 payment, $4 reservation, $5 event, $6 currency, $7 now.
pub(super) const NEW_POSTING: &str = "INSERT INTO ledger_postings
       (id, kind, payment, reservation_id, event_id, currency, posted_at)
     VALUES ($1, $2, $3, $4, $5, $6, $7)";

/// $1 posting, $2 from, $3 to, $4 amount.
pub(super) const NEW_ENTRIES: &str = "INSERT INTO ledger_entries (posting_id, account, amount_cents)
     VALUES ($1, $2, -$4), ($1, $3, $4)";

/// $1 event or null.
pub(super) const BALANCES: &str = "SELECT e.account, p.currency, CAST(SUM(e.amount_cents) AS BIGINT) AS cents
   FROM ledger_entries e JOIN ledger_postings p ON p.id = e.posting_id
  WHERE CAST($1 AS TEXT) IS NULL OR p.event_id = $1
  GROUP BY e.account, p.currency ORDER BY p.currency, e.account";

/// $1 since.
pub(super) const UNBALANCED_SINCE: &str = "SELECT count(*) AS postings FROM (
       SELECT p.id FROM ledger_postings p LEFT JOIN ledger_entries e ON e.posting_id = p.id
        WHERE p.posted_at >= $1
        GROUP BY p.id HAVING count(e.account) <> 2 OR SUM(e.amount_cents) <> 0) AS wrong";

/// Postings whose entries do not add up to nothing.
pub(super) const UNBALANCED: &str = "SELECT count(*) AS postings FROM (
       SELECT p.id FROM ledger_postings p LEFT JOIN ledger_entries e ON e.posting_id = p.id
        GROUP BY p.id HAVING count(e.account) <> 2 OR SUM(e.amount_cents) <> 0) AS wrong";

/// Reservations that are not where the ledger says that their money is: tickets for what was sold and for nothing else, a
/// debt to fans for what is to go back and for nothing else.
macro_rules! contradictions {
    ($of:literal) => {
        concat!(
            "SELECT count(*) AS reservations FROM (
       SELECT r.id, r.state, r.amount_cents,
              (SELECT CAST(COALESCE(SUM(s.price_cents), 0) AS BIGINT)
                 FROM tickets t JOIN reservation_seats s
                   ON s.reservation_id = t.reservation_id AND s.seat_id = t.seat_id
                WHERE t.reservation_id = r.id) AS tickets_cents,
              COALESCE(SUM(CASE WHEN e.account = 'provider' THEN e.amount_cents END), 0) AS provider_cents,
              COALESCE(SUM(CASE WHEN e.account = 'sales' THEN e.amount_cents END), 0) AS sales_cents,
              COALESCE(SUM(CASE WHEN e.account = 'unsettled' THEN e.amount_cents END), 0) AS unsettled_cents,
              r.charge_id
         FROM reservations r
         LEFT JOIN ledger_postings p ON p.reservation_id = r.id
         LEFT JOIN ledger_entries e ON e.posting_id = p.id ",
            $of,
            " GROUP BY r.id, r.state, r.amount_cents, r.charge_id) AS account
  WHERE sales_cents <> -tickets_cents
     OR sales_cents <> CASE WHEN state = 'confirmed' THEN -amount_cents ELSE 0 END
     OR unsettled_cents <> CASE WHEN state = 'refund_due' AND charge_id IS NOT NULL THEN -amount_cents ELSE 0 END
     OR provider_cents <> -(sales_cents + unsettled_cents)"
        )
    };
}

/// $1 event or null.
pub(super) const CONTRADICTIONS: &str = contradictions!("WHERE CAST($1 AS TEXT) IS NULL OR r.event_id = $1");

/// $1 since.
pub(super) const CONTRADICTIONS_SINCE: &str =
    contradictions!("WHERE r.state IN ('confirmed', 'refund_due', 'refunded') AND r.updated_at >= $1");

/// What one step of `reservation` posts.
pub(super) struct NewPosting {
    pub(super) id: String,
    pub(super) kind: &'static str,
    pub(super) payment: String,
    pub(super) from: &'static str,
    pub(super) to: &'static str,
}

impl NewPosting {
    pub(super) fn of(posting: Posting, reservation: &Reservation) -> Self {
        let payment = reservation.payment_key();
        let (from, to) = posting.accounts();
        let kind = posting.as_str();
        Self { id: format!("{kind}:{payment}"), kind, payment, from: from.as_str(), to: to.as_str() }
    }
}

pub(super) fn standing(row: &impl Columns) -> Result<Standing, StoreError> {
    Ok(Standing {
        charge_id: row.text("charge_id")?,
        card: row.text("card")?,
        outcome: rows::valid("outcome", ChargeOutcome::parse(&row.text("outcome")?))?,
        asked: row.number("asked")?,
        refunds_asked: row.number("refunds_asked")?,
    })
}

pub(super) fn audit<R: Columns>(
    balances: &[R],
    unbalanced: i64,
    contradictions: i64,
) -> Result<LedgerAudit, StoreError> {
    let balance = |row: &R| {
        Ok(Balance {
            account: rows::valid("account", Account::parse(&row.text("account")?))?,
            currency: row.text("currency")?,
            cents: row.number("cents")?,
        })
    };
    let balances = balances.iter().map(balance).collect::<Result<_, StoreError>>()?;
    Ok(LedgerAudit { balances, unbalanced, contradictions })
}
