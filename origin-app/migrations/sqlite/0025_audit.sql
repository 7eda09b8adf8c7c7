-- Whether P9 holds is looked up every few seconds, in what was paid or returned lately.
CREATE INDEX reservations_settled ON reservations (updated_at) WHERE state IN ('confirmed', 'refund_due', 'refunded');
CREATE INDEX ledger_postings_by_time ON ledger_postings (posted_at);
