"""The GPU road of training: a forward and backward pass written by hand, over kernels and buffers that are reused."""
