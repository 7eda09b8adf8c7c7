//! The sales of an event, as an organiser sends them.

use serde::Deserialize;
use utoipa::ToSchema;

use super::{NewEventError, id_wrong, moment, room, text, wrong};
use crate::events::SALES_MAX;
use crate::events::house::{Sale, Section};
use crate::ids::{SaleId, SectionId};

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewSale)]
pub(in crate::events) struct SaleBody {
    id: String,
    name: String,
    opens_at: String,
    closes_at: Option<String>,
    waiting_room: Option<String>,
    #[serde(default)]
    sections: Vec<String>,
}

/// The sales of a house with these sections.
pub(super) fn check(bodies: Vec<SaleBody>, sections: &[Section]) -> Result<Vec<Sale>, NewEventError> {
    if bodies.len() > SALES_MAX {
        return Err(wrong("sales", format!("no more than {SALES_MAX} sales are allowed")));
    }
    let mut sales: Vec<Sale> = Vec::with_capacity(bodies.len());
    for body in bodies {
        let sale = sale(body, sections)?;
        if sales.iter().any(|known| known.id == sale.id) {
            return Err(wrong("sales", format!("sale `{}` comes twice", sale.id)));
        }
        sales.push(sale);
    }
    Ok(sales)
}

fn sale(body: SaleBody, house: &[Section]) -> Result<Sale, NewEventError> {
    let SaleBody { id, name, opens_at, closes_at, waiting_room, sections } = body;
    let opens_at = moment("sales", &opens_at)?;
    let closes_at = closes_at.map(|moment_text| moment("sales", &moment_text)).transpose()?;
    if closes_at.is_some_and(|end| end <= opens_at) {
        return Err(wrong("sales", "`closes_at` must be later than `opens_at`"));
    }
    let mut covered: Vec<SectionId> = Vec::new();
    for id in sections {
        let Some(section) = house.iter().find(|section| section.id.as_str() == id) else {
            return Err(wrong("sales", format!("there is no section `{id}`")));
        };
        if !covered.contains(&section.id) {
            covered.push(section.id.clone());
        }
    }
    Ok(Sale {
        id: SaleId::parse(&id).map_err(|error| id_wrong("sales", &error))?,
        name: text("sales", &name)?,
        opens_at,
        closes_at,
        waiting_room: room("sales", waiting_room)?,
        sections: covered,
    })
}
