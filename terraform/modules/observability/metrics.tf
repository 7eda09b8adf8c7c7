# Which of the edge's metrics go to CloudWatch (docs/telemetry.md has all of them). Each series costs, so these are what
# alarms and dashboard need; who wants all of them scrapes with a Prometheus in the network.

locals {
  namespace = "Stanchion/${var.name}"

  # By the labels that tell series apart.
  metrics = {
    "service" = [
      "process_open_fds", "process_resident_memory_bytes", "stanchion_requests_in_flight", "stanchion_websockets",
    ]
    "service, room" = [
      "stanchion_room_active_sessions", "stanchion_room_active_sessions_limit", "stanchion_room_admissions_total",
      "stanchion_room_configured_drain_fans_per_second", "stanchion_room_drain_fans_per_second",
      "stanchion_room_joins_total", "stanchion_room_line_reachable", "stanchion_room_line_rebuilding",
      "stanchion_room_overtaken_fans", "stanchion_room_refused_tokens_total", "stanchion_room_waiting_fans",
    ]
    "service, room, promise" = ["stanchion_promise_violations_total"]
    "service, room, class"   = ["stanchion_responses_total"]
  }
}
