// What a question wants of single examples: scores, layers, norms and gradients, row by row.
#pragma once

#include <cmath>

#include "conv2.h"
#include "question.h"

// `from` (count vectors, lanes are images) to row `first` + lane of the array `to`.
inline void write_rows(const Vector *from, int count, const Examples &e, int64_t first, float *to, float scale = 1) {
    if (!to) return;
    for (int k = 0; k < count; k += L) {
        Vector part[L];
        unroll<L>([&](auto i) { part[i] = k + i < count ? from[k + i] * scale : Vector{}; });
        transpose(part);
        const size_t bytes = sizeof(float) * size_t(std::min(L, count - k));
        for (int n = 0; n < e.count; ++n) std::memcpy(to + (first + n) * count + k, &part[n], bytes);
    }
}

// The gradient of a pooled map's winners at their places in the map before the pool; `d` and `won`
// of a channel, row and column.
template <class D, class Won>
void write_winners(D &&d, Won &&won, int channels, int side, const Examples &e, int64_t first, float *to) {
    if (to)
        for (int n = 0; n < e.count; ++n)
            for (int c = 0; c < channels; ++c)
                for (int y = 0; y < side; ++y)
                    for (int x = 0; x < side; ++x) {
                        const int w = won(c, y, x)[n];
                        to[(((first + n) * channels + c) * 2 * side + 2 * y + w / 2) * 2 * side + 2 * x +
                           w % 2] = d(c, y, x)[n];
                    }
}

inline void write_layers(const Question &q, const Block &b, const Scratch &t, const Examples &e, int64_t first) {
    write_rows(&b.x[0][0], PIXELS, e, first, q.x, q.bytes ? 1 / 255.f : 1);
    Vector a1[MAPS1];
    for (int k = 0; k < MAPS1; ++k) a1[k] = b.a1[k / 12 % 12][k % 12][k / 144];
    write_rows(a1, MAPS1, e, first, q.a1);
    write_rows(&b.a2[0][0], MAPS2, e, first, q.a2);
    write_rows(b.h1, HIDDEN1, e, first, q.h1);
    write_rows(b.h2, HIDDEN2, e, first, q.h2);
    write_winners([&](int c, int y, int x) { return t.da1[y][x][c]; },
                  [&](int c, int y, int x) { return b.won1[y][x][c]; }, 6, 12, e, first, q.d_conv1);
    write_winners([&](int c, int y, int x) { return b.da2[c][4 * y + x]; },
                  [&](int c, int y, int x) { return b.won2[c][4 * y + x]; }, 16, 4, e, first, q.d_conv2);
    write_rows(b.dh1, HIDDEN1, e, first, q.d_fc1);
    write_rows(b.dh2, HIDDEN2, e, first, q.d_fc2);
    write_rows(b.p, CLASSES, e, first, q.d_fc3);
}

// One image's gradient of both convolutions' filters.
struct ImageFilters {
    Filters1Gradient conv1 = {};
    FiltersGradient conv2 = {};

    ImageFilters(const Scratch &t, int image) {
        Pixels pixels{};
        read_rows(t.x_rows[image], pixels);
        filters1_gradient(pixels, t.da1_rows[image], t.at1_rows[image], conv1);
        Patches patches;
        read_patches(t.a1_rows[image], patches);
        filters_gradient(patches, t.da2_rows[image], t.at_rows[image], conv2);
    }
};

// The sum of squares of rows of which WIDTH numbers count.
template <int WIDTH, int CHANNELS, int STRIDE> double squares(const float (&rows)[CHANNELS][5][STRIDE]) {
    double total = 0;
    for (const auto &channel : rows)
        for (const auto &row : channel)
            for (int k = 0; k < WIDTH; ++k) total += double(row[k]) * row[k];
    return total;
}

inline Vector squares(const Vector *v, int n) {
    Vector total{};
    for (int k = 0; k < n; ++k) total += v[k] * v[k];
    return total;
}

// Norm of each example's gradient. That of a dense layer is an outer product; the convolutions' are
// summed up one image at a time.
inline void write_norms(const Question &q, const Block &b, const Scratch &t, const Examples &e, int64_t first) {
    Vector total = (squares(&b.a2[0][0], MAPS2) + 1.f) * squares(b.dh1, HIDDEN1) +
                   (squares(b.h1, HIDDEN1) + 1.f) * squares(b.dh2, HIDDEN2) +
                   (squares(b.h2, HIDDEN2) + 1.f) * squares(b.p, CLASSES);
    Vector conv1_b[6] = {}, conv2_b[16] = {};
    conv1_biases(t.da1, conv1_b);
    conv2_biases(b.da2, conv2_b);
    total += squares(conv1_b, 6) + squares(conv2_b, 16);
    const double pixel = q.bytes ? 1 / 255.f : 1;
    for (int n = 0; n < e.count; ++n) {
        const ImageFilters g(t, n);
        const double filters = squares<30>(g.conv2) + squares<5>(g.conv1) * pixel * pixel;
        q.norms[first + n] = float(std::sqrt(double(total[n]) + filters));
    }
}

// `d` ⊗ `in`, a row of IN numbers for each of OUT.
template <int OUT, int IN, int STRIDE>
void write_outer(const Vector (&d)[OUT], int image, const float (&in)[STRIDE], float *to) {
    for (int o = 0; o < OUT; ++o) {
        const float scale = d[o][image];
        for (int i = 0; i < IN; ++i) to[o * IN + i] = scale * in[i];
    }
}

// Each example's gradient, a row an example in the order of the parameters.
inline void write_gradients(const Question &q, const Block &b, const Scratch &t, const Examples &e,
                            int64_t first) {
    const float pixel = q.bytes ? 1 / 255.f : 1;
    Vector conv1_b[6] = {}, conv2_b[16] = {};
    conv1_biases(t.da1, conv1_b);
    conv2_biases(b.da2, conv2_b);
    for (int n = 0; n < e.count; ++n) {
        float *row = q.rows + (first + n) * SIZE;
        write_outer<HIDDEN1, MAPS2>(b.dh1, n, b.a2_rows[n], row + FC1_W);
        write_outer<HIDDEN2, HIDDEN1>(b.dh2, n, b.h1_rows[n], row + FC2_W);
        write_outer<CLASSES, HIDDEN2>(b.p, n, b.h2_rows[n], row + FC3_W);
        const ImageFilters g(t, n);
        for (int o = 0; o < 16; ++o)
            for (int c = 0; c < 6; ++c)
                for (int y = 0; y < 5; ++y)
                    for (int x = 0; x < 5; ++x)
                        row[CONV2_W + ((o * 6 + c) * 5 + y) * 5 + x] = g.conv2[o][y][6 * x + c];
        for (int c = 0; c < 6; ++c)
            for (int y = 0; y < 5; ++y)
                for (int x = 0; x < 5; ++x) row[CONV1_W + (c * 5 + y) * 5 + x] = g.conv1[c][y][x] * pixel;
        for (int k = 0; k < HIDDEN1; ++k) row[FC1_B + k] = b.dh1[k][n];
        for (int k = 0; k < HIDDEN2; ++k) row[FC2_B + k] = b.dh2[k][n];
        for (int k = 0; k < 16; ++k) row[CONV2_B + k] = conv2_b[k][n];
        for (int k = 0; k < 6; ++k) row[CONV1_B + k] = conv1_b[k][n];
        for (int k = 0; k < CLASSES; ++k) row[FC3_B + k] = b.p[k][n];
    }
}
