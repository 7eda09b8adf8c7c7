# Varnish as the cache in front of the edge, for Varnish 6.6 and later (`varnishd -f varnish.vcl -a :80`). The tests of
# the edge run exactly this file. TLS ends before Varnish, for example at hitch: docs/cdn.md.
# Three things are yours: the address of the edge, the secret, and TLS.
vcl 4.1;

backend edge {
    .host = "127.0.0.1";
    .port = "8080";
    .connect_timeout = 2s;
    # Longer than the edge waits for the shop (read_timeout in edge.toml), so that the edge's own page is what fans see.
    .first_byte_timeout = 65s;
    .between_bytes_timeout = 65s;
}

sub vcl_recv {
    # What the edge knows Varnish by: secret_header and STANCHION_CDN_SECRET.
    set req.http.X-Edge-Secret = "change-me-to-a-long-random-value";

    # The client's address needs no line here: Varnish has put it at the end of X-Forwarded-For, and the edge reads from
    # there. Other headers in which an address could be claimed are worth nothing to the edge.

    # Live positions, and WebSockets of the shop.
    if (req.http.Upgrade ~ "(?i)^websocket$") {
        return (pipe);
    }
    if (req.method != "GET" && req.method != "HEAD") {
        return (pass);
    }
    if (req.http.Authorization) {
        return (pass);
    }
    # Cookies stay in the request, for the edge lets fans in by them, and nothing is kept by cookie: whether an answer
    # may be kept is said by its own headers. (The built-in VCL would keep nothing for anyone who has a cookie.)
    return (hash);
}

sub vcl_pipe {
    # What comes after a request that is piped does not go through vcl_recv. The edge closes the connection when it
    # refuses an upgrade, so nothing does.
    set bereq.http.Upgrade = req.http.Upgrade;
    set bereq.http.Connection = "Upgrade";
    return (pipe);
}

sub vcl_backend_fetch {
    # Event streams of the shop are silent for long (stream_timeout in edge.toml).
    if (bereq.http.Accept ~ "text/event-stream") {
        set bereq.first_byte_timeout = 305s;
        set bereq.between_bytes_timeout = 305s;
    }
}

sub vcl_backend_response {
    # Kept is what says so, and no longer than it says. The default of Varnish is two minutes for what says nothing, and
    # ten seconds beyond its time for everything.
    if (!beresp.http.Cache-Control && !beresp.http.Expires) {
        set beresp.ttl = 0s;
    }
    if (beresp.http.Cache-Control !~ "(?i)stale-while-revalidate") {
        set beresp.grace = 0s;
    }
    # The rest is the built-in VCL's: `private`, `no-store`, `no-cache`, `Surrogate-Control: no-store`, `Vary: *` and
    # answers with a cookie are not kept, and requests for such a page no longer wait for one another for two minutes.
}
