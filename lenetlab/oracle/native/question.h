// What Python asks, and how the pixels of a block are read.
#pragma once

#include <algorithm>

#include "layout.h"

// The matrix of a product: the loss's Hessian; the Gauss-Newton matrix, which for this loss is the Fisher
// matrix of labels drawn from the model; or the Fisher matrix of the labels themselves.
enum Curvature : int64_t { HESSIAN = 1, GAUSS_NEWTON = 2, FISHER = 3 };

// A question, as Python fills it in. Pointers to what is not asked for are null.
struct Question {
    const void *images;      // (n, 28, 28), bytes 0 … 255 or float32
    int64_t bytes;           // whether pixels are bytes
    const int64_t *labels;   // (n,)
    int64_t n;
    const int64_t *indices;  // (b,) examples of the batch; null for all n in their order
    int64_t b;
    const float *w;          // (44426,), or (points, 44426) where the loss is all that is asked
    int64_t points;
    int64_t threads;
    const float *uniform;    // (b,) in [0, 1): gradients are then of labels drawn by them, or null
    const float *direction;  // (44426,): `gradient` is then the product of `curvature` with it, or null
    int64_t curvature;       // which matrix, a `Curvature`

    double *loss;     // (points,) mean cross-entropy of the true labels
    float *gradient;  // (44426,), of the mean
    float *logits;    // (b, 10)
    float *norms;     // (b,) of each example's own gradient
    float *rows;      // (b, 44426), each example's own gradient
    // inputs of the layers, and gradients of each example's own loss by the layers' outputs
    float *x, *a1, *a2, *h1, *h2;          // (b, 28, 28), (b, 6, 12, 12), (b, 256), (b, 120), (b, 84)
    float *d_conv1, *d_conv2;              // (b, 6, 24, 24), (b, 16, 8, 8), zero where not written
    float *d_fc1, *d_fc2, *d_fc3;          // (b, 120), (b, 84), (b, 10)
};

// L images of the batch from `first` on, one per lane; lanes beyond the batch repeat the last one.
struct Examples {
    int count;
    int64_t index[L];
    int labels[L];

    Examples(const Question &q, int64_t first) : count(int(std::min<int64_t>(L, q.b - first))) {
        for (int n = 0; n < L; ++n) {
            const int64_t at = first + std::min(n, count - 1);
            index[n] = q.indices ? q.indices[at] : at;
            labels[n] = int(q.labels[index[n]]);
        }
    }
};

KERNEL inline void read_pixels(const float *images, const Examples &e, Block &b) {
    for (int i = 0; i < PIXELS; i += L) {
        Vector part[L];
        unroll<L>([&](auto n) { part[n] = load(images + e.index[n] * PIXELS + i); });
        transpose(part);
        unroll<L>([&](auto k) { (&b.x[0][0])[i + k] = part[k]; });
    }
}

// Four bytes side by side are turned as one number (little-endian) and taken apart afterwards.
KERNEL inline void read_pixels(const uint8_t *images, const Examples &e, Block &b) {
    for (int i = 0; i < PIXELS; i += 4 * L) {
        const int first = std::min(i, PIXELS - 4 * L);  // the last ones overlap those before
        Vector part[L];
        unroll<L>([&](auto n) { std::memcpy(&part[n], images + e.index[n] * PIXELS + first, sizeof part[n]); });
        transpose(part);
        unroll<L>([&](auto k) {
            unroll<4>([&](auto j) {
                const Integers pixel = (bits(part[k]) >> (8 * j)) & 255;
                (&b.x[0][0])[first + 4 * k + j] = __builtin_convertvector(pixel, Vector);
            });
        });
    }
}
