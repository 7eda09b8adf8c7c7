# Which metrics of edge and shop go to CloudWatch (docs/telemetry.md has all of them). Each series costs, so these are what
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

  shop_metrics = {
    "service" = [
      "shop_database_up", "shop_outbox_dead_messages", "shop_outbox_oldest_message_age_seconds", "shop_requests_in_flight",
    ]
    "service, promise" = ["shop_promise_violations_total"]
    "service, outcome" = ["shop_holds_total", "shop_payments_total"]
  }
}

resource "aws_cloudwatch_log_group" "metrics" {
  # checkov:skip=CKV_AWS_338:CloudWatch keeps the metrics themselves for 15 months; these are the lines that they came in.
  name              = "/${var.name}/metrics"
  retention_in_days = 3
  kms_key_id        = var.key_arn
}
