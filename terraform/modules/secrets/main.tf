# Secrets, each by itself, so that a program is given only those that it needs. Their first values come from
# terraform/deploy and are in no state; from then on the rotation changes them, and Terraform looks away.

locals {
  descriptions = {
    line-keys       = "What tickets and admission tokens are signed with (STANCHION_KEYS)"
    edge-keys       = "What requests to the shop are signed with (STANCHION_EDGE_KEYS)"
    cdn             = "What CloudFront shows to the edge (STANCHION_CDN_SECRET)"
    admin-tokens    = "The tokens of operators (STANCHION_ADMIN_TOKENS)"
    organiser-token = "What may create events in the shop (STANCHION_ORGANISER_TOKEN)"
    database        = "The shop's password of its database (PGPASSWORD)"
    line            = "The URL of the line with its password (STANCHION_STORE_URL)"
    inventory       = "The URL of the inventory with its password (STANCHION_SHOP_INVENTORY)"
  }

  first_values = {
    line-keys       = var.first_values.line_keys
    edge-keys       = var.first_values.edge_keys
    cdn             = var.first_values.cdn
    admin-tokens    = var.first_values.admin_tokens
    organiser-token = var.first_values.organiser_token
    database        = var.first_values.database
    line            = var.first_values.line
    inventory       = var.first_values.inventory
  }
}

resource "aws_secretsmanager_secret" "this" {
  # checkov:skip=CKV2_AWS_57:rotate.tf rotates what programs share; tokens of people are changed by people.
  for_each = local.descriptions

  name                    = "${var.name}/${each.key}"
  description             = each.value
  kms_key_id              = var.key_arn
  recovery_window_in_days = var.recovery_window_days
}

resource "aws_secretsmanager_secret_version" "first" {
  for_each = local.descriptions

  secret_id                = aws_secretsmanager_secret.this[each.key].id
  secret_string_wo         = local.first_values[each.key]
  secret_string_wo_version = 1

  lifecycle {
    ignore_changes = [version_stages]
  }
}

# What CloudFront is to show: the first of the secrets. The edge takes all of them.
data "aws_secretsmanager_secret_version" "cdn" {
  secret_id = aws_secretsmanager_secret.this["cdn"].id

  depends_on = [aws_secretsmanager_secret_version.first]
}
