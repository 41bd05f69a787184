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

constexpr float G[6][5] = {
    {1 / 4.f, 0, 0, 0, 0},
    {-1 / 6.f, -1 / 6.f, -1 / 6.f, -1 / 6.f, -1 / 6.f},
    {-1 / 6.f, 1 / 6.f, -1 / 6.f, 1 / 6.f, -1 / 6.f},
    {1 / 24.f, 1 / 12.f, 1 / 6.f, 1 / 3.f, 2 / 3.f},
    {1 / 24.f, -1 / 12.f, 1 / 6.f, -1 / 3.f, 2 / 3.f},
    {0, 0, 0, 0, 1},
};

// G g Gᵀ of all 96 filters: (16, 6, 5, 5) → [element][input][output].
inline void to_filters(const float *g, float (&u)[36][6][16]) {
    for (int c = 0; c < 6; ++c) {
        float rows[6][5][16] = {};
        for (int i = 0; i < 6; ++i)
            for (int k = 0; k < 5; ++k)
                for (int x = 0; x < 5; ++x)
                    for (int o = 0; o < 16; ++o) rows[i][x][o] += G[i][k] * g[((o * 6 + c) * 5 + k) * 5 + x];
        for (int i = 0; i < 6; ++i)
            for (int j = 0; j < 6; ++j) {
                float total[16] = {};
                for (int k = 0; k < 5; ++k)
                    for (int o = 0; o < 16; ++o) total[o] += G[j][k] * rows[i][k][o];
                std::memcpy(u[i * 6 + j][c], total, sizeof total);
            }
    }
}

// Gᵀ u G of all 96 filters, the transpose of `to_filters`: [element][input][output] → (16, 6, 5, 5).
inline void from_filters(const float (&u)[36][6][16], float *g) {
    for (int c = 0; c < 6; ++c) {
        float rows[5][6][16] = {};
        for (int i = 0; i < 6; ++i)
            for (int k = 0; k < 5; ++k)
                for (int j = 0; j < 6; ++j)
                    for (int o = 0; o < 16; ++o) rows[k][j][o] += G[i][k] * u[i * 6 + j][c][o];
        for (int y = 0; y < 5; ++y)
            for (int x = 0; x < 5; ++x) {
                float total[16] = {};
                for (int j = 0; j < 6; ++j)
                    for (int o = 0; o < 16; ++o) total[o] += G[j][x] * rows[y][j][o];
                for (int o = 0; o < 16; ++o) g[((o * 6 + c) * 5 + y) * 5 + x] = total[o];
            }
    }
}
