//! Statements that both databases read alike. `$1` and so on are the parameters in both.

macro_rules! event_columns {
    () => {
        "SELECT e.id, e.name, e.venue, e.city, e.description, e.starts_at, e.currency, e.waiting_room,
                e.seats_total, e.status, e.version, e.updated_at,
                (SELECT count(*) FROM reservations r JOIN reservation_seats s ON s.reservation_id = r.id
                  WHERE r.event_id = e.id AND r.state IN ('held', 'paying', 'confirmed')
                    AND (r.state <> 'held' OR r.expires_at > $1)) AS claimed
           FROM events e "
    };
}
pub(super) use event_columns;

macro_rules! reservation_columns {
    () => {
        "SELECT r.id, r.event_id, r.fan_id, r.state, r.amount_cents, r.currency, r.expires_at, r.attempt, r.card,
                r.charge_id, r.begun_at, r.keep_until, r.refund_reason,
                s.seat_id, s.price_cents, t.code
           FROM reservations r
           JOIN reservation_seats s ON s.reservation_id = r.id
           LEFT JOIN tickets t ON t.reservation_id = r.id AND t.seat_id = s.seat_id "
    };
}

/// $1 now, $2 event.
pub(super) const EVENT: &str = concat!(event_columns!(), "WHERE e.id = $2");

/// $1 now, $2 the last event of the page before or '', $3 how many, $4 the venue or '', $5 the earliest start, $6 the end
/// of starts; behind it the words, as each database looks for them. The page goes on where the last one ended, or at
/// the earliest start: either is where the index is entered.
/// Of reservations that an `UPDATE` has ended: when, and whether their fan is told, which is where the hold has lapsed and it is
/// known how the fan is reached.
macro_rules! told_of_the_end {
    () => {
        "RETURNING reservations.id, reservations.updated_at,
                   CAST(CASE WHEN reservations.state = 'expired'
                              AND (EXISTS (SELECT 1 FROM reservation_contacts c WHERE c.reservation_id = reservations.id)
                                OR EXISTS (SELECT 1 FROM contacts c WHERE c.fan_id = reservations.fan_id))
                             THEN 1 ELSE 0 END AS BIGINT) AS told"
    };
}
pub(super) use told_of_the_end;

macro_rules! events_page {
    ($status:literal, $words:literal) => {
        concat!(
            $crate::persistence::sql::event_columns!(),
            "WHERE (e.starts_at, e.id) > (COALESCE((SELECT starts_at FROM events WHERE id = $2), $5), $2)
               AND e.starts_at >= $5 AND e.starts_at < $6
               AND ($4 = '' OR e.venue = $4) ",
            $status,
            $words,
            " ORDER BY e.starts_at, e.id LIMIT $3"
        )
    };
}
pub(super) use events_page;

/// $1 how many.
pub(super) const VENUES: &str =
    "SELECT DISTINCT venue FROM events WHERE status = 'published' ORDER BY venue LIMIT $1";

/// $1 event. What an event is, without what is claimed of it.
pub(super) const EVENT_ALONE: &str =
    "SELECT id, name, venue, city, description, starts_at, currency, waiting_room,
       seats_total, status, version, updated_at
  FROM events WHERE id = $1";

/// $1 event.
pub(super) const PRICE_CLASSES: &str =
    "SELECT class_id, name, price_cents FROM price_classes WHERE event_id = $1 ORDER BY place";

/// $1 event.
pub(super) const SECTIONS: &str =
    "SELECT section_id, name, kind, capacity, map_x, map_y FROM sections WHERE event_id = $1 ORDER BY place";

/// $1 event.
pub(super) const SALES_OF_EVENT: &str = "SELECT sale_id, name, opens_at, closes_at, waiting_room
       FROM sales WHERE event_id = $1 ORDER BY place";

/// $1 event.
pub(super) const SALE_SECTIONS: &str = "SELECT c.sale_id, c.section_id
       FROM sale_sections c JOIN sections s ON s.event_id = c.event_id AND s.section_id = c.section_id
      WHERE c.event_id = $1 ORDER BY s.place";

/// $1 event.
pub(super) const DROP_SALES: [&str; 2] =
    ["DELETE FROM sale_sections WHERE event_id = $1", "DELETE FROM sales WHERE event_id = $1"];

/// $1 event.
pub(super) const DROP_HOUSE: [&str; 3] = [
    "DELETE FROM seats WHERE event_id = $1",
    "DELETE FROM sections WHERE event_id = $1",
    "DELETE FROM price_classes WHERE event_id = $1",
];

/// $1 event, $2 class, $3 place, $4 name, $5 price.
pub(super) const NEW_PRICE_CLASS: &str =
    "INSERT INTO price_classes (event_id, class_id, place, name, price_cents) VALUES ($1, $2, $3, $4, $5)";

/// $1 event, $2 section, $3 place, $4 name, $5 kind, $6 capacity, $7 and $8 the place on the map or null.
pub(super) const NEW_SECTION: &str = "INSERT INTO sections
       (event_id, section_id, place, name, kind, capacity, map_x, map_y)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";

