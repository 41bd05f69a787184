// Winograd's F(2×2, 5×5): two outputs of a 5-tap filter from six inputs by 6 products, not 10.
//
//   1-D:  y = Aᵀ [(G g) ⊙ (Bᵀ d)]        2-D: the same along rows, then along columns
//
// from the points 0, ±1, ±2, ∞ (Winograd 1980; Lavin and Gray, Fast Algorithms for Convolutional
// Neural Networks, CVPR 2016, arXiv:1509.09308). Both passes are bilinear, so their gradients use
// the same matrices transposed. The products are exact in exact arithmetic; in float32 the forward
// rounding is about 2.5 times that of the direct sum.
#pragma once

#include "vector.h"

// Bᵀ d: six inputs `step` apart.
INLINE void to_tile(const Vector *d, int step, Vector (&v)[6]) {
    const Vector d0 = d[0], d1 = d[step], d2 = d[2 * step], d3 = d[3 * step], d4 = d[4 * step],
                 d5 = d[5 * step];
    const Vector even = d4 - 4.f * d2, odd = d3 - 4.f * d1;
    const Vector near = d4 - d2, far = 2.f * (d3 - d1);
    v[0] = 4.f * d0 - 5.f * d2 + d4;
    v[1] = even + odd;
    v[2] = even - odd;
    v[3] = near + far;
    v[4] = near - far;
    v[5] = 4.f * d1 - 5.f * d3 + d5;
}

// B v: the transpose of `to_tile`.
INLINE void from_tile(const Vector *v, int step, Vector (&d)[6]) {
    const Vector v0 = v[0], v5 = v[5 * step];
    const Vector s1 = v[step] + v[2 * step], d1 = v[step] - v[2 * step];
    const Vector s2 = v[3 * step] + v[4 * step], d2 = v[3 * step] - v[4 * step];
    d[0] = 4.f * v0;
    d[1] = 4.f * (v5 - d1) - 2.f * d2;
    d[2] = -5.f * v0 - 4.f * s1 - s2;
    d[3] = d1 + 2.f * d2 - 5.f * v5;
    d[4] = v0 + s1 + s2;
    d[5] = v5;
}

// Aᵀ m: the two outputs.
INLINE void to_outputs(const Vector (&m)[6], Vector &y0, Vector &y1) {
    y0 = m[0] + (m[1] + m[2]) + (m[3] + m[4]);
    y1 = (m[1] - m[2]) + 2.f * (m[3] - m[4]) + m[5];
}

// The rows of A, for the pass along columns: y0 = Σ A0[i] m[i], y1 = Σ A1[i] m[i].
constexpr float A0[6] = {1, 1, 1, 1, 1, 0}, A1[6] = {0, 1, -1, 2, -2, 1};

// A (y0, y1): the transpose of `to_outputs`.
INLINE void from_outputs(Vector y0, Vector y1, Vector (&m)[6]) {
    m[0] = y0;
    m[1] = y0 + y1;
    m[2] = y0 - y1;
    m[3] = y0 + 2.f * y1;
    m[4] = y0 - 2.f * y1;
    m[5] = y1;
}

// Row `i` of A (y0, y1), for an `i` known when this is compiled.
template <int I> INLINE Vector from_outputs(Vector y0, Vector y1) {
    if constexpr (I == 0) return y0;
    if constexpr (I == 5) return y1;
    const Vector twice = y1 + y1;  // sums have units of their own beside the multiply-adds'
    return A1[I] == 1 ? y0 + y1 : A1[I] == -1 ? y0 - y1 : A1[I] == 2 ? y0 + twice : y0 - twice;
}

constexpr float G[6][5] = {
    {1 / 4.f, 0, 0, 0, 0},
    {-1 / 6.f, -1 / 6.f, -1 / 6.f, -1 / 6.f, -1 / 6.f},
    {-1 / 6.f, 1 / 6.f, -1 / 6.f, 1 / 6.f, -1 / 6.f},
    {1 / 24.f, 1 / 12.f, 1 / 6.f, 1 / 3.f, 2 / 3.f},
    {1 / 24.f, -1 / 12.f, 1 / 6.f, -1 / 3.f, 2 / 3.f},
    {0, 0, 0, 0, 1},
};

// Row I of G times g.
template <int I> INLINE Vector product(const Vector (&g)[5]) {
    Vector total = G[I][0] * g[0];
    unroll<4>([&](auto k) { total += G[I][k + 1] * g[k + 1]; });
    return total;
}

// G g of the rows of conv1's six filters, times `scale`: (6, 5, 5) → [row][element][channel].
inline void to_filters1(const float *g, float scale, float (&u)[5][6][6]) {
    for (int c = 0; c < 6; ++c)
        for (int y = 0; y < 5; ++y)
            for (int j = 0; j < 6; ++j) {
                float total = 0;
                for (int k = 0; k < 5; ++k) total += G[j][k] * g[25 * c + 5 * y + k];
                u[y][j][c] = total * scale;
            }
}

// G g Gᵀ of all 96 filters: (16, 6, 5, 5) → [element][input][output].
inline void to_filters(const float *g, float (&u)[36][6][16]) {
    alignas(64) float filters[6][25][16];  // the output channels side by side
    for (int o = 0; o < 16; ++o)
        for (int c = 0; c < 6; ++c)
            for (int k = 0; k < 25; ++k) filters[c][k][o] = g[(o * 6 + c) * 25 + k];
    for (int c = 0; c < 6; ++c)
        for (int part = 0; part < 16; part += L) {
            Vector rows[6][5];
            for (int x = 0; x < 5; ++x) {
                Vector column[5];
                unroll<5>([&](auto k) { column[k] = load(&filters[c][5 * k + x][part]); });
                unroll<6>([&](auto i) { rows[i][x] = product<i>(column); });
            }
            for (int i = 0; i < 6; ++i)
                unroll<6>([&](auto j) { store(&u[6 * i + j][c][part], product<j>(rows[i])); });
        }
}
