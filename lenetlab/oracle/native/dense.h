// The dense layers fc1, fc2, fc3 and the loss.
#pragma once

#include "layout.h"

// out[o] = bias[o] + Σ w[o][i] in[i], for OUT outputs of IN inputs; w is (OUT, IN).
template <int OUT, int IN>
INLINE void dense_forward(const float *w, const float *bias, const Vector *in, Vector *out) {
    constexpr int O = OUT % TILE == 0 ? TILE : OUT % 12 == 0 ? 12 : 10;
    static_assert(OUT % O == 0);
    for (int first = 0; first < OUT; first += O) {
        Vector s[O];
        unroll<O>([&](auto o) { s[o] = fill(bias[first + o]); });
        for (int i = 0; i < IN; ++i)
            unroll<O>([&](auto o) { s[o] += in[i] * w[(first + o) * IN + i]; });
        unroll<O>([&](auto o) { out[first + o] = s[o]; });
    }
}

// din[i] = Σ w[o][i] dout[o].
template <int OUT, int IN> INLINE void dense_inputs(const float *w, const Vector *dout, Vector *din) {
    constexpr int I = IN % TILE == 0 ? TILE : IN % 16 == 0 && TILE > 16 ? 16 : IN % 12 == 0 ? 12 : 8;
    static_assert(IN % I == 0);
    for (int first = 0; first < IN; first += I) {
        Vector s[I] = {};
        for (int o = 0; o < OUT; ++o)
            unroll<I>([&](auto i) { s[i] += dout[o] * w[o * IN + first + i]; });
        unroll<I>([&](auto i) { din[first + i] = s[i]; });
    }
}

// dw[o][i] += Σ over images of dout[o][image] · in[image][i]; the lanes are inputs, so `rows` holds
// them image by image, padded to STRIDE, and so is dw.
template <int OUT, int STRIDE>
INLINE void dense_weights(const Vector *dout, const float (*rows)[STRIDE], float (*dw)[STRIDE]) {
    constexpr int V = STRIDE / L % 4 == 0 ? 4 : STRIDE / L % 3 == 0 ? 3 : 2;  // vectors of inputs
    constexpr int O = OUT % (TILE / 4) == 0 ? TILE / 4 : 2;
    static_assert(STRIDE % (V * L) == 0 && OUT % O == 0);
    const float *d = reinterpret_cast<const float *>(dout);
    for (int i = 0; i < STRIDE; i += V * L)
        for (int first = 0; first < OUT; first += O) {
            Vector s[O][V];
            unroll<O>([&](auto o) {
                unroll<V>([&](auto v) { s[o][v] = load(&dw[first + o][i + v * L]); });
            });
            for (int n = 0; n < L; ++n) {
                Vector in[V];
                unroll<V>([&](auto v) { in[v] = load(&rows[n][i + v * L]); });
                unroll<O>([&](auto o) {
                    const Vector scale = fill(d[(first + o) * L + n]);
                    unroll<V>([&](auto v) { s[o][v] += scale * in[v]; });
                });
            }
            unroll<O>([&](auto o) {
                unroll<V>([&](auto v) { store(&dw[first + o][i + v * L], s[o][v]); });
            });
        }
}

INLINE void tanh_of(Vector *h, int n) {
    for (int k = 0; k < n; ++k) h[k] = tanh(h[k]);
}

// d ← d · tanh′, from the tanh itself.
INLINE void through_tanh(Vector *d, const Vector *h, int n) {
    for (int k = 0; k < n; ++k) d[k] *= 1.f - h[k] * h[k];
}

inline void dense_forward(const Weights &weights, Block &b) {
    const float *w = weights.w;
    dense_forward<120, 256>(w + FC1_W, w + FC1_B, &b.a2[0][0], b.h1);
    tanh_of(b.h1, 120);
    dense_forward<84, 120>(w + FC2_W, w + FC2_B, b.h1, b.h2);
    tanh_of(b.h2, 84);
    dense_forward<10, 84>(w + FC3_W, w + FC3_B, b.h2, b.z);
}

// Softmax into b.p; the cross-entropy of every lane.
inline void cross_entropy(Block &b, const int *labels, double (&losses)[L]) {
    Vector top = b.z[0];
    for (int k = 1; k < 10; ++k) top = select(b.z[k] > top, b.z[k], top);
    Vector total{};
    for (int k = 0; k < 10; ++k) total += b.p[k] = exp(b.z[k] - top);
    for (int k = 0; k < 10; ++k) b.p[k] /= total;
    for (int n = 0; n < L; ++n)
        losses[n] = __builtin_log(double(total[n])) - (double(b.z[labels[n]][n]) - double(top[n]));
}

// From the softmax to the gradients of the dense layers' outputs, their parameters, and conv2's
// outputs. Lanes from `count` on hold no example.
inline void dense_gradient(const Weights &weights, Block &b, const int *labels, int count, Gradient &g) {
    const float *w = weights.w;
    for (int n = 0; n < count; ++n) b.p[labels[n]][n] -= 1.f;
    for (int n = count; n < L; ++n)
        for (int k = 0; k < 10; ++k) b.p[k][n] = 0;
    dense_inputs<10, 84>(w + FC3_W, b.p, b.dh2);
    through_tanh(b.dh2, b.h2, 84);
    dense_inputs<84, 120>(w + FC2_W, b.dh2, b.dh1);
    through_tanh(b.dh1, b.h1, 120);
    dense_inputs<120, 256>(w + FC1_W, b.dh1, &b.da2[0][0]);
    through_tanh(&b.da2[0][0], &b.a2[0][0], 256);

    to_rows<256>(&b.a2[0][0], b.a2_rows);
    to_rows<120>(b.h1, b.h1_rows);
    to_rows<84>(b.h2, b.h2_rows);
    dense_weights<120>(b.dh1, b.a2_rows, g.fc1);
    dense_weights<84>(b.dh2, b.h1_rows, g.fc2);
    dense_weights<10>(b.p, b.h2_rows, g.fc3);
    for (int k = 0; k < 120; ++k) g.fc1_b[k] += sum(b.dh1[k]);
    for (int k = 0; k < 84; ++k) g.fc2_b[k] += sum(b.dh2[k]);
    for (int k = 0; k < 10; ++k) g.fc3_b[k] += sum(b.p[k]);
}
