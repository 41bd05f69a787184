// The dense layers fc1, fc2, fc3 and the loss.
#pragma once

#include <type_traits>

#include "layout.h"

// One array of each of N blocks, and how to name it: each<N>(blocks, [](Block &b) { return b.h1; }).
template <int N, class T> struct Each {
    T *of[N];
};

template <int N, class Name> INLINE auto each(Block *blocks, Name name) {
    Each<N, std::remove_pointer_t<decltype(name(*blocks))>> found;
    unroll<N>([&](auto b) { found.of[b] = name(blocks[b]); });
    return found;
}

// As many of SIZE numbers at a time as fit N times into a tile and divide SIZE.
constexpr int at_a_time(int size, int n) {
    int most = TILE / n;
    while (size % most) --most;
    return most;
}

// out[o] = start(o, block) + Σ w[o][i] in[i], for OUT outputs of IN inputs; w is (OUT, IN).
template <int OUT, int IN, int N, class Start>
INLINE void dense_sums(const float *w, Each<N, Vector> in, Each<N, Vector> out, Start start) {
    constexpr int O = at_a_time(OUT, N);
    for (int first = 0; first < OUT; first += O) {
        Vector s[O][N];
        unroll<O>([&](auto o) { unroll<N>([&](auto b) { s[o][b] = start(first + o, b); }); });
        for (int i = 0; i < IN; ++i)
            unroll<O>([&](auto o) {
                const Vector factor = fill(w[(first + o) * IN + i]);
                unroll<N>([&](auto b) { s[o][b] += in.of[b][i] * factor; });
            });
        unroll<O>([&](auto o) { unroll<N>([&](auto b) { out.of[b][first + o] = s[o][b]; }); });
    }
}

template <int OUT, int IN, int N>
KERNEL void dense_forward(const float *w, const float *bias, Each<N, Vector> in, Each<N, Vector> out) {
    dense_sums<OUT, IN>(w, in, out, [&](int o, int) { return fill(bias[o]); });
}

// out[o] += Σ w[o][i] in[i].
template <int OUT, int IN, int N>
KERNEL void dense_forward_add(const float *w, Each<N, Vector> in, Each<N, Vector> out) {
    dense_sums<OUT, IN>(w, in, out, [&](int o, int b) { return out.of[b][o]; });
}

// din[i] = start(i, block) + Σ w[o][i] dout[o].
template <int OUT, int IN, int N, class Start>
INLINE void dense_input_sums(const float *w, Each<N, Vector> dout, Each<N, Vector> din, Start start) {
    constexpr int I = at_a_time(IN, N);
    for (int first = 0; first < IN; first += I) {
        Vector s[I][N];
        unroll<I>([&](auto i) { unroll<N>([&](auto b) { s[i][b] = start(first + i, b); }); });
        for (int o = 0; o < OUT; ++o)
            unroll<I>([&](auto i) {
                const Vector factor = fill(w[o * IN + first + i]);
                unroll<N>([&](auto b) { s[i][b] += dout.of[b][o] * factor; });
            });
        unroll<I>([&](auto i) { unroll<N>([&](auto b) { din.of[b][first + i] = s[i][b]; }); });
    }
}

template <int OUT, int IN, int N>
KERNEL void dense_inputs(const float *w, Each<N, Vector> dout, Each<N, Vector> din) {
    dense_input_sums<OUT, IN>(w, dout, din, [](int, int) { return Vector{}; });
}

template <int OUT, int IN, int N>
KERNEL void dense_inputs_add(const float *w, Each<N, Vector> dout, Each<N, Vector> din) {
    dense_input_sums<OUT, IN>(w, dout, din, [&](int i, int b) { return din.of[b][i]; });
}

// dw[o][i] += Σ over images of dout[o][image] · in[image][i]; the lanes are inputs, so `rows` holds
// them image by image, padded to STRIDE, and so is dw.
template <int OUT, int N, int STRIDE>
KERNEL void dense_weights(Each<N, Vector> dout, Each<N, float[STRIDE]> rows, float (*dw)[STRIDE]) {
    constexpr int V = TILE == 24 && STRIDE / L % 4 == 0 ? 4 : 2;  // vectors of inputs
    constexpr int O = at_a_time(OUT, V);
    static_assert(STRIDE % (V * L) == 0 && OUT % O == 0);
    for (int i = 0; i < STRIDE; i += V * L)
        for (int first = 0; first < OUT; first += O) {
            Vector s[O][V];
            unroll<O>([&](auto o) {
                unroll<V>([&](auto v) { s[o][v] = load(&dw[first + o][i + v * L]); });
            });
            unroll<N>([&](auto b) {
                const float *d = reinterpret_cast<const float *>(dout.of[b]);
                for (int n = 0; n < L; ++n) {
                    Vector in[V];
                    unroll<V>([&](auto v) { in[v] = load(&rows.of[b][n][i + v * L]); });
                    unroll<O>([&](auto o) {
                        const Vector scale = fill(d[(first + o) * L + n]);
                        unroll<V>([&](auto v) { s[o][v] += scale * in[v]; });
                    });
                }
            });
            unroll<O>([&](auto o) {
                unroll<V>([&](auto v) { store(&dw[first + o][i + v * L], s[o][v]); });
            });
        }
}

