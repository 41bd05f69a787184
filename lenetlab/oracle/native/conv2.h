// conv2 with its pool and tanh: 6×12×12 → 16×4×4, and its gradients, in Winograd's domain.
//
// There a window's 2×2 outputs are 36 products summed over the 6 input channels. Backward, the
// filters' gradient sums over images and windows: its lanes are the 16 output channels. The inputs'
// gradient sums over output channels: its lanes are the images, as everywhere else.
#pragma once

#include "conv1.h"
#include "winograd.h"

// Bᵀ d B of the 16 overlapping 6×6 windows of every channel.
inline void conv2_tiles(Block &b) {
    for (int c = 0; c < 6; ++c) {
        Vector rows[12][4][6];
        for (int y = 0; y < 12; ++y)
            for (int x = 0; x < 4; ++x) to_tile(&b.a1[c][y][2 * x], 1, rows[y][x]);
        for (int y = 0; y < 4; ++y)
            for (int x = 0; x < 4; ++x)
                for (int j = 0; j < 6; ++j) {
                    Vector column[6];
                    to_tile(&rows[2 * y][x][j], 4 * 6, column);
                    unroll<6>([&](auto i) { b.v[4 * y + x][6 * i + j][c] = column[i]; });
                }
    }
}

inline void conv2_forward(const Weights &weights, Block &b) {
    constexpr int O = TILE / 6;  // output channels at a time, with a row of six elements each
    conv2_tiles(b);
    for (int window = 0; window < 16; ++window)
        for (int first = 0; first < 16; first += O) {
            Vector y[O][4];
            unroll<O>([&](auto o) {
                unroll<4>([&](auto q) { y[o][q] = fill(weights.w[CONV2_B + first + o]); });
            });
            for (int i = 0; i < 6; ++i) {
                const Vector(*v)[6] = &b.v[window][6 * i];
                const float(*u)[6][16] = &weights.conv2[6 * i];
                Vector m[O][6] = {};
                for (int c = 0; c < 6; ++c)
                    unroll<6>([&](auto j) {
                        unroll<O>([&](auto o) { m[o][j] += v[j][c] * u[j][c][first + o]; });
                    });
                unroll<O>([&](auto o) {
                    Vector left, right;
                    to_outputs(m[o], left, right);
                    y[o][0] += A0[i] * left;
                    y[o][1] += A0[i] * right;
                    y[o][2] += A1[i] * left;
                    y[o][3] += A1[i] * right;
                });
            }
            unroll<O>([&](auto o) {
                Integers &won = b.won2[first + o][window];
                b.a2[first + o][window] = tanh(pool(y[o][0], y[o][1], y[o][2], y[o][3], won));
            });
        }
}

// A dY, half way into Winograd's domain: dY is `d` in the entry that won and zero in the others.
INLINE void spread(Vector d, Integers won, Vector (&rows)[2][6]) {
    const Vector zero{};
    unroll<2>([&](auto row) {
        from_outputs(select(won == 2 * row, d, zero), select(won == 2 * row + 1, d, zero), rows[row]);
    });
}

// Gradient of the filters: u[element][c][o] += Σ over images of dY[o][image] · v[element][c][image].
// `rows` is `spread` with the output channels in the lanes.
// Not inlined: GCC then keeps the sums of all six rows' loops in registers.
template <int i>
__attribute__((noinline)) void filters_gradient(const Vector (&rows)[L][OV][2][6],
                                                const Vector (&v)[36][6], Filters &u) {
    constexpr int J = TILE > 12 ? 3 : 2;  // elements at a time, with six channels each
    for (int part = 0; part < OV; ++part) {
        Vector m[L][6];
        for (int n = 0; n < L; ++n)
            unroll<6>([&](auto j) {
                m[n][j] = from_outputs<i>(rows[n][part][0][j], rows[n][part][1][j]);
            });
        for (int first = 0; first < 6; first += J) {
            Vector s[J][6];
            unroll<J>([&](auto j) {
                unroll<6>([&](auto c) { s[j][c] = load(&u[6 * i + first + j][c][part * L]); });
            });
            const float *scalars = reinterpret_cast<const float *>(&v[6 * i + first]);
            for (int n = 0; n < L; ++n)
                unroll<J>([&](auto j) {
                    unroll<6>([&](auto c) { s[j][c] += m[n][first + j] * scalars[(6 * j + c) * L + n]; });
                });
            unroll<J>([&](auto j) {
                unroll<6>([&](auto c) { store(&u[6 * i + first + j][c][part * L], s[j][c]); });
            });
        }
    }
}

