// conv1 with its pool and tanh: 28×28 → 6×12×12, and the gradient of its 6×(25 + 1) parameters.
#pragma once

#include "layout.h"
#include "winograd.h"

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

// The four sums of every window and channel, until `finish` (row, column, channel, sums) takes them.
//
// Along rows in Winograd's domain: a row of a window's 6×6 pixels is a tile for all channels and for
// every row of the filters, and of an element the sums of all channels for both rows of outputs stay in
// registers, twelve. A column of windows is finished before the next, so that its tiles are made once.
template <class Finish> INLINE void conv1_sums(const Weights &weights, const Block &b, Finish finish) {
    for (int x = 0; x < 12; ++x) {
        Vector v[28][6];
        for (int y = 0; y < 28; ++y) to_tile(&b.x[y][2 * x], 1, v[y]);
        for (int y = 0; y < 12; ++y) {
            Vector m[6][2][6];  // [channel][row of outputs][element]
            for (int j = 0; j < 6; ++j) {
                Vector s[6][2] = {};
                unroll<5>([&](auto ky) {
                    unroll<6>([&](auto c) {
                        const Vector w = fill(weights.conv1[ky][j][c]);
                        unroll<2>([&](auto row) { s[c][row] += v[2 * y + ky + row][j] * w; });
                    });
                });
                unroll<6>([&](auto c) { unroll<2>([&](auto row) { m[c][row][j] = s[c][row]; }); });
            }
            for (int c = 0; c < 6; ++c) {
                const Vector bias = fill(weights.w[CONV1_B + c]);
                Vector s[4];
                to_outputs(m[c][0], s[0], s[1]);
                to_outputs(m[c][1], s[2], s[3]);
                unroll<4>([&](auto q) { s[q] += bias; });
                finish(y, x, c, s);
            }
        }
    }
}

KERNEL inline void conv1_forward(const Weights &weights, Block &b) {
    conv1_sums(weights, b, [&](int y, int x, int c, const Vector (&s)[4]) {
        b.a1[y][x][c] = pool(s[0], s[1], s[2], s[3], b.won1[y][x][c]);
    });
    for (auto &row : b.a1)  // apart, where one need not wait for the other
        for (auto &window : row)
            for (Vector &a : window) a = tanh(a);
}

// One image's pixels, in rows of which eight pixels from any column on that a patch begins with lie
// within a line of the cache: columns 8 to 23 are there again, 24 further.
struct alignas(64) Pixels {
    float row[28][48];
};

KERNEL inline void read_rows(const float (&x)[PIXELS], Pixels &p) {
    for (int y = 0; y < 28; ++y) {
        std::memcpy(p.row[y], &x[28 * y], 28 * sizeof(float));
        std::memcpy(p.row[y] + 32, &x[28 * y + 8], 16 * sizeof(float));
    }
}

// Gradient of the filters by one image: of every window's winner, its 5×5 patch times its gradient. The
// lanes are the pixels of a row of the patch, five of eight.
KERNEL inline void filters1_gradient(const Pixels &p, const float (&d)[MAPS1], const float (&at)[MAPS1 / 2],
                                     Filters1Gradient &g) {
    for (int first = 0; first < 6; first += 2) {
        Eight s[2][5] = {};
        for (int window = 0; window < 144; ++window) {
            const int k = 6 * window + first;
            uint32_t begin;  // of two channels' patches, in its halves
            std::memcpy(&begin, &at[k / 2], sizeof begin);
            unroll<2>([&](auto c) {
                const float *patch = &p.row[0][0] + (c ? begin >> 16 : begin & 0xffff);
                unroll<5>([&](auto r) {
                    Eight pixels;
                    std::memcpy(&pixels, patch + 48 * r, sizeof pixels);
                    s[c][r] += d[k + c] * pixels;
                });
            });
        }
        unroll<2>([&](auto c) {
            unroll<5>([&](auto r) {
                for (int k = 0; k < 8; ++k) g[first + c][r][k] += s[c][r][k];
            });
        });
    }
}

// What `filters1_gradient` takes of every image, one a row.
KERNEL inline void to_patches1(const Block &b, Scratch &t) {
    to_rows<PIXELS>(&b.x[0][0], t.x_rows);
    to_rows<MAPS1>(&t.da1[0][0][0], t.da1_rows);
    Vector at[12][12][3];
    for (int y = 0; y < 12; ++y)
        for (int x = 0; x < 12; ++x) {
            const int window = 2 * y * 48 + 2 * x + (x / 4 == 1 ? 24 : 0);
            for (int pair = 0; pair < 3; ++pair) {
                Integers begin[2];
                unroll<2>([&](auto c) {
                    const Integers won = b.won1[y][x][2 * pair + c];
                    begin[c] = window + (won >> 1) * 48 + (won & 1);
                });
                at[y][x][pair] = bits(begin[0] | begin[1] << 16);
            }
        }
    to_rows<MAPS1 / 2>(&at[0][0][0], t.at1_rows);
}

// Where sixteen lanes would hold five pixels, they hold images instead: rows FIRST to END of the 5×5 sums
// of one row of windows.
//
// Each lane's winner picks its own 5×5 patch out of the window's 6×6 pixels, by blends: first the
// upper or lower row, then the left or right five columns.
template <int FIRST, int END>
INLINE void conv1_gradient_rows(const Block &b, const Scratch &t, int y, int c, Vector (&g)[25]) {
    constexpr int ROWS = END - FIRST;
    Vector s[ROWS][5];
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
    }
    unroll<ROWS>([&](auto r) { unroll<5>([&](auto k) { g[5 * (FIRST + r) + k] = s[r][k]; }); });
}

KERNEL inline void conv1_lanes(const Block &b, const Scratch &t, Filters1Gradient &g) {
    for (int c = 0; c < 6; ++c) {
        Vector sums[25] = {};
        for (int y = 0; y < 12; ++y) {
            conv1_gradient_rows<0, 3>(b, t, y, c, sums);  // 15 sums leave registers for the blends
            conv1_gradient_rows<3, 5>(b, t, y, c, sums);
        }
        float rows[L][32], total[32] = {};
        to_rows<25>(sums, rows);
        for (const auto &row : rows)
            for (int k = 0; k < 32; ++k) total[k] += row[k];
        for (int k = 0; k < 25; ++k) g[c][k / 5][k % 5] += total[k];
    }
}

inline void conv1_weights(const Block &b, Scratch &t, Gradient &g) {
    if constexpr (L == 16) {
        conv1_lanes(b, t, g.conv1);
    } else {
        to_patches1(b, t);
        Pixels p{};  // what is between the columns adds up too, and is not looked at
        for (int n = 0; n < L; ++n) {
            read_rows(t.x_rows[n], p);
            filters1_gradient(p, t.da1_rows[n], t.at1_rows[n], g.conv1);
        }
    }
}

inline void conv1_biases(const Maps1 &da1, Vector (&sums)[6]) {
    for (const auto &row : da1)
        for (const auto &window : row)
            for (int c = 0; c < 6; ++c) sums[c] += window[c];
}

inline void conv1_gradient(const Block &b, Scratch &t, Gradient &g) {
    conv1_biases(t.da1, g.conv1_b);
    conv1_weights(b, t, g);
}
