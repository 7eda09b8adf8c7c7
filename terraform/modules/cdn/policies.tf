# What is kept and what is passed on: docs/cdn.md, word by word.

# Nothing is kept. Status, tickets, WebSockets, and every protected path.
data "aws_cloudfront_cache_policy" "nothing" {
  name = "Managed-CachingDisabled"
}

# Everything the fan sent, and who they are.
data "aws_cloudfront_origin_request_policy" "all" {
  name = "Managed-AllViewerAndCloudFrontHeaders-2022-06"
}

# A room's public facts: for a second, the same for all, and asked for once.
resource "aws_cloudfront_cache_policy" "facts" {
  name        = "${var.name}-facts"
  comment     = "A room's public facts: what the edge says, and a second at most"
  min_ttl     = 0
  default_ttl = 0
  max_ttl     = 1

  parameters_in_cache_key_and_forwarded_to_origin {
    cookies_config {
      cookie_behavior = "none"
    }

    headers_config {
      header_behavior = "none"
    }

    query_strings_config {
      query_string_behavior = "none"
    }
  }
}

# CloudFront asks once for all only where no cookies are passed on.
resource "aws_cloudfront_origin_request_policy" "facts" {
  name    = "${var.name}-facts"
  comment = "A room's public facts"

  cookies_config {
    cookie_behavior = "none"
  }

  headers_config {
    header_behavior = "whitelist"

    headers {
      items = ["Host", "CloudFront-Viewer-Address"]
    }
  }

  query_strings_config {
    query_string_behavior = "none"
  }
}

# Everything else: as the shop says, and nothing that says nothing.
resource "aws_cloudfront_cache_policy" "shop" {
  name        = "${var.name}-shop"
  comment     = "As the shop says; what says nothing is not kept"
  min_ttl     = 0
  default_ttl = 0
  max_ttl     = 31536000

  parameters_in_cache_key_and_forwarded_to_origin {
    enable_accept_encoding_brotli = true
    enable_accept_encoding_gzip   = true

    cookies_config {
      cookie_behavior = "none"
    }

    headers_config {
      header_behavior = length(var.aliases) > 0 ? "whitelist" : "none"

      dynamic "headers" {
        for_each = length(var.aliases) > 0 ? [1] : []

        content {
          items = ["Host"]
        }
      }
    }

    query_strings_config {
      query_string_behavior = "all"
    }
  }
}
