// One machine vector: L numbers side by side, in GCC's and Clang's portable vector extension.
//
// Nearly everywhere in this engine its lanes are L different images, so one C++ statement works on
// L images at once. L follows the processor (16 with AVX-512, 8 with AVX2, 4 with NEON or SSE), and
// so does TILE, the number of sums a loop keeps in registers.
#pragma once

#include <cstdint>
#include <cstring>
#include <utility>

#if defined(__AVX512F__)
constexpr int L = 16, TILE = 24;
#elif defined(__AVX__)
constexpr int L = 8, TILE = 12;
#elif defined(__aarch64__)
constexpr int L = 4, TILE = 24;
#else
constexpr int L = 4, TILE = 12;
#endif

#define INLINE inline __attribute__((always_inline))
// A kernel: everything goes into it and it into nothing, so its loops have the registers to themselves.
#define KERNEL __attribute__((noinline, flatten))

typedef float Vector __attribute__((vector_size(4 * L)));
typedef int32_t Integers __attribute__((vector_size(4 * L)));
typedef uint8_t Bytes __attribute__((vector_size(L)));
typedef float Eight __attribute__((vector_size(32)));  // eight numbers, whatever the processor's width

template <int... I, class F> INLINE void unroll(std::integer_sequence<int, I...>, F &&f) {
    (f(std::integral_constant<int, I>{}), ...);
}

// f(0), f(1), … f(N − 1), written out, each argument a constant: arrays indexed by it become registers.
template <int N, class F> INLINE void unroll(F &&f) {
    unroll(std::make_integer_sequence<int, N>{}, static_cast<F &&>(f));
}

INLINE Vector load(const float *from) {  // at any address
    Vector v;
    std::memcpy(&v, from, sizeof v);
    return v;
}

INLINE void store(float *to, Vector v) { std::memcpy(to, &v, sizeof v); }

INLINE Vector fill(float x) { return x - Vector{}; }  // x + 0 would be an addition, −0 becoming 0

INLINE Vector select(Integers which, Vector yes, Vector no) { return which ? yes : no; }

INLINE Vector bits(Integers i) { return (Vector)i; }  // the same bits, read as the other type
INLINE Integers bits(Vector v) { return (Integers)v; }

INLINE float sum(Vector v) {
    float total = 0;
    for (int lane = 0; lane < L; ++lane) total += v[lane];
    return total;
}

#if defined(__clang__)
#define SHUFFLE(a, b, ...) __builtin_shufflevector(a, b, __VA_ARGS__)
#else
#define SHUFFLE(a, b, ...) __builtin_shuffle(a, b, Integers{__VA_ARGS__})
#endif

template <int S, int... J>
INLINE void exchange(Vector &a, Vector &b, std::integer_sequence<int, J...>) {
    const Vector first = SHUFFLE(a, b, (J & S ? L + J - S : J)...);
    b = SHUFFLE(a, b, (J & S ? L + J : J + S)...);
    a = first;
}

template <int S> INLINE void transpose_by(Vector (&rows)[L]) {
    if constexpr (S < L) {
        unroll<L>([&](auto i) {
            if constexpr (!(i & S))
                exchange<S>(rows[i], rows[i + S], std::make_integer_sequence<int, L>{});
        });
        transpose_by<2 * S>(rows);
    }
}

// rows[i][j] ↔ rows[j][i]: log₂ L rounds, each exchanges the halves of blocks of twice the size.
INLINE void transpose(Vector (&rows)[L]) { transpose_by<1>(rows); }

INLINE Vector clamp(Vector x, float low, float high) {
    x = select(x < low, fill(low), x);
    return select(x > high, fill(high), x);
}

// tanh as x P(x²)/Q(x²), a minimax fit of the relative error on [0, 8.7], where float32 reaches 1:
// 1.5e-8 in exact arithmetic, 3.1e-7 as evaluated here. NaN stays NaN.
INLINE Vector tanh(Vector x) {
    x = clamp(x, -8.7f, 8.7f);
    const Vector s = x * x;
    const Vector p =
        (((1.3896798946e-8f * s + 2.0993261885e-5f) * s + 3.5187108476e-3f) * s + 0.13400439369f) * s +
        0.99999998529f;
    const Vector q =
        (((7.9961952841e-7f * s + 3.3235925981e-4f) * s + 2.5964769570e-2f) * s + 0.46733759650f) * s +
        1.f;
    return x * p / q;
}

// eˣ for x ≤ 0, zero below −87: 2ᵏ times a Taylor polynomial on |r| ≤ ln 2 / 2, error 2e-7.
INLINE Vector exp(Vector x) {
    const Integers tiny = x < -87.f;
    x = select(tiny, fill(-87.f), x);
    const Integers k = __builtin_convertvector(x * 1.44269504f - 0.5f, Integers);
    const Vector n = __builtin_convertvector(k, Vector);
    const Vector r = (x - n * 0.693359375f) + n * 2.12194440e-4f;  // ln 2 in two parts
    const Vector p =
        ((((((r * (1 / 5040.f) + 1 / 720.f) * r + 1 / 120.f) * r + 1 / 24.f) * r + 1 / 6.f) * r + .5f) *
             r + 1.f) * r + 1.f;
    return select(tiny, Vector{}, p * bits((k + 127) << 23));
}
