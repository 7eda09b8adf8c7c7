//! Where the link of a notice leads that answers a posted form. The address of the form itself is often no page:
//! a shop that takes `POST /buy/pay` may have no `GET` of it. So the page that held the form comes first.

use http::header;

use super::fields::Fields;
use super::routes::PathRule;
use super::{Decision, is_edge_path, target};

/// A path on the same host, with its query: the page that held the form, else the form's own address where the
/// room names exactly that, else the room's first page, else `/`.
pub fn back(decision: &Decision, headers: &Fields<'_>, paths: &[PathRule]) -> String {
    if let Some(page) = page_of_the_form(decision, headers) {
        return page;
    }
    if paths.iter().any(|path| path.is_exactly(&decision.target)) {
        return decision.target.path().to_owned();
    }
    paths.first().map_or_else(|| "/".to_owned(), PathRule::first_page)
}

/// What `Referer` says, where that is a page of the same host which can be read in one way. It is anyone's to
/// write: nothing but its normalised path and query is taken over.
fn page_of_the_form(decision: &Decision, headers: &Fields<'_>) -> Option<String> {
    let (named, page) = target::parse(headers.get(header::REFERER)?.as_bytes()).ok()?;
    let is_here = super::host::parse(named?).ok()? == decision.authority;
    let is_plain = page.has_one_reading() && !is_edge_path(page.plain());
    (is_here && is_plain).then(|| page.path_and_query())
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderValue, Method};

    use super::super::routes::Routes;
    use super::*;

    #[test]
    fn the_way_back_stays_on_the_host() {
        let rules = |list: &[&str]| -> Vec<PathRule> {
            list.iter().map(|path| PathRule::parse(path).unwrap()).collect()
        };
        let demo = rules(&["/events/demo", "/events/demo/*"]);
        for (path, referer, rules, led) in [
            ("/events/demo/pay", Some("https://shop.example/events/demo?a=1"), &demo, "/events/demo?a=1"),
            ("/events/demo/pay", Some("http://SHOP.example./x/../y"), &demo, "/y"),
            ("/events/demo/pay", Some("https://shop.example"), &demo, "/"),
            ("/events/demo/pay", Some("https://evil.example/events/x"), &demo, "/events/demo"),
            ("/events/demo/pay", Some("https://shop.example:99/x"), &demo, "/events/demo"),
            ("/events/demo/pay", Some("https://shop.example@evil.example/x"), &demo, "/events/demo"),
            ("/events/demo/pay", Some("https://shop.example//evil.example/x"), &demo, "/evil.example/x"),
            ("/events/demo/pay", Some("https://shop.example/x/..;/y"), &demo, "/events/demo"),
            ("/events/demo/pay", Some("https://shop.example/.waiting-room/demo"), &demo, "/events/demo"),
            ("/events/demo/pay", Some("/events/x"), &demo, "/events/demo"),
            ("/events/demo/pay", Some("javascript:alert(1)"), &demo, "/events/demo"),
            ("/events/demo/pay", None, &demo, "/events/demo"),
            ("/buy/", None, &rules(&["/x", "/buy"]), "/buy/"),
            ("/buy/pay", None, &rules(&["/buy/*"]), "/buy/"),
            ("/pay", None, &rules(&["/*"]), "/"),
            ("/pay", None, &Vec::new(), "/"),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::HOST, HeaderValue::from_static("shop.example"));
            if let Some(referer) = referer {
                headers.insert(header::REFERER, HeaderValue::from_static(referer));
            }
            let headers = &Fields::of(&headers);
            let decision =
                super::super::decide(&Routes::default(), &Method::POST, path.as_bytes(), headers).unwrap();
            assert_eq!(back(&decision, headers, rules), led, "{path} {referer:?}");
        }
    }
}
