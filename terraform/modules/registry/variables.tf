variable "name" {
  description = "What repositories' names begin with."
  type        = string
}

variable "images_kept" {
  description = "How many images of each program are kept."
  type        = number
  default     = 20

  validation {
    condition     = var.images_kept >= 2 && var.images_kept <= 1000
    error_message = "images_kept has to be 2 to 1000: one runs, and one to go back to."
  }
}

variable "deletion_protection" {
  description = "Whether repositories with images refuse to be deleted."
  type        = bool
}

variable "key_arn" {
  description = "The key that images are encrypted with."
  type        = string
}
