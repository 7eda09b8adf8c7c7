//! Certificates, and how they change while the edge runs.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use arc_swap::ArcSwap;
use parking_lot::Mutex;
use pingora::listeners::tls::Acceptor;
use rustls::client::verify_server_name;
use rustls::crypto::CryptoProvider;
use rustls::crypto::ring::{Ticketer, default_provider};
use rustls::pki_types::pem::{self, PemObject as _};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::server::{ClientHello, ParsedCertificate, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls::{RootCertStore, ServerConfig, version};
use tokio::sync::watch;

use crate::config::edge::CertificateFiles;

/// How often the files are looked at. A renewal is no emergency, and a look costs two system calls.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// A certificate that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}: {problem}", file.display())]
pub struct CertificateError {
    /// The file that is to blame.
    pub file: PathBuf,
    /// Why.
    pub problem: String,
}

impl CertificateError {
    fn new(file: &Path, problem: impl fmt::Display) -> Self {
        Self { file: file.to_owned(), problem: problem.to_string() }
    }
}

/// A certificate in force, and the files that it came from.
pub struct Certificate {
    files: CertificateFiles,
    provider: Arc<CryptoProvider>,
    current: ArcSwap<CertifiedKey>,
    /// The files as they were when they were last read, whether they were good or not.
    seen: Mutex<Seen>,
}

/// What tells whether files have changed: of each its length and when it was written. A link that leads elsewhere
/// shows by it too.
type Seen = [Option<(u64, SystemTime)>; 2];

impl Certificate {
    /// Reads the certificate.
    ///
    /// # Errors
    /// When it cannot be used.
    pub fn open(files: CertificateFiles) -> Result<Arc<Self>, CertificateError> {
        let provider = Arc::new(default_provider());
        let seen = look(&files);
        let current = read(&files, &provider)?;
        Ok(Arc::new(Self {
            files,
            provider,
            current: ArcSwap::from_pointee(current),
            seen: Mutex::new(seen),
        }))
    }

    /// Reads the files again if they have changed since they were last read, or `always`. A certificate that cannot
    /// be used changes nothing.
    pub fn reload(&self, always: bool) {
        let now = look(&self.files);
        if std::mem::replace(&mut *self.seen.lock(), now) == now && !always {
            return;
        }
        let file = self.files.certificate.display();
        match read(&self.files, &self.provider) {
            Ok(certificate) if certificate.cert == self.current.load().cert => {}
            Ok(certificate) => {
                self.current.store(Arc::new(certificate));
                tracing::info!(certificate = %file, "a new certificate is in force");
            }
            Err(error) => {
                tracing::error!(%error, "the new certificate cannot be used; the one before stays in force");
            }
        }
    }

    /// Looks at the files every now and then, until `stopped`.
    pub async fn watch(self: Arc<Self>, mut stopped: watch::Receiver<bool>) {
        loop {
            tokio::select! {
                () = tokio::time::sleep(LOOK_EVERY) => {}
                _ = stopped.wait_for(|stopped| *stopped) => return,
            }
            let certificate = self.clone();
            // Files may be slow.
            let _ = tokio::task::spawn_blocking(move || certificate.reload(false)).await;
        }
    }
}

impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Certificate").field("files", &self.files).finish_non_exhaustive()
    }
}

/// How TLS resolves the certificate of each new connection: by the name that the client asks for. The first one where
/// none has that name, or none is asked for.
#[derive(Debug)]
struct InForce(Vec<Arc<Certificate>>);

impl ResolvesServerCert for InForce {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let (first, more) = self.0.split_first()?;
        let first = first.current.load_full();
        let name = hello.server_name().filter(|_| !more.is_empty());
        let Some(name) = name.and_then(|name| ServerName::try_from(name).ok()) else { return Some(first) };
        if is_for(&first, &name) {
            return Some(first);
        }
        let more = more.iter().map(|certificate| certificate.current.load_full());
        more.into_iter().find(|certificate| is_for(certificate, &name)).or(Some(first))
    }
}

fn is_for(certificate: &CertifiedKey, name: &ServerName<'_>) -> bool {
    let parsed = certificate.end_entity_cert().and_then(ParsedCertificate::try_from);
    parsed.is_ok_and(|parsed| verify_server_name(&parsed, name).is_ok())
}

/// What speaks TLS 1.2 and 1.3 with clients; with `http2`, they may choose it.
///
/// # Errors
/// When the library cannot be set up.
pub fn acceptor(certificates: &[Arc<Certificate>], http2: bool) -> Result<Acceptor, rustls::Error> {
    let mut config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
        .with_protocol_versions(&[&version::TLS13, &version::TLS12])?
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(InForce(certificates.to_vec())));
    config.alpn_protocols =
        if http2 { vec![b"h2".to_vec(), b"http/1.1".to_vec()] } else { vec![b"http/1.1".to_vec()] };
    // Fans reconnect: with tickets the second handshake costs no signature, and this process keeps nothing for it.
    config.ticketer = Ticketer::new()?;
    // What is sent before the handshake is over could be sent again by others.
    config.max_early_data_size = 0;
    Ok(Acceptor::from_server_config(Arc::new(config)))
}

fn look(files: &CertificateFiles) -> Seen {
    [&files.certificate, &files.key].map(|file| {
        let data = std::fs::metadata(file).ok()?;
        Some((data.len(), data.modified().ok()?))
    })
}

/// Whether `file` holds certificates of authorities. The HTTP library would not say what is wrong with it.
///
/// # Errors
/// When it does not.
pub fn check_authorities(file: &Path) -> Result<(), CertificateError> {
    let mut roots = RootCertStore::empty();
    let certificates = CertificateDer::pem_file_iter(file).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let certificates =
        certificates.map_err(|error| CertificateError::new(file, format!("cannot be read: {error}")))?;
    if certificates.is_empty() {
        return Err(CertificateError::new(file, "holds no certificate in PEM"));
    }
    for certificate in certificates {
        roots.add(certificate).map_err(|error| CertificateError::new(file, error))?;
    }
    Ok(())
}

fn read(files: &CertificateFiles, provider: &CryptoProvider) -> Result<CertifiedKey, CertificateError> {
    let CertificateFiles { certificate, key } = files;
    let fault = |file: &Path, error: pem::Error, none: &str| match error {
        pem::Error::NoItemsFound => CertificateError::new(file, none),
        pem::Error::Io(error) => CertificateError::new(file, format!("cannot be read: {error}")),
        error => CertificateError::new(file, format!("is no good PEM: {error}")),
    };
    let no_certificate = "holds no certificate in PEM";
    let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_file_iter(certificate)
        .and_then(Iterator::collect)
        .map_err(|error| fault(certificate, error, no_certificate))?;
    if chain.is_empty() {
        return Err(CertificateError::new(certificate, no_certificate));
    }
    let private = PrivateKeyDer::from_pem_file(key)
        .map_err(|error| fault(key, error, "holds no private key in PEM without a password"))?;
    let certified = CertifiedKey::from_der(chain, private, provider);
    certified.map_err(|error| match error {
        rustls::Error::InconsistentKeys(_) => {
            CertificateError::new(key, format!("is not the key of {}", certificate.display()))
        }
        rustls::Error::InvalidCertificate(error) => {
            CertificateError::new(certificate, format!("is no good certificate: {error:?}"))
        }
        error => CertificateError::new(key, format!("cannot be used: {error}")),
    })
}
