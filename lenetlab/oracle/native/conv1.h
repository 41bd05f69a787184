// conv1 with its pool and tanh: 28×28 → 6×12×12, and the gradient of its 6×(25 + 1) parameters.
#pragma once

#include "layout.h"

// The largest of a 2×2 window, the first one on a tie, and which it was (2·row + column).
INLINE Vector pool(Vector top_left, Vector top_right, Vector low_left, Vector low_right, Integers &won) {
    const Integers right_top = top_right > top_left, right_low = low_right > low_left;
    const Vector top = select(right_top, top_right, top_left);
    const Vector low = select(right_low, low_right, low_left);
    const Integers lower = low > top;
    won = (lower & 2) | ((lower ? right_low : right_top) & 1);
    return select(lower, low, top);
}

// The entry of a 2×2 window that won in another one.
INLINE Vector chosen(const Vector (&window)[4], Integers won) {
    const Integers right = (won & 1) != 0;
    return select((won & 2) != 0, select(right, window[3], window[2]), select(right, window[1], window[0]));
}

// A window of 2×2 outputs needs 6×6 pixels. Its four sums for each of `C` channels stay in registers,
// until `finish` (row, column, channel, sums) takes them.
template <class Finish> INLINE void conv1_sums(const Weights &weights, const Block &b, Finish finish) {
    constexpr int C = TILE / 4;
    for (int y = 0; y < 12; ++y)
        for (int x = 0; x < 12; ++x)
            for (int first = 0; first < 6; first += C) {
                Vector s[C][4];
                unroll<C>([&](auto c) {
                    unroll<4>([&](auto q) { s[c][q] = fill(weights.w[CONV1_B + first + c]); });
                });
                for (int ky = 0; ky < 5; ++ky) {
                    const Vector *upper = &b.x[2 * y + ky][2 * x], *lower = upper + 28;
                    const float *row = &weights.conv1[5 * ky][first];
                    unroll<5>([&](auto kx) {
                        unroll<C>([&](auto c) {
                            const Vector w = fill(row[6 * kx + c]);
                            s[c][0] += w * upper[kx];
                            s[c][1] += w * upper[kx + 1];
                            s[c][2] += w * lower[kx];
                            s[c][3] += w * lower[kx + 1];
                        });
                    });
                }
                unroll<C>([&](auto c) { finish(y, x, first + c, s[c]); });
            }
}

KERNEL inline void conv1_forward(const Weights &weights, Block &b) {
    conv1_sums(weights, b, [&](int y, int x, int c, const Vector (&s)[4]) {
        b.a1[y][x][c] = tanh(pool(s[0], s[1], s[2], s[3], b.won1[y][x][c]));
    });
}

// Rows FIRST to END of the 5×5 sums of one row of windows, and the bias with the last of them.
//
// Each lane's winner picks its own 5×5 patch out of the window's 6×6 pixels, by blends: first the
// upper or lower row, then the left or right five columns.
template <int FIRST, int END>
INLINE void conv1_gradient_rows(const Block &b, const Scratch &t, int y, int c, Vector (&g)[26]) {
    constexpr int ROWS = END - FIRST;
    Vector s[ROWS][5], bias{};
    unroll<ROWS>([&](auto r) { unroll<5>([&](auto k) { s[r][k] = g[5 * (FIRST + r) + k]; }); });
    for (int x = 0; x < 12; ++x) {
        const Vector d = t.da1[y][x][c];
        const Integers won = b.won1[y][x][c];
        const Integers low = (won & 2) != 0, right = (won & 1) != 0;
        unroll<ROWS>([&](auto r) {
            const Vector *upper = &b.x[2 * y + FIRST + r][2 * x], *lower = upper + 28;
            Vector row[6];
            unroll<6>([&](auto k) { row[k] = select(low, lower[k], upper[k]); });
            unroll<5>([&](auto k) { s[r][k] += d * select(right, row[k + 1], row[k]); });
        });
        bias += d;
    }
    unroll<ROWS>([&](auto r) { unroll<5>([&](auto k) { g[5 * (FIRST + r) + k] = s[r][k]; }); });
    if (END == 5) g[25] += bias;
}

KERNEL inline void conv1_gradient(const Block &b, const Scratch &t, Vector (&g)[6][26]) {
    for (int y = 0; y < 12; ++y)
        for (int c = 0; c < 6; ++c) {
            conv1_gradient_rows<0, 3>(b, t, y, c, g[c]);  // 15 sums leave registers for the blends
            conv1_gradient_rows<3, 5>(b, t, y, c, g[c]);
        }
}
