//! What the buttons of the pages do without script: choose a language, leave the line.

use http::{StatusCode, header};

use super::calls::leave;
use super::edge::Edge;
use crate::gate::Decision;
use crate::gate::fields::Fields;
use crate::gate::query::{local_path, parameter};
use crate::live::comes_from_here;
use crate::room::Room;
use crate::waiting::notice::{About, Notice, Way};
use crate::waiting::reader::{Reader, keep_language};
use crate::waiting::reply::Reply;

impl Edge {
    /// `GET …/language?lang=…&to=…`: keeps the language, and leads back.
    pub(super) fn choose_language(&self, room: &Room, query: Option<&str>) -> Reply {
        let tag = parameter(query, "lang").unwrap_or_default();
        let in_force = self.fleet.in_force();
        let languages = in_force.pages.look(Some(room.id.as_str())).languages();
        let Some(index) = languages.index_of(&tag) else {
            let detail = "`lang` has to be a language of the pages, such as en";
            return Reply::problem(StatusCode::BAD_REQUEST, "language", detail);
        };
        let cookie = keep_language(self.config.public_scheme, &languages.get(index).tag);
        Reply::empty(StatusCode::SEE_OTHER).with(header::LOCATION, wanted_page(room, query)).cookie(&cookie)
    }

    /// `POST …/leave?to=…`: leaves, and says so.
    pub(super) async fn leave_by_form(
        &self,
        room: &Room,
        headers: &Fields<'_>,
        decision: &Decision,
    ) -> Reply {
        let page = wanted_page(room, decision.target.query());
        let reader = Reader::of(headers, self.config.public_scheme, &page);
        // A form of another site would come without the ticket; but the answer would take it away.
        if !comes_from_here(headers, &decision.authority) {
            return self.foreign(room, &reader);
        }
        if self.moved(room, headers).await {
            let marks = &room.marks;
            let reply = Reply::empty(StatusCode::SEE_OTHER).with(header::LOCATION, &page);
            let reply = reply.cookie(&marks.not_moving());
            return room.cookies.clear().iter().fold(reply, |reply, cookie| reply.cookie(cookie));
        }
        let left = leave(self, room, headers).await;
        if left.status != StatusCode::NO_CONTENT {
            let config = room.config();
            let notice = Notice::new(StatusCode::SERVICE_UNAVAILABLE, &config.title, About::Failed).retry(5);
            let notice = Notice { retry_at: Some(&page), ..notice }.link(&page, Way::Back);
            return self.fleet.in_force().pages.notice(Some(room.id.as_str()), &reader, &notice);
        }
        let config = room.config();
        let notice = Notice::new(StatusCode::OK, &config.title, About::Left).link(&page, Way::Again);
        let reply = self.fleet.in_force().pages.notice(Some(room.id.as_str()), &reader, &notice);
        room.cookies.clear().iter().fold(reply, |reply, cookie| reply.cookie(cookie))
    }

    /// The refusal of a form that another site made a browser post.
    pub(super) fn foreign(&self, room: &Room, reader: &Reader) -> Reply {
        let config = room.config();
        let notice = Notice::new(StatusCode::FORBIDDEN, &config.title, About::Foreign);
        self.fleet.in_force().pages.notice(
            Some(room.id.as_str()),
            reader,
            &notice.link(&reader.page, Way::Back),
        )
    }
}

/// The page that `to` names, where that is one of this site; else the room's first one.
pub(super) fn wanted_page(room: &Room, query: Option<&str>) -> String {
    parameter(query, "to").and_then(|to| local_path(&to)).unwrap_or_else(|| room.config().first_page())
}
