// conv2 with its pool and tanh: 6×12×12 → 16×4×4, and its gradients.
//
// Forward, and back to the inputs, it works in Winograd's domain, where a window's 2×2 outputs are 36
// products summed over the 6 input channels; the lanes are the images. The filters' gradient is direct:
// a window's winner has 25 products a channel, and the lanes are the inputs of a row of its patch.
#pragma once

#include "conv1.h"
#include "winograd.h"

// Bᵀ d B of the 16 overlapping 6×6 windows of every channel.
KERNEL inline void conv2_tiles(const Maps1 &a1, Tiles &v) {
    for (int c = 0; c < 6; ++c) {
        Vector rows[12][4][6];
        for (int y = 0; y < 12; ++y)
            for (int x = 0; x < 4; ++x) to_tile(&a1[y][2 * x][c], 6, rows[y][x]);
        for (int y = 0; y < 4; ++y)
            for (int x = 0; x < 4; ++x)
                for (int j = 0; j < 6; ++j) {
                    Vector column[6];
                    to_tile(&rows[2 * y][x][j], 4 * 6, column);
                    unroll<6>([&](auto i) { v[4 * y + x][6 * i + j][c] = column[i]; });
                }
    }
}

// What one convolution takes: inputs as tiles, and filters in the same domain.
struct Product {
    const Tiles &tiles;
    const Filters &filters;
};

// The four sums of every window and output channel, over N products, until `finish` (channel, window,
// sums) takes them. Of an element, the sums of O output channels for W windows stay in registers: the
// fewer operands are read for a product, the better it is for two loads a cycle.
template <int N, class Finish>
INLINE void conv2_sums(const Product (&products)[N], const float *bias, Finish finish) {
    constexpr int O = 4, W = 24 / TILE;  // with many registers, two windows would only crowd the L1 cache
    for (int window = 0; window < 16; window += W)
        for (int first = 0; first < 16; first += O) {
            Vector half[6][O][W][2];  // out of the domain along rows: [row][output][window][left, right]
            for (int i = 0; i < 6; ++i) {
                Vector m[O][W][6];
                unroll<6>([&](auto j) {
                    Vector s[O][W] = {};
                    unroll<N>([&](auto n) {
                        unroll<6>([&](auto c) {
                            Vector v[W];
                            unroll<W>([&](auto w) { v[w] = products[n].tiles[window + w][6 * i + j][c]; });
                            unroll<O>([&](auto o) {
                                const Vector u = fill(products[n].filters[6 * i + j][c][first + o]);
                                unroll<W>([&](auto w) { s[o][w] += v[w] * u; });
                            });
                        });
                    });
                    unroll<O>([&](auto o) { unroll<W>([&](auto w) { m[o][w][j] = s[o][w]; }); });
                });
                for (int o = 0; o < O; ++o)
                    unroll<W>([&](auto w) { to_outputs(m[o][w], half[i][o][w][0], half[i][o][w][1]); });
            }
            for (int o = 0; o < O; ++o)
                for (int w = 0; w < W; ++w) {
                    Vector y[4];
                    unroll<4>([&](auto q) { y[q] = fill(bias[first + o]); });
                    unroll<6>([&](auto i) {
                        unroll<2>([&](auto x) {
                            y[x] += A0[i] * half[i][o][w][x];
                            y[2 + x] += A1[i] * half[i][o][w][x];
                        });
                    });
                    finish(first + o, window + w, y);
                }
        }
}

KERNEL inline void conv2_forward(const Weights &weights, Block &b, Scratch &t) {
    conv2_tiles(b.a1, t.v);
    const Product products[] = {{t.v, weights.conv2}};
    conv2_sums(products, weights.w + CONV2_B, [&](int o, int window, const Vector (&y)[4]) {
        b.a2[o][window] = pool(y[0], y[1], y[2], y[3], b.won2[o][window]);
    });
    for (auto &channel : b.a2)
        for (Vector &a : channel) a = tanh(a);
}

