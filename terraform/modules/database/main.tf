# The shop's books: Aurora PostgreSQL, a writer and readers in other zones that take its place.

locals {
  is_serverless = var.instance_class == "db.serverless"
  major_version = split(".", var.engine_version)[0]
}

resource "aws_db_subnet_group" "this" {
  name       = var.name
  subnet_ids = var.subnet_ids
}

resource "aws_rds_cluster_parameter_group" "this" {
  name        = "${var.name}-${local.major_version}"
  description = "${var.name}: the shop's database"
  family      = "aurora-postgresql${local.major_version}"

  parameter {
    name  = "rds.force_ssl"
    value = "1"
  }

  parameter {
    name  = "log_statement"
    value = "ddl"
  }

  # Half a second is long for any of the shop's statements.
  parameter {
    name  = "log_min_duration_statement"
    value = "500"
  }

  # Statements in the log never show what stood in them, such as a fan's mail address.
  parameter {
    name  = "log_parameter_max_length"
    value = "0"
  }

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_cloudwatch_log_group" "this" {
  # checkov:skip=CKV_AWS_158:RDS writes to a group of a fixed name, before which no key of ours stands; it is encrypted with the key of CloudWatch.
  name              = "/aws/rds/cluster/${var.name}/postgresql"
  retention_in_days = var.log_retention_days
}

resource "aws_rds_cluster" "this" {
  # checkov:skip=CKV_AWS_162:The shop logs in with a password that is changed by itself; IAM asks for TLS.
  # checkov:skip=CKV2_AWS_27:Statements are logged where they are slow or change the schema; logging all would fill the log with fans' purchases.
  # checkov:skip=CKV_AWS_133:At least a day, by the validation of its variable, which this check does not follow.
  # checkov:skip=CKV2_AWS_8:Aurora keeps what it needs to go back to any second of the last days, and a last snapshot when it is deleted.
  # checkov:skip=CKV_AWS_139:On in production, which tests/production.tftest.hcl holds; staging is deleted without asking back.
  cluster_identifier = var.name
  engine             = "aurora-postgresql"
  engine_version     = var.engine_version
  database_name      = "stanchion"
  port               = 5432

  # The password is of the secret, and in no state. The secret's rotation changes it.
  master_username            = "stanchion"
  master_password_wo         = var.password
  master_password_wo_version = 1

  db_subnet_group_name            = aws_db_subnet_group.this.name
  vpc_security_group_ids          = [var.security_group_id]
  db_cluster_parameter_group_name = aws_rds_cluster_parameter_group.this.name

  storage_encrypted = true
  kms_key_id        = var.key_arn
  storage_type      = var.io_optimised ? "aurora-iopt1" : ""

  backup_retention_period      = var.backup_retention_days
  preferred_backup_window      = "02:00-03:00"
  preferred_maintenance_window = "wed:04:30-wed:05:30"
  copy_tags_to_snapshot        = true
  deletion_protection          = var.deletion_protection
  skip_final_snapshot          = !var.deletion_protection && !var.final_snapshot
  final_snapshot_identifier    = "${var.name}-last"
  apply_immediately            = var.apply_immediately

  enabled_cloudwatch_logs_exports = ["postgresql"]

  dynamic "serverlessv2_scaling_configuration" {
    for_each = local.is_serverless ? [1] : []

    content {
      min_capacity = var.serverless_capacity.min
      max_capacity = var.serverless_capacity.max
    }
  }

  depends_on = [aws_cloudwatch_log_group.this]
}

data "aws_iam_policy_document" "monitoring_trust" {
  statement {
    actions = ["sts:AssumeRole"]

    principals {
      type        = "Service"
      identifiers = ["monitoring.rds.amazonaws.com"]
    }
  }
}

data "aws_partition" "current" {}

resource "aws_iam_role" "monitoring" {
  name               = "${var.name}-monitoring"
  assume_role_policy = data.aws_iam_policy_document.monitoring_trust.json
}

resource "aws_iam_role_policy_attachment" "monitoring" {
  role       = aws_iam_role.monitoring.name
  policy_arn = "arn:${data.aws_partition.current.partition}:iam::aws:policy/service-role/AmazonRDSEnhancedMonitoringRole"
}

# The first begins as the writer. When it is lost, the next one takes over.
resource "aws_rds_cluster_instance" "this" {
  count = 1 + var.readers

  identifier         = "${var.name}-${count.index}"
  cluster_identifier = aws_rds_cluster.this.id
  engine             = aws_rds_cluster.this.engine
  engine_version     = aws_rds_cluster.this.engine_version
  instance_class     = var.instance_class
  promotion_tier     = count.index

  publicly_accessible             = false
  auto_minor_version_upgrade      = true
  performance_insights_enabled    = true
  performance_insights_kms_key_id = var.key_arn
  monitoring_interval             = 60
  monitoring_role_arn             = aws_iam_role.monitoring.arn
}
