# The shop: containers on Fargate behind an internal balancer that only the edge reaches.

data "aws_region" "current" {}

locals {
  shop_toml = templatefile("${path.module}/shop.toml.tftpl", {
    database_connections = var.database_connections
    domain               = var.domain
    mail                 = var.mail
    inventory_url        = var.inventory_url
    extra                = var.shop_toml_extra
  })

  container = {
    readonlyRootFilesystem = true
    essential              = true
    logConfiguration = {
      logDriver = "awslogs"
      options = {
        awslogs-group         = aws_cloudwatch_log_group.this.name
        awslogs-region        = data.aws_region.current.region
        awslogs-stream-prefix = "shop"
        mode                  = "non-blocking"
        max-buffer-size       = "8m"
      }
    }
  }

  # Writes the file that the shop reads, and ends.
  configure = merge(local.container, {
    name        = "configure"
    image       = var.image
    essential   = false
    user        = "0"
    entryPoint  = ["/bin/sh", "-c"]
    command     = ["printf '%s' \"$SHOP_TOML\" > /etc/stanchion/shop.toml"]
    environment = [{ name = "SHOP_TOML", value = local.shop_toml }]
    mountPoints = [{ sourceVolume = "configuration", containerPath = "/etc/stanchion", readOnly = false }]
  })

  shop = merge(local.container, {
    name         = "shop"
    image        = var.image
    command      = ["--config", "/etc/stanchion/shop.toml"]
    portMappings = [{ containerPort = 9090, protocol = "tcp" }]
    environment = [for name, value in merge(var.environment, {
      RUST_LOG                = var.log_level
      STANCHION_SHOP_DATABASE = var.database_url
    }) : { name = name, value = value }]
    secrets = [for name, arn in merge(var.extra_secrets, {
      STANCHION_EDGE_KEYS       = var.secret_arns["edge-keys"]
      STANCHION_ORGANISER_TOKEN = var.secret_arns["organiser-token"]
      PGPASSWORD                = var.secret_arns["database"]
      STANCHION_SHOP_INVENTORY  = var.secret_arns["inventory"]
    }) : { name = name, valueFrom = arn }]
    mountPoints     = [{ sourceVolume = "configuration", containerPath = "/etc/stanchion", readOnly = true }]
    dependsOn       = [{ containerName = "configure", condition = "SUCCESS" }]
    stopTimeout     = 60
    linuxParameters = { initProcessEnabled = true }
    healthCheck = {
      command     = ["CMD", "/usr/local/bin/healthy", "127.0.0.1:9090", "/healthz"]
      interval    = 10
      timeout     = 5
      retries     = 3
      startPeriod = 60
    }
  })
}

module "collector" {
  source = "../collector"

  service           = "shop"
  port              = 9090
  image             = var.collector_image
  container         = local.container
  namespace         = var.metrics_namespace
  metrics           = var.metrics
  metrics_log_group = var.metrics_log_group
}

resource "aws_cloudwatch_log_group" "this" {
  name              = "/${var.name}/shop"
  retention_in_days = var.log_retention_days
  kms_key_id        = var.key_arn
}

resource "aws_ecs_task_definition" "this" {
  family                   = "${var.name}-shop"
  requires_compatibilities = ["FARGATE"]
  network_mode             = "awsvpc"
  cpu                      = var.cpu
  memory                   = var.memory
  execution_role_arn       = var.start_role_arn
  task_role_arn            = var.run_role_arn
  container_definitions    = jsonencode([local.configure, local.shop, module.collector.container])

  runtime_platform {
    operating_system_family = "LINUX"
    cpu_architecture        = var.cpu_architecture
  }

  volume {
    name = "configuration"
  }
}

resource "aws_ecs_service" "this" {
  name            = "shop"
  cluster         = var.cluster_arn
  task_definition = aws_ecs_task_definition.this.arn
  launch_type     = "FARGATE"
  desired_count   = var.tasks_min

  deployment_minimum_healthy_percent = 100
  deployment_maximum_percent         = 200
  availability_zone_rebalancing      = "ENABLED"
  health_check_grace_period_seconds  = 60
  enable_execute_command             = false
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
    container_name   = "shop"
    container_port   = 9090
  }

  lifecycle {
    ignore_changes = [desired_count] # the autoscaling's
  }

  depends_on = [aws_lb_listener.tls]
}