/// $1 event, $2 sale, $3 place, $4 name, $5 opening, $6 end or null, $7 room or null.
pub(super) const NEW_SALE: &str = "INSERT INTO sales
       (event_id, sale_id, place, name, opens_at, closes_at, waiting_room)
     VALUES ($1, $2, $3, $4, $5, $6, $7)";

/// $1 event, $2 sale, $3 section.
pub(super) const NEW_SALE_SECTION: &str =
    "INSERT INTO sale_sections (event_id, sale_id, section_id) VALUES ($1, $2, $3)";

/// $1 id, $2 name, $3 venue, $4 city, $5 description, $6 start, $7 room, $8 seats, $9 status, $10 version, $11 now,
/// $12 what a search looks through, $13 the version that it was before.
pub(super) const UPDATE_EVENT: &str = "UPDATE events
    SET name = $2, venue = $3, city = $4, description = $5, starts_at = $6, waiting_room = $7, seats_total = $8,
        status = $9, version = $10, updated_at = $11, search_text = $12
  WHERE id = $1 AND version = $13";

/// $1 now, $2 event. Who only holds a seat has no claim to it here.
pub(super) const SEATS: &str =
    "SELECT s.seat_id, s.section_id, s.class_id, s.row_name, s.number, s.price_cents,
            r.state, r.fan_id
       FROM sections h
       JOIN seats s ON s.event_id = h.event_id AND s.section_id = h.section_id
       LEFT JOIN seat_claims c ON c.event_id = s.event_id AND c.seat_id = s.seat_id
       LEFT JOIN reservations r
         ON r.id = c.reservation_id AND (r.state <> 'held' OR r.expires_at > $1)
      WHERE h.event_id = $2 AND h.kind = 'numbered' ORDER BY s.place";

/// $1 event.
pub(super) const PLACES: &str = "SELECT s.seat_id, s.section_id, s.price_cents, s.place, h.kind
       FROM sections h JOIN seats s ON s.event_id = h.event_id AND s.section_id = h.section_id
      WHERE h.event_id = $1";

/// $1 now, $2 event.
pub(super) const SECTION_CLAIMS: &str = "SELECT s.section_id, count(*) AS claimed
       FROM reservations r
       JOIN reservation_seats o ON o.reservation_id = r.id
       JOIN seats s ON s.event_id = r.event_id AND s.seat_id = o.seat_id
      WHERE r.event_id = $2 AND r.state IN ('held', 'paying', 'confirmed')
        AND (r.state <> 'held' OR r.expires_at > $1)
      GROUP BY s.section_id";

/// $1 now, $2 event. Charges are counted in the provider's books, and `double_sold` in the reservations: neither
/// leans on what it should prove.
pub(super) const SALES: &str = "SELECT e.id, e.seats_total,
       (SELECT count(*) FROM reservations r JOIN reservation_seats s ON s.reservation_id = r.id
         WHERE r.event_id = e.id AND r.state IN ('held', 'paying', 'confirmed')
           AND (r.state = 'paying' OR (r.state = 'held' AND r.expires_at > $1))) AS held,
       (SELECT count(*) FROM reservation_seats s JOIN reservations r ON r.id = s.reservation_id
         WHERE r.event_id = e.id AND r.state = 'confirmed') AS sold,
       (SELECT count(*) FROM tickets t WHERE t.event_id = e.id) AS tickets,
       (SELECT CAST(COALESCE(SUM(s.price_cents), 0) AS BIGINT)
          FROM tickets t JOIN reservation_seats s
            ON s.reservation_id = t.reservation_id AND s.seat_id = t.seat_id
         WHERE t.event_id = e.id) AS tickets_cents,
       (SELECT CAST(COALESCE(SUM(p.amount_cents), 0) AS BIGINT)
          FROM sandbox_payments p JOIN reservations r ON r.id = p.reference
         WHERE r.event_id = e.id AND p.outcome = 'charged' AND p.refunded_at IS NULL) AS charges_cents,
       (SELECT count(*) FROM (
          SELECT s.seat_id FROM reservation_seats s JOIN reservations r ON r.id = s.reservation_id
           WHERE r.event_id = e.id AND r.state = 'confirmed'
           GROUP BY s.seat_id HAVING count(*) > 1) AS doubles) AS double_sold
  FROM events e WHERE e.id = $2";

/// $1 reservation.
pub(super) const RESERVATION: &str = concat!(reservation_columns!(), "WHERE r.id = $1 ORDER BY s.place");

/// $1 reservation, $2 fan.
pub(super) const RESERVATION_OF_FAN: &str =
    concat!(reservation_columns!(), "WHERE r.id = $1 AND r.fan_id = $2 ORDER BY s.place");

/// Ids begin with the moment of which they are. $1 fan, $2 how many, $3 above their ids.
pub(super) const RESERVATIONS_OF_FAN: &str = concat!(
    reservation_columns!(),
    "WHERE r.id IN (SELECT id FROM reservations WHERE fan_id = $1 AND id < $3 ORDER BY id DESC LIMIT $2)
     ORDER BY r.id DESC, s.place"
);

/// Above all ids, which are of hexadecimal digits.
pub(super) const ABOVE_ALL: &str = "z";

