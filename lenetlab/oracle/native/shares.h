// The sum over shares of a batch, in their order, and out to the flat vector.
#pragma once

#include <vector>

#include "layout.h"

// row = Σ over shares of the arrays that `of` names in their gradients.
template <int N, class Of>
INLINE void add_up(const std::vector<Gradient> &g, int shares, Of of, float (&row)[N]) {
    std::memcpy(row, of(g[0]), sizeof row);
    for (int s = 1; s < shares; ++s) {
        const float *more = of(g[s]);
        for (int i = 0; i < N; ++i) row[i] += more[i];
    }
}

// out[row][column] = scale · Σ over shares, for the rows from `begin` up to `end`.
template <int COLUMNS, int ROWS, int STRIDE>
void add_rows(const std::vector<Gradient> &g, int shares, const float (Gradient::*member)[ROWS][STRIDE],
              int begin, int end, float scale, float *out) {
    for (int y = begin; y < end; ++y) {
        float row[STRIDE];
        add_up(g, shares, [&](const Gradient &one) { return (one.*member)[y]; }, row);
        for (int i = 0; i < COLUMNS; ++i) out[y * COLUMNS + i] = row[i] * scale;
    }
}

// out[i] = scale · Σ over shares and lanes.
template <int N>
void add_vector(const std::vector<Gradient> &g, int shares, const Vector (Gradient::*member)[N], float scale,
                float *out) {
    for (int i = 0; i < N; ++i) {
        Vector total = (g[0].*member)[i];
        for (int s = 1; s < shares; ++s) total += (g[s].*member)[i];
        out[i] = sum(total) * scale;
    }
}

inline void add_convolutions(const std::vector<Gradient> &g, int shares, float scale, float pixel, float *out) {
    for (int o = 0; o < 16; ++o)
        for (int y = 0; y < 5; ++y) {
            float row[32];
            add_up(g, shares, [&](const Gradient &one) { return one.conv2[o][y]; }, row);
            for (int c = 0; c < 6; ++c)
                for (int x = 0; x < 5; ++x)
                    out[CONV2_W + ((o * 6 + c) * 5 + y) * 5 + x] = row[6 * x + c] * scale;
        }
    for (int c = 0; c < 6; ++c)
        for (int y = 0; y < 5; ++y) {
            float row[8];
            add_up(g, shares, [&](const Gradient &one) { return one.conv1[c][y]; }, row);
            for (int x = 0; x < 5; ++x) out[CONV1_W + (c * 5 + y) * 5 + x] = row[x] * (scale * pixel);
        }
}

constexpr int SLICES = 8;  // of the sum over shares

inline void add_slice(int slice, const std::vector<Gradient> &g, int shares, float scale, float pixel, float *out) {
    if (slice < 6) {
        add_rows<MAPS2>(g, shares, &Gradient::fc1, 20 * slice, 20 * slice + 20, scale, out + FC1_W);
    } else if (slice == 6) {
        add_rows<HIDDEN1>(g, shares, &Gradient::fc2, 0, HIDDEN2, scale, out + FC2_W);
        add_rows<HIDDEN2>(g, shares, &Gradient::fc3, 0, CLASSES, scale, out + FC3_W);
    } else {
        add_vector(g, shares, &Gradient::fc1_b, scale, out + FC1_B);
        add_vector(g, shares, &Gradient::fc2_b, scale, out + FC2_B);
        add_vector(g, shares, &Gradient::conv2_b, scale, out + CONV2_B);
        add_vector(g, shares, &Gradient::fc3_b, scale, out + FC3_B);
        add_vector(g, shares, &Gradient::conv1_b, scale, out + CONV1_B);
        add_convolutions(g, shares, scale, pixel, out);
    }
}
