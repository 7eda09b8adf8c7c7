//! How the table of calls is written down.

/// One call: a method of a path.
pub(super) struct Operation {
    /// The method, as OpenAPI writes it.
    pub(super) method: &'static str,
    /// The path below `/.waiting-room`.
    pub(super) path: &'static str,
    /// Its name.
    pub(super) id: &'static str,
    /// Under which heading it stands.
    pub(super) tag: &'static str,
    /// What it is for.
    pub(super) says: &'static str,
    /// What it takes besides the room.
    pub(super) takes: &'static [Parameter],
    /// How it is answered, besides what every call is.
    pub(super) answers: &'static [Answer],
}

/// Something that a call takes.
#[derive(Clone, Copy)]
pub(super) struct Parameter {
    /// `query` or `header`.
    pub(super) place: &'static str,
    /// Its name.
    pub(super) name: &'static str,
    /// What it is.
    pub(super) says: &'static str,
}

/// One status.
pub(super) struct Answer {
    /// The status.
    pub(super) status: u16,
    /// When it is this one.
    pub(super) says: &'static str,
    /// What the body may be, by what is asked for; nothing, where there is none.
    pub(super) bodies: &'static [Body],
}

/// A code of a problem, and what it means.
pub(super) type Code = (&'static str, &'static str);

/// What a body is.
pub(super) enum Body {
    /// JSON of this schema.
    Json(&'static str),
    /// A page for people.
    Page,
    /// A problem with one of these codes.
    Problem(&'static [Code]),
}

impl Answer {
    /// An answer without a body.
    pub(super) const fn empty(status: u16, says: &'static str) -> Self {
        Self { status, says, bodies: &[] }
    }

    /// A problem, whose codes say when it is this one.
    pub(super) const fn problem(status: u16, bodies: &'static [Body]) -> Self {
        Self { status, says: "", bodies }
    }

    /// An answer with one of these bodies.
    pub(super) const fn with(status: u16, says: &'static str, bodies: &'static [Body]) -> Self {
        Self { status, says, bodies }
    }

    /// The codes of its problem.
    pub(super) fn codes(&self) -> &'static [Code] {
        let codes = self.bodies.iter().find_map(|body| match body {
            Body::Problem(codes) => Some(*codes),
            Body::Json(_) | Body::Page => None,
        });
        codes.unwrap_or_default()
    }
}

/// By the query.
pub(super) const fn query(name: &'static str, says: &'static str) -> Parameter {
    Parameter { place: "query", name, says }
}

/// By a header.
pub(super) const fn header(name: &'static str, says: &'static str) -> Parameter {
    Parameter { place: "header", name, says }
}
