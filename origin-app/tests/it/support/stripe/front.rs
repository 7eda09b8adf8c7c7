//! What stands before the books: HTTP, the key, idempotency keys, faults.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::fs::File;
use std::io::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use serde_json::Value;
use tokio::task::JoinHandle;

use super::books::{Books, Charge};
use super::{LocalStripe, STRIPE_KEY};

/// What happens to the next call whose path contains this text.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Fault {
    /// It never arrives, and is never answered.
    Hang(&'static str),
    /// It is carried out, and its answer never arrives.
    LoseAnswer(&'static str),
    /// It fails with this status, which is the answer to its key for ever.
    Fail(&'static str, u16),
    /// Something in between fails with this status; Stripe itself never hears of it.
    FailBefore(&'static str, u16),
}

impl Fault {
    fn path(self) -> &'static str {
        match self {
            Self::Hang(path) | Self::LoseAnswer(path) | Self::Fail(path, _) | Self::FailBefore(path, _) => {
                path
            }
        }
    }
}

#[derive(Default)]
struct Desk {
    books: Books,
    /// Each key, what was asked with it, and what was answered.
    keys: HashMap<String, (String, u16, Value)>,
    faults: VecDeque<Fault>,
    calls: Vec<String>,
    /// Where every call is written down before it is answered, where the books outlive the process.
    journal: Option<File>,
}

/// A call that changed something: its key, what was asked, what was answered.
type Line = (Option<String>, String, u16, Value);

impl Desk {
    /// What a process before has left: its calls are carried out once more.
    fn left_in(file: &Path) -> Self {
        let mut desk = Self::default();
        let lines = std::fs::read_to_string(file).unwrap_or_default();
        for line in lines.lines() {
            // Of the last line a process that was killed may have written a part; nobody heard of that.
            let Ok((key, asked, status, said)) = serde_json::from_str::<Line>(line) else { continue };
            let mut words = asked.splitn(3, ' ');
            let mut word = || words.next().unwrap();
            let (method, uri, body) = (word().parse().unwrap(), word().parse().unwrap(), word().to_owned());
            desk.carry_out(&method, &uri, &body.into());
            if let Some(key) = key {
                desk.keys.insert(key, (asked, status, said));
            }
        }
        desk
    }

    fn note(&mut self, line: &Line) {
        if let Some(journal) = &mut self.journal {
            // A line that was cut off stays alone.
            journal.write_all(format!("\n{}\n", serde_json::to_string(line).unwrap()).as_bytes()).unwrap();
        }
    }
}

#[derive(Clone)]
struct Front {
    desk: Arc<Mutex<Desk>>,
    /// Whoever answers in place of the books.
    upstream: Option<Arc<LocalStripe>>,
}

/// A Stripe on a free port.
pub(crate) struct FakeStripe {
    pub(crate) address: SocketAddr,
    desk: Arc<Mutex<Desk>>,
    serving: JoinHandle<()>,
}

impl FakeStripe {
    pub(crate) async fn start() -> Self {
        Self::before(None).await
    }

    /// Idempotency keys and faults before a `localstripe`, which has neither.
    pub(crate) async fn before(upstream: Option<LocalStripe>) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let desk = Arc::new(Mutex::new(Desk::default()));
        let front = Front { desk: desk.clone(), upstream: upstream.map(Arc::new) };
        let router = Router::new().fallback(answer).with_state(front);
        let serving = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { address, desk, serving }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) fn will(&self, fault: Fault) {
        self.desk.lock().unwrap().faults.push_back(fault);
    }

    /// A day is over, and no key means anything any more.
    pub(crate) fn forget_keys(&self) {
        self.desk.lock().unwrap().keys.clear();
    }

    /// Confirms an intent as a browser does; gives the status.
    pub(crate) fn confirm_in_browser(&self, secret: &str, method: &str) -> u16 {
        self.desk.lock().unwrap().books.confirm_in_browser(secret, method).0
    }

    pub(crate) fn charges(&self) -> Vec<Charge> {
        self.desk.lock().unwrap().books.charges()
    }

    /// Serves on `listener` until the process ends, and knows what it knew before, from `file`.
    pub(crate) async fn serve(listener: tokio::net::TcpListener, file: PathBuf) {
        let desk = Desk::left_in(&file);
        let journal = File::options().create(true).append(true).open(&file).unwrap();
        let desk = Desk { journal: Some(journal), ..desk };
        let front = Front { desk: Arc::new(Mutex::new(desk)), upstream: None };
        axum::serve(listener, Router::new().fallback(answer).with_state(front)).await.unwrap();
    }

    /// What a process that served has left.
    pub(crate) fn left_in(file: &Path) -> Vec<Charge> {
        Desk::left_in(file).books.charges()
    }

    /// Method, path and key of every call.
    pub(crate) fn calls(&self) -> Vec<String> {
        self.desk.lock().unwrap().calls.clone()
    }
}

impl Drop for FakeStripe {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn answer(
    State(front): State<Front>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let header = |name: &str| headers.get(name).map(|value| value.to_str().unwrap().to_owned());
    assert_eq!(header("authorization"), Some(format!("Bearer {STRIPE_KEY}")));
    assert!(header("stripe-version").is_some());
    let key = header("idempotency-key");
    let asked = format!("{method} {uri} {}", String::from_utf8_lossy(&body));
    let fault = {
        let mut desk = front.desk.lock().unwrap();
        desk.calls.push(format!("{method} {} {}", uri.path(), key.as_deref().unwrap_or("-")));
        let next = desk.faults.front().is_some_and(|fault| uri.path().contains(fault.path()));
        next.then(|| desk.faults.pop_front().unwrap())
    };
    match fault {
        Some(Fault::Hang(_)) => return std::future::pending().await,
        Some(Fault::FailBefore(_, status)) => return StatusCode::from_u16(status).unwrap().into_response(),
        _ => {}
    }
    let (status, said) = match &front.upstream {
        // It has no keys of its own: the next call with this one waits for nobody, but the shop makes one at a time.
        Some(upstream) => {
            let before = front.desk.lock().unwrap().known(key.as_deref(), &asked);
            if let Some(before) = before {
                return before;
            }
            let answer = upstream.forward(method, &uri, body).await;
            front.desk.lock().unwrap().keep(key.as_deref(), &asked, &answer);
            answer
        }
        None => {
            // What was done and that it was done are known together or not at all.
            let mut desk = front.desk.lock().unwrap();
            if let Some(before) = desk.known(key.as_deref(), &asked) {
                return before;
            }
            let answer = match fault {
                Some(Fault::Fail(_, status)) => (StatusCode::from_u16(status).unwrap(), Value::Null),
                _ => desk.carry_out(&method, &uri, &body),
            };
            desk.keep(key.as_deref(), &asked, &answer);
            answer
        }
    };
    if matches!(fault, Some(Fault::LoseAnswer(_))) {
        return std::future::pending().await;
    }
    (status, axum::Json(said)).into_response()
}

impl Desk {
    /// What was answered to this key before.
    fn known(&self, key: Option<&str>, asked: &str) -> Option<Response> {
        let (before, status, said) = self.keys.get(key?)?;
        // Stripe itself answers 400 to this; a shop that does it has a fault.
        assert_eq!(before, asked, "the key {key:?} came with something else");
        let status = StatusCode::from_u16(*status).unwrap();
        Some((status, [("idempotent-replayed", "true")], axum::Json(said.clone())).into_response())
    }

    fn keep(&mut self, key: Option<&str>, asked: &str, (status, said): &(StatusCode, Value)) {
        if asked.starts_with("POST") {
            self.note(&(key.map(ToOwned::to_owned), asked.to_owned(), status.as_u16(), said.clone()));
        }
        if let Some(key) = key {
            self.keys.insert(key.to_owned(), (asked.to_owned(), status.as_u16(), said.clone()));
        }
    }

    fn carry_out(&mut self, method: &Method, uri: &Uri, body: &Bytes) -> (StatusCode, Value) {
        let fields = if method == Method::GET { uri.query().unwrap_or_default().as_bytes() } else { body };
        let mut url = reqwest::Url::parse("http://x/").unwrap();
        url.set_query(Some(std::str::from_utf8(fields).unwrap()));
        let form: BTreeMap<String, String> = url.query_pairs().into_owned().collect();
        let (status, said) = self.books.answer(method.as_str(), uri.path(), &form);
        (StatusCode::from_u16(status).unwrap(), said)
    }
}
