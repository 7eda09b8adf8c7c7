//! How notices read. A text begins with its subject; what follows an empty line is the mail.

use admission::clock::Timestamp;
use minijinja::{Environment, Error, UndefinedBehavior, context};

use super::notice::{News, Notice, ReservationNotice};
use crate::events::Event;
use crate::ids::SeatId;
use crate::language::Language;
use crate::{datetime, money};

macro_rules! texts {
    ($($name:literal),+ $(,)?) => {
        [$(($name, include_str!(concat!("../../templates/mail/", $name)))),+]
    };
}

const TEXTS: [(&str, &str); 12] = texts![
    "sign_up.en.txt",
    "sign_up.ko.txt",
    "sign_up_again.en.txt",
    "sign_up_again.ko.txt",
    "reset.en.txt",
    "reset.ko.txt",
    "password_changed.en.txt",
    "password_changed.ko.txt",
    "reservation.en.txt",
    "reservation.ko.txt",
    "offer.en.txt",
    "offer.ko.txt",
];

/// All texts, parsed.
pub(super) struct Texts(Environment<'static>);

impl Texts {
    /// Texts that link to the shop at `site`.
    pub(super) fn new(site: &str) -> Result<Self, Error> {
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        environment.set_trim_blocks(true);
        environment.add_global("site", site.to_owned());
        for (name, text) in TEXTS {
            environment.add_template(name, text)?;
        }
        Ok(Self(environment))
    }

    /// Subject and text of `notice`, which may tell of `event`.
    pub(super) fn of(
        &self,
        notice: &Notice,
        event: Option<&Event>,
        language: Language,
    ) -> Result<(String, String), Error> {
        let event = event.map(|event| {
            context! { id => event.id.as_str(), name => event.name, venue => event.venue, starts => moment(event.starts_at, language) }
        });
        let context = match notice {
            Notice::SignUp { token } | Notice::Reset { token } => context! { token => token.expose() },
            Notice::SignUpAgain => context! {},
            Notice::PasswordChanged { at } => context! { at => moment(*at, language) },
            Notice::Reservation(notice) => {
                let ReservationNotice { news, reservation, seats, amount_cents, currency, .. } = notice;
                context! {
                    event,
                    news => news.as_str(),
                    reservation => reservation.as_str(),
                    seats => listed(seats),
                    amount => money::for_people(*amount_cents, currency),
                    checkout => matches!(news, News::PaymentDelayed | News::Declined),
                }
            }
            Notice::Offer { reservation, seats, until, .. } => context! {
                event,
                reservation => reservation.as_str(),
                seats => listed(seats),
                until => moment(*until, language),
            },
        };
        let text = self.0.get_template(&format!("{}.{language}.txt", notice.kind()))?.render(context)?;
        let (subject, body) = text.split_once("\n\n").unwrap_or((text.as_str(), ""));
        Ok((subject.split_whitespace().collect::<Vec<_>>().join(" "), body.trim_end().to_owned()))
    }
}

fn listed(seats: &[SeatId]) -> String {
    seats.iter().map(SeatId::as_str).collect::<Vec<_>>().join(", ")
}

fn moment(at: Timestamp, language: Language) -> String {
    match language {
        Language::En => datetime::for_people(at),
        // `2027-06-01T19:30:00Z`
        Language::Ko => {
            format!("{} UTC", datetime::to_rfc3339(at).chars().take(16).collect::<String>().replace('T', " "))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::{EventId, ReservationId};
    use crate::notifications::SecretText;

    #[test]
    fn every_notice_reads_in_every_language() {
        let texts = Texts::new("https://tickets.example").unwrap();
        let reservation = ReservationId::parse(&"ab".repeat(16)).unwrap();
        let seats = vec![SeatId::parse("A-1").unwrap(), SeatId::parse("A-2").unwrap()];
        let id = EventId::parse("demo").unwrap();
        let event = Event { name: "Käse & <Wein>".into(), ..crate::events::samples::detail().event };
        let news = [
            News::Confirmed,
            News::PaymentDelayed,
            News::Declined,
            News::Cancelled,
            News::CalledOff,
            News::RefundDue,
            News::Refunded,
            News::Lost,
        ];
        let mut notices: Vec<_> = news
            .map(|news| {
                Notice::Reservation(ReservationNotice {
                    news,
                    event: id.clone(),
                    reservation: reservation.clone(),
                    seats: seats.clone(),
                    amount_cents: 9000,
                    currency: "EUR".into(),
                })
            })
            .into();
        notices.push(Notice::SignUp { token: SecretText::new("t0ken") });
        notices.push(Notice::SignUpAgain);
        notices.push(Notice::PasswordChanged { at: Timestamp::from_millis(0) });
        notices.push(Notice::Reset { token: SecretText::new("t0ken") });
        notices.push(Notice::Offer { event: id, reservation, seats, until: Timestamp::from_millis(0) });
        let mut seen = std::collections::HashSet::new();
        for language in Language::ALL {
            for notice in &notices {
                let about = matches!(notice, Notice::Reservation(_) | Notice::Offer { .. });
                let (subject, text) = texts.of(notice, about.then_some(&event), language).unwrap();
                assert!(!subject.is_empty() && subject.chars().count() < 90, "{subject}");
                assert!(text.contains("https://tickets.example/"), "{text}");
                assert!(text.lines().all(|line| line.len() < 400), "{text}");
                assert!(!text.contains("\n\n\n") && !text.contains("&amp;"), "{text}");
                assert_eq!(about, text.contains("Käse & <Wein>"), "{text}");
                assert_eq!(language == Language::Ko, text.contains("니다"), "{text}");
                assert!(seen.insert((subject, text)), "two notices read alike");
            }
        }
    }

    #[test]
    fn a_name_cannot_begin_another_line_of_the_subject() {
        let texts = Texts::new("https://tickets.example").unwrap();
        let (subject, _) = texts.of(&Notice::SignUpAgain, None, Language::En).unwrap();
        assert!(!subject.contains(['\r', '\n']));
    }
}
