//! The crowd against the real binaries, over the wire; and people's browsers against them.

// `cfg(test)` always holds here; clippy lets tests unwrap where it is written.
#[cfg(test)]
mod account;
#[cfg(test)]
mod adaptive;
#[cfg(test)]
mod bench;
#[cfg(test)]
mod broken;
#[cfg(test)]
mod browser;
#[cfg(test)]
mod capacity;
#[cfg(test)]
mod coming_back;
#[cfg(test)]
mod demo;
#[cfg(test)]
mod promises;
#[cfg(test)]
mod recovery;
#[cfg(test)]
mod rehearse;
#[cfg(test)]
mod report;
#[cfg(test)]
mod run;
#[cfg(test)]
mod runbooks;
#[cfg(test)]
mod support;
#[cfg(test)]
mod telemetry;
