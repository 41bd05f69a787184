// Where everything lies: parameters, their gradient, and the activations of one block of L images.
//
//   image 28×28 ─conv1─ 6×24×24 ─pool, tanh─ 6×12×12 ─conv2─ 16×8×8 ─pool, tanh─ 16×4×4
//         ─fc1, tanh─ 120 ─fc2, tanh─ 84 ─fc3─ 10 ─softmax, cross-entropy
//
// tanh rises, so pooling before it picks the same entry with a quarter of the tanhs; and only the
// entry that won its 2×2 window gets gradient. A window of conv2 with its 6×6 inputs is a tile of
// Winograd's F(2×2, 5×5), a row of conv1's one of F(2, 5), see winograd.h.
#pragma once

#include "vector.h"

constexpr int SIZE = 44426;           // parameters
constexpr int PIXELS = 28 * 28;       // of an image
constexpr int MAPS1 = 6 * 12 * 12;    // numbers after conv1 and its pool
constexpr int MAPS2 = 16 * 4 * 4;     // numbers after conv2 and its pool, which fc1 reads
constexpr int HIDDEN1 = 120, HIDDEN2 = 84, CLASSES = 10;  // outputs of fc1, fc2, fc3

// Offsets into the flat vector of parameters, which is also the order of the gradient.
enum : int {
    FC1_W = 0,                               // (120, 256)
    FC2_W = FC1_W + HIDDEN1 * MAPS2,         // (84, 120)
    CONV2_W = FC2_W + HIDDEN2 * HIDDEN1,     // (16, 6, 5, 5)
    FC3_W = CONV2_W + 16 * 6 * 25,           // (10, 84)
    CONV1_W = FC3_W + CLASSES * HIDDEN2,     // (6, 5, 5)
    FC1_B = CONV1_W + 6 * 25,
    FC2_B = FC1_B + HIDDEN1,
    CONV2_B = FC2_B + HIDDEN2,
    FC3_B = CONV2_B + 16,
    CONV1_B = FC3_B + CLASSES,
};
static_assert(CONV1_B + 6 == SIZE);

// conv2's filters in Winograd's domain: [element of the 6×6 tile][input][output channel].
typedef float Filters[36][6][16];

// Their gradient: [output][row][5 columns × 6 inputs, then 2 unused]: whole vectors. And that of conv1's:
// [channel][row][5 columns, then 3 unused].
typedef float FiltersGradient[16][5][32];
typedef float Filters1Gradient[6][5][8];

// What one thread sums over the images of its share. Rows are padded to whole vectors.
struct alignas(64) Gradient {
    float fc1[HIDDEN1][MAPS2], fc2[HIDDEN2][128], fc3[CLASSES][96];
    FiltersGradient conv2;
    Filters1Gradient conv1;
    // still one sum per lane
    Vector fc1_b[HIDDEN1], fc2_b[HIDDEN2], conv2_b[16], fc3_b[CLASSES], conv1_b[6];
};

typedef Vector Maps1[12][12][6];  // of conv1: [row][column][channel]
typedef Vector Maps2[16][16];     // of conv2: [channel][window]
typedef Vector Tiles[16][36][6];  // conv2's inputs in Winograd's domain: [window][element][channel]

// Activations of L images, one per lane, and the gradients of their losses: what lasts from the
// forward to the backward pass. The dense layers take two blocks at once.
struct alignas(64) Block {
    Vector x[28][28];
    Maps1 a1;                  // after conv1, pool, tanh
    Integers won1[12][12][6];  // which entry of the 2×2 window was largest: 2·row + column
    Maps2 a2;                  // after conv2, pool, tanh
    Integers won2[16][16];
    Vector h1[HIDDEN1], h2[HIDDEN2], z[CLASSES];  // after fc1, fc2 (tanh), fc3

    Vector p[CLASSES];                     // softmax, then dz = softmax − one-hot
    Vector dh2[HIDDEN2], dh1[HIDDEN1];     // before tanh
    Maps2 da2;                             // before tanh
    // the inputs of the dense layers, one row an image
    float a2_rows[L][MAPS2], h1_rows[L][128], h2_rows[L][96];
};

// What the convolutions of one block need and the next block overwrites.
struct alignas(64) Scratch {
    Tiles v, tangent_v;         // of the activations, and of their derivatives along a direction
    Vector rows[6][4][6][12];   // conv2's input gradient, out of the domain along rows alone
    Maps1 da1;                  // before tanh
    // what the gradients of the filters take, one row an image: inputs of conv1 and conv2, the gradients
    // of their outputs, and where the winners' patches begin
    float x_rows[L][PIXELS], da1_rows[L][MAPS1], at1_rows[L][MAPS1 / 2];
    float a1_rows[L][MAPS1 + 16], da2_rows[L][MAPS2], at_rows[L][MAPS2];
};

// Parameters as the stages use them; the dense layers read the flat vector itself.
struct alignas(64) Weights {
    const float *w;
    float conv1[5][6][6];  // [row][element of a tile][channel], divided by 255 where pixels are bytes
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
