use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;

use futures_util::{SinkExt as _, StreamExt as _};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpSocket};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};

use super::*;

const HEARTBEAT: Duration = Duration::from_secs(16);
/// As much as the buffers below can hold, and more.
const MORE_THAN_FITS: usize = 1 << 20;

/// A wire and its other end, between which little fits.
pub(crate) async fn pair(heartbeat: Duration) -> (Arc<Wire>, TcpStream) {
    let (near, far) = connected().await;
    (Wire::new(Some(near), heartbeat, Arc::default()), far)
}

async fn connected() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4096).unwrap();
    let far = socket.connect(listener.local_addr().unwrap()).await.unwrap();
    let (near, _) = listener.accept().await.unwrap();
    rustix::net::sockopt::set_socket_send_buffer_size(&near, 4096).unwrap();
    near.writable().await.unwrap();
    (near, far)
}

/// A text frame for many.
fn frame(text: &str) -> Vec<u8> {
    let mut bytes = Frame::BEFORE.to_vec();
    bytes.push(0x81);
    match u8::try_from(text.len()) {
        Ok(length @ ..=125) => bytes.push(length),
        _ => {
            bytes.push(126);
            bytes.extend_from_slice(&u16::try_from(text.len()).unwrap().to_be_bytes());
        }
    }
    bytes.extend_from_slice(text.as_bytes());
    bytes
}

async fn rang(wire: &Wire) -> bool {
    poll_fn(|cx| Poll::Ready(pin!(wire.rung()).poll(cx).is_ready())).await
}

async fn as_task(wire: &Arc<Wire>) -> WebSocketStream<Way> {
    let config = WebSocketConfig::default().write_buffer_size(0);
    WebSocketStream::from_raw_socket(Way::Shared(wire.clone()), Role::Server, Some(config)).await
}

#[tokio::test]
async fn what_is_told_arrives_without_the_task() {
    let (wire, mut far) = pair(HEARTBEAT).await;
    assert_eq!(wire.turn(), None, "the task speaks first");
    wire.leave_floor();
    let now = Instant::now();
    let bytes = frame("{}");
    wire.tell(wire.turn().unwrap(), &Frame::new(&bytes), false, now);
    wire.tell(wire.turn().unwrap(), &Frame::new(&bytes), true, now);
    assert!(!rang(&wire).await);
    let mut read = [0; 10];
    far.read_exact(&mut read).await.unwrap();
    assert_eq!(read, *b"\x81\x02{}\x89\x00\x81\x02{}");
    assert_eq!(wire.tally.traffic(), [0, 2]);
}

#[tokio::test]
async fn what_is_older_than_what_the_task_said_is_not_said() {
    let (wire, mut far) = pair(HEARTBEAT).await;
    wire.leave_floor();
    let turn = wire.turn().unwrap();
    assert_eq!(wire.take_floor(), Floor::Taken { with_ping: false });
    assert_eq!(wire.turn(), None);
    wire.tell(turn, &Frame::new(&frame("old")), false, Instant::now());
    wire.leave_floor();
    wire.tell(turn, &Frame::new(&frame("old")), false, Instant::now());
    assert!(!rang(&wire).await, "the task has said it, or something newer");
    wire.tell(wire.turn().unwrap(), &Frame::new(&frame("new")), false, Instant::now());
    let mut read = [0; 5];
    far.read_exact(&mut read).await.unwrap();
    assert_eq!(&read[2..], b"new");
}

#[tokio::test]
async fn who_answers_no_pings_is_silent() {
    let (wire, _far) = pair(HEARTBEAT).await;
    wire.leave_floor();
    let (bytes, began) = (frame("{}"), Instant::now());
    let tell = |with_ping, after| {
        wire.tell(wire.turn().unwrap(), &Frame::new(&bytes), with_ping, began + after);
        wire.state.lock().unanswered
    };
    assert_eq!(tell(false, HEARTBEAT), 0);
    assert_eq!(tell(false, HEARTBEAT * 5 / 2), 1, "who is told much is pinged too, now and then");
    assert_eq!(tell(false, HEARTBEAT * 3), 1);
    wire.heard();
    assert_eq!([(); 3].map(|()| tell(true, HEARTBEAT * 4)), [1, 2, 3]);
    assert!(!rang(&wire).await);
    assert_eq!(tell(false, HEARTBEAT * 4), 3, "what is no ping is told");
    assert_eq!(tell(true, HEARTBEAT * 4), 3);
    assert!(rang(&wire).await && wire.take_floor() == Floor::Silent);
    wire.leave_floor();
    wire.heard();
    wire.ring_with_ping();
    assert_eq!(wire.take_floor(), Floor::Taken { with_ping: true });
    wire.shut();
    assert_eq!(wire.take_floor(), Floor::Shut);
}

#[tokio::test]
async fn nothing_is_told_while_the_rest_of_a_frame_is_left() {
    let (wire, _far) = pair(HEARTBEAT).await;
    wire.leave_floor();
    let turn = wire.turn().unwrap();
    // As somebody else's frame would leave it that was written since.
    wire.state.lock().rest = b"the rest".to_vec();
    wire.tell(turn, &Frame::new(&frame("{}")), false, Instant::now());
    assert_eq!((wire.tally.traffic(), &wire.state.lock().rest[..]), ([0, 0], &b"the rest"[..]));
    assert!(rang(&wire).await, "the task sends it, and then what there is to say");
}

