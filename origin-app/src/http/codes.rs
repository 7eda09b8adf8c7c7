//! The codes of problems. They are stable: programs go by them, and `docs/shop.md` lists them.

/// All of them, in order.
pub(crate) const CODES: [&str; 57] = [
    "already_confirmed",
    "body_too_large",
    "busy",
    "card_unknown",
    "cross_site",
    "edge_signature",
    "event_called_off",
    "event_changed",
    "event_exists",
    "event_not_found",
    "hold_expired",
    "hold_lost",
    "idempotency_key_in_use",
    "idempotency_key_malformed",
    "idempotency_key_reused",
    "internal",
    "invalid",
    "inventory_loading",
    "kept_for_waiting",
    "link_over",
    "login_failed",
    "login_needed",
    "malformed",
    "media_type",
    "method_not_allowed",
    "no_address",
    "no_password",
    "no_seats",
    "not_admitted",
    "not_found",
    "not_in_browser",
    "not_paid",
    "not_published",
    "not_sold_out",
    "not_waiting",
    "one_section_only",
    "organiser_only",
    "payment_declined",
    "payment_failed",
    "payment_in_progress",
    "payment_not_found",
    "refunded",
    "reservation_not_found",
    "reservation_released",
    "sale_not_open",
    "seat_taken",
    "seat_unknown",
    "section_unknown",
    "sold_out",
    "ticket_not_found",
    "timeout",
    "too_late_to_cancel",
    "too_many_seats",
    "too_often",
    "version_needed",
    "webhook_signature",
    "wrong_password",
];

#[cfg(test)]
mod tests {
    use super::CODES;

    #[test]
    fn every_code_is_in_the_documentation_and_the_other_way_round() {
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/shop.md");
        let text = std::fs::read_to_string(file).unwrap();
        let (_, table) = text.split_once("### Codes").unwrap();
        let rows = table.lines().skip_while(|line| !line.starts_with("| `"));
        let listed: Vec<_> =
            rows.map_while(|row| row.strip_prefix("| `")).map(|row| row.split('`').next().unwrap()).collect();
        assert_eq!(listed, CODES);
        assert!(CODES.is_sorted());
    }
}
