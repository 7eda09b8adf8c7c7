pub mod clock;
pub mod edge_signature;
pub mod keyring;
pub mod name;
pub mod rank;
pub mod ticket;
pub mod token;
