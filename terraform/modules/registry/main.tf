# Where images are. A tag is never given twice.

resource "aws_ecr_repository" "this" {
  for_each = toset(["edge", "shop"])

  name                 = "${var.name}/${each.key}"
  image_tag_mutability = "IMMUTABLE"
  force_delete         = !var.deletion_protection

  encryption_configuration {
    encryption_type = "KMS"
    kms_key         = var.key_arn
  }

  image_scanning_configuration {
    scan_on_push = true
  }
}

resource "aws_ecr_lifecycle_policy" "this" {
  for_each = aws_ecr_repository.this

  repository = each.value.name
  policy = jsonencode({
    rules = [
      {
        rulePriority = 1
        description  = "The last ${var.images_kept}"
        selection    = { tagStatus = "any", countType = "imageCountMoreThan", countNumber = var.images_kept }
        action       = { type = "expire" }
      },
    ]
  })
}

# The collector's image is fetched by ECR, so that tasks need no way to the internet.
resource "aws_ecr_pull_through_cache_rule" "public" {
  ecr_repository_prefix = "${var.name}/public"
  upstream_registry_url = "public.ecr.aws"
}
