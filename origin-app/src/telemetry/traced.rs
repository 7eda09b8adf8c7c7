//! The database and the payment provider, with each call a span of the request's trace.

use std::sync::Arc;

use admission::clock::Timestamp;
use async_trait::async_trait;

use super::traces::Traces;
use crate::checkout::{CheckoutStore, Report, Taken};
use crate::events::{
    Created, EventDetail, EventOnSale, EventQuery, EventStore, NewEvent, NewSeat, Place, Sales, Seat,
    SectionCount, Updated,
};
use crate::ids::{EventId, FanId, ReservationId, SeatId};
use crate::inventory::Holding;
use crate::payments::{
    Card, ChargeBook, ChargeEntry, ChargeError, ChargeOutcome, ChargeRequest, Closed, HandOver, LedgerAudit,
    LedgerStore, NoAnswer, PaymentProvider, RefundRequest, Standing,
};
use crate::reservations::{Begin, Release, Reservation, ReservationStore};
use crate::store::{StoreError, Stores};

/// Something whose calls are traced.
struct Traced<P: ?Sized> {
    port: Arc<P>,
    traces: Arc<Traces>,
}

/// The same ports, traced.
pub(crate) fn stores(stores: Stores, traces: &Arc<Traces>) -> Stores {
    let traces = || Arc::clone(traces);
    Stores {
        events: Arc::new(Traced { port: stores.events, traces: traces() }),
        reservations: Arc::new(Traced { port: stores.reservations, traces: traces() }),
        charges: Arc::new(Traced { port: stores.charges, traces: traces() }),
        checkout: Arc::new(Traced { port: stores.checkout, traces: traces() }),
        ledger: Arc::new(Traced { port: stores.ledger, traces: traces() }),
        // What the sender does is no request's; and of accounts nothing is told that a trace would keep.
        outbox: stores.outbox,
        accounts: stores.accounts,
        idempotency: stores.idempotency,
        waitlist: stores.waitlist,
        contacts: stores.contacts,
        lifecycle: stores.lifecycle,
    }
}

/// The same provider, traced.
pub(crate) fn provider(port: Arc<dyn PaymentProvider>, traces: &Arc<Traces>) -> Arc<dyn PaymentProvider> {
    Arc::new(Traced { port, traces: Arc::clone(traces) })
}

#[async_trait]
impl EventStore for Traced<dyn EventStore> {
    async fn create(&self, new: &NewEvent, now: Timestamp) -> Result<Created, StoreError> {
        self.traces.database("event create", self.port.create(new, now)).await
    }

    async fn find(&self, id: &EventId, now: Timestamp) -> Result<Option<EventOnSale>, StoreError> {
        self.traces.database("event find", self.port.find(id, now)).await
    }

    async fn page(&self, query: &EventQuery, now: Timestamp) -> Result<Vec<EventOnSale>, StoreError> {
        self.traces.database("event page", self.port.page(query, now)).await
    }

    async fn venues(&self, limit: u32) -> Result<Vec<String>, StoreError> {
        self.traces.database("event venues", self.port.venues(limit)).await
    }

    async fn update(
        &self,
        changed: &EventDetail,
        seats: Option<&[NewSeat]>,
        from: i64,
    ) -> Result<Updated, StoreError> {
        self.traces.database("event update", self.port.update(changed, seats, from)).await
    }

    async fn detail(&self, id: &EventId) -> Result<Option<EventDetail>, StoreError> {
        self.traces.database("event detail", self.port.detail(id)).await
    }

    async fn places(&self, id: &EventId) -> Result<Vec<Place>, StoreError> {
        self.traces.database("event places", self.port.places(id)).await
    }

    async fn claimed(&self, id: &EventId, now: Timestamp) -> Result<Vec<SectionCount>, StoreError> {
        self.traces.database("event claimed", self.port.claimed(id, now)).await
    }

    async fn seats(
        &self,
        id: &EventId,
        fan: Option<&FanId>,
        now: Timestamp,
    ) -> Result<Vec<Seat>, StoreError> {
        self.traces.database("event seats", self.port.seats(id, fan, now)).await
    }

    async fn sales(&self, id: &EventId, now: Timestamp) -> Result<Option<Sales>, StoreError> {
        self.traces.database("event sales", self.port.sales(id, now)).await
    }
}

#[async_trait]
impl ReservationStore for Traced<dyn ReservationStore> {
    async fn record(&self, event: &EventId, happened: &[Holding]) -> Result<(), StoreError> {
        self.traces.database("reservation record", self.port.record(event, happened)).await
    }

    async fn live(&self, event: &EventId, now: Timestamp) -> Result<Vec<Holding>, StoreError> {
        self.traces.database("reservation live", self.port.live(event, now)).await
    }

    async fn note_load(&self, event: &EventId, now: Timestamp) -> Result<bool, StoreError> {
        self.traces.database("reservation note_load", self.port.note_load(event, now)).await
    }

    async fn loaded_events(&self, now: Timestamp) -> Result<Vec<EventId>, StoreError> {
        self.traces.database("reservation loaded_events", self.port.loaded_events(now)).await
    }

    async fn opening_events(&self, from: Timestamp, until: Timestamp) -> Result<Vec<EventId>, StoreError> {
        self.traces.database("reservation opening_events", self.port.opening_events(from, until)).await
    }

