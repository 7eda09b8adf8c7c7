# Two roles for each program: one with which ECS starts it (images, logs, its own secrets), one that it has itself.

data "aws_caller_identity" "current" {}
data "aws_partition" "current" {}
data "aws_region" "current" {}

locals {
  account = "${data.aws_region.current.region}:${data.aws_caller_identity.current.account_id}"
  logs    = "arn:${data.aws_partition.current.partition}:logs:${local.account}:log-group:/${var.name}"
  ecr     = "arn:${data.aws_partition.current.partition}:ecr:${local.account}:repository"

  programs = {
    edge = { secrets = var.edge_secret_arns }
    shop = { secrets = var.shop_secret_arns }
  }
}

data "aws_iam_policy_document" "trust" {
  statement {
    actions = ["sts:AssumeRole"]

    principals {
      type        = "Service"
      identifiers = ["ecs-tasks.amazonaws.com"]
    }

    condition {
      test     = "StringEquals"
      variable = "aws:SourceAccount"
      values   = [data.aws_caller_identity.current.account_id]
    }
  }
}

data "aws_iam_policy_document" "start" {
  # checkov:skip=CKV_AWS_356:ecr:GetAuthorizationToken knows no resources.
  for_each = local.programs

  statement {
    sid       = "Login"
    actions   = ["ecr:GetAuthorizationToken"]
    resources = ["*"]
  }

  statement {
    sid       = "Images"
    actions   = ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]
    resources = [var.repository_arns[each.key], "${local.ecr}/${var.public_images_prefix}/*"]
  }

  # The collector's image comes to ECR when it is asked for first.
  statement {
    sid       = "ImagesOfOthers"
    actions   = ["ecr:BatchImportUpstreamImage", "ecr:CreateRepository"]
    resources = ["${local.ecr}/${var.public_images_prefix}/*"]
  }

  statement {
    sid       = "Logs"
    actions   = ["logs:CreateLogStream", "logs:PutLogEvents"]
    resources = ["${local.logs}/${each.key}:*"]
  }

  statement {
    sid       = "Secrets"
    actions   = ["secretsmanager:GetSecretValue"]
    resources = each.value.secrets
  }

  statement {
    sid       = "SecretsKey"
    actions   = ["kms:Decrypt"]
    resources = [var.key_arn]
  }
}

resource "aws_iam_role" "start" {
  for_each = local.programs

  name               = "${var.name}-${each.key}-start"
  assume_role_policy = data.aws_iam_policy_document.trust.json
}

resource "aws_iam_role_policy" "start" {
  for_each = local.programs

  name   = "start"
  role   = aws_iam_role.start[each.key].id
  policy = data.aws_iam_policy_document.start[each.key].json
}

# The programs ask AWS for nothing. The collector beside each writes metrics, as lines of a log.
data "aws_iam_policy_document" "run" {
  # checkov:skip=CKV_AWS_356:The channels of sessions know no resources.
  # checkov:skip=CKV_AWS_111:As above.
  for_each = local.programs

  statement {
    sid       = "Metrics"
    actions   = ["logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"]
    resources = ["${local.logs}/metrics:*"]
  }

  dynamic "statement" {
    for_each = each.key == "edge" && var.operator_sessions ? [1] : []

    content {
      sid = "Sessions"
      actions = [
        "ssmmessages:CreateControlChannel", "ssmmessages:CreateDataChannel",
        "ssmmessages:OpenControlChannel", "ssmmessages:OpenDataChannel",
      ]
      resources = ["*"]
    }
  }
}

resource "aws_iam_role" "run" {
  for_each = local.programs

  name               = "${var.name}-${each.key}"
  assume_role_policy = data.aws_iam_policy_document.trust.json
}

resource "aws_iam_role_policy" "run" {
  for_each = local.programs

  name   = "run"
  role   = aws_iam_role.run[each.key].id
  policy = data.aws_iam_policy_document.run[each.key].json
}