/// $1 last touched at the latest, $2 how many.
pub(super) const UNSETTLED: &str = concat!(
    reservation_columns!(),
    "WHERE r.id IN (SELECT id FROM reservations WHERE state IN ('paying', 'refund_due') AND updated_at <= $1
                     ORDER BY updated_at LIMIT $2)
     ORDER BY r.updated_at, r.id, s.place"
);

/// $1 event, $2 seat.
pub(super) const WITH_TICKET: &str = concat!(
    reservation_columns!(),
    "WHERE r.id = (SELECT reservation_id FROM tickets WHERE event_id = $1 AND seat_id = $2)
     ORDER BY s.place"
);

/// $1 code.
pub(super) const WITH_CODE: &str = concat!(
    reservation_columns!(),
    "WHERE r.id = (SELECT reservation_id FROM tickets WHERE code = $1) ORDER BY s.place"
);

/// $1 how many.
pub(super) const PAID_FOR_CALLED_OFF: &str = concat!(
    reservation_columns!(),
    "WHERE r.id IN (SELECT p.id FROM reservations p JOIN events e ON e.id = p.event_id
                     WHERE e.status = 'called_off' AND p.state = 'confirmed' ORDER BY p.id LIMIT $1)
     ORDER BY r.id, s.place"
);

/// $1 event, $2 fan.
pub(super) const PAID_SEATS: &str = "SELECT count(*) AS seats
   FROM reservation_seats s JOIN reservations r ON r.id = s.reservation_id
  WHERE r.event_id = $1 AND r.fan_id = $2 AND r.state = 'confirmed'";

/// $1 event, $2 now. What is paid comes first, then the newest hold.
pub(super) const LIVE: &str = "SELECT r.id, r.fan_id, r.state, r.currency, r.created_at, r.expires_at, r.updated_at, r.ticket,
        s.seat_id, s.place, s.price_cents
   FROM reservations r JOIN reservation_seats s ON s.reservation_id = r.id
  WHERE r.event_id = $1 AND r.state IN ('held', 'paying', 'confirmed') AND (r.state <> 'held' OR r.expires_at > $2)
  ORDER BY CASE r.state WHEN 'held' THEN 1 ELSE 0 END, r.created_at DESC, r.id, s.place";

/// $1 event, $2 now.
pub(super) const NOTE_LOAD: &str = "INSERT INTO inventory_loads (event_id, loaded_at) VALUES ($1, $2)
     ON CONFLICT (event_id) DO UPDATE SET loaded_at = excluded.loaded_at, lost_at = excluded.loaded_at
     RETURNING lost_at";

/// $1 now.
pub(super) const LOADED_EVENTS: &str =
    "SELECT l.event_id FROM inventory_loads l JOIN events e ON e.id = l.event_id
  WHERE e.starts_at > $1 ORDER BY l.event_id";

/// $1 after when, $2 until when.
pub(super) const OPENING_EVENTS: &str = "SELECT s.event_id FROM sales s JOIN events e ON e.id = s.event_id
  WHERE s.opens_at > $1 AND s.opens_at <= $2 AND e.status = 'published'
  GROUP BY s.event_id ORDER BY min(s.opens_at), s.event_id LIMIT 1000";

/// $1 since.
pub(super) const LOST_AFTER: &str = "SELECT min(lost_at) AS lost_at FROM inventory_loads WHERE lost_at >= $1";

/// $1 reservation, $2 card, $3 now.
pub(super) const BEGIN_PAYMENT: &str = "UPDATE reservations
        SET state = 'paying', attempt = attempt + 1, card = $2, begun_at = $3, keep_until = NULL, charge_id = NULL,
            refund_reason = NULL, updated_at = $3
      WHERE id = $1";

/// $1 reservation, $2 now. Its seats are others' by now.
pub(super) const TOO_LATE: &str = "UPDATE reservations SET state = 'expired', updated_at = $2 WHERE id = $1";

/// $1 reservation, $2 now.
pub(super) const RELEASE: &str = "UPDATE reservations SET state = 'released', updated_at = $2 WHERE id = $1";

/// $1 reservation.
pub(super) const DROP_CLAIMS: &str = "DELETE FROM seat_claims WHERE reservation_id = $1";

/// $1 id, $2 name, $3 venue, $4 city, $5 description, $6 start, $7 room, $8 seats, $9 status, $10 version, $11 now,
/// $12 what a search looks through, $13 currency.
pub(super) const NEW_EVENT: &str = "INSERT INTO events
       (id, name, venue, city, description, starts_at, waiting_room, seats_total, status, version, updated_at,
        search_text, currency, created_at)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $11) ON CONFLICT (id) DO NOTHING";

/// $1 since.
pub(super) const SOLD_WITHOUT_TICKET: &str = "SELECT count(*)
       FROM reservations r JOIN reservation_seats s ON s.reservation_id = r.id
      WHERE r.state = 'confirmed' AND r.updated_at >= $1 AND NOT EXISTS
            (SELECT 1 FROM tickets t WHERE t.reservation_id = r.id AND t.seat_id = s.seat_id)";
