-- The id of the waiting room's ticket that the reservation was made with, as the edge signed it; null for an event
-- without a room, while the room is off, and for reservations from before. The id alone opens nothing.
ALTER TABLE reservations ADD COLUMN ticket TEXT;

-- Each hold counts what its ticket has already, inside the transaction that others wait for: that must not grow with
-- the sale. A ticket has few reservations, so its id finds them. Rows without a ticket are never looked for.
CREATE INDEX reservations_by_ticket ON reservations (ticket, event_id) WHERE ticket IS NOT NULL;
