# What staging is, told without an account: the provider answers as ../../tests/mocks says.

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
    edge_name   = "edge.staging.tickets.example.com"
    shop_name   = "shop.staging.tickets.example.com"
  }
}

variables {
  account_id         = "111122223333"
  region             = "eu-central-1"
  availability_zones = ["eu-central-1a", "eu-central-1b", "eu-central-1c"]
  domain             = "staging.tickets.example.com"
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
    condition     = !var.deletion_protection && length(output.nat_addresses) == 1
    error_message = "staging is deleted without asking back, and is small"
  }

  assert {
    condition     = strcontains(output.configuration.edge_toml, "sockets = 10000")
    error_message = "the edge has to know how many sockets it may have"
  }
}
