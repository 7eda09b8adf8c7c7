//! Accounts: a proven address, a password, sessions. A fan needs none to buy; whoever has one finds their tickets in any
//! browser and hears by mail what becomes of them.
//!
//! Everything lies below `/account` and `/api/auth`, which a waiting room lets pass, so that fans log in before the sale.

mod limit;
mod model;
mod password;
mod routes;
mod service;
mod sessions;
mod store;
mod token;

pub use limit::{Network, TooOften};
pub use model::{Account, Role, Session};
pub use password::{HashError, PASSWORD_BYTES_MAX, PASSWORD_LENGTH_MIN, Password};
pub(crate) use routes::bring_along;
pub use routes::routes;
pub use service::{AccountRefused, Accounts, LoggedIn};
pub use store::{AccountStore, NewAccount, NewSession, Opened, PasswordChange, SignUp};
pub use token::{Token, TokenHash};
