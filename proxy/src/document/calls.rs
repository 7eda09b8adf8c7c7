//! The calls below `/.waiting-room`: what each takes, and how it is answered. The tests hold this table to a running edge, in
//! both directions.

use super::table::{Answer, Body, Code, Operation, Parameter, header, query};

const TICKET: Parameter = header(
    "WR-Ticket",
    "The ticket, for clients without cookies; others send the cookie `wr-ticket-<room>` (`__Host-wr-ticket-<room>` over TLS)",
);
const ADMISSION: Parameter = header(
    "WR-Admission",
    "The admission token, for clients without cookies; others send `wr-admission-<room>`",
);
const INVITATION: Parameter =
    header("WR-Invitation", "The code of an invitation, for clients without cookies");
const CODE: Parameter = query("code", "The code of the link");
const TO: Parameter =
    query("to", "Where it leads: a path of this site. The room's first page where nothing is said");

const ELSEWHERE: &str = "Done; the page is at `Location`";
const FOREIGN: Answer = Answer::with(403, "A page of another site asked for it", &[Body::Page]);
const NO_TICKET: Code = ("no_ticket", "no good ticket of this room came with the request");
const CLOSED: Code = ("closed", "the room is closed");
const NOT_OPEN: Code = ("not_open", "nobody may join yet; the detail says when");
const FULL: Code = ("full", "the line is as long as it may get");
const STORE_AWAY: Code = ("store_away", "the line cannot be reached right now; every place is safe");
const INVITATION_USED: Answer = Answer::problem(
    409,
    &[Body::Problem(&[(
        "invitation_used",
        "the invitation was used as often as it may be, or was withdrawn",
    )])],
);

