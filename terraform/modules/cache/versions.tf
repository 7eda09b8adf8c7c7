terraform {
  required_version = ">= 1.11"

  required_providers {
    aws = {
      source = "hashicorp/aws"
      # The first that is known to have auth_token_wo.
      version = ">= 6.69, < 7.0"
    }
  }
}
