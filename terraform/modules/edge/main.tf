# The edge: proxies on Fargate behind a balancer that only CloudFront reaches.

data "aws_region" "current" {}

locals {
  edge_toml = templatefile("${path.module}/edge.toml.tftpl", {
    line_url         = var.line_url
    shop_address     = var.shop_address
    shop_name        = var.shop_name
    connections      = var.sockets_max * 2
    sockets          = var.sockets_max
    joins_per_minute = var.joins_per_minute
    joins_burst      = var.joins_burst
    balancer_cidrs   = var.public_cidrs
    secret_header    = var.cdn_header
  })

  container = {
    readonlyRootFilesystem = true
    essential              = true
    logConfiguration = {
      logDriver = "awslogs"
      options = {
        awslogs-group         = aws_cloudwatch_log_group.this.name
        awslogs-region        = data.aws_region.current.region
        awslogs-stream-prefix = "edge"
        mode                  = "non-blocking"
        max-buffer-size       = "8m"
      }
    }
  }

  # Sessions of operators (ECS Exec) write here, and the root of the file system is for reading only.
  session_volumes = var.operator_sessions ? { ssm-data = "/var/lib/amazon", ssm-logs = "/var/log/amazon" } : {}
  session_mounts  = [for volume, path in local.session_volumes : { sourceVolume = volume, containerPath = path, readOnly = false }]

  # Writes the two files that the edge reads, and ends.
  configure = merge(local.container, {
    name       = "configure"
    image      = var.image
    essential  = false
    user       = "0"
    entryPoint = ["/bin/sh", "-c"]
    command    = ["printf '%s' \"$EDGE_TOML\" > /etc/stanchion/edge.toml && printf '%s' \"$ROOMS_TOML\" > /etc/stanchion/rooms.toml"]
    environment = [
      { name = "EDGE_TOML", value = local.edge_toml },
      { name = "ROOMS_TOML", value = var.rooms_toml },
    ]
    mountPoints = [{ sourceVolume = "configuration", containerPath = "/etc/stanchion", readOnly = false }]
  })

  edge = merge(local.container, {
    name         = "edge"
    image        = var.image
    command      = ["--config", "/etc/stanchion/edge.toml", "--rooms", "/etc/stanchion/rooms.toml"]
    portMappings = [{ containerPort = 8080, protocol = "tcp" }]
    environment  = [{ name = "RUST_LOG", value = var.log_level }]
    secrets = [for variable, secret in {
      STANCHION_KEYS         = "line-keys"
      STANCHION_EDGE_KEYS    = "edge-keys"
      STANCHION_CDN_SECRET   = "cdn"
      STANCHION_ADMIN_TOKENS = "admin-tokens"
      STANCHION_STORE_URL    = "line"
    } : { name = variable, valueFrom = var.secret_arns[secret] }]
    mountPoints = concat([{ sourceVolume = "configuration", containerPath = "/etc/stanchion", readOnly = true }], local.session_mounts)
    dependsOn   = [{ containerName = "configure", condition = "SUCCESS" }]
    # Each fan who waits takes a descriptor, and each request that is passed on another one.
    ulimits         = [{ name = "nofile", softLimit = var.sockets_max * 4, hardLimit = var.sockets_max * 4 }]
    stopTimeout     = 120
    linuxParameters = { initProcessEnabled = true }
    # That it lives, not that it reaches the line: an edge without its line is worth more than one that is starting.
    healthCheck = {
      command     = ["CMD", "/usr/local/bin/healthy", "127.0.0.1:8081", "/healthz"]
      interval    = 10
      timeout     = 5
      retries     = 3
      startPeriod = 20
    }
  })
}

module "collector" {
  source = "../collector"

  service           = "edge"
  port              = 8081
  image             = var.collector_image
  container         = local.container
  mounts            = local.session_mounts
  namespace         = var.metrics_namespace
  metrics           = var.metrics
  metrics_log_group = var.metrics_log_group
}

resource "aws_cloudwatch_log_group" "this" {
  name              = "/${var.name}/edge"
  retention_in_days = var.log_retention_days
  kms_key_id        = var.key_arn
}

resource "aws_ecs_task_definition" "this" {
  family                   = "${var.name}-edge"
  requires_compatibilities = ["FARGATE"]
  network_mode             = "awsvpc"
  cpu                      = var.cpu
  memory                   = var.memory
  execution_role_arn       = var.start_role_arn
  task_role_arn            = var.run_role_arn
  container_definitions    = jsonencode([local.configure, local.edge, module.collector.container])

  runtime_platform {
    operating_system_family = "LINUX"
    cpu_architecture        = var.cpu_architecture
  }

  volume {
    name = "configuration"
  }

  dynamic "volume" {
    for_each = local.session_volumes

    content {
      name = volume.key
    }
  }

  lifecycle {
    precondition {
      condition     = length(local.edge_toml) + length(var.rooms_toml) + length(module.collector.configuration) < 49152
      error_message = "rooms.toml is too long for a task definition (64 KiB with all else). Take out its comments."
    }
  }
}

resource "aws_ecs_service" "this" {
  name            = "edge"
  cluster         = var.cluster_arn
  task_definition = aws_ecs_task_definition.this.arn
  launch_type     = "FARGATE"
  desired_count   = var.tasks_min

  # One after the other, and never fewer than there were: fans of one that goes spread over the others.
  deployment_minimum_healthy_percent = 100
  deployment_maximum_percent         = 150
  availability_zone_rebalancing      = "ENABLED"
  health_check_grace_period_seconds  = 30
  enable_execute_command             = var.operator_sessions
  propagate_tags                     = "SERVICE"

  deployment_circuit_breaker {
    enable   = true
    rollback = true
  }

  network_configuration {
    subnets          = var.private_subnet_ids
    security_groups  = [var.security_group_id]
    assign_public_ip = false
  }

  load_balancer {
    target_group_arn = aws_lb_target_group.this.arn
    container_name   = "edge"
    container_port   = 8080
  }

  lifecycle {
    ignore_changes = [desired_count] # the autoscaling's
  }

  depends_on = [aws_lb_listener.tls]
}
