//! From the driver's errors to the port's.

use crate::store::StoreError;

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        let busy = match &error {
            sqlx::Error::PoolTimedOut => true,
            // SQLite: another process writes. PostgreSQL: a lock or a statement took too long.
            sqlx::Error::Database(database) => {
                matches!(database.code().as_deref(), Some("5" | "6" | "517" | "55P03" | "57014"))
            }
            _ => false,
        };
        if busy { Self::Busy(error.into()) } else { Self::Failed(error.into()) }
    }
}

impl From<sqlx::migrate::MigrateError> for StoreError {
    fn from(error: sqlx::migrate::MigrateError) -> Self {
        Self::Failed(error.into())
    }
}

/// What stands in a column is not what belongs there.
#[derive(Debug, thiserror::Error)]
#[error("the column `{column}` holds something that does not belong there")]
pub(super) struct CorruptColumn {
    pub(super) column: &'static str,
}

impl From<CorruptColumn> for StoreError {
    fn from(error: CorruptColumn) -> Self {
        Self::Failed(error.into())
    }
}
