// Products with the curvature of the loss along a direction v, for one block of images.
//
// Forward over reverse (Pearlmutter, Fast Exact Multiplication by the Hessian, 1994). R{·} is the
// derivative along v; in a `Block` called r, every field holds the R of the same field of b. What a pool
// chose stays chosen: where it would change, nothing has a derivative.
//
//   R{W a + c} = W R{a} + V a + v_c          R{tanh s} = (1 − tanh² s) R{s}
//
// Gauss-Newton and Fisher products send C R{z} back through the layers in place of the loss's gradient,
// with C = diag(p) − p pᵀ or r rᵀ, r = p − one-hot. The Hessian's also has the derivatives of the way back:
//
//   R{Wᵀ d} = Wᵀ R{d} + Vᵀ d                 R{(1 − h²) u} = (1 − h²) R{u} − 2 h R{h} u
//   R{d aᵀ} = R{d} aᵀ + d R{a}ᵀ
#pragma once

#include "conv2.h"
#include "dense.h"

INLINE Each<1, Vector> one(Vector *of) { return {{of}}; }

// R{h} from R of what went into tanh.
INLINE void tangent_of_tanh(Vector *r, const Vector *h, int count) {
    for (int k = 0; k < count; ++k) r[k] *= 1.f - h[k] * h[k];
}

KERNEL inline void conv1_tangent(const Weights &direction, const Block &b, Block &r) {
    conv1_sums(direction, b, [&](int y, int x, int c, const Vector (&s)[4]) {
        const Vector a = b.a1[y][x][c];
        r.a1[y][x][c] = chosen(s, b.won1[y][x][c]) * (1.f - a * a);
    });
}

// `t.v` still holds the tiles of b.
KERNEL inline void conv2_tangent(const Weights &weights, const Weights &direction, const Block &b, Block &r,
                                 Scratch &t) {
    conv2_tiles(r.a1, t.tangent_v);
    const Product products[] = {{t.v, direction.conv2}, {t.tangent_v, weights.conv2}};
    conv2_sums(products, direction.w + CONV2_B, [&](int o, int window, const Vector (&y)[4]) {
        const Vector a = b.a2[o][window];
        r.a2[o][window] = chosen(y, b.won2[o][window]) * (1.f - a * a);
    });
}

// R{out} of a dense layer with weights at `weight`, biases at `bias`.
template <int OUT, int IN>
void dense_tangent(const Weights &weights, const Weights &direction, int weight, int bias, Vector *in,
                   Vector *r_in, Vector *r_out) {
    dense_forward<OUT, IN>(direction.w + weight, direction.w + bias, one(in), one(r_out));
    dense_forward_add<OUT, IN>(weights.w + weight, one(r_in), one(r_out));
}

// From b after its forward pass to R of all activations and scores.
inline void tangent(const Weights &weights, const Weights &direction, Block &b, Block &r, Scratch &t) {
    conv1_tangent(direction, b, r);
    conv2_tangent(weights, direction, b, r, t);
    dense_tangent<HIDDEN1, MAPS2>(weights, direction, FC1_W, FC1_B, &b.a2[0][0], &r.a2[0][0], r.h1);
    tangent_of_tanh(r.h1, b.h1, HIDDEN1);
    dense_tangent<HIDDEN2, HIDDEN1>(weights, direction, FC2_W, FC2_B, b.h1, r.h1, r.h2);
    tangent_of_tanh(r.h2, b.h2, HIDDEN2);
    dense_tangent<CLASSES, HIDDEN2>(weights, direction, FC3_W, FC3_B, b.h2, r.h2, r.z);
}

INLINE Vector along(const Vector (&p)[CLASSES], const Vector (&z)[CLASSES]) {
    Vector total{};
    for (int k = 0; k < CLASSES; ++k) total += p[k] * z[k];
    return total;
}

// R{softmax} = (diag(p) − p pᵀ) R{z}, while b.p is the softmax.
inline void softmax_tangent(const Block &b, Block &r) {
    const Vector mean = along(b.p, r.z);
    for (int k = 0; k < CLASSES; ++k) r.p[k] = b.p[k] * (r.z[k] - mean);
}

// r rᵀ R{z}, when b.p has become r = p − one-hot.
inline void fisher_tangent(const Block &b, Block &r) {
    const Vector slope = along(b.p, r.z);
    for (int k = 0; k < CLASSES; ++k) r.p[k] = b.p[k] * slope;
}

