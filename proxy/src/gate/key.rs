//! What a path is looked up by, in lower case and as it is.

/// What a path is looked up by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Key {
    lower: String,
    /// As it is, where that differs.
    kept: Option<String>,
}

impl Key {
    pub(super) fn new(text: String) -> Self {
        let lower = text.to_lowercase();
        let kept = (lower != text).then_some(text);
        Self { lower, kept }
    }

    pub(super) fn as_case(&self, case: Case) -> &str {
        match (case, &self.kept) {
            (Case::Kept, Some(kept)) => kept,
            _ => &self.lower,
        }
    }
}

/// Whether upper and lower case differ.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Case {
    /// They are the same.
    #[default]
    Ignored,
    /// They differ.
    Kept,
}
