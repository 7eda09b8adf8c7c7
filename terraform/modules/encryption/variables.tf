variable "name" {
  description = "What every resource is named after; log groups begin with it."
  type        = string
}
