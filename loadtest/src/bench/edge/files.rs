//! The configuration files of the servers side by side.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::Path;

use super::super::certificate::Certificate;

/// An answer of the edge's own, for others to give the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Own {
    pub(super) status: u16,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Vec<u8>,
}

/// Where a server listens: plainly, and with TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Listen {
    pub(super) plain: SocketAddr,
    pub(super) tls: SocketAddr,
}

/// `edge.toml`. One session asks for more here than any person would; that it is counted costs as much as ever.
pub(super) fn edge(listen: Listen, admin: SocketAddr, shop: SocketAddr, certificate: &Certificate) -> String {
    let Listen { plain, tls } = listen;
    let Certificate { certificate, key } = certificate;
    let (certificate, key) = (certificate.display(), key.display());
    format!(
        "admin_listen = \"{admin}\"\nthreads = 1\nshutdown_grace = \"1s\"\n\
         [store]\nkind = \"memory\"\n\
         [upstream]\naddress = \"{shop}\"\n\
         [limits]\nsession_requests_per_minute = 10000000\nsession_requests_burst = 1000000\n\
         [[listen]]\naddress = \"{plain}\"\n\
         [[listen]]\naddress = \"{tls}\"\ncertificate = \"{certificate}\"\nkey = \"{key}\"\n"
    )
}

/// `rooms.toml`: a room that lets everybody in, and one that is full after the first, so that nobody's turn comes.
pub(super) fn rooms() -> String {
    let room = |id: &str, active: u32| {
        format!(
            "[[room]]\nid = \"{id}\"\ntitle = \"The Long Evening\"\npaths = [\"/{id}\", \"/{id}/*\"]\n\
             mode = \"auto\"\ndrain_per_minute = 60000\nburst = 1000\nmax_active = {active}\nsession = \"1h\"\n"
        )
    };
    room("inside", 1_000_000) + &room("line", 1)
}

/// The ports of nginx.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct NginxListen {
    pub(super) quiet: Listen,
    /// Writes a line of log for each request.
    pub(super) logging: SocketAddr,
}

/// `nginx.conf`: passes on, and answers `/page` and `/refused` by itself with what the edge answers. The page is a file
/// that stays open; what is written in the configuration itself may be 4 KiB long.
pub(super) fn nginx(
    folder: &Path,
    listen: NginxListen,
    shop: SocketAddr,
    certificate: &Certificate,
    (page, refused): (&Own, &Own),
) -> String {
    let NginxListen { quiet, logging } = listen;
    let at = folder.display();
    let pass = "location / { proxy_pass http://shop; proxy_http_version 1.1; proxy_set_header Connection \"\"; \
                proxy_set_header Host $host; proxy_set_header X-Forwarded-For $remote_addr; }";
    let own = format!(
        "location = /page {{ root {at}; default_type text/html; {} }}\n\
         location = /refused {{ default_type application/problem+json; {} return {} '{}'; }}",
        add_headers(page),
        add_headers(refused),
        refused.status,
        String::from_utf8_lossy(&refused.body),
    );
    let Certificate { certificate, key } = certificate;
    format!(
        "daemon off; master_process off; pid {at}/nginx.pid; error_log {at}/nginx-errors.log;\n\
         events {{ worker_connections 4096; }}\n\
         http {{\n\
         access_log off; server_tokens off; keepalive_requests 100000000; client_body_temp_path {at}/body;\n\
         proxy_temp_path {at}/proxy; fastcgi_temp_path {at}/fastcgi; uwsgi_temp_path {at}/uwsgi; scgi_temp_path {at}/scgi;\n\
         tcp_nodelay on; sendfile off; output_buffers 1 64k; open_file_cache max=16 inactive=1h; open_file_cache_valid 1h;\n\
         upstream shop {{ server {shop}; keepalive 512; keepalive_requests 100000000; }}\n\
         server {{ listen {plain};\n{pass}\n{own}\n}}\n\
         server {{ listen {tls} ssl http2; ssl_certificate {certificate}; ssl_certificate_key {key}; \
         http2_max_requests 100000000;\n{pass}\n{own}\n}}\n\
         server {{ listen {logging}; access_log {at}/nginx-access.log combined buffer=64k flush=1s;\n{pass}\n}}\n\
         }}\n",
        plain = quiet.plain,
        tls = quiet.tls,
        certificate = certificate.display(),
        key = key.display(),
    )
}

/// What nginx does not add by itself.
fn add_headers(own: &Own) -> String {
    let by_itself = ["content-type", "content-length", "date", "connection", "server"];
    let mut lines = String::new();
    for (name, value) in own.headers.iter().filter(|(name, _)| !by_itself.contains(&name.as_str())) {
        let value = value.replace('\\', "\\\\").replace('"', "\\\"");
        let _ = write!(lines, "add_header {name} \"{value}\" always; ");
    }
    lines
}

/// `haproxy.cfg`.
pub(super) fn haproxy(listen: Listen, shop: SocketAddr, both: &Path) -> String {
    let Listen { plain, tls } = listen;
    format!(
        "global\n  nbthread 1\n  maxconn 8000\n\
         defaults\n  mode http\n  timeout connect 2s\n  timeout client 60s\n  timeout server 60s\n  option forwardfor\n\
         frontend edge\n  bind {plain}\n  bind {tls} ssl crt {} alpn h2,http/1.1\n  default_backend shop\n\
         backend shop\n  http-reuse always\n  server shop {shop}\n",
        both.display()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nginx_answers_with_the_headers_of_the_edge() {
        let header = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let own = Own {
            status: 429,
            headers: vec![header("date", "now"), header("link", "</x>; rel=\"ticket\"")],
            body: b"{}".to_vec(),
        };
        assert_eq!(add_headers(&own), "add_header link \"</x>; rel=\\\"ticket\\\"\" always; ");
    }
}
