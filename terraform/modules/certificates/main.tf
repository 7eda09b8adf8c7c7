# Three certificates: for fans (CloudFront takes it from us-east-1 only), for CloudFront (the balancer in front of the
# edge) and for the edge (the balancer in front of the shop).

locals {
  edge_name = "edge.${var.domain}"
  shop_name = "shop.${var.domain}"
  public    = concat([var.domain], var.aliases)
  all       = toset(concat(local.public, [local.edge_name, local.shop_name]))
}

resource "aws_acm_certificate" "viewers" {
  region                    = "us-east-1"
  domain_name               = var.domain
  subject_alternative_names = var.aliases
  validation_method         = "DNS"

  lifecycle {
    create_before_destroy = true
  }
}

# CloudFront passes the fan's `Host` on, and checks the certificate against that name or against the origin's.
resource "aws_acm_certificate" "edge" {
  domain_name               = local.edge_name
  subject_alternative_names = local.public
  validation_method         = "DNS"

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_acm_certificate" "shop" {
  domain_name       = local.shop_name
  validation_method = "DNS"

  lifecycle {
    create_before_destroy = true
  }
}

locals {
  # The proof for a name is the same in every region, so each is told once.
  proofs = concat(
    tolist(aws_acm_certificate.edge.domain_validation_options),
    tolist(aws_acm_certificate.shop.domain_validation_options),
  )
}

resource "aws_route53_record" "proof" {
  for_each = local.all

  zone_id = var.zone_id
  name    = [for proof in local.proofs : proof.resource_record_name if proof.domain_name == each.key][0]
  type    = [for proof in local.proofs : proof.resource_record_type if proof.domain_name == each.key][0]
  records = [[for proof in local.proofs : proof.resource_record_value if proof.domain_name == each.key][0]]
  ttl     = 300
}

resource "aws_acm_certificate_validation" "viewers" {
  region                  = "us-east-1"
  certificate_arn         = aws_acm_certificate.viewers.arn
  validation_record_fqdns = [for name in local.public : aws_route53_record.proof[name].fqdn]
}

resource "aws_acm_certificate_validation" "edge" {
  certificate_arn         = aws_acm_certificate.edge.arn
  validation_record_fqdns = [for name in concat(local.public, [local.edge_name]) : aws_route53_record.proof[name].fqdn]
}

resource "aws_acm_certificate_validation" "shop" {
  certificate_arn         = aws_acm_certificate.shop.arn
  validation_record_fqdns = [aws_route53_record.proof[local.shop_name].fqdn]
}
