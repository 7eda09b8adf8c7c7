# What production is, told without an account: the provider answers as ../../tests/mocks says.

mock_provider "aws" {
  source          = "../../tests/mocks"
  override_during = plan
}

# Mocked certificates have no proofs to tell.
override_module {
  target = module.stanchion.module.certificates
  outputs = {
    viewers_arn = "arn:aws:acm:us-east-1:111122223333:certificate/11111111-2222-3333-4444-555555555555"
    edge_arn    = "arn:aws:acm:eu-central-1:111122223333:certificate/11111111-2222-3333-4444-555555555555"
    shop_arn    = "arn:aws:acm:eu-central-1:111122223333:certificate/11111111-2222-3333-4444-555555555555"
    edge_name   = "edge.tickets.example.com"
    shop_name   = "shop.tickets.example.com"
  }
}

variables {
  account_id         = "111122223333"
  region             = "eu-central-1"
  availability_zones = ["eu-central-1a", "eu-central-1b", "eu-central-1c"]
  domain             = "tickets.example.com"
  zone_id            = "Z0123456789ABCDEFGHIJ"
  image_tag          = "0123abc"
  first_secrets = {
    line_keys       = "a:MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=,b:MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="
    edge_keys       = "a:MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=,b:MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="
    cdn             = "first-of-many-letters,second-of-many-letters"
    admin_tokens    = "anna:admin:0123456789abcdef0123456789abcdef"
    organiser_token = "0123456789abcdef"
    database        = "0123456789abcdef"
    line            = "0123456789abcdef"
    inventory       = "0123456789abcdef"
  }
}

run "stands" {
  command = plan

  assert {
    condition     = var.deletion_protection
    error_message = "production has to refuse to be deleted"
  }

  assert {
    condition     = jsonencode(output.rooms.ids) == jsonencode(["on-sale"])
    error_message = "the alarms have to know the rooms of rooms.toml"
  }

  assert {
    condition     = jsonencode(slice(output.rooms.behaviors, 0, 2)) == jsonencode(["/.waiting-room/*/*", "/.waiting-room/*"])
    error_message = "tickets and status come before the facts, or they would be kept for all"
  }

  assert {
    condition     = alltrue([for path in ["/events/on-sale", "/events/on-sale/*", "/api/reservations", "/api/reservations/*"] : contains(output.rooms.behaviors, path)])
    error_message = "CloudFront keeps nothing on protected paths"
  }

  assert {
    condition     = strcontains(output.configuration.edge_toml, "url = \"rediss+cluster://line.mock.clustercfg.euc1.cache.amazonaws.com:6379\"")
    error_message = "the edge has to know its line"
  }

  assert {
    condition     = strcontains(output.configuration.edge_toml, "trusted_proxies = [\"10.20.0.0/24\",\"10.20.1.0/24\",\"10.20.2.0/24\"]")
    error_message = "the edge takes addresses from its balancer and nobody else"
  }

  assert {
    condition     = yamldecode(output.configuration.collector_yaml).receivers.prometheus.config.scrape_configs[0].static_configs[0].targets == ["127.0.0.1:8081"]
    error_message = "the collector asks the edge on its loopback address"
  }

  assert {
    condition     = alltrue([for node in ["stanchion-line-0001-001", "stanchion-line-0001-003", "stanchion-inventory-002"] : contains(keys(output.alarms), "${node}-memory")])
    error_message = "each node of Redis is watched: full, it takes nothing more"
  }

  assert {
    condition     = alltrue([for promise in ["p1", "p2", "p3", "p4", "p5", "p6", "p10"] : output.alarms["on-sale-${promise}-broken"].condition == "> 0"]) && contains(keys(output.alarms), "p9-broken")
    error_message = "each promise that a program can judge wakes somebody when it is broken"
  }

  assert {
    condition     = length(output.repositories) == 2 && length(output.nat_addresses) == 3
    error_message = "two images, and a way out in each zone"
  }
}

run "several_rooms" {
  command = plan

  variables {
    rooms_file = "../../tests/rooms.toml"
  }

  assert {
    condition     = jsonencode(output.rooms.ids) == jsonencode(["first", "second"])
    error_message = "every room counts, and what is commented out does not"
  }

  assert {
    condition     = jsonencode(output.rooms.protected_paths) == jsonencode(["/buy", "/buy/*", "/second/*"])
    error_message = "paths over several lines count, public paths do not: they may be kept"
  }
}

run "refuses_what_is_wrong" {
  command = plan

  variables {
    account_id = "1234"
    region     = "frankfurt"
  }

  expect_failures = [var.account_id, var.region]
}

run "refuses_zones_of_another_region" {
  command = plan

  variables {
    availability_zones = ["us-east-1a", "us-east-1b", "us-east-1c"]
  }

  expect_failures = [var.availability_zones]
}