// R of the gradient before tanh; u and r_u are still those after it, and d = (1 − h²) u takes u's place.
INLINE void tangent_through_tanh(Vector *u, Vector *r_u, const Vector *h, const Vector *r_h, int count) {
    for (int k = 0; k < count; ++k) {
        const Vector slope = 1.f - h[k] * h[k];
        r_u[k] = slope * r_u[k] - 2.f * h[k] * r_h[k] * u[k];
        u[k] *= slope;
    }
}

// R of a dense layer's way back, from its outputs' (d, r_d) to its inputs' (u, r_u).
template <int OUT, int IN>
void dense_inputs_tangent(const Weights &weights, const Weights &direction, int weight, Vector *d, Vector *r_d,
                          Vector *u, Vector *r_u) {
    dense_inputs<OUT, IN>(weights.w + weight, one(d), one(u));
    dense_inputs<OUT, IN>(weights.w + weight, one(r_d), one(r_u));
    dense_inputs_add<OUT, IN>(direction.w + weight, one(d), one(r_u));
}

// R of the gradient of conv1's outputs, from those of conv2's; `t.da1` holds the gradient after tanh
// first, and R of the one before it in the end.
KERNEL inline void conv2_inputs_after_tanh(const Weights &weights, const Block &b, Scratch &t) {
    const Backward ways[] = {{b.da2, weights.conv2}};
    conv2_inputs(ways, b, t, [&](int y, int x, int c, Vector sum) { t.da1[y][x][c] = sum; });
}

KERNEL inline void conv2_inputs_tangent(const Weights &weights, const Weights &direction, const Block &b,
                                        const Block &r, Scratch &t) {
    const Backward ways[] = {{r.da2, weights.conv2}, {b.da2, direction.conv2}};
    conv2_inputs(ways, b, t, [&](int y, int x, int c, Vector sum) {
        const Vector a = b.a1[y][x][c], u = t.da1[y][x][c];
        t.da1[y][x][c] = (1.f - a * a) * sum - 2.f * a * r.a1[y][x][c] * u;
    });
}

// Adds the Hessian's product with v, from dz in b.p and R{dz} in r.p.
inline void hessian_product(const Weights &weights, const Weights &direction, Block &b, Block &r, Scratch &t,
                            Gradient &g) {
    dense_inputs_tangent<CLASSES, HIDDEN2>(weights, direction, FC3_W, b.p, r.p, b.dh2, r.dh2);
    tangent_through_tanh(b.dh2, r.dh2, b.h2, r.h2, HIDDEN2);
    dense_inputs_tangent<HIDDEN2, HIDDEN1>(weights, direction, FC2_W, b.dh2, r.dh2, b.dh1, r.dh1);
    tangent_through_tanh(b.dh1, r.dh1, b.h1, r.h1, HIDDEN1);
    dense_inputs_tangent<HIDDEN1, MAPS2>(weights, direction, FC1_W, b.dh1, r.dh1, &b.da2[0][0], &r.da2[0][0]);
    tangent_through_tanh(&b.da2[0][0], &r.da2[0][0], &b.a2[0][0], &r.a2[0][0], MAPS2);

    for (Block *of : {&b, &r}) {
        to_rows<MAPS2>(&of->a2[0][0], of->a2_rows);
        to_rows<HIDDEN1>(of->h1, of->h1_rows);
        to_rows<HIDDEN2>(of->h2, of->h2_rows);
    }
    dense_biases(r, g);
    dense_weights<HIDDEN1>(Each<2, Vector>{{r.dh1, b.dh1}}, Each<2, float[MAPS2]>{{b.a2_rows, r.a2_rows}}, g.fc1);
    dense_weights<HIDDEN2>(Each<2, Vector>{{r.dh2, b.dh2}}, Each<2, float[128]>{{b.h1_rows, r.h1_rows}}, g.fc2);
    dense_weights<CLASSES>(Each<2, Vector>{{r.p, b.p}}, Each<2, float[96]>{{b.h2_rows, r.h2_rows}}, g.fc3);

    conv2_biases(r.da2, g.conv2_b);
    conv2_weights(b.a1, r.da2, b, t, g);
    conv2_weights(r.a1, b.da2, b, t, g);
    conv2_inputs_after_tanh(weights, b, t);
    conv2_inputs_tangent(weights, direction, b, r, t);
    conv1_gradient(b, t, g);
}