// One image's inputs as the rows of its patches, [y][x][5 columns × 6 channels, 2 unused]: a row of the
// patch of any output is whole vectors, aligned.
struct alignas(64) Patches {
    float row[12][8][32];
};

KERNEL inline void read_patches(const float (&a1)[MAPS1 + 16], Patches &p) {
    for (int y = 0; y < 12; ++y)
        for (int x = 0; x < 8; ++x) std::memcpy(p.row[y][x], &a1[(12 * y + x) * 6], sizeof p.row[y][x]);
}

// Gradient of the filters by one image: of every window's winner, its patch times its gradient. The
// lanes are the inputs of a row of the patch.
KERNEL inline void filters_gradient(const Patches &p, const float (&d)[MAPS2], const float (&at)[MAPS2],
                                    FiltersGradient &g) {
    constexpr int V = 32 / L;  // vectors in a row
    constexpr int ROWS = TILE / V < 5 ? TILE / V : 5, GROUPS = (5 + ROWS - 1) / ROWS;
    constexpr int O = TILE / V < 10 ? 1 : 2;  // output channels at a time
    unroll<GROUPS>([&](auto group) {
        constexpr int FIRST = group * ROWS, R = FIRST + ROWS < 5 ? ROWS : 5 - FIRST;
        for (int first = 0; first < 16; first += O) {
            Vector s[O][R][V];
            unroll<O>([&](auto o) {
                unroll<R>([&](auto r) {
                    unroll<V>([&](auto v) { s[o][r][v] = load(&g[first + o][FIRST + r][v * L]); });
                });
            });
            for (int window = 0; window < 16; ++window)
                unroll<O>([&](auto o) {
                    const int k = (first + o) * 16 + window;
                    int32_t begin;
                    std::memcpy(&begin, &at[k], sizeof begin);
                    const float *patch = &p.row[0][0][0] + begin + FIRST * 8 * 32;
                    const Vector scale = fill(d[k]);
                    unroll<R>([&](auto r) {
                        unroll<V>([&](auto v) { s[o][r][v] += scale * load(patch + r * 8 * 32 + v * L); });
                    });
                });
            unroll<O>([&](auto o) {
                unroll<R>([&](auto r) {
                    unroll<V>([&](auto v) { store(&g[first + o][FIRST + r][v * L], s[o][r][v]); });
                });
            });
        }
    });
}

// What `filters_gradient` takes of every image, one a row.
KERNEL inline void to_patches(const Maps1 &a1, const Maps2 &da2, const Block &b, Scratch &t) {
    to_rows<MAPS1>(&a1[0][0][0], t.a1_rows);
    to_rows<MAPS2>(&da2[0][0], t.da2_rows);
    Vector at[16][16];
    for (int o = 0; o < 16; ++o)
        for (int window = 0; window < 16; ++window) {
            const Integers won = b.won2[o][window];
            const int y = window / 4, x = window % 4;
            at[o][window] = bits((2 * y + (won >> 1)) * (8 * 32) + (2 * x + (won & 1)) * 32);
        }
    to_rows<MAPS2>(&at[0][0], t.at_rows);
}

// Adds the gradient of conv2's filters, for inputs `a1` and the gradient `da2` of what won.
inline void conv2_weights(const Maps1 &a1, const Maps2 &da2, const Block &b, Scratch &t, Gradient &g) {
    to_patches(a1, da2, b, t);
    Patches p;
    for (int n = 0; n < L; ++n) {
        read_patches(t.a1_rows[n], p);
        filters_gradient(p, t.da2_rows[n], t.at_rows[n], g.conv2);
    }
}

inline void conv2_biases(const Maps2 &da2, Vector (&sums)[16]) {
    for (int o = 0; o < 16; ++o)
        for (int window = 0; window < 16; ++window) sums[o] += da2[o][window];
}

