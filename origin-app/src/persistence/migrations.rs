//! The migrations, in the binary. Each database has its own, side by side under the same names; a migration
//! that was released is never changed, only followed by another.

use sqlx::SqlSafeStr as _;
use sqlx::migrate::{Migration, MigrationType, Migrator};

macro_rules! migrations {
    ($database:literal: $($version:literal $name:literal),+ $(,)?) => {
        Migrator::with_migrations(vec![$(Migration::new(
            $version,
            $name.into(),
            MigrationType::Simple,
            include_str!(concat!("../../migrations/", $database, "/", $name, ".sql")).into_sql_str(),
            false,
        )),+])
    };
}

pub(super) fn sqlite() -> Migrator {
    migrations!(
        "sqlite":
        1 "0001_events",
        2 "0002_reservations",
        3 "0003_sandbox_charges",
        4 "0004_reservation_tickets",
        5 "0005_inventory",
        10 "0010_sandbox_payments",
        11 "0011_ledger",
        12 "0012_checkout",
        15 "0015_outbox",
        16 "0016_accounts",
        17 "0017_idempotent_answers",
        18 "0018_waitlist",
        19 "0019_reservation_contacts",
        20 "0020_event_catalogue",
        21 "0021_sections",
        22 "0022_event_sales",
        23 "0023_guests_who_wait",
        25 "0025_audit",
    )
}

pub(super) fn postgres() -> Migrator {
    migrations!(
        "postgres":
        1 "0001_events",
        2 "0002_reservations",
        3 "0003_sandbox_charges",
        4 "0004_reservation_tickets",
        5 "0005_inventory",
        10 "0010_sandbox_payments",
        11 "0011_ledger",
        12 "0012_checkout",
        15 "0015_outbox",
        16 "0016_accounts",
        17 "0017_idempotent_answers",
        18 "0018_waitlist",
        19 "0019_reservation_contacts",
        20 "0020_event_catalogue",
        21 "0021_sections",
        22 "0022_event_sales",
        23 "0023_guests_who_wait",
        25 "0025_audit",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn on_disk(database: &str) -> Vec<String> {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations").join(database);
        let mut names: Vec<_> = std::fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap().replace(".sql", ""))
            .collect();
        names.sort();
        names
    }

    #[test]
    fn every_migration_is_there_for_both_databases() {
        for (database, migrator) in [("sqlite", sqlite()), ("postgres", postgres())] {
            let embedded: Vec<_> =
                migrator.migrations.iter().map(|migration| migration.description.to_string()).collect();
            assert_eq!(embedded, on_disk(database), "{database}");
        }
        assert_eq!(on_disk("sqlite"), on_disk("postgres"));
    }
}
