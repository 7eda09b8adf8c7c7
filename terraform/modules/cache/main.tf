# A Redis in three zones: a cluster, whose slots spread over shards, or one primary with its replicas. Nothing is ever thrown
# out of it: full memory means that it takes nothing more, which a line survives, and losing parts of it silently would not.

locals {
  family = { redis = "redis7", valkey = "valkey8" }
}

resource "aws_elasticache_subnet_group" "this" {
  name       = var.name
  subnet_ids = var.subnet_ids
}

resource "aws_elasticache_parameter_group" "this" {
  name        = "${var.name}-${local.family[var.engine]}"
  description = "${var.name}: throws nothing out"
  family      = local.family[var.engine]

  dynamic "parameter" {
    for_each = var.clustered ? [1] : []

    content {
      name  = "cluster-enabled"
      value = "yes"
    }
  }

  parameter {
    name  = "maxmemory-policy"
    value = "noeviction"
  }

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_cloudwatch_log_group" "this" {
  for_each = toset(["slow-log", "engine-log"])

  name              = "/${var.log_prefix}/${var.purpose}/${each.key}"
  retention_in_days = var.log_retention_days
  kms_key_id        = var.key_arn
}

resource "aws_elasticache_replication_group" "this" {
  # checkov:skip=CKV_AWS_31:It asks for TLS and a password; this check does not know auth_token_wo.
  replication_group_id = var.name
  description          = var.description
  engine               = var.engine
  engine_version       = var.engine_version
  parameter_group_name = aws_elasticache_parameter_group.this.name
  node_type            = var.node_type
  port                 = 6379

  cluster_mode               = var.clustered ? "enabled" : "disabled"
  num_node_groups            = var.clustered ? var.shards : null
  replicas_per_node_group    = var.clustered ? var.replicas : null
  num_cache_clusters         = var.clustered ? null : var.replicas + 1
  automatic_failover_enabled = true
  multi_az_enabled           = true

  subnet_group_name  = aws_elasticache_subnet_group.this.name
  security_group_ids = [var.security_group_id]

  at_rest_encryption_enabled = true
  kms_key_id                 = var.key_arn
  transit_encryption_enabled = true
  # Edge and shop speak TLS to it, and its certificate is of an authority that every system trusts.
  transit_encryption_mode = "required"
  # Asked of whoever comes, beside the security group. Written once and kept in no state; from then on the rotation changes it.
  auth_token_wo         = var.password
  auth_token_wo_version = 1

  snapshot_retention_limit   = var.snapshot_retention_days
  snapshot_window            = "03:00-04:00"
  maintenance_window         = "tue:04:30-tue:05:30"
  auto_minor_version_upgrade = true
  apply_immediately          = var.apply_immediately

  dynamic "log_delivery_configuration" {
    for_each = aws_cloudwatch_log_group.this

    content {
      destination_type = "cloudwatch-logs"
      destination      = log_delivery_configuration.value.name
      log_format       = "json"
      log_type         = log_delivery_configuration.key
    }
  }
}
