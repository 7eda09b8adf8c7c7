//! From the driver's errors to the port's.

use crate::store::StoreError;

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        match &error {
            // The second is a connection that was lost, or could not be made; the third one that somebody in between took and
            // closed before the database could say anything.
            sqlx::Error::PoolTimedOut | sqlx::Error::Io(_) | sqlx::Error::Protocol(_) => {
                Self::Busy(error.into())
            }
            sqlx::Error::Encode(_) => Self::Refused(error.into()),
            sqlx::Error::Database(database) => match database.code().as_deref() {
                // SQLite: another process writes. PostgreSQL: a lock or a statement took too long.
                Some("5" | "6" | "517" | "55P03" | "57014") => Self::Busy(error.into()),
                Some(code) if is_away(code) => Self::Busy(error.into()),
                Some(code) if is_refusal(code) => Self::Refused(error.into()),
                _ => Self::Failed(error.into()),
            },
            _ => Self::Failed(error.into()),
        }
    }
}

/// Whether a code says that a value or a constraint is in the way. SQLite's codes are numbers, whose low byte is the class;
/// those of PostgreSQL have five characters, the first two of which are.
fn is_refusal(code: &str) -> bool {
    match code.parse::<u32>() {
        // Too big, a constraint or a trigger, a value of another type.
        Ok(number) if code.len() < 5 => matches!(number & 0xff, 18..=20),
        // Data, integrity, raised by a function.
        _ => ["22", "23", "P0"].iter().any(|class| code.starts_with(class)),
    }
}

/// Whether a code of PostgreSQL says that it stops, starts, or takes nobody more.
fn is_away(code: &str) -> bool {
    code.len() == 5 && (code.starts_with("08") || code.starts_with("57P0") || code == "53300")
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

#[cfg(test)]
mod tests {
    use super::{is_away, is_refusal};
    use crate::store::StoreError;

    #[test]
    fn a_connection_that_is_closed_before_anything_was_said_is_no_failure_of_the_shop() {
        let closed = sqlx::Error::Protocol("unexpected response from SSLRequest: 0x00".to_owned());
        assert!(matches!(StoreError::from(closed), StoreError::Busy(_)));
    }

    #[test]
    fn a_database_that_is_away_is_told_from_one_that_fails() {
        for away in ["57P01", "57P02", "57P03", "08006", "53300"] {
            assert!(is_away(away), "{away}");
        }
        for other in ["8", "10", "42P01", "53100", "57014", "23505", ""] {
            assert!(!is_away(other), "{other}");
        }
    }

    #[test]
    fn what_is_in_the_way_is_told_from_what_is_away() {
        for refusal in ["19", "787", "1299", "1811", "2067", "20", "18", "22021", "23503", "23505", "P0001"] {
            assert!(is_refusal(refusal), "{refusal}");
        }
        for other in ["1", "5", "8", "10", "13", "14", "261", "25006", "53100", "40P01", "57P01", "42P01", ""]
        {
            assert!(!is_refusal(other), "{other}");
        }
    }
}
