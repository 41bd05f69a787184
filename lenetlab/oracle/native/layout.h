// Where everything lies: parameters, their gradient, and the activations of one block of L images.
//
//   image 28×28 ─conv1─ 6×24×24 ─pool, tanh─ 6×12×12 ─conv2─ 16×8×8 ─pool, tanh─ 16×4×4
//         ─fc1, tanh─ 120 ─fc2, tanh─ 84 ─fc3─ 10 ─softmax, cross-entropy
//
// tanh rises, so pooling before it picks the same entry with a quarter of the tanhs; and only the
// entry that won its 2×2 window gets gradient. A window of conv2 with its 6×6 inputs is a tile of
// Winograd's F(2×2, 5×5), see winograd.h.
#pragma once

#include "vector.h"

constexpr int SIZE = 44426;

// Offsets into the flat vector of parameters, which is also the order of the gradient.
enum : int {
    FC1_W = 0,                        // (120, 256)
    FC2_W = FC1_W + 120 * 256,        // (84, 120)
    CONV2_W = FC2_W + 84 * 120,       // (16, 6, 5, 5)
    FC3_W = CONV2_W + 16 * 6 * 25,    // (10, 84)
    CONV1_W = FC3_W + 10 * 84,        // (6, 5, 5)
    FC1_B = CONV1_W + 6 * 25,
    FC2_B = FC1_B + 120,
    CONV2_B = FC2_B + 84,
    FC3_B = CONV2_B + 16,
    CONV1_B = FC3_B + 10,
};
static_assert(CONV1_B + 6 == SIZE);

// conv2's filters in Winograd's domain: [element of the 6×6 tile][input][output channel].
typedef float Filters[36][6][16];

// Their gradient: [output][row][5 columns × 6 inputs, then 2 unused]: whole vectors.
typedef float FiltersGradient[16][5][32];

// What one thread sums over the images of its share. Rows are padded to whole vectors.
struct alignas(64) Gradient {
    float fc1[120][256], fc2[84][128], fc3[10][96];
    FiltersGradient conv2;
    // still one sum per lane
    Vector fc1_b[120], fc2_b[84], conv2_b[16], fc3_b[10];
    Vector conv1[6][26];  // 25 weights and the bias
};

// Activations of L images, one per lane, and the gradients of their losses: what lasts from the
// forward to the backward pass. The dense layers take two blocks at once.
struct alignas(64) Block {
    Vector x[28][28];
    Vector a1[12][12][6];      // after conv1, pool, tanh: [row][column][channel]
    Integers won1[12][12][6];  // which entry of the 2×2 window was largest: 2·row + column
    Vector a2[16][16];         // after conv2, pool, tanh: [channel][window]
    Integers won2[16][16];
    Vector h1[120], h2[84], z[10];  // after fc1, fc2 (tanh), fc3

    Vector p[10];              // softmax, then dz = softmax − one-hot
    Vector dh2[84], dh1[120];  // before tanh
    Vector da2[16][16];        // before tanh: [channel][window]
    // the inputs of the dense layers, one row an image
    float a2_rows[L][256], h1_rows[L][128], h2_rows[L][96];
};

// What the convolutions of one block need and the next block overwrites.
struct alignas(64) Scratch {
    Vector v[16][36][6];        // conv2's input tiles in Winograd's domain: [window][element][channel]
    Vector rows[6][4][6][12];   // conv2's input gradient, out of the domain along rows alone
    Vector da1[12][12][6];      // before tanh
    // conv2's inputs, the gradient of its outputs, and where the winners' patches begin; one row an image
    float a1_rows[L][864 + 16], da2_rows[L][256], at_rows[L][256];
};

// Parameters as the stages use them; the dense layers read the flat vector itself.
struct alignas(64) Weights {
    const float *w;
    float conv1[25][6];  // [tap][channel], divided by 255 where pixels are bytes
    Filters conv2;
};

// `in` (IN vectors, lanes are images) as rows, one an image; what is beyond IN stays as it is.
template <int IN, int STRIDE> INLINE void to_rows(const Vector *in, float (&rows)[L][STRIDE]) {
    for (int i = 0; i < IN; i += L) {
        Vector part[L];
        unroll<L>([&](auto k) { part[k] = i + k < IN ? in[i + k] : Vector{}; });
        transpose(part);
        unroll<L>([&](auto n) { store(&rows[n][i], part[n]); });
    }
}
