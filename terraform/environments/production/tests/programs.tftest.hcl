# The same for the modules in front of the programs and around them, and what those are to be.

mock_provider "aws" {
  source          = "../../tests/mocks"
  override_during = plan
}

variables {
  name               = "stanchion"
  key_arn            = "arn:aws:kms:eu-central-1:111122223333:key/11111111-2222-3333-4444-555555555555"
  log_retention_days = 365
}

run "cdn" {
  command = plan

  module {
    source = "../../modules/cdn"
  }

  variables {
    domain               = "tickets.example.com"
    aliases              = []
    zone_id              = "Z0123456789ABCDEFGHIJ"
    certificate_arn      = "arn:aws:acm:us-east-1:111122223333:certificate/11111111-2222-3333-4444-555555555555"
    origin_name          = "edge.tickets.example.com"
    balancer_dns_name    = "mock.elb.eu-central-1.amazonaws.com"
    balancer_zone_id     = "Z0123456789ABCDEFGHIJ"
    secret_header        = "X-Forwarded-For"
    secret               = "x"
    protected_paths      = ["buy"]
    price_class          = "all"
    requests_per_address = 100
  }

  expect_failures = [var.secret_header, var.protected_paths, var.price_class, var.requests_per_address]
}

run "cdn_keeps_what_docs_say" {
  command = plan

  module {
    source = "../../modules/cdn"
  }

  variables {
    domain               = "tickets.example.com"
    aliases              = []
    zone_id              = "Z0123456789ABCDEFGHIJ"
    certificate_arn      = "arn:aws:acm:us-east-1:111122223333:certificate/11111111-2222-3333-4444-555555555555"
    origin_name          = "edge.tickets.example.com"
    balancer_dns_name    = "mock.elb.eu-central-1.amazonaws.com"
    balancer_zone_id     = "Z0123456789ABCDEFGHIJ"
    secret_header        = "X-Edge-Secret"
    secret               = "a-secret-of-many-letters"
    protected_paths      = ["/buy/*"]
    price_class          = "PriceClass_100"
    requests_per_address = 20000
  }

  assert {
    condition     = aws_cloudfront_cache_policy.facts.max_ttl == 1 && aws_cloudfront_cache_policy.facts.min_ttl == 0
    error_message = "facts are kept for a second"
  }

  assert {
    condition     = aws_cloudfront_cache_policy.shop.min_ttl == 0 && aws_cloudfront_cache_policy.shop.default_ttl == 0
    error_message = "what says nothing is not kept"
  }

  assert {
    condition     = toset([for error in aws_cloudfront_distribution.this.custom_error_response : error.error_code if error.error_caching_min_ttl == 0]) == toset([400, 403, 404, 405, 414, 500, 501, 502, 503, 504])
    error_message = "no error is kept"
  }

  assert {
    condition     = alltrue([for header in flatten([for origin in aws_cloudfront_distribution.this.origin : tolist(origin.custom_header)]) : header.name == "X-Edge-Secret"])
    error_message = "the secret goes with each request"
  }

  assert {
    condition     = [for rule in jsondecode(aws_wafv2_web_acl.this.rule_json) : rule.Priority] == [0, 1, 2]
    error_message = "rules of the WAF have an order"
  }
}

run "shop" {
  command = plan

  module {
    source = "../../modules/shop"
  }

  variables {
    cluster_arn                = "arn:aws:ecs:eu-central-1:111122223333:cluster/mock"
    image                      = "111122223333.dkr.ecr.eu-central-1.amazonaws.com/shop:latest"
    cpu                        = 1024
    memory                     = 1000
    cpu_architecture           = "RISCV"
    tasks_min                  = 21
    database_connections       = 1
    database_url               = "postgres://stanchion:password@db/stanchion"
    inventory_url              = "redis+cluster://inventory:6379"
    domain                     = "tickets.example.com"
    mail                       = { server = "http://mail.example.com", from = "nobody" }
    shop_toml_extra            = "seconds = 1"
    environment                = { STANCHION_STRIPE_KEY = "x" }
    extra_secrets              = { STANCHION_STRIPE_KEY = "x" }
    certificate_arn            = "arn:aws:acm:eu-central-1:111122223333:certificate/11111111-2222-3333-4444-555555555555"
    vpc_id                     = "vpc-1"
    private_subnet_ids         = []
    balancer_security_group_id = "sg-1"
    security_group_id          = "sg-2"
    start_role_arn             = "arn:aws:iam::111122223333:role/mock"
    run_role_arn               = "arn:aws:iam::111122223333:role/mock"
    collector_image            = "collector:v1"
    metrics_namespace          = "Stanchion/stanchion"
    metrics                    = {}
    metrics_log_group          = "/stanchion/metrics"
    secret_arns                = { edge-keys = "e", organiser-token = "o", database = "d", inventory = "i" }
    log_level                  = "info"
    deletion_protection        = false
  }

  expect_failures = [
    var.image, var.memory, var.cpu_architecture, var.tasks_min, var.database_connections, var.database_url, var.inventory_url,
    var.mail, var.shop_toml_extra, var.environment, var.extra_secrets,
  ]
}

run "autoscaling" {
  command = plan

  module {
    source = "../../modules/autoscaling"
  }

  variables {
    cluster_name = "stanchion"
    service_name = "edge"
    min          = 4
    max          = 3
    cpu_percent  = 99
    on_sales     = { "Big day" = { from = "2027-05-01T14:00:00Z", to = "2027-05-01T07:00:00Z", min = 0 } }
  }

  expect_failures = [var.max, var.cpu_percent, var.on_sales]
}

run "autoscaling_for_an_on_sale" {
  command = plan

  module {
    source = "../../modules/autoscaling"
  }

  variables {
    cluster_name = "stanchion"
    service_name = "edge"
    min          = 3
    max          = 60
    sockets      = { target = 18000, namespace = "Stanchion/stanchion" }
    on_sales = {
      over = { from = "2020-05-01T07:00:00Z", to = "2020-05-01T14:00:00Z", min = 9 }
      now  = { from = "2020-05-01T07:00:00Z", to = "2120-05-01T14:00:00Z", min = 12 }
      next = { from = "2121-05-01T07:00:00Z", to = "2121-05-01T14:00:00Z", min = 20 }
    }
  }

  assert {
    condition     = aws_appautoscaling_target.this.min_capacity == 12
    error_message = "to apply something during an on-sale takes no proxy away"
  }

  assert {
    condition     = aws_appautoscaling_scheduled_action.from["next"].schedule == "at(2121-05-01T07:00:00)"
    error_message = "the schedule is in the form of AWS, in UTC"
  }

  assert {
    condition     = jsonencode(keys(aws_appautoscaling_scheduled_action.from)) == jsonencode(["next"]) && jsonencode(keys(aws_appautoscaling_scheduled_action.to)) == jsonencode(["next", "now"])
    error_message = "AWS takes no schedule for what is over"
  }

  assert {
    condition     = aws_appautoscaling_policy.sockets[0].target_tracking_scaling_policy_configuration[0].target_value == 18000
    error_message = "sockets per proxy"
  }
}
