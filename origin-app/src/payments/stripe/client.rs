//! HTTP to Stripe: forms out, JSON in, bounded.

use std::time::Duration;

use anyhow::Context as _;
use axum::body::Bytes;
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE, USER_AGENT};
use axum::http::{HeaderValue, Method, Request};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde::de::DeserializeOwned;
use serde_json::Value;
use url::form_urlencoded;

use super::super::provider::{Cause, NoAnswer};
use crate::config::Secret;

/// The version of the API that this was written for; Stripe keeps it for whoever names it.
const API_VERSION: HeaderValue = HeaderValue::from_static("2024-06-20");
const AGENT: HeaderValue = HeaderValue::from_static(concat!("stanchion-shop/", env!("CARGO_PKG_VERSION")));
const FORM: HeaderValue = HeaderValue::from_static("application/x-www-form-urlencoded");
/// Longest answer that is read.
const ANSWER_BYTES_MAX: usize = 256 * 1024;
/// How long a connection may take. Whole calls have the shop's timeout for payments.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
/// How long an idle connection is kept.
const IDLE_TIMEOUT: Duration = Duration::from_secs(60);

/// The API at one address, with one key.
pub(super) struct Client {
    http: legacy::Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
    url: String,
    bearer: HeaderValue,
}

/// What Stripe said.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    /// Whether this is the answer to an earlier call with the same key.
    pub(super) replayed: bool,
    body: Value,
}

impl Client {
    pub(super) fn new(url: &str, key: &Secret) -> anyhow::Result<Self> {
        let mut bearer = HeaderValue::from_str(&format!("Bearer {}", key.expose()))
            .context("the secret key of Stripe has characters that no key has")?;
        bearer.set_sensitive(true);
        let mut connector = HttpConnector::new();
        connector.set_connect_timeout(Some(CONNECT_TIMEOUT));
        connector.set_nodelay(true);
        connector.enforce_http(false);
        // Without TLS only where the configuration allows it: on the loopback interface.
        let connector = HttpsConnectorBuilder::new()
            .with_provider_and_native_roots(rustls::crypto::ring::default_provider())
            .context("the certificates that this system trusts cannot be read")?
            .https_or_http()
            .enable_http1()
            .wrap_connector(connector);
        let http =
            legacy::Client::builder(TokioExecutor::new()).pool_idle_timeout(IDLE_TIMEOUT).build(connector);
        Ok(Self { http, url: url.trim_end_matches('/').to_owned(), bearer })
    }

    pub(super) async fn get(&self, path: &str, query: &[(&str, String)]) -> Result<Answer, NoAnswer> {
        let separator = if query.is_empty() { "" } else { "?" };
        let url = format!("{}{path}{separator}{}", self.url, encoded(query));
        let request = Request::builder().method(Method::GET).uri(url).body(Full::default());
        self.send(request.map_err(NoAnswer::new)?).await
    }

    pub(super) async fn post(
        &self,
        path: &str,
        idempotency_key: Option<&str>,
        form: &[(&str, String)],
    ) -> Result<Answer, NoAnswer> {
        let mut request = Request::builder()
            .method(Method::POST)
            .uri(format!("{}{path}", self.url))
            .header(CONTENT_TYPE, FORM);
        if let Some(key) = idempotency_key {
            request = request.header("Idempotency-Key", key);
        }
        self.send(request.body(Full::from(encoded(form))).map_err(NoAnswer::new)?).await
    }

    async fn send(&self, mut request: Request<Full<Bytes>>) -> Result<Answer, NoAnswer> {
        let headers = request.headers_mut();
        headers.insert(AUTHORIZATION, self.bearer.clone());
        headers.insert("Stripe-Version", API_VERSION);
        headers.insert(USER_AGENT, AGENT);
        let response = self.http.request(request).await.map_err(NoAnswer::new)?;
        let status = response.status().as_u16();
        let replayed = response.headers().get("Idempotent-Replayed").is_some_and(|value| value == "true");
        let bytes =
            Limited::new(response.into_body(), ANSWER_BYTES_MAX).collect().await.map_err(NoAnswer::new)?;
        // What is no JSON comes from something in between; the status says enough.
        let body = serde_json::from_slice(&bytes.to_bytes()).unwrap_or(Value::Null);
        Ok(Answer { status, replayed, body })
    }
}

fn encoded(fields: &[(&str, String)]) -> String {
    form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish()
}

impl Answer {
    /// The answer's body as what it should be.
    pub(super) fn read<T: DeserializeOwned>(&self) -> Result<T, NoAnswer> {
        T::deserialize(&self.body).map_err(NoAnswer::new)
    }

    /// The code of the error.
    pub(super) fn code(&self) -> Option<&str> {
        self.body.pointer("/error/code").and_then(Value::as_str)
    }

    /// What the error is about, for the log: its code, or its kind. Never its message, which may quote what was sent.
    pub(super) fn reason(&self) -> &str {
        let kind = self.body.pointer("/error/type").and_then(Value::as_str);
        self.code().or(kind).unwrap_or("no reason given")
    }

    /// Whether the error is about the parameter `name`.
    pub(super) fn concerns(&self, name: &str) -> bool {
        self.body.pointer("/error/param").and_then(Value::as_str) == Some(name)
    }

    pub(super) fn as_cause(&self) -> Cause {
        format!("Stripe answered {}: {}", self.status, self.reason()).into()
    }

    pub(super) fn as_no_answer(&self) -> NoAnswer {
        NoAnswer::new(self.as_cause())
    }
}
