//! A fan with a browser: cookies, a ticket of the room `demo`, and no patience for redirects.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use reqwest::cookie::{CookieStore as _, Jar};
use reqwest::header::HeaderMap;
use reqwest::{Client, Method, redirect};
use serde_json::{Value, json};

use super::shop::{Edge, ORGANISER_TOKEN};

pub(crate) struct Fan {
    edge: Edge,
    client: Client,
    jar: Arc<Jar>,
    ticket: String,
    languages: Option<&'static str>,
    organises: bool,
}

pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("not JSON: {}", self.text))
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// Asserts a problem of this status and code.
    #[track_caller]
    pub(crate) fn is_problem(&self, status: u16, code: &str) {
        assert_eq!((self.status, self.json()["code"].as_str()), (status, Some(code)), "{}", self.text);
        assert_eq!(self.header("content-type"), "application/problem+json");
        for member in ["type", "title", "detail"] {
            assert!(self.json()[member].is_string(), "no `{member}` in {}", self.text);
        }
        assert_eq!(self.json()["status"], status);
    }
}

impl Fan {
    pub(crate) fn new(edge: Edge) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(1);
        let jar = Arc::new(Jar::default());
        let client = Client::builder()
            .cookie_provider(jar.clone())
            .redirect(redirect::Policy::none())
            .build()
            .unwrap();
        let ticket = format!("t{}", NEXT.fetch_add(1, Ordering::Relaxed));
        Self { edge, client, jar, ticket, languages: None, organises: false }
    }

    /// The same browser, cookies and all, with another ticket of the room.
    pub(crate) fn with_ticket(&self, ticket: &str) -> Self {
        let (edge, client, jar) = (self.edge.clone(), self.client.clone(), self.jar.clone());
        Self {
            edge,
            client,
            jar,
            ticket: ticket.to_owned(),
            languages: self.languages,
            organises: self.organises,
        }
    }

    /// The same browser, set to these languages.
    pub(crate) fn speaking(self, languages: &'static str) -> Self {
        Self { languages: Some(languages), ..self }
    }

    /// The value of one of the browser's cookies.
    pub(crate) fn cookie(&self, name: &str) -> Option<String> {
        let url = format!("http://{}/", self.edge.address).parse().unwrap();
        let cookies = self.jar.cookies(&url)?.to_str().unwrap().to_owned();
        let mut pairs = cookies.split("; ").filter_map(|pair| pair.split_once('='));
        pairs.find(|(other, _)| *other == name).map(|(_, value)| value.to_owned())
    }

    /// The same browser, with the organiser's token on every request.
    pub(crate) fn organising(self) -> Self {
        Self { organises: true, ..self }
    }

    /// The same browser, meeting the shop at another address.
    pub(crate) fn moved(self, edge: Edge) -> Self {
        Self { edge, ..self }
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send(Method::GET, path, None, None).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Answer {
        self.send(Method::DELETE, path, None, None).await
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Answer {
        self.send(Method::POST, path, Some(body), None).await
    }

    pub(crate) async fn submit(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        self.send(Method::POST, path, None, Some(fields)).await
    }

    pub(crate) async fn hold(&self, seats: &[&str]) -> Answer {
        self.post("/api/reservations", &json!({"event": "demo", "seats": seats})).await
    }

    /// Holds seats that can be had; gives the reservation's id.
    pub(crate) async fn held(&self, seats: &[&str]) -> String {
        let answer = self.hold(seats).await;
        assert_eq!(answer.status, 201, "{}", answer.text);
        answer.json()["id"].as_str().unwrap().to_owned()
    }

    pub(crate) async fn pay(&self, reservation: &str, card: &str) -> Answer {
        self.post(&format!("/api/reservations/{reservation}/payment"), &json!({"card": card})).await
    }

    /// The state of one's own reservation.
    pub(crate) async fn state(&self, reservation: &str) -> String {
        let answer = self.get(&format!("/api/reservations/{reservation}")).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        answer.json()["state"].as_str().unwrap().to_owned()
    }

    /// The state of a seat, and whether it is one's own.
    pub(crate) async fn seat(&self, id: &str) -> (String, bool) {
        let answer = self.get("/api/events/demo/seats").await.json();
        let seat = answer["seats"].as_array().unwrap().iter().find(|seat| seat["id"] == id).unwrap().clone();
        (seat["state"].as_str().unwrap().to_owned(), seat["mine"].as_bool().unwrap())
    }

    /// Sends what may never be answered.
    pub(crate) async fn post_and_forget(&self, path: &str, body: &Value) {
        let request = self.edge.forward(&self.client, Method::POST, path, "demo", &self.ticket);
        let _ = request.json(body).send().await;
    }

    async fn send(
        &self,
        method: Method,
        path: &str,
        json: Option<&Value>,
        form: Option<&[(&str, &str)]>,
    ) -> Answer {
        let mut request = self.edge.forward(&self.client, method, path, "demo", &self.ticket);
        if self.organises {
            request = request.bearer_auth(ORGANISER_TOKEN);
        }
        if let Some(languages) = self.languages {
            request = request.header("accept-language", languages);
        }
        if let Some(json) = json {
            request = request.json(json);
        }
        if let Some(form) = form {
            request = request.form(form);
        }
        let response = request.send().await.unwrap();
        Answer {
            status: response.status().as_u16(),
            headers: response.headers().clone(),
            text: response.text().await.unwrap(),
        }
    }
}