// Gradient of a window's tile: v[element][c] = Σ over o of u[element][c][o] · dY[o].
template <int i>
__attribute__((noinline)) void tile_gradient(const Vector (&rows)[16][2][6], const Filters &u,
                                             Vector (&v)[36][6]) {
    constexpr int J = TILE > 12 ? 3 : 2;
    Vector m[16][6];
    for (int o = 0; o < 16; ++o)
        unroll<6>([&](auto j) { m[o][j] = from_outputs<i>(rows[o][0][j], rows[o][1][j]); });
    for (int first = 0; first < 6; first += J) {
        Vector s[J][6] = {};
        for (int o = 0; o < 16; ++o)
            unroll<J>([&](auto j) {
                unroll<6>([&](auto c) { s[j][c] += m[o][first + j] * u[6 * i + first + j][c][o]; });
            });
        unroll<J>([&](auto j) { unroll<6>([&](auto c) { v[6 * i + first + j][c] = s[j][c]; }); });
    }
}

// `spread` of one window with the images in the lanes turned into output channels in the lanes.
INLINE void spread_by_channel(const Block &b, int window, Vector (&rows)[L][OV][2][6]) {
    for (int part = 0; part < OV; ++part) {
        Vector d[L], won[L];
        unroll<L>([&](auto o) {
            d[o] = b.da2[part * L + o][window];
            won[o] = bits(b.won2[part * L + o][window]);
        });
        transpose(d);
        transpose(won);
        for (int n = 0; n < L; ++n) spread(d[n], bits(won[n]), rows[n][part]);
    }
}

// From the gradient of conv2's outputs to those of its parameters and of conv1's outputs.
inline void conv2_gradient(const Weights &weights, Block &b, Gradient &g) {
    std::memset(b.tiles, 0, sizeof b.tiles);
    for (int window = 0; window < 16; ++window) {
        Vector by_image[16][2][6], by_channel[L][OV][2][6];
        for (int o = 0; o < 16; ++o) spread(b.da2[o][window], b.won2[o][window], by_image[o]);
        spread_by_channel(b, window, by_channel);
        for (int n = 0; n < L; ++n)
            for (int part = 0; part < OV; ++part) {
                const Vector(&rows)[2][6] = by_channel[n][part];
                float *to = &g.conv2_b[part * L];
                // elements 0 and 5 of a row are its two entries
                store(to, load(to) + (rows[0][0] + rows[0][5]) + (rows[1][0] + rows[1][5]));
            }
        Vector v[36][6];
        unroll<6>([&](auto i) {
            filters_gradient<i>(by_channel, b.v[window], g.conv2);
            tile_gradient<i>(by_image, weights.conv2, v);
        });
        const int y = window / 4, x = window % 4;
        for (int c = 0; c < 6; ++c)
            for (int j = 0; j < 6; ++j) {
                Vector column[6];
                from_tile(&v[j][c], 36, column);
                unroll<6>([&](auto i) { b.tiles[c][2 * y + i][x][j] += column[i]; });
            }
    }
    for (int c = 0; c < 6; ++c)
        for (int y = 0; y < 12; ++y) {
            Vector row[12] = {};
            unroll<4>([&](auto x) {
                Vector part[6];
                from_tile(b.tiles[c][y][x], 1, part);
                unroll<6>([&](auto k) { row[2 * x + k] += part[k]; });
            });
            unroll<12>([&](auto x) {
                const Vector a = b.a1[c][y][x];
                b.da1[c][y][x] = row[x] * (1.f - a * a);
            });
        }
}
