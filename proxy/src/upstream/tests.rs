use std::collections::HashSet;

use super::*;
use crate::config::edge::{EdgeConfig, parse};

fn upstream(addresses: &str, more: &str) -> Arc<Upstream> {
    let text = format!("[upstream]\naddress = {addresses}\n{more}");
    let EdgeConfig { upstream, .. } = parse("edge.toml".as_ref(), &text).unwrap();
    Arc::new(Upstream::new(upstream))
}

const THREE: &str = "[\"a:1\", \"b:1\", \"c:1\"]";

fn picks(shop: &Arc<Upstream>, tried: &[usize]) -> HashSet<usize> {
    (0..9).filter_map(|_| shop.pick(tried).ok()).map(|sending| sending.index).collect()
}

#[test]
fn instances_take_turns_and_one_that_is_not_reached_is_left_alone() {
    let shop = upstream(THREE, "[upstream.breaker]\nfailures = 2");
    assert_eq!(picks(&shop, &[]), HashSet::from([0, 1, 2]));
    let mut failures = 0;
    while failures < 2 {
        let sending = shop.pick(&[0, 2]).unwrap();
        assert_eq!(sending.index, 1);
        sending.unreachable();
        failures += 1;
    }
    assert_eq!(picks(&shop, &[]), HashSet::from([0, 2]));
    assert_eq!(picks(&shop, &[0]), HashSet::from([2]));
    assert!(matches!(shop.pick(&[0, 2]).map(|_| ()), Err(NoInstance::Open(_))));
    assert_eq!(shop.pick(&[0, 1, 2]).map(|_| ()), Err(NoInstance::Tried));
}

#[test]
fn who_is_down_is_asked_only_when_there_is_no_other() {
    let shop = upstream(THREE, "");
    shop.instances[0].set_up(false);
    assert_eq!(picks(&shop, &[]), HashSet::from([1, 2]));
    shop.instances[1].set_up(false);
    shop.instances[2].set_up(false);
    assert_eq!(picks(&shop, &[]), HashSet::from([0, 1, 2]));
}

#[test]
fn a_client_that_never_sends_its_body_or_goes_away_says_nothing_about_the_shop() {
    let shop = upstream("\"a:1\"", "[upstream.breaker]\nfailures = 1\nleast = 1\npercent = 1");
    shop.pick(&[]).unwrap().broke(true);
    drop(shop.pick(&[]).unwrap());
    let mut sending = shop.pick(&[]).unwrap();
    sending.is_whole();
    drop(sending);
    shop.pick(&[]).unwrap().answered(http::StatusCode::NOT_FOUND, true);
    assert!(shop.pick(&[]).is_ok());
}

#[test]
fn a_page_that_anybody_can_break_closes_the_shop_to_nobody() {
    let one_is_enough = "[upstream.breaker]\nleast = 1\npercent = 1";
    for (status, let_in, opens) in [
        (500, false, false),
        (500, true, true),
        (502, false, false),
        (503, false, false),
        (503, true, true),
        (499, true, false),
    ] {
        let shop = upstream("\"a:1\"", one_is_enough);
        shop.pick(&[]).unwrap().answered(http::StatusCode::from_u16(status).unwrap(), let_in);
        assert_eq!(shop.pick(&[]).is_err(), opens, "{status}, let in: {let_in}");
    }
    for let_in in [false, true] {
        let shop = upstream("\"a:1\"", one_is_enough);
        let mut sending = shop.pick(&[]).unwrap();
        sending.is_whole();
        sending.broke(let_in);
        assert_eq!(shop.pick(&[]).is_err(), let_in, "hung up, let in: {let_in}");
    }
}
