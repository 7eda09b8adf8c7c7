terraform {
  required_version = ">= 1.11"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 6.69"
    }
  }

  # terraform/deploy makes the bucket and names it.
  backend "s3" {
    key          = "stanchion/production/terraform.tfstate"
    encrypt      = true
    use_lockfile = true
  }
}
