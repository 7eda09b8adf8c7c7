//! A mail server that keeps what it is given, and refuses what it is told to.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use origin_app::config::{Mail, MailServer, SmtpServer, SmtpTls};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};

use super::eventually;

/// A mail as it came over the wire.
#[derive(Clone, Debug)]
pub(crate) struct Received {
    pub(crate) to: String,
    pub(crate) raw: String,
}

#[derive(Default)]
struct State {
    received: Mutex<Vec<Received>>,
    /// What is said to the next recipients instead of yes. An empty text hangs up after the mail was taken.
    refusals: Mutex<VecDeque<&'static str>>,
}

pub(crate) struct MailSink {
    address: SocketAddr,
    state: Arc<State>,
}

impl MailSink {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::new(State::default());
        let kept = state.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let state = kept.clone();
                tokio::spawn(async move {
                    let _ = talk(stream, &state).await;
                });
            }
        });
        Self { address, state }
    }

    /// What the shop is told about it.
    pub(crate) fn settings(&self) -> Mail {
        let server = SmtpServer {
            host: self.address.ip().to_string(),
            port: self.address.port(),
            tls: SmtpTls::Never,
        };
        Mail { server: MailServer::Smtp(server), ..Mail::default() }
    }

    /// The same, as lines of a configuration.
    pub(crate) fn section(&self) -> String {
        format!("[mail]\nserver = \"smtp://{}\"\n", self.address)
    }

    pub(crate) fn refuse(&self, replies: &[&'static str]) {
        self.state.refusals.lock().unwrap().extend(replies);
    }

    pub(crate) fn all(&self) -> Vec<Received> {
        self.state.received.lock().unwrap().clone()
    }

    /// The mails to `address`, once there are `count`.
    pub(crate) async fn mails(&self, address: &str, count: usize) -> Vec<Received> {
        eventually(&format!("{count} mails to {address}"), async || {
            let mails: Vec<_> = self.all().into_iter().filter(|mail| mail.to == address).collect();
            (mails.len() >= count).then_some(mails)
        })
        .await
    }
}

impl Received {
    /// The value of a header, on one line.
    pub(crate) fn header(&self, name: &str) -> String {
        let head = self.raw.split("\r\n\r\n").next().unwrap().replace("\r\n ", " ");
        let found = head.lines().find_map(|line| line.strip_prefix(&format!("{name}: ")));
        found.unwrap_or_default().to_owned()
    }

    /// The text, of whatever coding.
    pub(crate) fn text(&self) -> String {
        let body = self.raw.split_once("\r\n\r\n").unwrap().1;
        match self.header("Content-Transfer-Encoding").as_str() {
            "quoted-printable" => unquoted(body),
            "base64" => unbased(body),
            _ => body.to_owned(),
        }
    }

    /// What stands behind `token=` in its link.
    pub(crate) fn token(&self) -> String {
        let text = self.text();
        let (_, rest) = text.split_once("token=").unwrap_or_else(|| panic!("no link in {text}"));
        rest.split_whitespace().next().unwrap().to_owned()
    }
}

fn unquoted(text: &str) -> String {
    let text = text.replace("=\r\n", "");
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        if *first == b'=' {
            let code = std::str::from_utf8(&after[..2]).unwrap();
            bytes.push(u8::from_str_radix(code, 16).unwrap());
            rest = &after[2..];
        } else {
            bytes.push(*first);
            rest = after;
        }
    }
    String::from_utf8(bytes).unwrap()
}

fn unbased(text: &str) -> String {
    let (mut bits, mut size, mut bytes) = (0_u32, 0, Vec::new());
    for byte in text.bytes() {
        let value = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => continue,
        };
        bits = bits << 6 | u32::from(value);
        size += 6;
        if size >= 8 {
            size -= 8;
            bytes.push((bits >> size) as u8);
            bits &= (1 << size) - 1;
        }
    }
    String::from_utf8(bytes).unwrap()
}

async fn talk(mut stream: TcpStream, state: &State) -> std::io::Result<()> {
    let (reader, mut writer) = stream.split();
    let mut lines = BufReader::new(reader).lines();
    let mut to = String::new();
    let mut hang_up = false;
    writer.write_all(b"220 sink\r\n").await?;
    while let Some(line) = lines.next_line().await? {
        let verb = line.get(..4).unwrap_or(&line).to_uppercase();
        let reply = match verb.as_str() {
            "EHLO" => "250-sink\r\n250-8BITMIME\r\n250 SMTPUTF8".to_owned(),
            "RCPT" => {
                to = line.split(['<', '>']).nth(1).unwrap_or_default().to_owned();
                match state.refusals.lock().unwrap().pop_front() {
                    Some("") => {
                        hang_up = true;
                        "250 ok".to_owned()
                    }
                    // Servers like to repeat whom they refuse.
                    Some(refusal) => format!("{refusal} <{to}>"),
                    None => "250 ok".to_owned(),
                }
            }
            "DATA" => {
                writer.write_all(b"354 go on\r\n").await?;
                let mut raw = String::new();
                while let Some(line) = lines.next_line().await? {
                    if line == "." {
                        break;
                    }
                    raw.push_str(line.strip_prefix('.').unwrap_or(&line));
                    raw.push_str("\r\n");
                }
                state.received.lock().unwrap().push(Received { to: to.clone(), raw });
                if hang_up {
                    return Ok(());
                }
                "250 taken".to_owned()
            }
            "QUIT" => {
                writer.write_all(b"221 bye\r\n").await?;
                return Ok(());
            }
            _ => "250 ok".to_owned(),
        };
        writer.write_all(format!("{reply}\r\n").as_bytes()).await?;
    }
    Ok(())
}
