"""Triton kernels of the GPU road, one operation a module; `reference.py` has each in plain PyTorch.

Kernels know tensors only. They compute in float32 whatever the tensors' type, and round when they store. Importing one
of these modules needs Triton; `available.py` says whether it can be had.
"""