template <int N> INLINE void tanh_of(Each<N, Vector> h, int count) {
    for (Vector *of : h.of)
        for (int k = 0; k < count; ++k) of[k] = tanh(of[k]);
}

// d ← d · tanh′, from the tanh itself.
template <int N> INLINE void through_tanh(Each<N, Vector> d, Each<N, Vector> h, int count) {
    for (int n = 0; n < N; ++n)
        for (int k = 0; k < count; ++k) d.of[n][k] *= 1.f - h.of[n][k] * h.of[n][k];
}

template <int N> void dense_forward(const Weights &weights, Block *blocks) {
    const float *w = weights.w;
    const auto a2 = each<N>(blocks, [](Block &b) { return &b.a2[0][0]; });
    const auto h1 = each<N>(blocks, [](Block &b) { return b.h1; });
    const auto h2 = each<N>(blocks, [](Block &b) { return b.h2; });
    const auto z = each<N>(blocks, [](Block &b) { return b.z; });
    dense_forward<HIDDEN1, MAPS2>(w + FC1_W, w + FC1_B, a2, h1);
    tanh_of(h1, HIDDEN1);
    dense_forward<HIDDEN2, HIDDEN1>(w + FC2_W, w + FC2_B, h1, h2);
    tanh_of(h2, HIDDEN2);
    dense_forward<CLASSES, HIDDEN2>(w + FC3_W, w + FC3_B, h2, z);
}

// Softmax into b.p; the cross-entropy of every lane.
inline void cross_entropy(Block &b, const int *labels, double (&losses)[L]) {
    Vector top = b.z[0];
    for (int k = 1; k < CLASSES; ++k) top = select(b.z[k] > top, b.z[k], top);
    Vector total{};
    for (int k = 0; k < CLASSES; ++k) total += b.p[k] = exp(b.z[k] - top);
    for (int k = 0; k < CLASSES; ++k) b.p[k] /= total;
    for (int n = 0; n < L; ++n)
        losses[n] = __builtin_log(double(total[n])) - (double(b.z[labels[n]][n]) - double(top[n]));
}

// From the softmax to the gradient of the last layer's outputs, zero where the lanes hold no example.
inline void loss_gradient(Block &b, const int *labels, int count) {
    for (int n = 0; n < count; ++n) b.p[labels[n]][n] -= 1.f;
    for (int n = count; n < L; ++n)
        for (int k = 0; k < CLASSES; ++k) b.p[k][n] = 0;
}

inline void dense_biases(const Block &b, Gradient &g) {
    for (int k = 0; k < HIDDEN1; ++k) g.fc1_b[k] += b.dh1[k];
    for (int k = 0; k < HIDDEN2; ++k) g.fc2_b[k] += b.dh2[k];
    for (int k = 0; k < CLASSES; ++k) g.fc3_b[k] += b.p[k];
}

// From there to the gradients of the dense layers' parameters and of conv2's outputs.
template <int N> void dense_gradient(const Weights &weights, Block *blocks, Gradient &g) {
    const float *w = weights.w;
    const auto a2 = each<N>(blocks, [](Block &b) { return &b.a2[0][0]; });
    const auto h1 = each<N>(blocks, [](Block &b) { return b.h1; });
    const auto h2 = each<N>(blocks, [](Block &b) { return b.h2; });
    const auto dz = each<N>(blocks, [](Block &b) { return b.p; });
    const auto dh2 = each<N>(blocks, [](Block &b) { return b.dh2; });
    const auto dh1 = each<N>(blocks, [](Block &b) { return b.dh1; });
    const auto da2 = each<N>(blocks, [](Block &b) { return &b.da2[0][0]; });
    dense_inputs<CLASSES, HIDDEN2>(w + FC3_W, dz, dh2);
    through_tanh(dh2, h2, HIDDEN2);
    dense_inputs<HIDDEN2, HIDDEN1>(w + FC2_W, dh2, dh1);
    through_tanh(dh1, h1, HIDDEN1);
    dense_inputs<HIDDEN1, MAPS2>(w + FC1_W, dh1, da2);
    through_tanh(da2, a2, MAPS2);

    for (int n = 0; n < N; ++n) {
        Block &b = blocks[n];
        to_rows<MAPS2>(a2.of[n], b.a2_rows);
        to_rows<HIDDEN1>(b.h1, b.h1_rows);
        to_rows<HIDDEN2>(b.h2, b.h2_rows);
        dense_biases(b, g);
    }
    dense_weights<HIDDEN1>(dh1, each<N>(blocks, [](Block &b) { return b.a2_rows; }), g.fc1);
    dense_weights<HIDDEN2>(dh2, each<N>(blocks, [](Block &b) { return b.h1_rows; }), g.fc2);
    dense_weights<CLASSES>(dz, each<N>(blocks, [](Block &b) { return b.h2_rows; }), g.fc3);
}
