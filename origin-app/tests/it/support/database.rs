//! A database for one test, and what it keeps its inventory in, gone with it.

use tempfile::TempDir;

use super::postgres::PostgresServer;
use super::redis::RedisServer;

pub(crate) enum Database {
    Memory,
    Sqlite(TempDir),
    Postgres(PostgresServer, RedisServer),
}

impl Database {
    /// SQLite in memory: for what does not hang on the database, and is over when the shop stops.
    pub(crate) const fn in_memory() -> Self {
        Self::Memory
    }

    pub(crate) fn sqlite() -> Self {
        Self::Sqlite(tempfile::tempdir().unwrap())
    }

    pub(crate) async fn postgres() -> Self {
        Self::Postgres(PostgresServer::start().await, RedisServer::start())
    }

    /// The same with a Redis that keeps what it knows when it is killed.
    pub(crate) async fn postgres_and_durable_redis() -> Self {
        Self::Postgres(PostgresServer::start().await, RedisServer::start_durable())
    }

    /// Where it is kept which seats are free: with PostgreSQL, in Redis, as several shops do it.
    pub(crate) fn inventory(&self) -> String {
        match self {
            Self::Memory | Self::Sqlite(_) => "memory".to_owned(),
            Self::Postgres(_, redis) => redis.url(),
        }
    }

    /// Loses what is known of the seats, but what the database knows. In this process it is lost with the shop.
    pub(crate) fn lose_inventory(&self) {
        if let Self::Postgres(_, redis) = self {
            assert_eq!(redis.command(&["FLUSHALL"]).unwrap(), "+OK\r\n");
        }
    }

    /// The Redis that the inventory is in.
    pub(crate) fn redis(&mut self) -> &mut RedisServer {
        match self {
            Self::Postgres(_, redis) => redis,
            Self::Memory | Self::Sqlite(_) => panic!("the inventory is in memory"),
        }
    }

    /// The database stops working: PostgreSQL is gone; in SQLite, a table is.
    pub(crate) async fn take_away(&mut self) {
        match self {
            Self::Postgres(server, _) => server.stop(),
            _ => self.tamper("ALTER TABLE reservation_seats RENAME TO seats_away").await,
        }
    }

    /// It works again.
    pub(crate) async fn give_back(&mut self) {
        match self {
            Self::Postgres(server, _) => server.start_again().await,
            _ => self.tamper("ALTER TABLE seats_away RENAME TO reservation_seats").await,
        }
    }

    /// From now on the database refuses to hear of the seat A-2.
    pub(crate) async fn refuse_a_seat(&self) {
        match self {
            Self::Postgres(..) => {
                self.tamper(
                    "ALTER TABLE reservation_seats ADD CONSTRAINT refused CHECK (seat_id <> 'A-2') NOT VALID",
                )
                .await;
            }
            _ => {
                self.tamper(
                    "CREATE TRIGGER refused BEFORE INSERT ON reservation_seats WHEN NEW.seat_id = 'A-2'
                     BEGIN SELECT RAISE(ABORT, 'refused'); END",
                )
                .await;
            }
        }
    }

    pub(crate) async fn refuse_no_seat(&self) {
        match self {
            Self::Postgres(..) => {
                self.tamper("ALTER TABLE reservation_seats DROP CONSTRAINT refused").await;
            }
            _ => self.tamper("DROP TRIGGER refused").await,
        }
    }

    pub(crate) fn url(&self) -> String {
        match self {
            Self::Memory => "sqlite::memory:".to_owned(),
            Self::Sqlite(folder) => format!("sqlite://{}/shop.db", folder.path().display()),
            Self::Postgres(server, _) => server.url(),
        }
    }

    /// Does to the database what the shop never would.
    pub(crate) async fn tamper(&self, statement: &'static str) {
        use sqlx::{Connection, Executor};
        match self {
            Self::Memory => panic!("nobody else reaches a database in memory"),
            Self::Sqlite(_) => {
                let mut connection = sqlx::SqliteConnection::connect(&self.url()).await.unwrap();
                connection.execute(statement).await.unwrap();
            }
            Self::Postgres(..) => {
                let mut connection = sqlx::PgConnection::connect(&self.url()).await.unwrap();
                connection.execute(statement).await.unwrap();
            }
        }
    }

    /// What the database itself says to a question with one number for an answer.
    pub(crate) async fn count(&self, question: &'static str) -> i64 {
        use sqlx::Connection;
        match self {
            Self::Memory => panic!("nobody else reaches a database in memory"),
            Self::Sqlite(_) => {
                let mut connection = sqlx::SqliteConnection::connect(&self.url()).await.unwrap();
                sqlx::query_scalar(question).fetch_one(&mut connection).await.unwrap()
            }
            Self::Postgres(..) => {
                let mut connection = sqlx::PgConnection::connect(&self.url()).await.unwrap();
                sqlx::query_scalar(question).fetch_one(&mut connection).await.unwrap()
            }
        }
    }
}
