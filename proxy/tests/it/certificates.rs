//! Certificates for tests, and a client that trusts them.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Arc;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// Writes `<name>.pem` and `<name>.key` into `folder`: a certificate for `localhost` that vouches for itself.
pub(crate) fn make(folder: &Path, name: &str) -> (PathBuf, PathBuf) {
    make_for(folder, name, "DNS:localhost,IP:127.0.0.1")
}

/// The same for these names, as openssl writes them.
pub(crate) fn make_for(folder: &Path, name: &str, names: &str) -> (PathBuf, PathBuf) {
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
        .args(["-subj", &format!("/CN={name}"), "-addext", &format!("subjectAltName={names}")])
        .args(["-addext", "basicConstraints=critical,CA:FALSE", "-keyout"])
        .arg(&key)
        .arg("-out")
        .arg(&certificate)
        .output()
        .unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    (certificate, key)
}

/// Runs `curl` with these arguments; it trusts `certificate`.
pub(crate) async fn curl(certificate: &Path, arguments: &[&str]) -> Output {
    let mut command = tokio::process::Command::new("curl");
    command
        .args(["--silent", "--show-error", "--max-time", "40", "--noproxy", "*", "--cacert"])
        .arg(certificate);
    command.args(arguments).kill_on_drop(true).output().await.unwrap()
}

/// Connects by TLS, offering `protocols`.
pub(crate) async fn connect(
    address: SocketAddr,
    certificate: &Path,
    protocols: &[&str],
) -> std::io::Result<TlsStream<TcpStream>> {
    connect_over(TcpStream::connect(address).await?, certificate, protocols).await
}

/// The same over a connection that is there.
pub(crate) async fn connect_over(
    tcp: TcpStream,
    certificate: &Path,
    protocols: &[&str],
) -> std::io::Result<TlsStream<TcpStream>> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(certificate).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = protocols.iter().map(|protocol| protocol.as_bytes().to_vec()).collect();
    let name = ServerName::try_from("localhost").unwrap();
    TlsConnector::from(Arc::new(config)).connect(name, tcp).await
}
