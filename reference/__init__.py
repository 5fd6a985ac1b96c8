"""The course's own answers: convolutions, pooling, filters, arithmetic and networks, in plain NumPy.

This folder is course content. The grader loads it by path, calls `FUNCTIONS` by the names that a rubric
uses, and compares networks with `ARCHITECTURES`. To add an answer, write it in a module here and enter it
below; functions take and give NumPy arrays or plain numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from . import architectures, arithmetic, convolution, filters, lab1, mistakes, pooling
from .architectures import Architecture

__all__ = ["ARCHITECTURES", "FUNCTIONS"]

FUNCTIONS: Mapping[str, Callable[..., Any]] = {
    "conv2d": convolution.conv2d,
    "flipped_conv2d": convolution.flipped_conv2d,
    "zero_padding": convolution.zero_padding,
    "padding_of_columns": mistakes.padding_of_columns,
    "padding_of_rows": mistakes.padding_of_rows,
    "padding_after": mistakes.padding_after,
    "max_pool2d": pooling.max_pool2d,
    "average_pool2d": pooling.average_pool2d,
    "sobel_vertical": filters.sobel_vertical,
    "sobel_horizontal": filters.sobel_horizontal,
    "vertical_edges": filters.vertical_edges,
    "horizontal_edges": filters.horizontal_edges,
    "blob": filters.blob,
    "output_size": arithmetic.output_size,
    "output_units": arithmetic.output_units,
    "conv2d_parameters": arithmetic.conv2d_parameter_count,
    "linear_parameters": arithmetic.linear_parameter_count,
    "mlp_parameters": arithmetic.mlp_parameter_count,
    "sum_of_cubes": lab1.sum_of_cubes,
    "word_lengths": lab1.word_lengths,
    "all_same_length": lab1.all_same_length,
    "matrix_vector": lab1.matrix_vector,
    "brightened": lab1.brightened,
    "channel_maximum": lab1.channel_maximum,
    "colour_maximum": lab1.colour_maximum,
}

ARCHITECTURES: Mapping[str, Architecture] = {
    "small_net": architectures.SMALL_NET,
    "large_net": architectures.LARGE_NET,
    "mlp": architectures.MLP,
    "pigeon": architectures.PIGEON,
    "lenet5": architectures.LENET5,
    "residual_block": architectures.RESIDUAL_BLOCK,
    "plain_block": architectures.PLAIN_BLOCK,
    "alexnet_features": architectures.ALEXNET_FEATURES,
    "alexnet_classifier": architectures.ALEXNET_CLASSIFIER,
}