/// All of them.
pub(super) const CALLS: &[Operation] = &[
    Operation {
        method: "get",
        path: "/{room}",
        id: "facts",
        tag: "rooms",
        says: "What anyone may know of a room. A cache may keep it for a second.",
        takes: &[],
        answers: &[Answer::with(200, "The facts", &[Body::Json("Facts")])],
    },
    Operation {
        method: "get",
        path: "/{room}/draw",
        id: "draw",
        tag: "rooms",
        says: "The draw of a room: what was committed to, and after the opening the seed. A cache may keep it for a second.",
        takes: &[],
        answers: &[
            Answer::with(200, "The draw", &[Body::Json("Draw")]),
            Answer::problem(404, &[Body::Problem(&[("no_draw", "the order of this room is not drawn")])]),
        ],
    },
    Operation {
        method: "get",
        path: "/jwks.json",
        id: "keys",
        tag: "keys",
        says: "The public keys that admission tokens are checked with, where others may check them. A cache may keep it for five \
               minutes.",
        takes: &[],
        answers: &[
            Answer::with(200, "The keys", &[Body::Json("KeySet")]),
            Answer::problem(
                404,
                &[Body::Problem(&[("no_keys", "tokens are signed so that only the edge can check them")])],
            ),
        ],
    },
    Operation {
        method: "get",
        path: "/openapi.json",
        id: "document",
        tag: "keys",
        says: "This document. A cache may keep it for five minutes.",
        takes: &[],
        answers: &[Answer::with(200, "OpenAPI 3.1", &[Body::Json("Document")])],
    },
    Operation {
        method: "post",
        path: "/{room}/ticket",
        id: "join",
        tag: "tickets",
        says: "Joins the line. Asked again with the ticket it is the same place.",
        takes: &[
            TICKET,
            INVITATION,
            header(
                "WR-Work",
                "Where the room asks for work before a place: `<challenge>:<number>,<number>,…`, or the challenge alone",
            ),
        ],
        answers: &[
            Answer::with(200, "The place that the ticket has", &[Body::Json("Status")]),
            Answer::with(201, "A new place", &[Body::Json("Status")]),
            Answer::with(
                202,
                "The store is away: when the fan came is noted, in a provisional ticket",
                &[Body::Json("Status")],
            ),
            Answer::problem(
                400,
                &[Body::Problem(&[("invitation_unknown", "the invitation in the header is none")])],
            ),
            Answer::problem(
                404,
                &[Body::Problem(&[("invitation_elsewhere", "the invitation is for another room")])],
            ),
            INVITATION_USED,
            Answer::problem(
                410,
                &[Body::Problem(&[
                    ("invitation_expired", "the invitation has expired"),
                    ("invitation_no_lane", "its lane is gone"),
                ])],
            ),
            Answer::problem(
                428,
                &[Body::Problem(&[
                    ("work_needed", "a place takes work; `work` says which"),
                    ("work_or_wait", "the challenge came alone, before `ready_in_seconds` were over"),
                    ("work_or_wait_longer", "the same, and others of the network wait too"),
                    ("work_wrong", "the numbers are not the work"),
                    ("work_used", "the work was used"),
                    ("work_of_another_network", "the challenge was given to another network"),
                    ("work_expired", "the challenge has expired"),
                    ("work_unknown", "the challenge is none of this room"),
                ])],
            ),
            Answer::problem(
                429,
                &[Body::Problem(&[("too_many_joins", "too many of one network ask for a place at once")])],
            ),
            Answer::problem(
                503,
                &[Body::Problem(&[
                    NOT_OPEN,
                    CLOSED,
                    FULL,
                    STORE_AWAY,
                    ("work", "no challenge can be made right now"),
                ])],
            ),
        ],
    },
    Operation {
        method: "get",
        path: "/{room}/ticket",
        id: "status",
        tag: "tickets",
        says: "Where the fan is. Once it is their turn, this gives the admission token, and sets its cookie.",
        takes: &[TICKET, ADMISSION],
        answers: &[
            Answer::with(200, "The status", &[Body::Json("Status")]),
            Answer::problem(
                404,
                &[Body::Problem(&[
                    NO_TICKET,
                    ("voided", "all admissions were taken back, the fan's among them: join again"),
                    ("moved", "the place is on another device now"),
                ])],
            ),
            INVITATION_USED,
            Answer::problem(503, &[Body::Problem(&[NOT_OPEN, CLOSED, FULL, STORE_AWAY])]),
        ],
    },
    Operation {
        method: "delete",
        path: "/{room}/ticket",
        id: "leave",
        tag: "tickets",
        says: "Leaves the line. Leaving twice is leaving once.",
        takes: &[TICKET],
        answers: &[
            Answer::empty(204, "There is no place any more"),
            Answer::problem(503, &[Body::Problem(&[STORE_AWAY])]),
        ],
    },
    Operation {
        method: "get",
        path: "/{room}/live",
        id: "live",
        tag: "tickets",
        says: "Opens a WebSocket on which the status is pushed (docs/websocket.md).",
        takes: &[
            TICKET,
            query("shown", "The place that the page shows, where it shows one: none that is worse is told"),
        ],
        answers: &[
            Answer::empty(101, "The connection is a WebSocket from now on"),
            Answer::problem(
                400,
                &[Body::Problem(&[("websocket_key", "`Sec-WebSocket-Key` is missing or malformed")])],
            ),
            Answer::problem(403, &[Body::Problem(&[("origin", "the page that asks is not from this host")])]),
            Answer::problem(404, &[Body::Problem(&[NO_TICKET])]),
            Answer::problem(
                409,
                &[Body::Problem(&[("provisional", "the ticket has no place yet: poll until it has")])],
            ),
            Answer::problem(
                426,
                &[Body::Problem(&[("upgrade_required", "a WebSocket handshake of HTTP/1.1 is needed")])],
            ),
            Answer::problem(
                503,
                &[Body::Problem(&[("sockets", "there are as many WebSockets as this proxy holds: poll")])],
            ),
        ],
    },
    Operation {
        method: "get",
        path: "/{room}/invitation",
        id: "invitation",
        tag: "links",
        says: "Takes an invitation up: keeps it in a cookie, and leads on. A browser is refused with a page.",
        takes: &[CODE, INVITATION, TO],
        answers: &[
            Answer::empty(303, ELSEWHERE),
            Answer::problem(
                400,
                &[
                    Body::Problem(&[
                        ("invitation_unknown", "the code is none"),
                        ("invitation_to", "`to` is no path of this site"),
                    ]),
                    Body::Page,
                ],
            ),
            Answer::problem(
                404,
                &[Body::Problem(&[("invitation_elsewhere", "it is for another room")]), Body::Page],
            ),
            Answer::problem(
                410,
                &[
                    Body::Problem(&[
                        ("invitation_expired", "it has expired"),
                        ("invitation_no_lane", "its lane is gone"),
                    ]),
                    Body::Page,
                ],
            ),
        ],
    },
    Operation {
        method: "get",
        path: "/{room}/bypass",
        id: "bypass",
        tag: "links",
        says: "Takes a bypass up: keeps it in a cookie, and leads on, past the line. A browser is refused with a page.",
        takes: &[CODE, header("WR-Bypass", "The code, for clients without cookies"), TO],
        answers: &[
            Answer::empty(303, ELSEWHERE),
            Answer::problem(
                400,
                &[
                    Body::Problem(&[
                        ("bypass_unknown", "the code is none"),
                        ("bypass_to", "`to` is no path of this site"),
                    ]),
                    Body::Page,
                ],
            ),
            Answer::problem(
                404,
                &[Body::Problem(&[("bypass_elsewhere", "it is for another room")]), Body::Page],
            ),
            Answer::problem(410, &[Body::Problem(&[("bypass_expired", "it has expired")]), Body::Page]),
        ],
    },
    Operation {
        method: "get",
        path: "/{room}/language",
        id: "language",
        tag: "pages",
        says: "Chooses the language of the pages, and leads on.",
        takes: &[query("lang", "A language of the pages, such as `en`"), TO],
        answers: &[
            Answer::empty(303, ELSEWHERE),
            Answer::problem(400, &[Body::Problem(&[("language", "the pages have no such language")])]),
        ],
    },
    Operation {
        method: "post",
        path: "/{room}/leave",
        id: "leave_by_form",
        tag: "pages",
        says: "Leaves the line, by a form of the page: answers with a page.",
        takes: &[TICKET, TO],
        answers: &[
            Answer::with(200, "The fan has left", &[Body::Page]),
            Answer::empty(303, "The place is on another device and stays; the page is at `Location`"),
            FOREIGN,
            Answer::with(503, "The line cannot be reached right now; the place is kept", &[Body::Page]),
        ],
    },
    Operation {
        method: "post",
        path: "/{room}/move",
        id: "move",
        tag: "pages",
        says: "Makes a link that takes the place to another device: as JSON, or for a browser as a page.",
        takes: &[TICKET, TO],
        answers: &[
            Answer::with(200, "The link", &[Body::Json("MoveLink"), Body::Page]),
            FOREIGN,
            Answer::problem(404, &[Body::Problem(&[NO_TICKET])]),
            Answer::with(409, "A browser has no place that could move", &[Body::Page]),
            Answer::problem(
                414,
                &[Body::Problem(&[("link", "the address of the page is too long for a code")])],
            ),
        ],
    },
    Operation {
        method: "get",
        path: "/{room}/take",
        id: "ask_to_take",
        tag: "pages",
        says: "Asks whether the place is to be taken over here. Nothing moves yet, for programs follow links too.",
        takes: &[CODE, TO],
        answers: &[
            Answer::with(200, "The question", &[Body::Page]),
            Answer::with(400, "The link moves nothing", &[Body::Page]),
            Answer::with(410, "The link has expired", &[Body::Page]),
        ],
    },
    Operation {
        method: "post",
        path: "/{room}/take",
        id: "take",
        tag: "pages",
        says: "Takes the place over.",
        takes: &[CODE, TO],
        answers: &[
            Answer::empty(303, "The place is here; the page is at `Location`"),
            Answer::with(400, "The link moves nothing", &[Body::Page]),
            Answer::with(
                403,
                "A page of another site asked for it, or nobody was asked before",
                &[Body::Page],
            ),
            Answer::with(409, "The link was used", &[Body::Page]),
            Answer::with(410, "The link has expired", &[Body::Page]),
            Answer::with(503, "The line cannot be reached right now", &[Body::Page]),
        ],
    },
];
