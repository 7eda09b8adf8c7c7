//! A stand-in for js.stripe.com and api.stripe.com, to which a test's Chromium is led instead. Its script does what the shop's
//! page needs of Stripe's own; what it confirms, it confirms at a local Stripe.

use std::path::Path;
use std::process::Command;
use std::sync::{Arc, Mutex};

use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{
    AsyncBufReadExt as _, AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, BufReader,
};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use crate::stripe::STRIPE_KEY;

/// Of what Stripe's script does: elements that stand in a frame of js.stripe.com, and a payment confirmed at api.stripe.com.
/// Which card is typed, a test says in `window.card`; nothing is typed by default.
const SCRIPT: &str = r#"
window.Stripe = (key) => ({
  elements({ mode, amount, currency, paymentMethodTypes }) {
    const right = mode === "payment" && amount > 0 && /^[a-z]{3}$/.test(currency) && paymentMethodTypes.join() === "card";
    const listeners = {};
    return {
      async submit() { return window.card ? {} : { error: { message: "Your card number is incomplete." } }; },
      create() {
        return {
          on(name, listener) { listeners[name] = listener; },
          mount(place) {
            const frame = document.createElement("iframe");
            frame.title = "Secure payment input frame";
            frame.src = "https://js.stripe.com/form";
            frame.addEventListener("load", () => listeners[right ? "ready" : "loaderror"]());
            place.append(frame);
          },
        };
      },
    };
  },
  async confirmPayment({ clientSecret, redirect }) {
    const id = clientSecret.split("_secret_")[0];
    const body = new URLSearchParams({ key, client_secret: clientSecret, payment_method: window.card });
    const answer = await fetch(`https://api.stripe.com/v1/payment_intents/${id}/confirm`, { method: "POST", body });
    window.charged = answer.ok;
    if (window.leaves) await new Promise(() => {});
    return answer.ok && redirect === "if_required" ? {} : { error: { message: "Your card was declined." } };
  },
});
"#;
const FORM: &str = "<!doctype html><html lang=\"en\"><title>Card</title><body><label>Card number <input inputmode=\"numeric\"></label>";

pub(crate) struct StandIn {
    port: u16,
    asked: Arc<Mutex<Vec<String>>>,
}

impl StandIn {
    /// Stands in for Stripe's hosts; payments are confirmed at `stripe`.
    pub(crate) async fn start(stripe: String) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(certificate(folder.path())));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let noted = asked.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (acceptor, noted, stripe) = (acceptor.clone(), noted.clone(), stripe.clone());
                tokio::spawn(async move {
                    if let Ok(stream) = acceptor.accept(stream).await {
                        let _ = answer(stream, &noted, &stripe).await;
                    }
                });
            }
        });
        Self { port, asked }
    }

    /// What leads Chromium here.
    pub(crate) fn arguments(&self) -> Vec<String> {
        vec![
            format!("--host-resolver-rules=MAP *.stripe.com 127.0.0.1:{}", self.port),
            "--ignore-certificate-errors".to_owned(),
        ]
    }

    /// What was asked, host and path, in order.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

fn certificate(folder: &Path) -> ServerConfig {
    let (certificate, key) = (folder.join("stripe.pem"), folder.join("stripe.key"));
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
        .args([
            "-subj",
            "/CN=stripe",
            "-addext",
            "subjectAltName=DNS:js.stripe.com,DNS:api.stripe.com",
            "-keyout",
        ])
        .arg(&key)
        .arg("-out")
        .arg(&certificate)
        .output()
        .unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let chain = vec![CertificateDer::from_pem_file(certificate).unwrap()];
    ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain, PrivateKeyDer::from_pem_file(key).unwrap())
        .unwrap()
}

async fn answer(
    stream: impl AsyncRead + AsyncWrite + Unpin,
    noted: &Mutex<Vec<String>>,
    stripe: &str,
) -> std::io::Result<()> {
    let mut stream = BufReader::new(stream);
    let (mut first, mut host, mut length) = (String::new(), String::new(), 0);
    stream.read_line(&mut first).await?;
    loop {
        let mut line = String::new();
        stream.read_line(&mut line).await?;
        match line.trim_end().split_once(": ") {
            None => break,
            Some((name, value)) if name.eq_ignore_ascii_case("host") => value.clone_into(&mut host),
            Some((name, value)) if name.eq_ignore_ascii_case("content-length") => {
                length = value.parse().unwrap();
            }
            Some(_) => {}
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await?;
    let path = first.split(' ').nth(1).unwrap_or_default().to_owned();
    noted.lock().unwrap().push(format!("{host}{path}"));
    let (status, kind, said) = match (host.as_str(), path.as_str()) {
        ("js.stripe.com", "/v3/") => (200, "text/javascript", SCRIPT.to_owned()),
        ("js.stripe.com", "/form") => (200, "text/html", FORM.to_owned()),
        ("api.stripe.com", _) => {
            // A local Stripe knows no public keys, and takes the card and the confirmation one after the other: what a
            // browser may do with a public key, it is asked for with the secret one.
            let body = String::from_utf8_lossy(&body);
            let card = body.split('&').find(|field| field.starts_with("payment_method=")).unwrap();
            let intent = path.trim_end_matches("/confirm");
            let (status, _) = ask(format!("{stripe}{intent}"), card.to_owned()).await;
            assert_eq!(status, 200);
            let (status, said) = ask(format!("{stripe}{path}"), String::new()).await;
            (status, "application/json", said)
        }
        _ => (404, "text/plain", String::new()),
    };
    let head = format!(
        "HTTP/1.1 {status} .\r\ncontent-type: {kind}\r\ncontent-length: {}\r\naccess-control-allow-origin: *\r\nconnection: close\r\n\r\n",
        said.len()
    );
    stream.write_all(head.as_bytes()).await?;
    stream.write_all(said.as_bytes()).await?;
    stream.shutdown().await
}

async fn ask(url: String, form: String) -> (u16, String) {
    let request =
        reqwest::Client::new().post(url).bearer_auth(STRIPE_KEY).header("stripe-version", "2024-06-20");
    let answer =
        request.header("content-type", "application/x-www-form-urlencoded").body(form).send().await.unwrap();
    (answer.status().as_u16(), answer.text().await.unwrap())
}
