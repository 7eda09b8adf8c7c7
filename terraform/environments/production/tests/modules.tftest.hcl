# What each module refuses: every variable that can be wrong, wrong.

mock_provider "aws" {
  source          = "../../tests/mocks"
  override_during = plan
}

variables {
  name               = "stanchion"
  key_arn            = "arn:aws:kms:eu-central-1:111122223333:key/11111111-2222-3333-4444-555555555555"
  log_retention_days = 365
}

run "network" {
  command = plan

  module {
    source = "../../modules/network"
  }

  variables {
    cidr               = "10.0.0.0/24"
    availability_zones = ["a", "a", "b"]
    single_nat_gateway = true
  }

  expect_failures = [var.cidr, var.availability_zones]
}

run "network_is_private" {
  command = plan

  module {
    source = "../../modules/network"
  }

  variables {
    cidr               = "172.32.0.0/16"
    availability_zones = ["a", "b", "c"]
    single_nat_gateway = true
  }

  expect_failures = [var.cidr]
}

run "network_rows_do_not_meet" {
  command = plan

  module {
    source = "../../modules/network"
  }

  variables {
    cidr               = "10.20.0.0/18"
    availability_zones = ["a", "b", "c"]
    single_nat_gateway = false
  }

  assert {
    condition     = [for zone in ["a", "b", "c"] : aws_subnet.private[zone].cidr_block] == ["10.20.4.0/22", "10.20.8.0/22", "10.20.12.0/22"]
    error_message = "private subnets"
  }

  assert {
    condition     = [for zone in ["a", "b", "c"] : aws_subnet.data[zone].cidr_block] == ["10.20.2.0/26", "10.20.2.64/26", "10.20.2.128/26"]
    error_message = "data subnets"
  }

  assert {
    condition     = length(aws_nat_gateway.this) == 3 && length(aws_route.nat) == 3
    error_message = "each zone goes out by its own gateway"
  }
}

run "security" {
  command = plan

  module {
    source = "../../modules/security"
  }

  variables {
    vpc_id                      = "vpc-1"
    endpoints_security_group_id = "sg-1"
    s3_prefix_list_id           = "pl-1"
    shop_outside_ports          = [443, 22]
    edge_secret_arns            = []
    shop_secret_arns            = []
    repository_arns             = { edge = "e", shop = "s" }
    public_images_prefix        = "p"
    operator_sessions           = false
  }

  expect_failures = [var.shop_outside_ports]
}

run "cache" {
  command = plan

  module {
    source = "../../modules/cache"
  }

  variables {
    name                    = "Line--1"
    purpose                 = "session"
    clustered               = true
    description             = "x"
    engine                  = "valkey"
    engine_version          = "7.1"
    node_type               = "m5.large"
    shards                  = 0
    replicas                = 0
    subnet_ids              = []
    security_group_id       = "sg-1"
    snapshot_retention_days = 36
    password                = "with a blank and more"
    apply_immediately       = false
    log_prefix              = "x"
  }

  expect_failures = [
    var.name, var.purpose, var.engine_version, var.node_type, var.shards, var.replicas, var.snapshot_retention_days, var.password,
  ]
}

run "database" {
  command = plan

  module {
    source = "../../modules/database"
  }

  variables {
    engine_version        = "14.1"
    instance_class        = "r7g.large"
    serverless_capacity   = { min = 4, max = 2 }
    readers               = 15
    backup_retention_days = 0
    deletion_protection   = true
    final_snapshot        = true
    apply_immediately     = false
    password              = "x"
    subnet_ids            = []
    security_group_id     = "sg-1"
  }

  expect_failures = [
    var.engine_version, var.instance_class, var.serverless_capacity, var.readers, var.backup_retention_days,
  ]
}

run "secrets" {
  command = plan

  module {
    source = "../../modules/secrets"
  }

  variables {
    domain               = "tickets.example.com"
    cdn_header           = "X-Edge-Secret"
    database_id          = "stanchion"
    cache_arns           = { line = "arn:aws:elasticache:eu-central-1:111122223333:replicationgroup:mock" }
    rotation_schedule    = "cron(30 3 * * ? *)"
    rotate_line_keys     = false
    recovery_window_days = 3
    dead_letters_arn     = "arn:aws:sqs:eu-central-1:111122223333:mock"
    first_values = {
      line_keys       = "a:c2hvcnQ=,b:c2hvcnQ="
      edge_keys       = "a:MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="
      cdn             = "one-of-many-letters"
      admin_tokens    = "anna:root:0123456789abcdef0123456789abcdef"
      organiser_token = "short"
      database        = "with a blank and more"
      line            = "rediss://line.example:6379"
      inventory       = "rediss://:0123456789abcdef@inventory.example:6379"
    }
  }

  expect_failures = [var.rotation_schedule, var.recovery_window_days, var.first_values]
}

run "registry" {
  command = plan

  module {
    source = "../../modules/registry"
  }

  variables {
    images_kept         = 1
    deletion_protection = true
  }

  expect_failures = [var.images_kept]
}

run "queue" {
  command = plan

  module {
    source = "../../modules/queue"
  }

  variables {
    emails = ["nobody"]
  }

  expect_failures = [var.emails]
}

run "certificates" {
  command = plan

  module {
    source = "../../modules/certificates"
  }

  variables {
    zone_id = "example.com"
    domain  = "https://tickets.example.com"
    aliases = []
  }

  expect_failures = [var.zone_id, var.domain]
}

run "certificates_name_each_once" {
  command = plan

  module {
    source = "../../modules/certificates"
  }

  variables {
    zone_id = "Z0123456789ABCDEFGHIJ"
    domain  = "tickets.example.com"
    aliases = ["www.example.com", "www.example.com"]
  }

  expect_failures = [var.aliases]
}