// A dY, half way into Winograd's domain, for two windows from `window` on: [row][output][column][window].
// dY is d in the entry that won and zero in the others.
INLINE void spread(const Maps2 &da2, const Block &b, int window, Vector (&half)[6][16][2][2]) {
    const Vector zero{};
    for (int o = 0; o < 16; ++o)
        unroll<2>([&](auto w) {
            const Vector d = da2[o][window + w];
            const Integers won = b.won2[o][window + w];
            unroll<2>([&](auto column) {
                Vector rows[6];
                from_outputs(select(won == 0 + column, d, zero), select(won == 2 + column, d, zero), rows);
                unroll<6>([&](auto i) { half[i][o][column][w] = rows[i]; });
            });
        });
}

// The way back through one convolution: the gradient of what won, and filters in Winograd's domain.
struct Backward {
    const Maps2 &da2;
    const Filters &filters;
};

// From gradients of conv2's outputs to that of its inputs, a sum over N ways, which `finish` (row,
// column, channel, sum) takes. The gradient of a window's tile is v[element][c] = Σ over o of
// u[element][c][o] · (A dY Aᵀ)[element][o]. Of an element, the sums of all channels for two neighbouring
// windows stay in registers: twelve, for eight operands that are read. A row of elements leaves the
// domain at once, and the two windows add up where they overlap.
template <int N, class Finish>
INLINE void conv2_inputs(const Backward (&ways)[N], const Block &b, Scratch &t, Finish finish) {
    constexpr int J = TILE / 12;  // elements at a time
    for (int window = 0; window < 16; window += 2) {
        Vector half[N][6][16][2][2];
        unroll<N>([&](auto n) { spread(ways[n].da2, b, window, half[n]); });
        for (int i = 0; i < 6; ++i) {
            Vector v[6][6][2];  // [column of the tile][channel][window]
            unroll<6 / J>([&](auto pair) {
                Vector s[J][6][2] = {};
                unroll<N>([&](auto n) {
                    for (int o = 0; o < 16; ++o)
                        unroll<J>([&](auto k) {
                            constexpr int j = J * pair + k;
                            const Vector(&d)[2][2] = half[n][i][o];
                            const Vector y[2] = {from_outputs<j>(d[0][0], d[1][0]),
                                                 from_outputs<j>(d[0][1], d[1][1])};
                            unroll<6>([&](auto c) {
                                const Vector factor = fill(ways[n].filters[6 * i + j][c][o]);
                                unroll<2>([&](auto w) { s[k][c][w] += y[w] * factor; });
                            });
                        });
                });
                unroll<J>([&](auto k) {
                    unroll<6>([&](auto c) {
                        unroll<2>([&](auto w) { v[J * pair + k][c][w] = s[k][c][w]; });
                    });
                });
            });
            for (int c = 0; c < 6; ++c) {
                Vector left[6], right[6], both[8];
                from_tile(&v[0][c][0], 12, left);
                from_tile(&v[0][c][1], 12, right);
                both[0] = left[0], both[1] = left[1];
                unroll<4>([&](auto x) { both[2 + x] = left[2 + x] + right[x]; });
                both[6] = right[4], both[7] = right[5];
                Vector *row = t.rows[c][window / 4][i] + 2 * (window % 4);
                if (window % 4)  // the two windows to the left have reached four of these columns
                    unroll<4>([&](auto x) { both[x] += row[x]; });
                unroll<8>([&](auto x) { row[x] = both[x]; });
            }
        }
    }
    for (int c = 0; c < 6; ++c)
        for (int x = 0; x < 12; ++x) {
            Vector column[12] = {};
            unroll<4>([&](auto y) {
                Vector part[6];
                from_tile(&t.rows[c][y][0][x], 12, part);
                unroll<6>([&](auto k) { column[2 * y + k] += part[k]; });
            });
            unroll<12>([&](auto y) { finish(y, x, c, column[y]); });
        }
}

// … and before conv1's tanh: the gradient that conv1's parameters follow from.
KERNEL inline void conv2_inputs(const Weights &weights, const Block &b, Scratch &t) {
    const Backward ways[] = {{b.da2, weights.conv2}};
    conv2_inputs(ways, b, t, [&](int y, int x, int c, Vector sum) {
        const Vector a = b.a1[y][x][c];
        t.da1[y][x][c] = sum * (1.f - a * a);
    });
}
