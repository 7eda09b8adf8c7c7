# Rules as JSON: the form of the API, and the only one that the check without a registry knows.

locals {
  managed = ["AWSManagedRulesAmazonIpReputationList", "AWSManagedRulesKnownBadInputsRuleSet"]

  visibility = { for rule in concat(local.managed, ["rate"]) : rule => {
    CloudWatchMetricsEnabled = true
    SampledRequestsEnabled   = true
    MetricName               = "${var.name}-${rule}"
  } }

  rules = concat(
    [for index, group in local.managed : {
      Name             = group
      Priority         = index
      OverrideAction   = { None = {} }
      Statement        = { ManagedRuleGroupStatement = { VendorName = "AWS", Name = group } }
      VisibilityConfig = local.visibility[group]
    }],
    # Far beyond what a house or an office does, whose people share one address: they are not to be locked out. What a
    # script gains below this is the edge's to limit (joins_per_minute, work_bits).
    [{
      Name             = "rate"
      Priority         = length(local.managed)
      Action           = { Block = { CustomResponse = { ResponseCode = 429 } } }
      Statement        = { RateBasedStatement = { Limit = var.requests_per_address, EvaluationWindowSec = 300, AggregateKeyType = "IP" } }
      VisibilityConfig = local.visibility["rate"]
    }],
  )
}

resource "aws_wafv2_web_acl" "this" {
  # checkov:skip=CKV2_AWS_31:Its log would hold the addresses of fans and their cookies. Samples and metrics show what it blocks.
  # checkov:skip=CKV_AWS_192:Known bad inputs, Log4j among them, are in rule_json, which this check does not read.
  # checkov:skip=CKV_AWS_175:As above.
  region      = "us-east-1"
  name        = var.name
  description = "What does not reach the edge of ${var.name}"
  scope       = "CLOUDFRONT"
  rule_json   = jsonencode(local.rules)

  default_action {
    allow {}
  }

  visibility_config {
    cloudwatch_metrics_enabled = true
    sampled_requests_enabled   = true
    metric_name                = var.name
  }
}
