//! Who asks, and whom.

use axum::Json;
use serde::Serialize;
use utoipa::ToSchema;

use crate::admin::access::{Caller, Role};
use crate::admin::problem::Problem;

/// Who a token is of.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::admin) struct MeView {
    /// Its name, as the audit log has it.
    #[schema(example = "anna")]
    name: String,
    /// What it may do: `viewer`, `operator` or `admin`.
    #[schema(example = "operator")]
    role: String,
    /// The version of the proxy that answers.
    version: String,
}

/// Who you are.
#[utoipa::path(get, path = "/api/v1/me", tag = "records", responses((status = 200, body = MeView)))]
pub(in crate::admin) async fn me(caller: Caller) -> Result<Json<MeView>, Problem> {
    caller.may(Role::Viewer)?;
    let (name, role) = (caller.name, caller.role.as_str().to_owned());
    Ok(Json(MeView { name, role, version: env!("CARGO_PKG_VERSION").to_owned() }))
}
