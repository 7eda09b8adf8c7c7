# How many tasks a service has: between two numbers, by processor, by sockets, and by the clock, for an on-sale comes
# faster than any of the former notices.

locals {
  # What the schedule has set, if an on-sale is under way: to apply something then takes no proxy away.
  min_now = max(concat([var.min], [
    for sale in values(var.on_sales) : sale.min
    if timecmp(sale.from, plantimestamp()) <= 0 && timecmp(plantimestamp(), sale.to) < 0
  ])...)

  # AWS takes no schedule for what is over.
  to_begin = { for name, sale in var.on_sales : name => sale if timecmp(plantimestamp(), sale.from) < 0 }
  to_end   = { for name, sale in var.on_sales : name => sale if timecmp(plantimestamp(), sale.to) < 0 }
}

resource "aws_appautoscaling_target" "this" {
  service_namespace  = "ecs"
  scalable_dimension = "ecs:service:DesiredCount"
  resource_id        = "service/${var.cluster_name}/${var.service_name}"
  min_capacity       = local.min_now
  max_capacity       = max(local.min_now, var.max)
}

resource "aws_appautoscaling_policy" "cpu" {
  name               = "${var.service_name}-cpu"
  policy_type        = "TargetTrackingScaling"
  service_namespace  = aws_appautoscaling_target.this.service_namespace
  scalable_dimension = aws_appautoscaling_target.this.scalable_dimension
  resource_id        = aws_appautoscaling_target.this.resource_id

  target_tracking_scaling_policy_configuration {
    target_value       = var.cpu_percent
    scale_out_cooldown = 30
    scale_in_cooldown  = 600

    predefined_metric_specification {
      predefined_metric_type = "ECSServiceAverageCPUUtilization"
    }
  }
}

# Sockets of one proxy on average. Fewer proxies again only long after: who waits at one that goes has to connect anew.
resource "aws_appautoscaling_policy" "sockets" {
  count = var.sockets == null ? 0 : 1

  name               = "${var.service_name}-sockets"
  policy_type        = "TargetTrackingScaling"
  service_namespace  = aws_appautoscaling_target.this.service_namespace
  scalable_dimension = aws_appautoscaling_target.this.scalable_dimension
  resource_id        = aws_appautoscaling_target.this.resource_id

  target_tracking_scaling_policy_configuration {
    target_value       = var.sockets.target
    scale_out_cooldown = 30
    scale_in_cooldown  = 900

    customized_metric_specification {
      namespace   = var.sockets.namespace
      metric_name = "stanchion_websockets"
      statistic   = "Average"
      unit        = "None"

      dimensions {
        name  = "service"
        value = "edge"
      }
    }
  }
}

resource "aws_appautoscaling_scheduled_action" "from" {
  for_each = local.to_begin

  name               = "${var.service_name}-${each.key}-from"
  service_namespace  = aws_appautoscaling_target.this.service_namespace
  scalable_dimension = aws_appautoscaling_target.this.scalable_dimension
  resource_id        = aws_appautoscaling_target.this.resource_id
  schedule           = "at(${trimsuffix(each.value.from, "Z")})"
  timezone           = "UTC"

  scalable_target_action {
    min_capacity = each.value.min
    max_capacity = max(each.value.min, var.max)
  }
}

resource "aws_appautoscaling_scheduled_action" "to" {
  for_each = local.to_end

  name               = "${var.service_name}-${each.key}-to"
  service_namespace  = aws_appautoscaling_target.this.service_namespace
  scalable_dimension = aws_appautoscaling_target.this.scalable_dimension
  resource_id        = aws_appautoscaling_target.this.resource_id
  schedule           = "at(${trimsuffix(each.value.to, "Z")})"
  timezone           = "UTC"

  scalable_target_action {
    min_capacity = var.min
    max_capacity = var.max
  }
}
