# What wakes somebody. The same conditions as config/alerts/stanchion.yml where CloudWatch knows as much; each alarm names
# what to do then.

locals {
  nodes  = merge([for purpose, nodes in var.caches : { for node in nodes : node => purpose }]...)
  alarms = merge(local.of_rooms, local.of_edges, local.of_shop, local.of_stores, local.of_alerts)

  # The promises that an edge can judge, and what to do when one is broken.
  runbooks = {
    P1 = "draw-disputed", P2 = "wrong-rate", P3 = "wrong-rate", P4 = "draw-disputed", P5 = "draw-disputed"
    P6 = "key-leaked", P10 = "draw-disputed"
  }

  # A place whose permits, order or truth is broken, for each room and promise that an edge can judge.
  of_rooms = merge(
    { for pair in setproduct(var.rooms, keys(local.runbooks)) : "${pair[0]}-${lower(pair[1])}-broken" => {
      description = "Promise ${pair[1]} is broken in room ${pair[0]}. docs/runbooks/${local.runbooks[pair[1]]}.md"
      metric      = "stanchion_promise_violations_total"
      dimensions  = { service = "edge", room = pair[0], promise = pair[1] }
      statistic   = "Sum", above = 0, minutes = 1, missing = "notBreaching"
    } },
    { for room in var.rooms : "${room}-store-down" => {
      description = "No edge reaches the line of room ${room}: nobody is let in. docs/runbooks/store-down.md"
      metric      = "stanchion_room_line_reachable"
      dimensions  = { service = "edge", room = room }
      statistic   = "Maximum", below = 1, minutes = 1, missing = "breaching"
    } },
    { for room in var.rooms : "${room}-rebuilding" => {
      description = "The line of room ${room} is still being put back together. docs/runbooks/store-down.md"
      metric      = "stanchion_room_line_rebuilding"
      dimensions  = { service = "edge", room = room }
      statistic   = "Minimum", above = 0, minutes = 3, missing = "notBreaching"
    } },
    { for room in var.rooms : "${room}-overtaken" => {
      description = "Fans in room ${room} wait though those behind them are let in. docs/runbooks/draw-disputed.md"
      metric      = "stanchion_room_overtaken_fans"
      dimensions  = { service = "edge", room = room }
      statistic   = "Minimum", above = 0, minutes = 3, missing = "notBreaching"
    } },
  )

  of_edges = {
    edges-away = {
      description = "Fewer proxies take connections than there should be. docs/runbooks/upgrade.md"
      namespace   = "AWS/NetworkELB", metric = "HealthyHostCount"
      dimensions  = { LoadBalancer = var.edge_balancer, TargetGroup = var.edge_target_group }
      statistic   = "Minimum", below = var.edge_tasks_min, minutes = 3, missing = "breaching"
    }
    edges-busy = {
      description = "The proxies work at four fifths of what they can. docs/runbooks/on-sale-day.md"
      namespace   = "AWS/ECS", metric = "CPUUtilization"
      dimensions  = { ClusterName = var.cluster_name, ServiceName = "edge" }
      statistic   = "Average", above = 80, minutes = 5, missing = "breaching"
    }
    edges-full = {
      description = "A proxy has used four fifths of the sockets that it may have. docs/runbooks/on-sale-day.md"
      metric      = "stanchion_websockets", dimensions = { service = "edge" }
      statistic   = "Maximum", above = floor(var.sockets_max * 0.8), minutes = 2, missing = "notBreaching"
    }
  }

  of_shop = {
    p9-broken = {
      description = "Promise P9 is broken: a seat was sold twice, or a charge has neither ticket nor refund. docs/runbooks/seat-sold-twice.md"
      metric      = "shop_promise_violations_total", dimensions = { service = "shop", promise = "P9" }
      statistic   = "Sum", above = 0, minutes = 1, missing = "notBreaching"
    }
    mails-dead = {
      description = "Mails of the shop were given up: fans were not told. `origin-app outbox list` has them (docs/shop.md)."
      metric      = "shop_outbox_dead_messages", dimensions = { service = "shop" }
      statistic   = "Maximum", above = 0, minutes = 1, missing = "notBreaching"
    }
    shop-fails = {
      description = "The shop answers with errors. docs/runbooks/origin-slow.md"
      namespace   = "AWS/ApplicationELB", metric = "HTTPCode_Target_5XX_Count"
      dimensions  = { LoadBalancer = var.shop_balancer, TargetGroup = var.shop_target_group }
      statistic   = "Sum", above = 50, minutes = 2, missing = "notBreaching"
    }
    shop-slow = {
      description = "One in twenty answers of the shop takes longer than 2 s to begin. docs/runbooks/origin-slow.md"
      namespace   = "AWS/ApplicationELB", metric = "TargetResponseTime"
      dimensions  = { LoadBalancer = var.shop_balancer, TargetGroup = var.shop_target_group }
      statistic   = "p95", above = 2, minutes = 3, missing = "notBreaching"
    }
    shop-gone = {
      description = "No shop is well: visitors read that it is away. docs/runbooks/origin-slow.md"
      namespace   = "AWS/ApplicationELB", metric = "HealthyHostCount"
      dimensions  = { LoadBalancer = var.shop_balancer, TargetGroup = var.shop_target_group }
      statistic   = "Maximum", below = 1, minutes = 1, missing = "breaching"
    }
  }

  of_stores = merge(
    { for node, purpose in local.nodes : "${node}-busy" => {
      description = "A node of the ${purpose} works at four fifths of what one thread can. docs/runbooks/store-down.md"
      namespace   = "AWS/ElastiCache", metric = "EngineCPUUtilization"
      dimensions  = { CacheClusterId = node }
      statistic   = "Maximum", above = 80, minutes = 3, missing = "breaching"
    } },
    # It throws nothing out: full is down.
    { for node, purpose in local.nodes : "${node}-memory" => {
      description = "The ${purpose} has used three quarters of its memory; full, it takes nothing more. docs/runbooks/store-down.md"
      namespace   = "AWS/ElastiCache", metric = "DatabaseMemoryUsagePercentage"
      dimensions  = { CacheClusterId = node }
      statistic   = "Maximum", above = 75, minutes = 3, missing = "breaching"
    } },
    {
      database-busy = {
        description = "The writer of the database works at four fifths of what it can. docs/runbooks/origin-slow.md"
        namespace   = "AWS/RDS", metric = "CPUUtilization"
        dimensions  = { DBClusterIdentifier = var.database, Role = "WRITER" }
        statistic   = "Average", above = 80, minutes = 5, missing = "breaching"
      }
      database-behind = {
        description = "A reader of the database is more than a second behind, and would take over late. docs/runbooks/origin-slow.md"
        namespace   = "AWS/RDS", metric = "AuroraReplicaLagMaximum"
        dimensions  = { DBClusterIdentifier = var.database }
        statistic   = "Maximum", above = 1000, minutes = 5, missing = "notBreaching"
      }
    },
  )

  of_alerts = {
    dead-letters = {
      description = "A rotation of a secret failed, or an alert that nobody took: look into the queue of dead letters. terraform/README.md"
      namespace   = "AWS/SQS", metric = "ApproximateNumberOfMessagesVisible"
      dimensions  = { QueueName = var.dead_letters }
      statistic   = "Maximum", above = 0, minutes = 1, missing = "notBreaching"
    }
  }
}

resource "aws_cloudwatch_metric_alarm" "this" {
  for_each = local.alarms

  alarm_name          = startswith(each.key, "${var.name}-") ? each.key : "${var.name}-${each.key}"
  alarm_description   = each.value.description
  namespace           = try(each.value.namespace, local.namespace)
  metric_name         = each.value.metric
  dimensions          = each.value.dimensions
  statistic           = startswith(each.value.statistic, "p") ? null : each.value.statistic
  extended_statistic  = startswith(each.value.statistic, "p") ? each.value.statistic : null
  comparison_operator = can(each.value.above) ? "GreaterThanThreshold" : "LessThanThreshold"
  threshold           = can(each.value.above) ? each.value.above : each.value.below
  period              = 60
  evaluation_periods  = each.value.minutes
  treat_missing_data  = each.value.missing
  alarm_actions       = [var.topic_arn]
  ok_actions          = [var.topic_arn]
}
