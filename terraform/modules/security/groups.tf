# Who may talk to whom. A group has no rules but those below, so what is not here does not pass.
#
#   CloudFront ──443──▶ balancer ──8080──▶ edge ──443──▶ shop's balancer ──9090──▶ shop ──5432──▶ database
#                                            └──6379──▶ line                         └──6379──▶ inventory

# Only CloudFront opens connections to the balancer in front of the edge. (That it is our distribution and nobody else's
# is what the CDN's secret is for.)
data "aws_ec2_managed_prefix_list" "cloudfront" {
  name = "com.amazonaws.global.cloudfront.origin-facing"
}

locals {
  groups = {
    edge_balancer = "The balancer in front of the edge: asked by CloudFront"
    edge          = "The edge: asked by its balancer"
    shop_balancer = "The balancer in front of the shop: asked by the edge"
    shop          = "The shop: asked by its balancer"
    line          = "The line in Redis: asked by the edge"
    inventory     = "The inventory in Redis: asked by the shop"
    database      = "The database: asked by the shop"
  }

  # From the first to the second, on this port.
  ways = {
    balancer_to_edge  = { from = "edge_balancer", to = "edge", port = 8080 }
    edge_to_balancer  = { from = "edge", to = "shop_balancer", port = 443 }
    edge_to_line      = { from = "edge", to = "line", port = 6379 }
    balancer_to_shop  = { from = "shop_balancer", to = "shop", port = 9090 }
    shop_to_inventory = { from = "shop", to = "inventory", port = 6379 }
    shop_to_database  = { from = "shop", to = "database", port = 5432 }
  }
}

resource "aws_security_group" "this" {
  # checkov:skip=CKV2_AWS_5:Each is attached, in another module, where this check does not follow.
  for_each = local.groups

  name        = "${var.name}-${replace(each.key, "_", "-")}"
  description = each.value
  vpc_id      = var.vpc_id

  tags = { Name = "${var.name}-${replace(each.key, "_", "-")}" }
}

resource "aws_vpc_security_group_ingress_rule" "cloudfront" {
  security_group_id = aws_security_group.this["edge_balancer"].id
  description       = "From CloudFront"
  ip_protocol       = "tcp"
  from_port         = 443
  to_port           = 443
  prefix_list_id    = data.aws_ec2_managed_prefix_list.cloudfront.id
}

resource "aws_vpc_security_group_ingress_rule" "way" {
  for_each = local.ways

  security_group_id            = aws_security_group.this[each.value.to].id
  description                  = "From ${replace(each.value.from, "_", "-")}"
  ip_protocol                  = "tcp"
  from_port                    = each.value.port
  to_port                      = each.value.port
  referenced_security_group_id = aws_security_group.this[each.value.from].id
}

resource "aws_vpc_security_group_egress_rule" "way" {
  for_each = local.ways

  security_group_id            = aws_security_group.this[each.value.from].id
  description                  = "To ${replace(each.value.to, "_", "-")}"
  ip_protocol                  = "tcp"
  from_port                    = each.value.port
  to_port                      = each.value.port
  referenced_security_group_id = aws_security_group.this[each.value.to].id
}

# AWS itself, by the endpoints: images, logs, secrets.
resource "aws_vpc_security_group_egress_rule" "endpoints" {
  for_each = toset(["edge", "shop"])

  security_group_id            = aws_security_group.this[each.key].id
  description                  = "To the endpoints of AWS"
  ip_protocol                  = "tcp"
  from_port                    = 443
  to_port                      = 443
  referenced_security_group_id = var.endpoints_security_group_id
}

resource "aws_vpc_security_group_egress_rule" "s3" {
  for_each = toset(["edge", "shop"])

  security_group_id = aws_security_group.this[each.key].id
  description       = "To S3, where the layers of images are"
  ip_protocol       = "tcp"
  from_port         = 443
  to_port           = 443
  prefix_list_id    = var.s3_prefix_list_id
}

# The only way out to the world, and only for the shop: its payment provider and its mail server have no addresses of
# their own that stay the same.
resource "aws_vpc_security_group_egress_rule" "outside" {
  for_each = toset([for port in var.shop_outside_ports : tostring(port)])

  security_group_id = aws_security_group.this["shop"].id
  description       = "To the payment provider and the mail server"
  ip_protocol       = "tcp"
  from_port         = tonumber(each.key)
  to_port           = tonumber(each.key)
  cidr_ipv4         = "0.0.0.0/0"
}
