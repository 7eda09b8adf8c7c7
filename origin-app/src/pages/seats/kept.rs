//! What was made of seat maps, kept for whoever looks next.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::{Part, Plan};
use crate::events::{EventDetail, Seat};
use crate::http::Problem;
use crate::ids::EventId;
use crate::language::Language;
use crate::pages::templates::Templates;

/// Most memory for all of them, in bytes; then all are forgotten, and made anew for those who look. A page of 500 seats takes a
/// quarter of a mebibyte in each language.
const BYTES_MAX: usize = 64 << 20;

/// Plans of the events that are looked at, and their parts. Nothing in it says who has a seat.
pub(crate) struct SeatMaps {
    kept: Mutex<Kept>,
    bytes_max: usize,
}

impl Default for SeatMaps {
    fn default() -> Self {
        Self::within(BYTES_MAX)
    }
}

#[derive(Default)]
struct Kept {
    events: HashMap<EventId, Entry>,
    bytes: usize,
}

struct Entry {
    plan: Arc<Plan>,
    parts: HashMap<(Language, usize), Arc<Part>>,
    bytes: usize,
}

/// A part of a plan, and which.
pub(in crate::pages) struct Found {
    pub(in crate::pages) plan: Arc<Plan>,
    pub(in crate::pages) number: usize,
    pub(in crate::pages) part: Arc<Part>,
}

impl SeatMaps {
    /// None yet, and never more than so many bytes.
    pub(super) fn within(bytes_max: usize) -> Self {
        Self { kept: Mutex::default(), bytes_max }
    }

    /// What is the same for all who look at a part of an event, whose numbered seats are `seats`: the part that is asked for, or the
    /// nearest that there is. Two who ask at once for what is not kept may both make it.
    ///
    /// # Errors
    /// When a template is wrong.
    pub(in crate::pages) fn find(
        &self,
        templates: &Templates,
        detail: &EventDetail,
        seats: &Arc<Vec<Seat>>,
        language: Language,
        part: Option<usize>,
    ) -> Result<Found, Problem> {
        let event = &detail.event;
        let known = self.lock().events.get(&event.id).map(|entry| Arc::clone(&entry.plan));
        let plan = match known.filter(|plan| plan.fits(event.version, seats)) {
            Some(plan) => plan,
            None => {
                let plan = Arc::new(Plan::of(detail, seats));
                self.lock().keep_plan(&event.id, &plan, self.bytes_max);
                plan
            }
        };
        let number = plan.nearest(part);
        let key = (language, number);
        if let Some(part) = self.lock().part(&event.id, &plan, key) {
            return Ok(Found { plan, number, part });
        }
        let part = Arc::new(plan.part(templates, detail, language, number)?);
        self.lock().keep_part(&event.id, &plan, key, &part, self.bytes_max);
        Ok(Found { plan, number, part })
    }

    /// What is kept is whole at any moment: a panic elsewhere does not spoil it.
    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How much memory is taken, in bytes.
    #[cfg(test)]
    pub(super) fn bytes(&self) -> usize {
        self.lock().bytes
    }
}

impl Kept {
    /// Keeps a plan in place of the one before, and of all that was made by it.
    fn keep_plan(&mut self, event: &EventId, plan: &Arc<Plan>, bytes_max: usize) {
        if let Some(before) = self.events.remove(event) {
            self.bytes -= before.bytes;
        }
        let bytes = plan.size();
        self.make_room(bytes, bytes_max);
        self.bytes += bytes;
        self.events.insert(event.clone(), Entry { plan: Arc::clone(plan), parts: HashMap::new(), bytes });
    }

    fn part(&self, event: &EventId, plan: &Arc<Plan>, key: (Language, usize)) -> Option<Arc<Part>> {
        let entry = self.events.get(event).filter(|entry| Arc::ptr_eq(&entry.plan, plan))?;
        entry.parts.get(&key).cloned()
    }

    fn keep_part(
        &mut self,
        event: &EventId,
        plan: &Arc<Plan>,
        key: (Language, usize),
        part: &Arc<Part>,
        bytes_max: usize,
    ) {
        let bytes = part.size();
        self.make_room(bytes, bytes_max);
        // Its plan may be another by now, or gone to make room.
        let Some(entry) = self.events.get_mut(event).filter(|entry| Arc::ptr_eq(&entry.plan, plan)) else {
            return;
        };
        if entry.parts.insert(key, Arc::clone(part)).is_none() {
            entry.bytes += bytes;
            self.bytes += bytes;
        }
    }

    fn make_room(&mut self, bytes: usize, bytes_max: usize) {
        if self.bytes + bytes > bytes_max {
            *self = Self::default();
        }
    }
}