    async fn lost_after(&self, since: Timestamp) -> Result<Option<Timestamp>, StoreError> {
        self.traces.database("reservation lost_after", self.port.lost_after(since)).await
    }

    async fn find(&self, id: &ReservationId, fan: &FanId) -> Result<Option<Reservation>, StoreError> {
        self.traces.database("reservation find", self.port.find(id, fan)).await
    }

    async fn of_fan(
        &self,
        fan: &FanId,
        after: Option<&ReservationId>,
        limit: u32,
    ) -> Result<Vec<Reservation>, StoreError> {
        self.traces.database("reservation of_fan", self.port.of_fan(fan, after, limit)).await
    }

    async fn paid_seats(&self, event: &EventId, fan: &FanId) -> Result<u32, StoreError> {
        self.traces.database("reservation paid_seats", self.port.paid_seats(event, fan)).await
    }

    async fn release(&self, id: &ReservationId, fan: &FanId, now: Timestamp) -> Result<Release, StoreError> {
        self.traces.database("reservation release", self.port.release(id, fan, now)).await
    }

    async fn begin_payment(
        &self,
        event: &EventId,
        holding: &Holding,
        card: &str,
        now: Timestamp,
    ) -> Result<Begin, StoreError> {
        let begin = self.port.begin_payment(event, holding, card, now);
        self.traces.database("reservation begin_payment", begin).await
    }

    async fn expire_due(&self, before: Timestamp, limit: u32) -> Result<u64, StoreError> {
        self.traces.database("reservation expire_due", self.port.expire_due(before, limit)).await
    }
}

#[async_trait]
impl ChargeBook for Traced<dyn ChargeBook> {
    async fn ask(
        &self,
        entry: &ChargeEntry,
        first: ChargeOutcome,
        later: ChargeOutcome,
        now: Timestamp,
    ) -> Result<Standing, StoreError> {
        self.traces.database("charge ask", self.port.ask(entry, first, later, now)).await
    }

    async fn close(&self, entry: &ChargeEntry, now: Timestamp) -> Result<Standing, StoreError> {
        self.traces.database("charge close", self.port.close(entry, now)).await
    }

    async fn ask_refund(&self, key: &str) -> Result<Option<Standing>, StoreError> {
        self.traces.database("charge ask_refund", self.port.ask_refund(key)).await
    }

    async fn refund(&self, key: &str, now: Timestamp) -> Result<(), StoreError> {
        self.traces.database("charge refund", self.port.refund(key, now)).await
    }
}

#[async_trait]
impl CheckoutStore for Traced<dyn CheckoutStore> {
    async fn find(&self, id: &ReservationId) -> Result<Option<Reservation>, StoreError> {
        self.traces.database("checkout find", self.port.find(id)).await
    }

    async fn of_seat(&self, event: &EventId, seat: &SeatId) -> Result<Option<Reservation>, StoreError> {
        self.traces.database("checkout of_seat", self.port.of_seat(event, seat)).await
    }

    async fn of_ticket(&self, code: &str) -> Result<Option<Reservation>, StoreError> {
        self.traces.database("checkout of_ticket", self.port.of_ticket(code)).await
    }

    async fn take(&self, id: &ReservationId, report: &Report, now: Timestamp) -> Result<Taken, StoreError> {
        self.traces.database("checkout take", self.port.take(id, report, now)).await
    }

    async fn unsettled(&self, since: Timestamp, limit: u32) -> Result<Vec<Reservation>, StoreError> {
        self.traces.database("checkout unsettled", self.port.unsettled(since, limit)).await
    }

    async fn call_off(&self, event: &EventId, now: Timestamp) -> Result<(), StoreError> {
        self.traces.database("checkout call_off", self.port.call_off(event, now)).await
    }

    async fn called_off(&self, limit: u32) -> Result<Vec<Reservation>, StoreError> {
        self.traces.database("checkout called_off", self.port.called_off(limit)).await
    }
}

#[async_trait]
impl LedgerStore for Traced<dyn LedgerStore> {
    async fn audit(&self, event: Option<&EventId>) -> Result<LedgerAudit, StoreError> {
        self.traces.database("ledger audit", self.port.audit(event)).await
    }

    async fn wrong_since(&self, since: Timestamp) -> Result<u64, StoreError> {
        self.traces.database("ledger wrong_since", self.port.wrong_since(since)).await
    }
}

#[async_trait]
impl PaymentProvider for Traced<dyn PaymentProvider> {
    fn knows(&self, card: &str) -> bool {
        self.port.knows(card)
    }

    fn cards(&self) -> &'static [Card] {
        self.port.cards()
    }

    fn is_spared(&self) -> bool {
        self.port.is_spared()
    }

    fn browser_key(&self) -> Option<&str> {
        self.port.browser_key()
    }

    async fn hand_over(&self, request: &ChargeRequest) -> Result<HandOver, ChargeError> {
        self.traces.payment("payment hand_over", self.port.hand_over(request)).await
    }

    async fn charge(&self, request: &ChargeRequest) -> Result<String, ChargeError> {
        self.traces.payment("payment charge", self.port.charge(request)).await
    }

    async fn close(&self, request: &ChargeRequest) -> Result<Closed, NoAnswer> {
        self.traces.payment("payment close", self.port.close(request)).await
    }

    async fn refund(&self, request: &RefundRequest) -> Result<(), NoAnswer> {
        self.traces.payment("payment refund", self.port.refund(request)).await
    }
}
