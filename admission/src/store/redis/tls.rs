//! TLS to Redis: whom a server has to be vouched for by, and what is shown to it. The URL says both.
//!
//! `rediss://` (and `rediss+cluster://`, `rediss+sentinel://`) is Redis over TLS. Behind a `?` may stand files in PEM:
//! `ca=`, who vouches for the server, instead of the system's authorities; `cert=` and `key=`, what is shown to a server
//! that asks for a certificate. The name in the server's certificate is the host of its address.

use std::fmt;

use redis::{Client, ClientTlsConfig, ConnectionAddr, ConnectionInfo, RedisError, TlsCertificates};

const KNOWN: &str =
    "`ca=` (who vouches for the server), `cert=` and `key=` (what is shown to it), each a file in PEM";

/// What TLS to the servers of one URL goes by.
#[derive(Clone)]
pub struct Tls(TlsCertificates);

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tls")
    }
}

/// A URL of Redis without what only TLS needs, and that.
pub type Parts = (String, Option<Tls>);

/// Takes apart a URL, and reads the files that it names. Without TLS it stays as it is.
///
/// # Errors
/// When a file cannot be used, or something else stands behind the `?`. Never with the password.
pub fn take(url: &str) -> Result<Parts, String> {
    let Some((scheme, rest)) = url.split_once("://") else { return Ok((url.to_owned(), None)) };
    let plain = match scheme {
        "rediss" | "valkeys" => "redis",
        "rediss+cluster" => "redis+cluster",
        "rediss+sentinel" => "redis+sentinel",
        _ => return Ok((url.to_owned(), None)),
    };
    // Whoever else in this process uses TLS has chosen the same.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
    let (mut ca, mut cert, mut key) = (None, None, None);
    for part in query.split('&').filter(|part| !part.is_empty()) {
        let place = match part.split_once('=') {
            Some(("ca", file)) => (&mut ca, file),
            Some(("cert", file)) => (&mut cert, file),
            Some(("key", file)) => (&mut key, file),
            _ => return Err(format!("something stands behind the `?` that is none of {KNOWN}")),
        };
        let text =
            std::fs::read(place.1).map_err(|error| format!("`{}` cannot be read: {error}", place.1))?;
        *place.0 = Some(text);
    }
    let client_tls = match (cert, key) {
        (None, None) => None,
        (Some(client_cert), Some(client_key)) => Some(ClientTlsConfig { client_cert, client_key }),
        _ => return Err("of `cert=` and `key=` there is only one; a certificate needs its key".to_owned()),
    };
    let tls = Tls(TlsCertificates { client_tls, root_cert: ca });
    tls.check()?;
    Ok((format!("{plain}://{rest}"), Some(tls)))
}

impl Tls {
    /// Whether the files hold what they should.
    fn check(&self) -> Result<(), String> {
        if let Some(ca) = &self.0.root_cert
            && !String::from_utf8_lossy(ca).contains("-----BEGIN CERTIFICATE-----")
        {
            return Err("the file of `ca=` holds no certificate in PEM".to_owned());
        }
        let somewhere = ConnectionAddr::Tcp("localhost".to_owned(), 6379);
        let somewhere = redis::IntoConnectionInfo::into_connection_info(somewhere);
        somewhere.and_then(|server| self.secure(server)).map(drop).map_err(|error| error.to_string())
    }

    /// The same server, over TLS.
    ///
    /// # Errors
    /// When the certificates are none.
    pub fn secure(&self, server: ConnectionInfo) -> Result<ConnectionInfo, RedisError> {
        let ConnectionAddr::Tcp(host, port) = server.addr() else { return Ok(server) };
        let address =
            ConnectionAddr::TcpTls { host: host.clone(), port: *port, insecure: false, tls_params: None };
        let client = Client::build_with_tls(server.set_addr(address), self.0.clone())?;
        Ok(client.get_connection_info().clone())
    }
}

/// What to say to people where TLS is why there is no connection: nothing where it is not.
pub fn explain(error: &RedisError) -> Option<&'static str> {
    const STRANGE: &str =
        "nobody who is trusted vouches for the server's certificate; `?ca=` in the URL names who does";
    const MISNAMED: &str = "the server's certificate is for another name than the host in the URL";
    let text = error.to_string();
    let reasons = [
        ("UnknownIssuer", STRANGE),
        ("BadSignature", STRANGE),
        ("NotValidForName", MISNAMED),
        ("not valid for name", MISNAMED),
        ("Expired", "the server's certificate has expired"),
        ("NotValidYet", "the server's certificate is not valid yet"),
        (
            "InvalidContentType",
            "the server speaks no TLS there; `redis:` instead of `rediss:` is Redis without",
        ),
        (
            "CertificateRequired",
            "the server asks for a certificate; `?cert=` and `&key=` in the URL name one",
        ),
    ];
    reasons.into_iter().find_map(|(word, said)| text.contains(word).then_some(said))
}
