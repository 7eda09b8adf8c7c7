//! The edge's own paths, below `/.waiting-room/`.

use http::Method;

/// What is asked of the edge itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Call {
    /// The public facts of a room.
    Facts(String),
    /// Join.
    Join(String),
    /// My status.
    Status(String),
    /// Leave.
    Leave(String),
    /// The WebSocket.
    Live(String),
    /// The commitment of the draw.
    Draw(String),
    /// An invitation is taken up.
    Invitation(String),
    /// A bypass is taken up.
    Bypass(String),
    /// A language is chosen.
    Language(String),
    /// Leave, by a form.
    LeaveForm(String),
    /// A place is to move to another device.
    Move(String),
    /// Whether to take a place over.
    AskToTake(String),
    /// A place is taken over.
    Take(String),
    /// The public keys.
    Keys,
    /// What there is, as OpenAPI.
    Document,
    /// There is something, but not for this method.
    WrongMethod {
        /// The methods that there are.
        allow: &'static str,
    },
    /// There is nothing.
    Unknown,
}

impl Call {
    /// Reads method and path; `path` is what follows `/.waiting-room`.
    pub fn parse(method: &Method, path: &str) -> Self {
        let mut segments = path.trim_matches('/').split('/');
        let (first, second, third) = (segments.next().unwrap_or_default(), segments.next(), segments.next());
        let room = || first.to_owned();
        let reads = matches!(*method, Method::GET | Method::HEAD);
        match (first, second, third) {
            ("", ..) | (.., Some(_)) => Self::Unknown,
            ("jwks.json", None, _) if reads => Self::Keys,
            ("openapi.json", None, _) if reads => Self::Document,
            (_, None, _) if reads => Self::Facts(room()),
            (_, Some("draw"), _) if reads => Self::Draw(room()),
            (_, Some("invitation"), _) if reads => Self::Invitation(room()),
            (_, Some("bypass"), _) if reads => Self::Bypass(room()),
            (_, Some("language"), _) if reads => Self::Language(room()),
            (_, Some("leave"), _) if *method == Method::POST => Self::LeaveForm(room()),
            (_, Some("move"), _) if *method == Method::POST => Self::Move(room()),
            (_, Some("leave" | "move"), _) => Self::WrongMethod { allow: "POST" },
            (_, Some("take"), _) if reads => Self::AskToTake(room()),
            (_, Some("take"), _) if *method == Method::POST => Self::Take(room()),
            (_, Some("take"), _) => Self::WrongMethod { allow: "GET, HEAD, POST" },
            (_, None | Some("draw" | "invitation" | "bypass" | "language"), _) => {
                Self::WrongMethod { allow: "GET, HEAD" }
            }
            (_, Some("live"), _) if *method == Method::GET => Self::Live(room()),
            (_, Some("live"), _) => Self::WrongMethod { allow: "GET" },
            (_, Some("ticket"), _) => match *method {
                Method::POST => Self::Join(room()),
                Method::GET => Self::Status(room()),
                Method::DELETE => Self::Leave(room()),
                _ => Self::WrongMethod { allow: "GET, POST, DELETE" },
            },
            _ => Self::Unknown,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_are_read() {
        let demo = || "demo".to_owned();
        for (method, path, call) in [
            (Method::GET, "/demo", Call::Facts(demo())),
            (Method::GET, "/demo/", Call::Facts(demo())),
            (Method::POST, "/demo", Call::WrongMethod { allow: "GET, HEAD" }),
            (Method::POST, "/demo/ticket", Call::Join(demo())),
            (Method::GET, "/demo/ticket", Call::Status(demo())),
            (Method::DELETE, "/demo/ticket", Call::Leave(demo())),
            (Method::PUT, "/demo/ticket", Call::WrongMethod { allow: "GET, POST, DELETE" }),
            (Method::GET, "/demo/live", Call::Live(demo())),
            (Method::GET, "/demo/draw", Call::Draw(demo())),
            (Method::GET, "/demo/invitation", Call::Invitation(demo())),
            (Method::GET, "/demo/bypass", Call::Bypass(demo())),
            (Method::POST, "/demo/invitation", Call::WrongMethod { allow: "GET, HEAD" }),
            (Method::GET, "/demo/language", Call::Language(demo())),
            (Method::POST, "/demo/leave", Call::LeaveForm(demo())),
            (Method::POST, "/demo/move", Call::Move(demo())),
            (Method::GET, "/demo/move", Call::WrongMethod { allow: "POST" }),
            (Method::GET, "/demo/take", Call::AskToTake(demo())),
            (Method::POST, "/demo/take", Call::Take(demo())),
            (Method::PUT, "/demo/take", Call::WrongMethod { allow: "GET, HEAD, POST" }),
            (Method::GET, "/demo/leave", Call::WrongMethod { allow: "POST" }),
            (Method::GET, "/jwks.json", Call::Keys),
            (Method::HEAD, "/openapi.json", Call::Document),
            (Method::GET, "/demo/other", Call::Unknown),
            (Method::GET, "/demo/ticket/x", Call::Unknown),
            (Method::GET, "/", Call::Unknown),
            (Method::GET, "", Call::Unknown),
        ] {
            assert_eq!(Call::parse(&method, path), call, "{method} {path}");
        }
    }
}
