"""The services of version 2, which are those of v2beta1 too."""
