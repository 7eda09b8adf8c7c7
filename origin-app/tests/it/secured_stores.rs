//! The shop on a PostgreSQL and a Redis that speak TLS: both have to be vouched for, and who is not is refused in words.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use origin_app::inventory::redis::RedisInventory;
use origin_app::inventory::{Inventory as _, InventoryError};
use sqlx::{Connection, PgConnection};

use crate::support::eventually;
use crate::support::postgres::PostgresServer;

/// A certificate for this machine that vouches for itself, and its key.
fn certificate(folder: &Path, name: &str) -> (PathBuf, PathBuf) {
    let (certificate, key) = (folder.join(format!("{name}.pem")), folder.join(format!("{name}.key")));
    let made = Command::new("openssl")
        .args([
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
            "-nodes",
            "-days",
            "2",
        ])
        .args(["-subj", &format!("/CN={name}"), "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"])
        .args(["-addext", "basicConstraints=critical,CA:FALSE", "-keyout"])
        .arg(&key)
        .arg("-out")
        .arg(&certificate)
        .output()
        .unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    (certificate, key)
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// Killed when it is dropped.
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A Redis that speaks TLS alone, and knows one login.
fn redis(port: u16, certificate: &Path, key: &Path) -> Process {
    let child = Command::new("redis-server")
        .args(["--port", "0", "--bind", "127.0.0.1", "--save", "", "--tls-port", &port.to_string()])
        .args(["--tls-auth-clients", "no", "--tls-cert-file"])
        .arg(certificate)
        .arg("--tls-key-file")
        .arg(key)
        .arg("--tls-ca-cert-file")
        .arg(certificate)
        .args([
            "--user",
            "default",
            "off",
            "--user",
            "shop",
            "on",
            ">hunter2",
            "~shop:*",
            "+@all",
            "-@dangerous",
            "+info",
        ])
        .current_dir(certificate.parent().unwrap())
        .stdout(Stdio::null())
        .spawn();
    Process(child.unwrap_or_else(|error| panic!("redis-server: {error}; run `make tools`")))
}

/// The shop on these, on a port.
fn shop(folder: &Path, listen: &str, database: &str, inventory: &str) -> Command {
    let config = folder.join("shop.toml");
    std::fs::write(&config, format!("listen = \"{listen}\"\nrequire_edge = false\n")).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_origin-app"));
    command.env_clear().arg("--config").arg(config).stdin(Stdio::null()).stderr(Stdio::piped());
    command.env("STANCHION_SHOP_DATABASE", database).env("STANCHION_SHOP_INVENTORY", inventory);
    command
}

fn said(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!said.contains("hunter2"), "{said}");
    said
}

#[tokio::test(flavor = "multi_thread")]
async fn database_and_inventory_are_reached_over_tls_and_strangers_are_not() {
    let folder = tempfile::tempdir().unwrap();
    let (own, key) = certificate(folder.path(), "own");
    let (strange, _) = certificate(folder.path(), "strange");
    let [sql, keys, here] = [free_port(), free_port(), free_port()];
    let server = PostgresServer::over_tls(sql, &own, &key).await;
    let _redis = redis(keys, &own, &key);
    let database = |host: &str, ca: &Path| {
        let ca = ca.display();
        format!("postgres://shop:hunter2@{host}:{sql}/postgres?sslmode=verify-full&sslrootcert={ca}")
    };
    let inventory = |ca: &Path| format!("rediss://shop:hunter2@localhost:{keys}/0?ca={}", ca.display());
    let listen = format!("127.0.0.1:{here}");

    let good = shop(folder.path(), &listen, &database("localhost", &own), &inventory(&own)).spawn().unwrap();
    let _good = Process(good);
    let url = format!("http://{listen}");
    eventually("the shop works", async || {
        let metrics = reqwest::get(format!("{url}/metrics")).await.ok()?.text().await.ok()?;
        metrics.contains("shop_inventory_up{store=\"redis\"} 1").then_some(())
    })
    .await;
    let mut connection = PgConnection::connect(&server.url()).await.unwrap();
    let open: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid)
         WHERE ssl AND application_name = 'stanchion-shop'",
    )
    .fetch_one(&mut connection)
    .await
    .unwrap();
    assert!(open > 0, "its connections to the database are encrypted");

    let other = |database: &str| shop(folder.path(), "127.0.0.1:0", database, "memory").output().unwrap();
    let untrusted = said(&other(&database("localhost", &strange)));
    assert!(
        untrusted.contains("nobody who is trusted vouches for the database's certificate"),
        "{untrusted}"
    );
    let misnamed = said(&other(&database("127.0.0.2", &own)));
    assert!(misnamed.contains("cannot use the database"), "{misnamed}");

    let refused = RedisInventory::open(&inventory(&strange)).unwrap().events().await.unwrap_err();
    let InventoryError::Unavailable(words) = refused else { panic!("{refused:?}") };
    assert!(words.contains("nobody who is trusted vouches for the server's certificate"), "{words}");
    let wrong = RedisInventory::open("rediss://shop:hunter2@h?ca=/nowhere.pem").err().unwrap().to_string();
    assert!(wrong.contains("/nowhere.pem") && !wrong.contains("hunter2"), "{wrong}");
}