#[tokio::test]
async fn a_frame_that_is_taken_in_part_is_finished_by_the_task_before_anything_else() {
    let (wire, far) = pair(HEARTBEAT).await;
    let mut task = as_task(&wire).await;
    wire.leave_floor();
    let mut told = 0;
    // Nobody reads.
    while let Some(turn) = wire.turn() {
        let text = format!("{told} {}", "x".repeat(3000));
        wire.tell(turn, &Frame::new(&frame(&text)), false, Instant::now());
        assert!(told * 3000 < MORE_THAN_FITS);
        told += 1;
        if rang(&wire).await {
            break;
        }
    }
    let is_stuck = wire.turn().is_none();
    assert_eq!(is_stuck, !wire.state.lock().rest.is_empty());
    // The task goes on, and cannot either.
    wire.take_floor();
    let mut said = pin!(task.send(Message::text("by the task")));
    if is_stuck {
        assert!(poll_fn(|cx| Poll::Ready(said.as_mut().poll(cx).is_pending())).await);
    }
    let reading = tokio::spawn(async move {
        let mut fan = WebSocketStream::from_raw_socket(far, Role::Client, None).await;
        let mut texts = Vec::new();
        while texts.last().is_none_or(|last| last != "by the task") {
            texts.push(fan.next().await.unwrap().unwrap().into_text().unwrap().to_string());
        }
        texts
    });
    said.await.unwrap();
    wire.leave_floor();
    assert!(wire.turn().is_some());
    let texts = reading.await.unwrap();
    // The last that was told was taken in part, or not at all.
    assert!((told..=told + 1).contains(&texts.len()), "{told}");
    for (nth, text) in texts.iter().take(texts.len() - 1).enumerate() {
        assert!(text.starts_with(&format!("{nth} x")) && text.ends_with('x'), "{text}");
    }
}

/// Both write as fast as they can, over a connection that takes little at a time: the fan reads whole messages, and none
/// that is older than one before it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_writes_the_fan_reads_whole_messages_in_order() {
    use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
    const OF_MANY: u64 = 300;
    let (wire, far) = pair(HEARTBEAT).await;
    let news = Arc::new(AtomicU64::new(0));
    let is_over = Arc::new(AtomicBool::new(false));
    let mut task = as_task(&wire).await;
    let (of_task, latest, ends) = (wire.clone(), news.clone(), is_over.clone());
    let task = tokio::spawn(async move {
        let mut due = true;
        let mut said = 0;
        while !ends.load(Ordering::Acquire) {
            if due {
                of_task.take_floor();
                let text = format!("{} {}", latest.load(Ordering::Acquire), "t".repeat(300));
                task.send(Message::text(text)).await.unwrap();
                of_task.leave_floor();
                said += 1;
            }
            tokio::select! {
                () = of_task.rung() => due = true,
                // Now and then it speaks unasked.
                () = tokio::time::sleep(Duration::from_millis(1)) => due = true,
            }
        }
        task.send(Message::text("the end")).await.unwrap();
        said
    });
    let reading = tokio::spawn(async move {
        let mut fan = WebSocketStream::from_raw_socket(far, Role::Client, None).await;
        let (mut last, mut of_many, mut of_task) = (0, 0, 0);
        loop {
            let text = match fan.next().await.unwrap().unwrap() {
                Message::Text(text) => text,
                Message::Ping(_) => continue,
                other => panic!("{other:?}"),
            };
            if text.as_str() == "the end" {
                return (of_many, of_task);
            }
            let (number, rest) = text.split_once(' ').unwrap();
            let number: u64 = number.parse().unwrap();
            assert!(number >= last, "{number} after {last}");
            last = number;
            match rest.len() {
                300 if rest.bytes().all(|byte| byte == b't') => of_task += 1,
                200 if rest.bytes().all(|byte| byte == b'm') => of_many += 1,
                _ => panic!("{text}"),
            }
        }
    });
    while wire.tally.traffic()[1] < OF_MANY {
        let number = news.fetch_add(1, Ordering::AcqRel) + 1;
        match wire.turn() {
            Some(turn) => {
                let bytes = frame(&format!("{number} {}", "m".repeat(200)));
                wire.tell(turn, &Frame::new(&bytes), number.is_multiple_of(7), Instant::now());
                wire.heard();
            }
            None => wire.ring(),
        }
        tokio::task::yield_now().await;
    }
    is_over.store(true, Ordering::Release);
    wire.ring();
    let said = task.await.unwrap();
    let (of_many, of_task) = reading.await.unwrap();
    assert_eq!((of_many, of_task), (OF_MANY, said));
}

#[tokio::test]
async fn a_way_of_the_task_alone_is_nobody_elses() {
    let (near, mut far) = tokio::io::duplex(64);
    let wire = Wire::of_task(HEARTBEAT, Arc::default());
    wire.leave_floor();
    assert_eq!(wire.turn(), None);
    let mut way = Way::Own(Box::new(near));
    way.write_all(b"ciphered").await.unwrap();
    way.flush().await.unwrap();
    let mut read = [0; 8];
    far.read_exact(&mut read).await.unwrap();
    assert_eq!(&read, b"ciphered");
}

#[tokio::test]
async fn a_connection_that_broke_is_the_tasks_to_find() {
    let (wire, far) = pair(HEARTBEAT).await;
    let mut task = as_task(&wire).await;
    wire.leave_floor();
    drop(far);
    let bytes = frame("{}");
    // The first may still be taken by the kernel.
    for _ in 0..1000 {
        let Some(turn) = wire.turn() else { break };
        wire.tell(turn, &Frame::new(&bytes), false, Instant::now());
        if rang(&wire).await {
            break;
        }
        tokio::task::yield_now().await;
    }
    assert!(!matches!(task.next().await, Some(Ok(_))), "the task sees it");
}
