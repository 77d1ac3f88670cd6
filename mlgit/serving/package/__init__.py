"""A release as what others run: an image to build, a layout of it without a program, manifests for Kubernetes and KServe."""
