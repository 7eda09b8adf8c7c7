//! The shop's binary: arguments, and go.

use std::process::ExitCode;

use clap::Parser as _;
use clap::error::ErrorKind;
use origin_app::config::Args;

#[tokio::main]
async fn main() -> ExitCode {
    match Args::try_parse() {
        Ok(args) => origin_app::run(args).await,
        Err(error) => {
            // To a closed pipe there is nothing to say.
            let _ = error.print();
            match error.kind() {
                ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => ExitCode::SUCCESS,
                _ => ExitCode::from(64),
            }
        }
    }
}
