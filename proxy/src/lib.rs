//! The edge: decides per request, serves the waiting room, streams positions, forwards the admitted.
//!
//! # A request's way
//!
//! ```text
//!  listen     ─▶ live::EdgeApp ─▶ phases (Pingora) ─▶ gate::decide ─┬─ refused ──▶ 400
//!                    ▲                                              ├─ open ─────▶ upstream (signed)
//!                    │ a fan's WebSocket                            ├─ edge call ▶ waiting (JSON, page)
//!                    └──────────── hand-over ◀──────────────────────┤
//!                                                                   └─ protected ▶ token good? ─▶ upstream (signed)
//!                                                                                  else room: join, claim, wait
//! ```
//!
//! Plain requests that the edge answers itself are judged and answered in `live::shortcut`, and never reach Pingora.
//!
//! # Map
//!
//! - [`config`]: the files, checked.
//! - [`gate`]: facts of a request to a verdict; pure.
//! - `document`: what the edge answers below `/.waiting-room/`, as OpenAPI; pure.
//! - [`waiting`]: pages, status JSON, cookies, cache headers; plain data to bytes.
//! - [`room`]: what this process knows of a room's line, and its one tick.
//! - [`explain`]: what would happen to a request, and why, for operators.
//! - [`fleet`]: what all proxies have in common: the configuration of their rooms, which may change.
//! - [`limits`]: how much one place or one session may ask for.
//! - [`listen`]: where clients connect: sockets, TLS, how much is read.
//! - [`live`]: requests on connections, and WebSockets.
//! - [`minting`]: invitations, by a command or over the API; pure.
//! - [`phases`]: the phases of a request, each of which delegates to the above.
//! - [`upstream`]: the shop's instances and what is sent to them.
//! - [`telemetry`]: what is counted and measured.
//! - [`wire`]: the way to a fan's WebSocket, for all who write to it.
//! - [`admin`]: health, for operators.
//! - [`server`]: puts all of it together.

pub mod admin;
pub mod config;
mod document;
pub mod explain;
pub mod fleet;
pub mod gate;
mod ids;
pub mod limits;
pub mod listen;
pub mod live;
pub mod minting;
mod patience;
pub mod phases;
pub mod room;
pub mod server;
pub mod telemetry;
pub mod upstream;
pub mod waiting;
pub mod wire;
