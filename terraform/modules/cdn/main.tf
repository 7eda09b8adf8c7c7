# CloudFront in front of the edge. It shows a secret with each request, without which the edge answers nobody.

locals {
  methods = ["DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"]

  nothing = {
    cache   = data.aws_cloudfront_cache_policy.nothing.id
    request = data.aws_cloudfront_origin_request_policy.all.id
  }
  facts = {
    cache   = aws_cloudfront_cache_policy.facts.id
    request = aws_cloudfront_origin_request_policy.facts.id
  }

  # The first that fits counts.
  behaviors = concat(
    [merge(local.nothing, { path = "/.waiting-room/*/*" }), merge(local.facts, { path = "/.waiting-room/*" })],
    [for path in var.protected_paths : merge(local.nothing, { path = path })],
  )

  # CloudFront keeps these for ten seconds whatever their headers say, unless it is told not to: one fan's 503 is not
  # for all.
  errors = [400, 403, 404, 405, 414, 500, 501, 502, 503, 504]
}

resource "aws_cloudfront_distribution" "this" {
  # checkov:skip=CKV_AWS_86:Its log would hold the addresses of fans; the edge logs each request without them.
  # checkov:skip=CKV_AWS_305:The shop answers at /; there is no object.
  # checkov:skip=CKV_AWS_310:Another origin would have another line: its fans would wait twice. Three zones and several proxies stand behind this one.
  # checkov:skip=CKV_AWS_374:Fans come from anywhere.
  # checkov:skip=CKV2_AWS_32:The edge and the shop say their security headers themselves; the pages of the edge have a nonce, which no fixed policy could know.
  # checkov:skip=CKV2_AWS_47:The rules are in waf.tf as JSON, known bad inputs (Log4j) among them, which this check does not read.
  enabled             = true
  comment             = var.name
  aliases             = concat([var.domain], var.aliases)
  price_class         = var.price_class
  http_version        = "http2and3"
  is_ipv6_enabled     = true
  web_acl_id          = aws_wafv2_web_acl.this.arn
  wait_for_deployment = true

  origin {
    origin_id   = "edge"
    domain_name = var.origin_name

    custom_header {
      name  = var.secret_header
      value = var.secret
    }

    custom_origin_config {
      http_port              = 80
      https_port             = 443
      origin_protocol_policy = "https-only"
      origin_ssl_protocols   = ["TLSv1.2"]
      # Longer than the edge waits for the shop (50 s), and less than the edge keeps idle connections (60 s).
      origin_read_timeout      = 60
      origin_keepalive_timeout = 30
    }
  }

  default_cache_behavior {
    target_origin_id         = "edge"
    viewer_protocol_policy   = "redirect-to-https"
    allowed_methods          = local.methods
    cached_methods           = ["GET", "HEAD"]
    cache_policy_id          = aws_cloudfront_cache_policy.shop.id
    origin_request_policy_id = data.aws_cloudfront_origin_request_policy.all.id
    compress                 = true
  }

  dynamic "ordered_cache_behavior" {
    for_each = local.behaviors

    content {
      path_pattern             = ordered_cache_behavior.value.path
      target_origin_id         = "edge"
      viewer_protocol_policy   = "redirect-to-https"
      allowed_methods          = local.methods
      cached_methods           = ["GET", "HEAD"]
      cache_policy_id          = ordered_cache_behavior.value.cache
      origin_request_policy_id = ordered_cache_behavior.value.request
      compress                 = false # the edge does, and its pages are the fan's own
    }
  }

  dynamic "custom_error_response" {
    for_each = local.errors

    content {
      error_code            = custom_error_response.value
      error_caching_min_ttl = 0
    }
  }

  viewer_certificate {
    acm_certificate_arn      = var.certificate_arn
    minimum_protocol_version = "TLSv1.2_2021"
    ssl_support_method       = "sni-only"
  }

  restrictions {
    geo_restriction {
      restriction_type = "none"
    }
  }

  tags = { Name = var.name }
}

resource "aws_route53_record" "fans" {
  for_each = {
    for pair in setproduct(concat([var.domain], var.aliases), ["A", "AAAA"]) :
    "${pair[0]} ${pair[1]}" => { name = pair[0], type = pair[1] }
  }

  zone_id = var.zone_id
  name    = each.value.name
  type    = each.value.type

  alias {
    name                   = aws_cloudfront_distribution.this.domain_name
    zone_id                = aws_cloudfront_distribution.this.hosted_zone_id
    evaluate_target_health = false
  }
}

resource "aws_route53_record" "origin" {
  zone_id = var.zone_id
  name    = var.origin_name
  type    = "A"

  alias {
    name                   = var.balancer_dns_name
    zone_id                = var.balancer_zone_id
    evaluate_target_health = true
  }
}
