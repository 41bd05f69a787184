// Newton-Schulz: the singular values of small matrices levelled, by products alone.
//
// One step is X ← A X + (B G + C G²) X with G = X Xᵀ. Of the symmetric G and of the polynomial only
// the tiles that reach the diagonal are computed and the rest is mirrored, which halves them. A
// matrix lies row by row in a field of zeros, so that tiles need no edges; rows are an odd number of
// cache lines apart, or a column of tiles would share a few places of the cache.
#pragma once

#include <algorithm>
#include <cmath>
#include <vector>

#include "vector.h"

constexpr int HIGH = TILE / 2, WIDE = 2 * L;  // a tile of sums: HIGH rows of two vectors

struct Field {
    int rows, columns, stride;
    std::vector<float> of;

    void zero(int m, int n) {
        rows = m, columns = n, stride = up(n, 32) + 16;
        of.assign(size_t(up(m, 32) + HIGH) * stride, 0.f);
    }

    static int up(int n, int to) { return (n + to - 1) / to * to; }
    float *row(int i) { return of.data() + size_t(i) * stride; }
    const float *row(int i) const { return of.data() + size_t(i) * stride; }
};

// C = end(A B, i, j), tile by tile; with `upper` only those with an entry on or above the diagonal.
template <class End> KERNEL void product(const Field &a, const Field &b, Field &c, bool upper, End end) {
    const int depth = a.columns;
    for (int j = 0; j < b.columns; j += WIDE)
        for (int i = 0; i < a.rows && !(upper && i >= j + WIDE); i += HIGH) {
            Vector s[HIGH][2] = {};
            const float *left = a.row(i), *right = b.row(0) + j;
            for (int k = 0; k < depth; ++k, ++left, right += b.stride) {
                const Vector first = load(right), second = load(right + L);
                unroll<HIGH>([&](auto r) {
                    const Vector factor = fill(left[r * a.stride]);
                    s[r][0] += factor * first;
                    s[r][1] += factor * second;
                });
            }
            unroll<HIGH>([&](auto r) {
                unroll<2>([&](auto v) {
                    store(c.row(i + r) + j + v * L, end(s[r][v], i + r, j + v * L));
                });
            });
        }
}

// to = fromᵀ; with `mirror` of an upper triangle of tiles: what lies below the diagonal alone.
KERNEL void transposed(const Field &from, Field &to, bool mirror) {
    for (int i = 0; i < from.rows; i += L)
        for (int j = mirror ? i : 0; j < from.columns; j += L) {
            Vector tile[L];
            for (int r = 0; r < L; ++r) tile[r] = load(from.row(i + r) + j);
            if (mirror && i == j) {
                for (int r = 1; r < L; ++r)
                    for (int k = 0; k < r; ++k) tile[r][k] = tile[k][r];
                for (int r = 0; r < L; ++r) store(to.row(j + r) + i, tile[r]);
                continue;
            }
            transpose(tile);
            for (int r = 0; r < L; ++r) store(to.row(j + r) + i, tile[r]);
        }
}

struct Quintic {
    float a, b, c;
};

// X ← A X + (B G + C G²) X for each of the `steps`; X has at most as many rows as columns.
inline void level(Field &x, const Quintic *steps, int64_t count) {
    static thread_local Field turned, gram, factor, next;
    turned.zero(x.columns, x.rows), gram.zero(x.rows, x.rows), factor.zero(x.rows, x.rows);
    next.zero(x.rows, x.columns);
    for (int64_t k = 0; k < count; ++k) {
        const Quintic q = steps[k];
        transposed(x, turned, false);
        product(x, turned, gram, true, [](Vector s, int, int) { return s; });
        transposed(gram, gram, true);
        product(gram, gram, factor, true, [&](Vector s, int i, int j) {
            return q.c * s + q.b * load(gram.row(i) + j);
        });
        transposed(factor, factor, true);
        product(factor, x, next, false, [&](Vector s, int i, int j) {
            return s + q.a * load(x.row(i) + j);  // added last: on the diagonal it would be rounded
        });
        std::swap(x.of, next.of);
    }
}

// `to` = `from` / max(‖from‖_F, least), both (rows, columns), after the steps.
inline void level(const float *from, float *to, int rows, int columns, double least, const Quintic *steps,
                  int64_t count) {
    static thread_local Field x;
    const bool tall = rows > columns;
    x.zero(std::min(rows, columns), std::max(rows, columns));
    double square = 0;
    for (int i = 0; i < rows * columns; ++i) square += double(from[i]) * from[i];
    const float scale = float(1 / std::max(std::sqrt(square), least));
    for (int i = 0; i < rows; ++i)
        for (int j = 0; j < columns; ++j)
            (tall ? x.row(j)[i] : x.row(i)[j]) = from[i * columns + j] * scale;
    level(x, steps, count);
    for (int i = 0; i < rows; ++i)
        for (int j = 0; j < columns; ++j) to[i * columns + j] = tall ? x.row(j)[i] : x.row(i)[j];
}
