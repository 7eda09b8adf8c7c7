//! What there is to say in a plain page: something is in the way, and what to do.

use http::StatusCode;
use serde::Serialize;

use super::texts::Texts;

/// What a plain page is about. Each has a heading and a text in every language.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum About {
    /// The line is as long as it may get.
    Full,
    /// Nobody may join yet. Filled in: `moment`.
    NotOpen,
    /// Nobody may join any more.
    Closed,
    /// Too many come from the same network at once.
    Crowded,
    /// A place takes work, or waiting.
    Work,
    /// No place could be given.
    Failed,
    /// A form was posted just before its fan was let in.
    FormTooEarly,
    /// A form was posted by a fan who waits.
    FormWaiting,
    /// A form was posted by a fan without place or session.
    FormEnded,
    /// The shop does not answer.
    ShopAway,
    /// The shop fails or is slow, and nobody is sent to it for a moment.
    ShopPaused,
    /// The shop does not answer, and a form did not reach it.
    FormUnsent,
    /// The same, and a form may have reached it.
    FormUnanswered,
    /// An invitation that is none.
    InvitationUnknown,
    /// An invitation to another room.
    InvitationElsewhere,
    /// An invitation that has expired.
    InvitationExpired,
    /// An invitation to a lane that is gone.
    InvitationNoLane,
    /// An invitation that was used up.
    InvitationUsed,
    /// A bypass that is none.
    BypassUnknown,
    /// A bypass of another room.
    BypassElsewhere,
    /// A bypass that has expired.
    BypassExpired,
    /// The fan left the line.
    Left,
    /// The fan's place is on another device.
    Moved,
    /// How to move the place to another device. Filled in: `minutes`.
    Move,
    /// There is no place that could move.
    NoPlace,
    /// Whether to take the place over here.
    Take,
    /// A link that moves nothing.
    TakeUnknown,
    /// A link that has expired.
    TakeExpired,
    /// A link that was used.
    TakeUsed,
    /// A form that another site made the browser post.
    Foreign,
}

impl About {
    /// All of them.
    pub(super) const ALL: [Self; 30] = [
        Self::Full,
        Self::Crowded,
        Self::Work,
        Self::NotOpen,
        Self::Closed,
        Self::Failed,
        Self::FormTooEarly,
        Self::FormWaiting,
        Self::FormEnded,
        Self::ShopAway,
        Self::ShopPaused,
        Self::FormUnsent,
        Self::FormUnanswered,
        Self::InvitationUnknown,
        Self::InvitationElsewhere,
        Self::InvitationExpired,
        Self::InvitationNoLane,
        Self::InvitationUsed,
        Self::BypassUnknown,
        Self::BypassElsewhere,
        Self::BypassExpired,
        Self::Left,
        Self::Moved,
        Self::Move,
        Self::NoPlace,
        Self::Take,
        Self::TakeUnknown,
        Self::TakeExpired,
        Self::TakeUsed,
        Self::Foreign,
    ];

    /// Heading and text.
    pub(super) fn words(self, texts: &Texts) -> (&str, &str) {
        if self == Self::Move {
            return (texts.page("move"), texts.page("move_text"));
        }
        let name = self.as_str();
        (texts.notice(&format!("{name}_heading")), texts.notice(&format!("{name}_text")))
    }

    /// How its texts begin.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::Crowded => "crowded",
            Self::Work => "work",
            Self::NotOpen => "not_open",
            Self::Closed => "closed",
            Self::Failed => "failed",
            Self::FormTooEarly => "form_too_early",
            Self::FormWaiting => "form_waiting",
            Self::FormEnded => "form_ended",
            Self::ShopAway => "shop_away",
            Self::ShopPaused => "shop_paused",
            Self::FormUnsent => "form_unsent",
            Self::FormUnanswered => "form_unanswered",
            Self::InvitationUnknown => "invitation_unknown",
            Self::InvitationElsewhere => "invitation_elsewhere",
            Self::InvitationExpired => "invitation_expired",
            Self::InvitationNoLane => "invitation_no_lane",
            Self::InvitationUsed => "invitation_used",
            Self::BypassUnknown => "bypass_unknown",
            Self::BypassElsewhere => "bypass_elsewhere",
            Self::BypassExpired => "bypass_expired",
            Self::Left => "left",
            Self::Moved => "moved",
            Self::Move => "move",
            Self::NoPlace => "no_place",
            Self::Take => "take",
            Self::TakeUnknown => "take_unknown",
            Self::TakeExpired => "take_expired",
            Self::TakeUsed => "take_used",
            Self::Foreign => "foreign",
        }
    }
}

