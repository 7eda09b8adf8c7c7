# Rotation. Lists of keys always hold one that nobody signs with yet: at each rotation it becomes the first, and a new one
# takes its place. So a program that was not started anew yet understands whatever the others sign (docs/tokens.md).

data "aws_caller_identity" "current" {}
data "aws_partition" "current" {}
data "aws_region" "current" {}

locals {
  account   = data.aws_caller_identity.current.account_id
  arn       = "arn:${data.aws_partition.current.partition}"
  place     = "${data.aws_region.current.region}:${local.account}"
  rotated   = ["line-keys", "edge-keys", "cdn", "database", "line", "inventory"]
  scheduled = var.rotate_line_keys ? local.rotated : [for secret in local.rotated : secret if secret != "line-keys"]
  function  = "${var.name}-rotate"
}

resource "aws_cloudwatch_log_group" "rotate" {
  name              = "/${var.name}/rotate"
  retention_in_days = var.log_retention_days
  kms_key_id        = var.key_arn
}

data "aws_iam_policy_document" "rotate_trust" {
  statement {
    actions = ["sts:AssumeRole"]

    principals {
      type        = "Service"
      identifiers = ["lambda.amazonaws.com"]
    }
  }
}

data "aws_iam_policy_document" "rotate" {
  # checkov:skip=CKV_AWS_356:cloudfront:ListDistributions and X-Ray know no resources.
  # checkov:skip=CKV_AWS_111:As above; what changes a distribution is tied to its tag.
  statement {
    sid       = "Logs"
    actions   = ["logs:CreateLogStream", "logs:PutLogEvents"]
    resources = ["${aws_cloudwatch_log_group.rotate.arn}:*"]
  }

  statement {
    sid = "Secrets"
    actions = [
      "secretsmanager:DescribeSecret", "secretsmanager:GetSecretValue",
      "secretsmanager:PutSecretValue", "secretsmanager:UpdateSecretVersionStage",
    ]
    resources = [for secret in local.rotated : aws_secretsmanager_secret.this[secret].arn]
  }

  statement {
    sid       = "SecretsKey"
    actions   = ["kms:Decrypt", "kms:GenerateDataKey"]
    resources = [var.key_arn]
  }

  statement {
    sid       = "Restart"
    actions   = ["ecs:UpdateService"]
    resources = ["${local.arn}:ecs:${local.place}:service/${var.name}/*"]
  }

  statement {
    sid       = "DatabasePassword"
    actions   = ["rds:DescribeDBClusters", "rds:ModifyDBCluster"]
    resources = ["${local.arn}:rds:${local.place}:cluster:${var.database_id}"]
  }

  statement {
    sid       = "CachePasswords"
    actions   = ["elasticache:DescribeReplicationGroups", "elasticache:ModifyReplicationGroup"]
    resources = values(var.cache_arns)
  }

  statement {
    sid       = "FindDistribution"
    actions   = ["cloudfront:ListDistributions"]
    resources = ["*"]
  }

  statement {
    sid       = "ChangeDistribution"
    actions   = ["cloudfront:GetDistribution", "cloudfront:GetDistributionConfig", "cloudfront:UpdateDistribution"]
    resources = ["${local.arn}:cloudfront::${local.account}:distribution/*"]

    condition {
      test     = "StringEquals"
      variable = "aws:ResourceTag/Name"
      values   = [var.name]
    }
  }

  statement {
    sid       = "NotTaken"
    actions   = ["sqs:SendMessage"]
    resources = [var.dead_letters_arn]
  }

  statement {
    sid       = "Traces"
    actions   = ["xray:PutTelemetryRecords", "xray:PutTraceSegments"]
    resources = ["*"]
  }
}

resource "aws_iam_role" "rotate" {
  name               = local.function
  assume_role_policy = data.aws_iam_policy_document.rotate_trust.json
}

resource "aws_iam_role_policy" "rotate" {
  name   = "rotate"
  role   = aws_iam_role.rotate.id
  policy = data.aws_iam_policy_document.rotate.json
}

resource "aws_lambda_function" "rotate" {
  # checkov:skip=CKV_AWS_117:It asks AWS only, and nothing in the network.
  # checkov:skip=CKV_AWS_272:Its code is one file of this repository, packed by terraform/deploy; there is no signer to trust besides who deploys.
  function_name    = local.function
  description      = "Rotates the secrets of ${var.name}, and starts those anew who have them"
  role             = aws_iam_role.rotate.arn
  runtime          = "python3.13"
  architectures    = ["arm64"]
  handler          = "rotate.handler"
  filename         = "${path.module}/rotate.zip"
  source_code_hash = filebase64sha256("${path.module}/rotate/rotate.py")
  kms_key_arn      = var.key_arn

  # Database, line and inventory take a minute or two to take a new password.
  timeout                        = 600
  memory_size                    = 256
  reserved_concurrent_executions = var.reserve_concurrency ? 1 : -1

  environment {
    variables = {
      NAME     = var.name
      DATABASE = var.database_id
      DOMAIN   = var.domain
      HEADER   = var.cdn_header
      RESTARTS = jsonencode({
        line-keys = ["edge"], edge-keys = ["shop", "edge"], cdn = ["edge"], database = ["shop"], line = ["edge"], inventory = ["shop"]
      })
    }
  }

  dead_letter_config {
    target_arn = var.dead_letters_arn
  }

  tracing_config {
    mode = "Active"
  }

  depends_on = [aws_cloudwatch_log_group.rotate, aws_iam_role_policy.rotate]
}

resource "aws_lambda_permission" "rotate" {
  function_name  = aws_lambda_function.rotate.function_name
  action         = "lambda:InvokeFunction"
  principal      = "secretsmanager.amazonaws.com"
  source_account = local.account
}

resource "aws_secretsmanager_secret_rotation" "this" {
  # checkov:skip=CKV_AWS_304:Once a month, by a schedule; this check reads only automatically_after_days.
  for_each = toset(local.scheduled)

  secret_id           = aws_secretsmanager_secret.this[each.key].id
  rotation_lambda_arn = aws_lambda_function.rotate.arn
  rotate_immediately  = false

  rotation_rules {
    schedule_expression = var.rotation_schedule
    duration            = "3h"
  }

  depends_on = [aws_lambda_permission.rotate, aws_secretsmanager_secret_version.first]
}
