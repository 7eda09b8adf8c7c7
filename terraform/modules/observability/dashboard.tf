# One page: how the sale goes, and what it leans on.

data "aws_region" "current" {}

locals {
  # A row of plots; each is a title and its series [namespace, metric, dimension, value, …, { options }].
  rows = concat(
    [for room in var.rooms : [
      { title = "${room}: who waits, who is inside", series = [
        [local.namespace, "stanchion_room_waiting_fans", "service", "edge", "room", room, { stat = "Maximum" }],
        [local.namespace, "stanchion_room_active_sessions", "service", "edge", "room", room, { stat = "Maximum" }],
        [local.namespace, "stanchion_room_active_sessions_limit", "service", "edge", "room", room, { stat = "Maximum" }],
      ] },
      { title = "${room}: fans let in a second", series = [
        [local.namespace, "stanchion_room_configured_drain_fans_per_second", "service", "edge", "room", room, { stat = "Maximum" }],
        [local.namespace, "stanchion_room_drain_fans_per_second", "service", "edge", "room", room, { stat = "Maximum" }],
      ] },
      { title = "${room}: promises broken", series = [
        for promise in keys(local.runbooks) :
        [local.namespace, "stanchion_promise_violations_total", "service", "edge", "room", room, "promise", promise, { stat = "Sum" }]
      ] },
    ]],
    [
      [
        { title = "WebSockets of a proxy", series = [
          [local.namespace, "stanchion_websockets", "service", "edge", { stat = "Average", label = "on average" }],
          [local.namespace, "stanchion_websockets", "service", "edge", { stat = "Maximum", label = "most" }],
        ] },
        { title = "Proxies and shops: processor, %", series = [
          ["AWS/ECS", "CPUUtilization", "ClusterName", var.cluster_name, "ServiceName", "edge", { stat = "Average" }],
          ["AWS/ECS", "CPUUtilization", "ClusterName", var.cluster_name, "ServiceName", "shop", { stat = "Average" }],
        ] },
        { title = "Proxies and shops that are well", series = [
          ["AWS/NetworkELB", "HealthyHostCount", "LoadBalancer", var.edge_balancer, "TargetGroup", var.edge_target_group, { stat = "Minimum" }],
          ["AWS/ApplicationELB", "HealthyHostCount", "LoadBalancer", var.shop_balancer, "TargetGroup", var.shop_target_group, { stat = "Minimum" }],
        ] },
      ],
      [
        { title = "The shop's answers, seconds", series = [
          ["AWS/ApplicationELB", "TargetResponseTime", "LoadBalancer", var.shop_balancer, "TargetGroup", var.shop_target_group, { stat = "p50" }],
          ["AWS/ApplicationELB", "TargetResponseTime", "LoadBalancer", var.shop_balancer, "TargetGroup", var.shop_target_group, { stat = "p95" }],
        ] },
        { title = "Redis: one thread's work, %", series = [
          for node in flatten(values(var.caches)) :
          ["AWS/ElastiCache", "EngineCPUUtilization", "CacheClusterId", node, { stat = "Maximum" }]
        ] },
        { title = "Database: processor, %", series = [
          ["AWS/RDS", "CPUUtilization", "DBClusterIdentifier", var.database, "Role", "WRITER", { stat = "Average" }],
          ["AWS/RDS", "CPUUtilization", "DBClusterIdentifier", var.database, "Role", "READER", { stat = "Average" }],
        ] },
      ],
    ],
  )

  plots = flatten([for y, row in local.rows : [for x, plot in row : {
    type   = "metric"
    x      = x * 8
    y      = y * 6
    width  = 8
    height = 6
    properties = {
      title   = plot.title
      metrics = plot.series
      region  = data.aws_region.current.region
      period  = 60
      view    = "timeSeries"
    }
  }]])
}

resource "aws_cloudwatch_dashboard" "this" {
  dashboard_name = var.name
  dashboard_body = jsonencode({ widgets = local.plots })
}