/// What a link of a plain page says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// To where the fan came from.
    Back,
    /// To where the fan came from, to do it again.
    BackAndRetry,
    /// To the line that needs no invitation.
    GeneralLine,
    /// To the room's line.
    Line,
    /// To the page that the fan wanted.
    On,
    /// To the page that the fan wanted, and to a new place.
    Again,
}

impl Way {
    /// Its words.
    pub(super) fn words(self, texts: &Texts) -> &str {
        match self {
            Self::Back => texts.notice("back"),
            Self::BackAndRetry => texts.notice("back_and_retry"),
            Self::GeneralLine => texts.notice("general_line"),
            Self::Line => texts.notice("to_the_line"),
            Self::On => texts.notice("to_the_page"),
            Self::Again => texts.page("again"),
        }
    }
}

/// A form with one button.
#[derive(Clone, Debug)]
pub struct Form<'a> {
    /// Where it is posted, with a query that says all there is to say.
    pub action: &'a str,
    /// What its button says.
    pub button: Button,
}

/// What a button of a plain page says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Button {
    /// That the place is taken over here.
    Take,
    /// That the fan stands in line again.
    Again,
}

impl Button {
    /// Its words.
    pub(super) fn words(self, texts: &Texts) -> &str {
        match self {
            Self::Take => texts.notice("take_button"),
            Self::Again => texts.page("again"),
        }
    }
}

/// A code to be scanned.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Qr {
    /// How many units it is wide and high.
    pub size: usize,
    /// The dark units, as the `d` of an SVG path.
    pub path: String,
    /// What it says.
    pub link: String,
}

/// What a page's script has to find before there is a place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Puzzle<'a> {
    /// The room.
    pub room: &'a str,
    /// The challenge, sealed.
    pub challenge: &'a str,
    /// What each hash begins with.
    pub seed: String,
    /// How many numbers there are to find.
    pub parts: usize,
    /// With how many zeros each hash begins.
    pub zero_bits: u8,
}

/// A plain page.
#[derive(Clone, Debug)]
pub struct Notice<'a> {
    /// The status code.
    pub status: StatusCode,
    /// What the fan came for.
    pub title: &'a str,
    /// What is the matter.
    pub about: About,
    /// What is filled in.
    pub values: Vec<(&'a str, &'a str)>,
    /// After how long to try again; nothing where the page does not.
    pub retry_seconds: Option<u64>,
    /// Where the page goes when it tries again; nowhere else where nothing is said.
    pub retry_at: Option<&'a str>,
    /// Where a link leads, and what it says.
    pub link: Option<(&'a str, Way)>,
    /// A form with one button.
    pub form: Option<Form<'a>>,
    /// Whether to say that a place on this device is given up by it.
    pub gives_up: bool,
    /// A code to be scanned.
    pub qr: Option<&'a Qr>,
    /// What the script has to find.
    pub puzzle: Option<&'a Puzzle<'a>>,
}

impl<'a> Notice<'a> {
    /// A page that says this, and nothing else.
    pub fn new(status: StatusCode, title: &'a str, about: About) -> Self {
        Self {
            status,
            title,
            about,
            values: Vec::new(),
            retry_seconds: None,
            retry_at: None,
            link: None,
            form: None,
            gives_up: false,
            qr: None,
            puzzle: None,
        }
    }

    /// Which tries again by itself after so long. One that answers a posted form must not: it would ask for something
    /// else.
    #[must_use]
    pub fn retry(self, seconds: u64) -> Self {
        Self { retry_seconds: Some(seconds), ..self }
    }

    /// With a link.
    #[must_use]
    pub fn link(self, to: &'a str, way: Way) -> Self {
        Self { link: Some((to, way)), ..self }
    }
}
